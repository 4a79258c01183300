"""Answers over HTTP: whole, streamed, refused, broken off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from e2e.selftest.lab.backend import Cut, Refused


def refusal(error: Refused) -> Response:
    """Say no, as an API would."""
    headers = {"Retry-After": "1"} if error.status == 429 else None
    return JSONResponse({"error": error.code}, error.status, headers)


def broken_off() -> Response:
    """Promise a longer body than comes."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"prov'
        raise Cut

    return StreamingResponse(body(), headers={"content-length": "1000", "content-type": "application/json"})


def event(data: Any) -> str:
    """Frame a value for text/event-stream."""
    return f"data: {json.dumps(data)}\n\n"


def line(data: Any) -> str:
    """Frame a value for application/x-ndjson."""
    return json.dumps(data) + "\n"


async def unless_gone(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """Await the work, or let it go when the browser hangs up. The request's body must have been read."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else Response(status_code=499)  # nobody reads it
    finally:
        working.cancel()
        gone.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
