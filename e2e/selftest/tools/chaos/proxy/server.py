"""A proxy between browser and chat that passes everything on, until it is given something worse to do.

It is a thread with an event loop. It speaks HTTP/1.1 with one request per connection to the server, and raw bytes after
a WebSocket was opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from e2e.selftest.tools.chaos.proxy.messages import MOST_HEAD, Request, Response, read_request, read_response

_STOP_S = 5.0
_PIECE = 1 << 16


@dataclass(slots=True)
class Exchange:
    """One request, and the connection on which its response is due."""

    request: Request
    client: asyncio.StreamWriter
    _reader: asyncio.StreamReader
    _server: tuple[str, int]

    async def pass_on(
        self, change: Callable[[bytes], Awaitable[bytes]] | None = None, *, at_most: int | None = None
    ) -> None:
        """Send the request to the server and its response back, piece by piece as it comes.

        ``change`` gets each piece of the response. After ``at_most`` bytes of it the connection is cut.
        """
        reader, writer = await asyncio.open_connection(*self._server)
        upward = asyncio.ensure_future(self._upward(writer))
        try:
            writer.write(self.request.bytes())
            left = at_most
            while piece := await reader.read(_PIECE):
                piece = piece if change is None else await change(piece)
                self.client.write(piece if left is None else piece[:left])
                await self.client.drain()
                left = None if left is None else left - len(piece)
                if left is not None and left <= 0:
                    return self.cut()
        finally:
            upward.cancel()
            writer.close()

    async def _upward(self, writer: asyncio.StreamWriter) -> None:
        """What the client sends after its request; its end is passed on too, or the server would go on with a reply that nobody reads."""
        with contextlib.suppress(ConnectionError):
            while piece := await self._reader.read(_PIECE):
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()

    async def response(self) -> Response:
        """The server's whole response, held back."""
        reader, writer = await asyncio.open_connection(*self._server)
        try:
            writer.write(self.request.bytes())
            return await read_response(reader)
        finally:
            writer.close()

    async def send(self, data: bytes) -> None:
        """Write to the client, as fast as it reads."""
        self.client.write(data)
        await self.client.drain()

    def cut(self) -> None:
        """End the connection with a reset."""
        self.client.transport.abort()


Behaviour = Callable[[Exchange], Awaitable[None]]
"""What the proxy does with one request; ``None`` passes it on."""


class Proxy:
    """A proxy that runs. `behaviour` may be replaced at any moment, from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: tuple[str, int]) -> None:
        self._loop = loop
        self._upstream = server
        self._open: set[asyncio.StreamWriter] = set()
        self._sockets: set[asyncio.StreamWriter] = set()
        """Those of them that are WebSockets."""
        self._listener: asyncio.Server | None = None
        self.port = 0
        self.script = ""
        """Put at the begin of every HTML page."""
        self.requests = 0
        self.spoiled = 0
        """Requests and open connections that `behave` or `refuse` did something to."""
        self._behave: Callable[[Request], Behaviour | None] = lambda _: None

    @classmethod
    @contextlib.contextmanager
    def start(cls, host: str, port: int) -> Iterator[Proxy]:
        """Serve what ``host``:``port`` serves, on a free port of 127.0.0.1, until the block ends."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="chaos-proxy", daemon=True)
        thread.start()
        proxy = cls(loop, (host, port))
        try:
            asyncio.run_coroutine_threadsafe(proxy._listen(0), loop).result(_STOP_S)
            yield proxy
        finally:
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(proxy._end(), loop).result(_STOP_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_STOP_S)
            if not thread.is_alive():
                loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def behave(
        self,
        choose: Callable[[Request], Behaviour | None],
        *,
        cut_open: bool = False,
        cut_sockets: bool = False,
    ) -> None:
        """From now on ``choose`` decides what happens to each request.

        ``cut_open`` cuts the connections that are open, ``cut_sockets`` the WebSockets: they are opened again, as a request.
        """
        self._behave = choose
        if cut_open or cut_sockets:
            self._loop.call_soon_threadsafe(self._cut, self._open if cut_open else self._sockets)

    def refuse(self) -> None:
        """Listen no longer, and cut what is open: the next connection is refused."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self._loop).result(_STOP_S)

    async def _listen(self, port: int) -> None:
        self._listener = await asyncio.start_server(self._connection, "127.0.0.1", port, limit=MOST_HEAD)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self.spoiled += 1
        self._cut(self._open)

    def _cut(self, connections: set[asyncio.StreamWriter]) -> None:
        self.spoiled += len(connections)
        for writer in list(connections):
            writer.transport.abort()

    async def _end(self) -> None:
        await self._refuse()
        mine = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            request = await read_request(reader)
            if request is not None:
                self.requests += 1
                if request.upgrades:
                    self._sockets.add(writer)
                behave = self._behave(request)
                self.spoiled += behave is not None
                await (behave or self._ordinary)(Exchange(request, writer, reader, self._upstream))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return  # a client or a server that went away: the other side sees its connection close
        except asyncio.CancelledError:
            return  # the proxy ends; Python 3.11 would print a traceback for each connection
        finally:
            self._open.discard(writer)
            self._sockets.discard(writer)
            writer.close()

    async def _ordinary(self, exchange: Exchange) -> None:
        request = exchange.request
        if not self.script or request.method != "GET" or "text/html" not in request.header("accept"):
            await exchange.pass_on()
            return
        response = await exchange.response()
        if response.header("content-type").startswith("text/html"):
            tag = f"<script>{self.script}</script>".encode()
            response.body = response.body.replace(b"<head>", b"<head>" + tag, 1)
        await exchange.send(response.bytes())
