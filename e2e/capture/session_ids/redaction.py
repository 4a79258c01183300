"""Secrets out of everything written: session IDs become references, free text is searched for them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from urllib.parse import quote, urlsplit, urlunsplit

from e2e.capture.session_ids.identity import KnownIds, word_prefix

MASK_KEY_VARIABLE = "CHAT_E2E_MASK_KEY"
"""Environment variable with a masking key to be shared by the shards of one nightly, so that their references compare."""

_REFERENCE_DIGITS = 12  # 48 bits: 10,000 IDs share a reference by chance with probability 1.8e-7

_SHORT, _REMEMBERED = 500, 256
"""Characters of a text that is remembered as clean, and how many such texts are: to look for 2,000 IDs took 10 ms a text."""


class Redactor:
    """Turns session IDs into references, or leaves them when ``show``.

    A reference keeps the ID's wordy prefix and ends in a keyed hash: equal IDs have equal references under one key, also in another
    encoding (`KnownIds`), and without the key an ID cannot be looked up by trying candidates.
    """

    def __init__(self, *, show: bool = False, key: str | None = None) -> None:
        self.show = show
        self._key = (key or os.environ.get(MASK_KEY_VARIABLE) or secrets.token_hex(32)).encode()
        self._known: dict[str, str] = {}
        self._forms: list[tuple[str, str]] = []
        """Each form in which a known ID may be in a text, and the ID's reference, in the order in which they became known."""
        self._clean: dict[str, int] = {}
        """A text -> how many of the forms are not in it. The same few keys and addresses come with each chat."""
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
            self._forms += ((form, known) for form in _forms(session_id))
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
            for form, reference in self._ids_in(text):
                text = text.replace(form, reference)
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def _ids_in(self, text: str) -> list[tuple[str, str]]:
        """The forms of known IDs that are in ``text``, the longest first: an ID may begin with another one."""
        found = [pair for pair in self._forms[self._clean.pop(text, 0) :] if pair[0] in text]
        if not found and len(text) <= _SHORT:
            self._clean[text] = len(self._forms)
            if len(self._clean) > _REMEMBERED:
                del self._clean[next(iter(self._clean))]
        return sorted(found, key=lambda pair: -len(pair[0]))

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
        return f"{word_prefix(session_id)}…{digest[:_REFERENCE_DIGITS]}"


def _forms(session_id: str) -> tuple[str, ...]:
    """The ID as it may be in a text: itself, and as encoders write it into an address, once or twice."""
    if len(session_id) < 4:  # such a short one is in half of all texts by chance
        return ()
    encoded = quote(session_id, safe="!'()*", errors="replace")
    if encoded == session_id:
        return (session_id,)
    return (session_id, encoded, quote(session_id, errors="replace"), quote(encoded))
