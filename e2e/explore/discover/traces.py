"""Where a text is in the traffic, whatever encodes it there: base64, hexadecimal digits, percent-encoding, UTF-16."""

from __future__ import annotations

import base64
import functools
from urllib.parse import unquote

from e2e.explore.discover.watcher import Payload


@functools.lru_cache(maxsize=256)
def encodings(text: str) -> tuple[tuple[str, str], ...]:
    """``(form, encoded)``: how ``text`` may be inside a longer one. ``""`` is as it is."""
    raw = text.encode()
    found = [("", text), ("in hexadecimal digits", raw.hex()), ("backwards", text[::-1])]
    if "-" in text:
        found.append(("without its dashes", text.replace("-", "")))
    for shift in range(3):
        # The digits that the neighbours of the text share with it are cut off.
        coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        core = coded[(0, 2, 3)[shift] : len(coded) - (1 if (len(raw) + shift) % 3 else 0)]
        found.append(("in base64", core))
        found.append(("in base64", core.replace("+", "-").replace("/", "_")))
    return tuple(dict.fromkeys((form, code) for form, code in found if len(code) >= 6 or form == ""))


def form_inside(text: str, value: str) -> str | None:
    """How ``value`` is inside ``text``: ``""`` as it is, ``"in base64"``, …; None when it is not."""
    for form, code in encodings(value):
        if code in text:
            return form
    plain = unquote(text)
    if plain != text and value in plain:
        return "percent-encoded"
    return None


def carries(payload: Payload, value: str) -> bool:
    """Whether ``value`` is anywhere in a payload: its URL, its body in any encoding."""
    return (
        form_inside(payload.url, value) is not None
        or form_inside(payload.text, value) is not None
        or (isinstance(payload.body, bytes) and value.encode("utf-16-le") in payload.body)
    )
