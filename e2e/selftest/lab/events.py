"""Pages whose reply comes on another way than the request's answer: EventSource, long poll, beacon."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from e2e.selftest.lab.answers import event, refusal, unless_gone
from e2e.selftest.lab.backend import Answer, Backend, Cut, Refused, Visit

HELD_S = 10.0
"""How long a poll waits for something to tell."""

Mailbox = asyncio.Queue[dict[str, Any] | None]
"""Pieces for one session; None breaks the connection off."""


class Posts:
    """Messages that are taken at one address and answered at another."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._mail: defaultdict[tuple[str, str], Mailbox] = defaultdict(asyncio.Queue)
        self._under_way: set[asyncio.Task[None]] = set()
        self._last = 0

    def routes(self) -> list[Route]:
        return [
            Route("/api/{page}/send", self.send, methods=["POST"]),
            Route("/api/{page}/events", self.events, methods=["GET"]),
            Route("/api/{page}/poll", self.poll, methods=["GET"]),
        ]

    async def send(self, request: Request) -> Response:
        """Take a message; its ID is the server's, or the client's own when it cannot read the answer."""
        page = request.path_params["page"]
        fields = await request.json()
        session = fields["session"]
        mail = self._mail[page, session]
        self._last += 1
        number = fields.get("id", f"m{self._last}")
        try:
            answer = self._backend.answer(page, session, fields["message"], Visit.of(request))
        except Refused as error:
            if "id" in fields:  # a beacon: nobody reads the answer
                await mail.put({"id": number, "error": error.status})
            return refusal(error)
        task = asyncio.create_task(_deliver(number, answer, mail))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return JSONResponse({"id": number}, 202)

    async def events(self, request: Request) -> Response:
        """Stream what comes for a session, until the page goes."""
        mail = self._mail[request.path_params["page"], request.query_params["session"]]

        async def body() -> AsyncIterator[str]:
            yield ": hello\n\n"
            while (piece := await mail.get()) is not None:
                yield event(piece)

        return StreamingResponse(
            body(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def poll(self, request: Request) -> Response:
        """Wait for pieces, and give all that are there."""
        mail = self._mail[request.path_params["page"], request.query_params["session"]]
        return await unless_gone(request, _pieces(mail))


async def _deliver(number: str, answer: Answer, mail: Mailbox) -> None:
    await mail.put({"id": number, "provider": answer.provider})
    try:
        async for token in answer.tokens():
            await mail.put({"id": number, "token": token})
    except Cut:
        await mail.put(None)
    else:
        await mail.put({"id": number, "done": True})


async def _pieces(mail: Mailbox) -> Response:
    pieces: list[dict[str, Any]] = []
    try:
        waited_for = [await asyncio.wait_for(mail.get(), HELD_S)]
    except TimeoutError:
        return JSONResponse({"pieces": pieces})
    while not mail.empty():
        waited_for.append(mail.get_nowait())
    if None in waited_for:
        return Response(status_code=502)
    pieces = [piece for piece in waited_for if piece is not None]
    return JSONResponse({"pieces": pieces})
