"""Pages whose reply is the answer to the request: where the session travels, and in what form the reply comes."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from e2e.selftest.lab.answers import broken_off, event, line, refusal, unless_gone
from e2e.selftest.lab.backend import Answer, Backend, Cut, Refused, Visit

COOKIE = "lab_session"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request carries."""

    session: str | None
    text: str


Read = Callable[[Request], Awaitable[Sent]]
Write = Callable[[str, str], Response]


async def _json(request: Request) -> Sent:
    fields = await request.json()
    return Sent(fields.get("session"), fields["message"])


async def _nested(request: Request) -> Sent:
    fields = json.loads((await request.json())["data"])
    return Sent(fields["session"], fields["message"])


async def _form(request: Request) -> Sent:
    fields = parse_qs((await request.body()).decode())
    return Sent(fields["session"][0], fields["message"][0])


async def _multipart(request: Request) -> Sent:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parsed = BytesParser(policy=HTTP).parsebytes(head + await request.body())
    fields: dict[str, str] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode()
    return Sent(fields["session"], fields["message"])


async def _query(request: Request) -> Sent:
    return Sent(request.query_params["session"], (await request.json())["message"])


async def _path(request: Request) -> Sent:
    return Sent(request.path_params["session"], (await request.json())["message"])


async def _header(request: Request) -> Sent:
    return Sent(request.headers["x-session-id"], (await request.json())["message"])


async def _cookie(request: Request) -> Sent:
    return Sent(request.cookies.get(COOKIE), (await request.json())["message"])


def _whole(provider: str, text: str) -> Response:
    return JSONResponse({"provider": provider, "text": text})


def _whole_nested(provider: str, text: str) -> Response:
    return JSONResponse({"data": json.dumps({"provider": provider, "text": text})})


def _in_header(provider: str, text: str) -> Response:
    return JSONResponse({"text": text}, headers={"X-Provider": provider})


WHOLE: dict[str, tuple[str, Read, Write]] = {
    "fetch-json": ("/api/fetch-json", _json, _whole),
    "xhr-json": ("/api/xhr-json", _json, _whole),
    "form": ("/api/form", _form, _whole),
    "multipart": ("/api/multipart", _multipart, _whole),
    "query": ("/api/query", _query, _whole),
    "path": ("/api/chat/{session}/messages", _path, _whole),
    "header": ("/api/header", _header, _in_header),
    "cookie": ("/api/cookie", _cookie, _whole),
    "cookie-httponly": ("/api/cookie-httponly/chat", _cookie, _whole),
    "nested": ("/api/nested", _nested, _whole_nested),
}
STREAMED: dict[str, tuple[str, Callable[[Any], str]]] = {
    "fetch-sse": ("text/event-stream", event),
    "ndjson": ("application/x-ndjson", line),
}


def routes(backend: Backend) -> list[Route]:
    """The addresses of these pages' backends."""
    whole = [
        Route(path, _answer_whole(backend, name, read, write), methods=["POST"])
        for name, (path, read, write) in WHOLE.items()
    ]
    streamed = [
        Route(f"/api/{name}", _answer_streamed(backend, name, media_type, frame), methods=["POST"])
        for name, (media_type, frame) in STREAMED.items()
    ]

    async def look_up(request: Request) -> Response:
        session = request.query_params["session"]
        return JSONResponse({"session": session, "provider": backend.providers.get(session)})

    return [
        *whole,
        *streamed,
        Route("/api/provider", look_up, methods=["GET"]),
        Route("/api/cookie-httponly/new", _new_cookie, methods=["POST"]),
    ]


def _answer_whole(
    backend: Backend, name: str, read: Read, write: Write
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sent = await read(request)
        try:
            answer = backend.answer(name, sent.session, sent.text, Visit.of(request))
            return await unless_gone(request, _written(answer, write))
        except Refused as error:
            return refusal(error)
        except Cut:
            return broken_off()

    return endpoint


async def _written(answer: Answer, write: Write) -> Response:
    return write(answer.provider, await answer.whole())


def _answer_streamed(
    backend: Backend, name: str, media_type: str, frame: Callable[[Any], str]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sent = await _json(request)
        try:
            answer = backend.answer(name, sent.session, sent.text, Visit.of(request))
        except Refused as error:
            return refusal(error)

        async def body() -> AsyncIterator[str]:
            yield frame({"provider": answer.provider})
            async for token in answer.tokens():
                yield frame({"token": token})
            yield frame({"done": True})

        return StreamingResponse(body(), media_type=media_type, headers={"Cache-Control": "no-store"})

    return endpoint


async def _new_cookie(request: Request) -> Response:
    """Begin a session that the page's scripts never see; ``?keep=1`` leaves one that is there."""
    response = Response(status_code=204)
    if not ("keep" in request.query_params and COOKIE in request.cookies):
        response.set_cookie(COOKIE, str(uuid.uuid4()), httponly=True, samesite="lax")
    return response
