"""WebSocket pages with plain frames: a connection, its messages, replies that run side by side."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from e2e.selftest.lab.backend import Answer, Backend, Cut, Refused, Visit


class Connection(ABC):
    """One open WebSocket. A framing says how frames are read and how each part of a reply is written."""

    name: ClassVar[str]
    path: ClassVar[str]
    subprotocol: ClassVar[str | None] = None

    def __init__(self, backend: Backend, socket: WebSocket) -> None:
        self.backend = backend
        self.socket = socket
        self.visit = Visit.of(socket)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the page goes."""
        try:
            await self.opened()
            while True:
                frame = await self.socket.receive()
                if frame["type"] == "websocket.disconnect":
                    return
                await self.received(frame.get("text") or frame["bytes"].decode())
        except WebSocketDisconnect:
            return
        finally:
            for task in self._under_way:
                task.cancel()

    async def opened(self) -> None:
        """Accept; a framing that says something first adds it."""
        await self.socket.accept(subprotocol=self.subprotocol)

    @abstractmethod
    async def received(self, text: str) -> None:
        """Read one frame."""

    async def write(self, data: Any) -> None:
        """Send one frame."""
        await self.socket.send_text(json.dumps(data))

    def reply(self, session: str | None, text: str, to: Any) -> None:
        """Begin the reply to a message, beside whatever else is under way."""
        self.beside(self._reply(session, text, to))

    def beside(self, work: Any) -> None:
        """Run a coroutine until it ends or the connection does."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _reply(self, session: str | None, text: str, to: Any) -> None:
        try:
            answer = self.backend.answer(self.name, session, text, self.visit)
            await self.begin(to, answer)
            async for token in answer.tokens():
                await self.token(to, token)
            await self.end(to, answer)
        except Refused as error:
            await self.refuse(to, error)
        except Cut:
            await self.socket.close(1011)
        except (WebSocketDisconnect, RuntimeError):
            return  # the page went while it was being answered

    @abstractmethod
    async def begin(self, to: Any, answer: Answer) -> None: ...

    @abstractmethod
    async def token(self, to: Any, token: str) -> None: ...

    @abstractmethod
    async def end(self, to: Any, answer: Answer) -> None: ...

    @abstractmethod
    async def refuse(self, to: Any, error: Refused) -> None: ...


class Text(Connection):
    """JSON in text frames; each reply frame names its request."""

    name = "ws-text"
    path = "/ws/text"

    async def received(self, text: str) -> None:
        fields = json.loads(text)
        self.reply(fields["session"], fields["message"], {"id": fields["id"]} if "id" in fields else {})

    async def begin(self, to: Any, answer: Answer) -> None:
        await self.write({**to, "type": "start", "provider": answer.provider})

    async def token(self, to: Any, token: str) -> None:
        await self.write({**to, "type": "token", "token": token})

    async def end(self, to: Any, answer: Answer) -> None:
        await self.write({**to, "type": "done"})

    async def refuse(self, to: Any, error: Refused) -> None:
        await self.write({**to, "type": "error", "status": error.status, "error": error.code})


class Binary(Text):
    """The same as UTF-8 in binary frames."""

    name = "ws-binary"
    path = "/ws/binary"

    async def write(self, data: Any) -> None:
        await self.socket.send_bytes(json.dumps(data).encode())


class Next(Text):
    """No IDs: one reply after the other, each up to its ``done``."""

    name = "ws-next"
    path = "/ws/next"

    def __init__(self, backend: Backend, socket: WebSocket) -> None:
        super().__init__(backend, socket)
        self._turn = asyncio.Lock()

    async def _reply(self, session: str | None, text: str, to: Any) -> None:
        async with self._turn:
            await super()._reply(session, text, to)


def route(backend: Backend, framing: type[Connection]) -> WebSocketRoute:
    """The address of one framing."""

    async def endpoint(socket: WebSocket) -> None:
        await framing(backend, socket).run()

    return WebSocketRoute(framing.path, endpoint)
