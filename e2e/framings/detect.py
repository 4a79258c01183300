"""Which framing a connection has, by its address, its subprotocol and its first frames."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from e2e.framings.base.first_frame import FirstFrame
from e2e.framings.registry import FRAMINGS

_FRAMES, _LENGTH = 50, 1 << 20  # how many frames are looked at, and how long one may be
_SUBPROTOCOL = 0.95  # confidence in what the handshake agreed on
_CONTRADICTED = 0.2  # what is left of a hint when no frame has the sign of the framing


def detect(
    frames: Sequence[tuple[bool, str | bytes]], url: str, protocol: str | None
) -> list[tuple[str, float]]:
    """Framings that the connection may have, ``(name, confidence from 0 to 1)``, the best first.

    ``frames`` are the first ones as ``(sent, data)``, ``protocol`` is the subprotocol the handshake agreed on. Hints
    (address, subprotocol) count until the frames contradict them. JSON without a protocol's marks is ``json``.
    """
    hints = _hints(url, protocol)
    seen = [FirstFrame(data) for _, data in frames[:_FRAMES] if len(data) <= _LENGTH]
    found: list[tuple[str, float]] = []
    for name, framing in FRAMINGS.items():
        hint = hints.get(name, 0.0)
        signs = [sign for frame in seen if (sign := framing.decoder.is_sign(frame)) is not None]
        share = sum(signs) / len(signs) if signs else 0.0
        if signs and share == 0:
            hint *= _CONTRADICTED
        confidence = 1 - (1 - hint) * (1 - framing.confidence * share)
        if confidence > 0:
            found.append((name, round(confidence, 3)))
    return sorted(found, key=lambda item: -item[1])


def _hints(url: str, protocol: str | None) -> dict[str, float]:
    try:
        parts = urlsplit(url)
        address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    except ValueError:
        address = ""
    hints: dict[str, float] = {}
    for name, framing in FRAMINGS.items():
        found = [hint for pattern, hint in framing.addresses if pattern.search(address)]
        if found:
            hints[name] = max(found)
    agreed = {word.strip() for word in (protocol or "").lower().split(",")}
    for name, framing in FRAMINGS.items():
        if agreed & set(framing.subprotocols):
            hints[name] = _SUBPROTOCOL
    return hints
