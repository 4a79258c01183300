"""HTTP/1.1 as far as the proxy needs it: heads, bodies, chunks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

MOST_HEAD = 1 << 17


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a client sent: head and body."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def upgrades(self) -> bool:
        """It opens a WebSocket."""
        return self.header("upgrade").lower() == "websocket"

    @property
    def carries_chat(self) -> bool:
        """It belongs to the chat's interface; the others load the page."""
        return self.upgrades or self.path.startswith(("/api/", "/lab/sw/", "/socket.io/"))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def bytes(self) -> bytes:
        """The request as it goes to the server: one per connection, and nothing compressed."""
        changed = {"accept-encoding": "identity"} | ({} if self.upgrades else {"connection": "close"})
        kept = [(k, v) for k, v in self.headers if k.lower() not in changed]
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in [*kept, *changed.items()])]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


@dataclass(slots=True)
class Response:
    """A response that was read to its end."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def head(self, *without: str, **changed: str) -> bytes:
        """Status line and headers; ``changed`` names have ``_`` for ``-``."""
        new = {name.replace("_", "-"): value for name, value in changed.items()}
        dropped = {"transfer-encoding", "content-length", "connection", *without, *new}
        kept = [(k, v) for k, v in self.headers if k.lower() not in dropped]
        lines = [f"HTTP/1.1 {self.status} Drawn", *(f"{k}: {v}" for k, v in [*kept, *new.items()])]
        return "\r\n".join([*lines, "connection: close"]).encode("latin-1") + b"\r\n\r\n"

    def bytes(self) -> bytes:
        return self.head(content_length=str(len(self.body))) + self.body


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    request = Request(method, path, _fields(lines), b"")
    length = int(request.header("content-length") or 0)
    body = await reader.readexactly(length) if length else b""
    return Request(method, path, request.headers, body)


async def read_response(reader: asyncio.StreamReader) -> Response:
    """A whole response, its chunks joined. The server closes the connection after it."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    response = Response(int(first.split(" ")[1]), list(_fields(lines)))
    body = await reader.read()
    chunked = response.header("transfer-encoding").lower() == "chunked"
    response.body = b"".join(_chunks(body)) if chunked else body
    return response


def _fields(lines: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = (line.partition(":") for line in lines)
    return tuple((name, value.strip()) for name, _, value in pairs)


def _chunks(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if length == 0:
            break
        found.append(rest[:length])
        data = rest[length + 2 :]
    return found
