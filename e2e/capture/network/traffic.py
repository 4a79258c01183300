"""The last requests and frames of a lane, whatever the profile says of them: searched for IDs in the end. Held in memory, never written."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Any

from e2e.capture.network.bodies.encodings import Body, body_of, frame_of
from e2e.capture.network.bodies.parsing import payload_of
from e2e.framings.base.decoder import Decoder

_BINARY = 2  # opcode (RFC 6455, section 5.2)
_MOST = 400
_MOST_CHARACTERS = 1 << 23


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, or one frame of a socket with the socket's own address."""

    method: str
    """``SEND`` for a frame."""
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    """None: the browser did not give it."""

    @property
    def value(self) -> Any:
        """The body as JSON or a form, or None."""
        kind = next((v for k, v in self.headers.items() if k.lower() == "content-type"), "")
        return payload_of(self.body.data, kind) if self.body is not None else None


@dataclass(frozen=True, slots=True)
class Decoded:
    """How the frames of one connection, or bodies, could be read by a framing."""

    url: str
    framing: str
    frames: int
    undecoded: int
    replaced: int
    """Those that are text but for some bytes."""


class Traffic:
    """A bounded memory of what left, and what of it could be decoded."""

    def __init__(self) -> None:
        self._decoded: dict[tuple[str, str], Decoded] = {}
        self._seen: deque[Seen] = deque()
        self._characters = 0

    def add(self, seen: Seen) -> None:
        # Nearly all requests of a page have the same headers: kept once, they are half of what a request takes.
        headers = {intern(name): intern(value) for name, value in seen.headers.items()}
        seen = replace(seen, headers=headers)
        self._seen.append(seen)
        self._characters += _size(seen)
        while len(self._seen) > _MOST or (self._characters > _MOST_CHARACTERS and len(self._seen) > 1):
            self._characters -= _size(self._seen.popleft())

    def decoded(self, connection: str, url: str, framing: str, decoder: Decoder) -> None:
        """What a decoder has read of a connection so far."""
        if decoder.undecoded or decoder.replaced:
            counts = Decoded(url, framing, decoder.frames, decoder.undecoded, decoder.replaced)
            self._decoded[connection, framing] = counts

    @property
    def not_all_decoded(self) -> tuple[Decoded, ...]:
        """The connections with frames that could not be read as they are, in both directions."""
        return tuple(self._decoded.values())

    @property
    def seen(self) -> tuple[Seen, ...]:
        return tuple(self._seen)


def body_of_frame(data: str | bytes) -> Body:
    """A frame's payload as a body."""
    return body_of(data, {})


def data_of(e: Mapping[str, Any]) -> str | bytes:
    """What a frame carried; decompressed, when it is compressed as a whole."""
    text: str = e["response"]["payloadData"]
    return frame_of(base64.b64decode(text)) if e["response"].get("opcode") == _BINARY else text


def _size(seen: Seen) -> int:
    return len(seen.url) + (seen.body.size if seen.body is not None else 0)
