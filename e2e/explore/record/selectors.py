"""Playwright's own selectors (``internal:role=button[name="Send"i]``) as a profile's locators."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from e2e.explore.discover.candidates import Spec
from e2e.explore.discover.values import id_likeness

_ROLE = re.compile(r'^internal:role=([a-z]+)(?:\[name="((?:[^"\\]|\\.)*)"([si]?)\])?$')
_ATTRIBUTE = re.compile(r'^internal:(?:attr|testid)=\[([\w-]+)="((?:[^"\\]|\\.)*)"([si]?)\]$')
_TEXT = re.compile(r'^internal:(label|text|has-text)=("(?:[^"\\]|\\.)*")([si]?)$')
_NTH = re.compile(r"^nth=(-?\d+)$")
_KINDS = {"placeholder": "placeholder", "title": "title", "data-testid": "test_id"}
_FRAME = "internal:control=enter-frame"


def frames_and_rest(selector: str) -> tuple[tuple[str, ...], list[str]]:
    """CSS of the frames that a selector enters, and its parts inside the innermost one."""
    frames: list[str] = []
    parts: list[str] = []
    for part in split(selector):
        if part == _FRAME and parts:
            frames.append(" >> ".join(parts))
            parts = []
        else:
            parts.append(part)
    return tuple(frames), parts


def locator_of(parts: Sequence[str]) -> Spec | None:
    """The locator for the parts of one selector; None when a profile has none for it."""
    found: Spec | None = None
    for part in parts:
        nth = _NTH.match(part)
        if nth is not None:
            if found is None or "nth" in found:
                return None
            found = {**found, "nth": int(nth[1])}
            continue
        text = _TEXT.match(part)
        if text is not None and text[1] == "has-text":
            if found is None or "css" not in found or "nth" in found:
                return None
            found = {**found, "css": f"{found['css']}:has-text({text[2]})"}
            continue
        one = _one(part)
        if one is None:
            return None
        found = one if found is None else {**one, "within": found}
    return found


def locator(selector: str) -> Spec | None:
    """The locator for a selector without frames; None when a profile has none for it."""
    frames, parts = frames_and_rest(selector)
    return None if frames or not parts else locator_of(parts)


def _one(part: str) -> Spec | None:
    role = _ROLE.match(part)
    if role is not None:
        name: Spec = {} if role[2] is None else {"name": _unescaped(role[2]), **_exact(role[3])}
        return {"role": role[1], **name}
    attribute = _ATTRIBUTE.match(part)
    if attribute is not None:
        kind, value = _KINDS.get(attribute[1]), _unescaped(attribute[2])
        if kind == "test_id":
            return {"test_id": value}
        if kind is not None:
            return {kind: value, **_exact(attribute[3])}
        return {"css": f"[{attribute[1]}={json.dumps(value, ensure_ascii=False)}]"}
    text = _TEXT.match(part)
    if text is not None:
        return {text[1]: json.loads(text[2]), **_exact(text[3])}
    if part.startswith(("internal:", "xpath=", "//", "text=", "_", "id=", "role=", "visible=", "aria-ref=")):
        return None
    return {"css": part.removeprefix("css=")}


def _exact(flag: str) -> Spec:
    return {"exact": True} if flag == "s" else {}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def split(selector: str) -> list[str]:
    """The parts between ``>>``, which may stand in quotes too."""
    parts: list[str] = []
    current, quote, escaped = "", "", False
    at = 0
    while at < len(selector):
        char = selector[at]
        if quote:
            current += char
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
            current += char
        elif selector.startswith(">>", at):
            parts.append(current.strip())
            current = ""
            at += 1
        else:
            current += char
        at += 1
    return [part for part in (*parts, current.strip()) if part]


def is_lasting(spec: Spec, typed: Sequence[str]) -> bool:
    """Whether a locator may find the element again in another chat: it holds no text of a message and nothing like an ID."""
    texts = [
        str(spec[key]) for key in ("name", "label", "placeholder", "test_id", "text", "title") if key in spec
    ]
    if any(one and one.lower() in text.lower() for one in typed for text in texts):
        return False
    if any(id_likeness(word) > 0.75 for text in texts for word in text.split()):
        return False
    inner = spec.get("within")
    return is_lasting(inner, typed) if isinstance(inner, dict) else True
