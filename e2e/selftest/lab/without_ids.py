"""Pages that send no session ID: the server knows a chat by its connection, or the page sends the whole conversation."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.websockets import WebSocket

from e2e.selftest.lab.backend import PROVIDERS, Answer, Backend, Received, Visit
from e2e.selftest.lab.sockets import Text

LONG = "A long story, please"
_CODE_WORD = re.compile(r"code word: ([a-z]+\d+)")


def answer_to(text: str, earlier: Sequence[str]) -> str:
    """What a backend that was told these messages says to ``text``: words of its own, by which a late reply is known."""
    if "Which code word" not in text:
        return f"Read from its end to its beginning, as some like to read, that is {text[::-1]}."
    words = [found.group(1) for message in earlier if (found := _CODE_WORD.search(message))]
    return f"It is {words[-1]}, as far as I know." if words else "You have not given me one."


def _visit(visit: Visit, text: str) -> Visit:
    """A long story takes a second, so that New chat can be clicked in the middle."""
    return replace(visit, chunk_s=0.25) if LONG in text else visit


class Held(Text):
    """A session of the server for each connection. ``?bug=keeps``: what it was given lives on after it; ``?bug=lost``: not even in it."""

    name = "server-held"
    path = "/ws/held"

    def __init__(self, backend: Backend, socket: WebSocket) -> None:
        super().__init__(backend, socket)
        self._session = f"connection {uuid4()}"
        self._bug = socket.query_params.get("bug", "")
        self._earlier: list[str] = backend.earlier if self._bug == "keeps" else []

    async def received(self, text: str) -> None:
        fields = json.loads(text)
        self.reply(None, fields["message"], {"id": fields["id"]})

    async def _reply(self, session: str | None, text: str, to: Any) -> None:
        provider = self.backend.provider_of(self._session)
        self.backend.received.append(Received(self.name, None, text, provider))
        answer = Answer(
            provider, answer_to(text, [] if self._bug == "lost" else self._earlier), _visit(self.visit, text)
        )
        self._earlier.append(text)
        await self.begin(to, answer)
        async for token in answer.tokens():
            await self.token(to, token)
        await self.end(to, answer)


def routes(backend: Backend) -> list[Route]:
    """The backend to which the page sends the conversation. It keeps nothing."""

    async def endpoint(request: Request) -> Response:
        messages = (await request.json())["messages"]
        texts = [message["content"] for message in messages if message["role"] == "user"]
        provider = PROVIDERS[zlib.crc32(texts[0].encode()) % len(PROVIDERS)]
        backend.received.append(Received("client-held", None, texts[-1], provider))
        answer = Answer(provider, answer_to(texts[-1], texts[:-1]), _visit(Visit.of(request), texts[-1]))
        await asyncio.sleep(0)
        return JSONResponse({"provider": provider, "text": await answer.whole()})

    return [Route("/api/client-held", endpoint, methods=["POST"])]
