"""Secrets out of everything written: session IDs become references, free text is searched for them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from urllib.parse import quote, urlsplit, urlunsplit

from e2e.capture.session_ids.identity import KnownIds, wordy_prefix

MASK_KEY_VARIABLE = "CHAT_E2E_MASK_KEY"
"""Environment variable with a masking key to be shared by the shards of one nightly, so that their references compare."""

_REFERENCE_DIGITS = 12  # 48 bits: 10,000 IDs share a reference by chance with probability 1.8e-7


class Redactor:
    """Turns session IDs into references, or leaves them when ``show``.

    A reference keeps the ID's wordy prefix and ends in a keyed hash: equal IDs have equal references under one key, also in another
    encoding (`KnownIds`), and without the key an ID cannot be looked up by trying candidates.
    """

    def __init__(self, *, show: bool = False, key: str | None = None) -> None:
        self.show = show
        self._key = (key or os.environ.get(MASK_KEY_VARIABLE) or secrets.token_hex(32)).encode()
        self._known: dict[str, str] = {}
        self._ids = KnownIds()
        self._secrets: set[str] = set()

    @property
    def fingerprint(self) -> str:
        """Tells whether two runs were masked with one key, and not what the key is."""
        if self.show:
            return "clear"
        return hmac.new(self._key, b"fingerprint", hashlib.sha256).hexdigest()[:12]

    def reference(self, session_id: str) -> str:
        """The reference of a session ID. Seeing it here also takes it out of every later `text`."""
        known = self._known.get(session_id)
        if known is None:
            own = self._ids.resolve(session_id)
            known = self._known[session_id] = own if self.show else self._mask(own)
        return known

    def digest(self, text: str) -> str:
        """A keyed hash of a part of an ID, for equality only; unlike `reference` it remembers nothing."""
        return hmac.new(
            self._key, b"part:" + text.encode(errors="surrogatepass"), hashlib.sha256
        ).hexdigest()[:_REFERENCE_DIGITS]

    def hide(self, secret: str) -> None:
        """Take ``secret`` (a token, a password) out of every later `text`, also when IDs are shown."""
        if secret:
            self._secrets.add(secret)

    def text(self, text: str, *, limit: int = 2000) -> str:
        """Free text (an error, a URL's path) without any session ID that was seen so far."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        if text and not self.show:
            known = ((form, ref) for raw, ref in self._known.items() for form in _forms(raw) if form in text)
            for form, reference in sorted(
                known, key=lambda pair: -len(pair[0])
            ):  # an ID may begin with another one
                text = text.replace(form, reference)
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def url(self, url: str) -> str:
        """An address without credentials, query and fragment: all three may hold secrets."""
        if self.show:
            return url
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # a script may call itself anything (sourceURL)
            return "(no address)"
        if ":" in host:
            host = f"[{host}]"
        if port:
            host += f":{port}"
        return self.text(urlunsplit((parts.scheme, host, parts.path, "", "")))

    def _mask(self, session_id: str) -> str:
        digest = hmac.new(self._key, session_id.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        return f"{wordy_prefix(session_id)}…{digest[:_REFERENCE_DIGITS]}"


def _forms(session_id: str) -> tuple[str, ...]:
    """The ID as it may be in a text: itself, and as encoders write it into an address, once or twice."""
    if len(session_id) < 4:  # such a short one is in half of all texts by chance
        return ()
    encoded = quote(session_id, safe="!'()*", errors="replace")
    if encoded == session_id:
        return (session_id,)
    return (session_id, encoded, quote(session_id, errors="replace"), quote(encoded))
