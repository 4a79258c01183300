"""The lab's server: pages, and one small backend behind all of them."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from e2e.capture.bodies import payload_of
from e2e.selftest.transports.pages import PAGES

_SCRIPT = Path(__file__).with_name("lab.js").read_text(encoding="utf-8")
_FUNCTIONS = Path(__file__).with_name("functions.html").read_text(encoding="utf-8")
_CHUNKS = 4
_WORKER = """onmessage = async (e) => { const m = JSON.parse(e.data);
  const a = await fetch('/lab/chat', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: e.data}); postMessage({...(await a.json()), of: m.id}); };"""
_SHARED = """onconnect = (c) => { const port = c.ports[0]; port.onmessage = async (e) => { const m = JSON.parse(e.data);
  const a = await fetch('/lab/chat', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: e.data}); port.postMessage({...(await a.json()), of: m.id}); }; };"""
_SERVICE = """self.addEventListener('install', () => self.skipWaiting()); self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (e) => { if (e.request.url.includes('/lab/chat')) e.respondWith(fetch(e.request)); });"""


class _Backend:
    def __init__(self) -> None:
        self.providers: dict[str, str] = {}
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)
        self.lottery = random.Random(7)

    def provider(self, session: str) -> str:
        return self.providers.setdefault(session, f"prov_{self.lottery.randint(1, 9)}")

    def answer(self, session: str, text: str) -> dict[str, str]:
        return {"provider": self.provider(session), "text": f"Echo: {text}"}

    def pieces(self, session: str, text: str) -> list[dict[str, Any]]:
        words = [{"text": f"{word} "} for word in f"Echo: {text}".split(" ")][:_CHUNKS]
        return [{"provider": self.provider(session), "text": ""}, *words, {"last": True}]


class _Endpoints:
    """What the pages ask."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.back = _Backend()

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name == "functions":
            return HTMLResponse(_FUNCTIONS)
        if name not in PAGES:
            return Response("no such page", 404)
        one, query = PAGES[name], f"?{request.url.query}" if request.url.query else ""
        if one.html:
            return HTMLResponse(one.html.replace("{query}", query).replace("{port}", str(self.port)))
        html = (
            f"<!doctype html><title>{name}</title><body {one.body}><script>{_SCRIPT}\n{one.script}</script>"
        )
        answer = HTMLResponse(html)
        if "httponly" in one.body and "lab_hidden" not in request.cookies:
            answer.set_cookie("lab_hidden", f"lab_{uuid.uuid4()}", httponly=True, samesite="lax")
        return answer

    async def new(self, request: Request) -> Response:
        answer = Response(status_code=204)
        if request.query_params.get("bug") != "stale":
            answer.set_cookie("lab_hidden", f"lab_{uuid.uuid4()}", httponly=True, samesite="lax")
        return answer

    async def told(self, request: Request) -> tuple[str, str, str]:
        """Session, text and ID of a message, wherever they stand."""
        kind = request.headers.get("content-type", "")
        said: dict[str, Any] = {}
        if "form" in kind:
            fields: dict[str, Any] = payload_of(await request.body(), kind) or {}
            said = {k: v for k, v in fields.items() if isinstance(v, str)}
        else:
            said = json.loads(await request.body())
            if isinstance(said.get("data"), str):
                said = json.loads(said["data"])
        session = (
            said.get("session")
            or request.query_params.get("session")
            or request.path_params.get("session")
            or request.headers.get("x-session-id")
            or request.cookies.get("lab_session")
            or request.cookies.get("lab_hidden", "")
        )
        return str(session), str(said["text"]), str(said.get("id", ""))

    async def chat(self, request: Request) -> Response:
        session, text, _ = await self.told(request)
        form = request.query_params.get("form")
        if form in ("sse", "ndjson"):

            async def stream() -> AsyncIterator[str]:
                for piece in self.back.pieces(session, text):
                    yield f"data: {json.dumps(piece)}\n\n" if form == "sse" else json.dumps(piece) + "\n"
                    await asyncio.sleep(0.005)

            return StreamingResponse(
                stream(), media_type="text/event-stream" if form == "sse" else "application/x-ndjson"
            )
        answer = self.back.answer(session, text)
        return JSONResponse(answer, headers={"x-provider": answer["provider"]})

    async def send(self, request: Request) -> Response:
        session, text, message = await self.told(request)
        for piece in self.back.pieces(session, text):
            self.back.queues[session].put_nowait({**piece, "of": message})
        return JSONResponse({"id": message}, 202)

    async def events(self, request: Request) -> Response:
        queue = self.back.queues[request.query_params["session"]]

        async def stream() -> AsyncIterator[str]:
            while not await request.is_disconnected():
                try:
                    piece = await asyncio.wait_for(queue.get(), 0.5)
                except TimeoutError:
                    continue
                yield f"event: {'end' if piece.get('last') else 'token'}\ndata: {json.dumps(piece)}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def poll(self, request: Request) -> Response:
        queue = self.back.queues[request.query_params["session"]]
        try:
            first = await asyncio.wait_for(queue.get(), 3)
        except TimeoutError:
            return JSONResponse([])
        pieces = [first]
        while not queue.empty():
            pieces.append(queue.get_nowait())
        return JSONResponse(pieces)

    async def socket(self, ws: WebSocket) -> None:
        kind = ws.path_params["kind"]
        await ws.accept("graphql-transport-ws" if kind == "graphql" else None)
        try:
            if kind == "socketio":
                await ws.send_text('0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
            while True:
                raw = await ws.receive()
                if raw["type"] == "websocket.disconnect":
                    return
                data = raw.get("text") or (raw.get("bytes") or b"").decode()
                for frame in _answers(kind, data, self.back):
                    if ws.query_params.get("binary"):
                        await ws.send_bytes(frame.encode())
                    else:
                        await ws.send_text(frame)
        except WebSocketDisconnect:
            return


def _script(text: str) -> Any:
    async def serve(_: Request) -> Response:
        return Response(text, media_type="text/javascript")

    return serve


def _app(port: int) -> Starlette:
    ends = _Endpoints(port)
    return Starlette(
        routes=[
            Route("/lab/new", ends.new, methods=["POST"]),
            Route("/lab/chat", ends.chat, methods=["POST"]),
            Route("/lab/chats/{session}/messages", ends.chat, methods=["POST"]),
            Route("/lab/send", ends.send, methods=["POST"]),
            Route("/lab/events", ends.events),
            Route("/lab/poll", ends.poll),
            Route("/lab/worker.js", _script(_WORKER)),
            Route("/lab/shared.js", _script(_SHARED)),
            Route("/lab/sw.js", _script(_SERVICE)),
            WebSocketRoute("/lab/ws/{kind}", ends.socket),
            Route("/lab/{name}", ends.page),
            Route("/lab/{name}/c/{session}", ends.page),
        ]
    )


def _answers(kind: str, data: str, back: _Backend) -> list[str]:
    """The frames with which each protocol answers one of the page's."""
    if kind == "socketio":
        if data == "40":
            return ['40{"sid":"y"}', '42["presence",{"n":1}]']
        if not data.startswith("42"):
            return []
        start = data.index("[")
        message = json.loads(data[start:])[1]
        return [
            '42["typing",{}]',
            f"43{data[2:start]}[{json.dumps(back.answer(message['session'], message['text']))}]",
        ]
    if kind == "signalr":
        return [
            frame for record in data.split("\x1e") if record for frame in _signalr(json.loads(record), back)
        ]
    said = json.loads(data)
    if kind == "functions":
        return _functions(said, back)
    if kind == "graphql":
        if said["type"] == "connection_init":
            return ['{"type":"connection_ack"}']
        v = said["payload"]["variables"]
        pieces = [
            json.dumps({"id": said["id"], "type": "next", "payload": {"data": {"chat": p}}})
            for p in back.pieces(v["session"], v["text"])
        ]
        return [*pieces, json.dumps({"id": said["id"], "type": "complete"})]
    if kind == "rpc":
        p = said["params"]
        note = json.dumps({"jsonrpc": "2.0", "method": "chat.token", "params": {"text": "…"}})
        return [
            note,
            json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": back.answer(p["session"], p["text"])}),
        ]
    parts = back.pieces(said["session"], said["text"])
    if kind == "next":
        return ['{"type":"ping"}', *map(json.dumps, parts[:-1]), '{"type":"done"}']
    return [json.dumps({**piece, "of": said["id"]}) for piece in parts]


def _functions(said: dict[str, Any], back: _Backend) -> list[str]:
    """A platform that calls functions over one long-lived WebSocket."""
    if said["type"] != "Action":
        return ['{"type":"Ping"}']
    result: dict[str, Any] | None = None
    if said["udfPath"] == "chat:sendMessage":
        asked = said["args"][0]
        answer = back.answer(asked["sessionId"], asked["message"])
        result = {"provider": {"id": answer["provider"]}, "text": answer["text"]}
    reply = {
        "type": "ActionResponse",
        "requestId": said["requestId"],
        "success": True,
        "result": result,
        "logLines": [],
    }
    return ['{"type":"Transition","modifications":[]}', json.dumps(reply)]


def _signalr(said: dict[str, Any], back: _Backend) -> list[str]:
    if "protocol" in said:
        return ["{}\x1e"]
    if said.get("type") != 4:
        return []
    message, call = said["arguments"][0], said["invocationId"]
    items = [
        json.dumps({"type": 2, "invocationId": call, "item": p})
        for p in back.pieces(message["session"], message["text"])
    ]
    return [
        '{"type":6}\x1e' + "\x1e".join(items) + "\x1e",
        json.dumps({"type": 3, "invocationId": call}) + "\x1e",
    ]


class Lab:
    """The running server; use it as a context manager."""

    def __init__(self) -> None:
        import socket as sockets

        self._socket = sockets.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            _app(self.port), log_level="error", lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline:
                raise RuntimeError("the lab did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def url(self, name: str, query: str = "") -> str:
        """Address of a page."""
        return f"http://127.0.0.1:{self.port}/lab/{name}{query}"
