"""What the proxy can do to a request and to its response."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from e2e.selftest.tools.chaos.proxy.messages import Request, Response
from e2e.selftest.tools.chaos.proxy.server import Behaviour, Exchange


def only(
    chosen: Callable[[Request], bool], times: int | None, behaviour: Behaviour
) -> Callable[[Request], Behaviour | None]:
    """``behaviour`` for the ``chosen`` requests: the first ``times`` of them, or all."""
    left = [times]

    def choose(request: Request) -> Behaviour | None:
        if not chosen(request) or left[0] == 0:
            return None
        if left[0] is not None:
            left[0] -= 1
        return behaviour

    return choose


def cut_after(size: int) -> Behaviour:
    """Cut the connection after ``size`` bytes of the response; 0: before it is sent to the server."""

    async def behave(exchange: Exchange) -> None:
        if size == 0:
            exchange.cut()
        else:
            await exchange.pass_on(at_most=size)

    return behave


def delayed(seconds: float, *, pieces: bool = False) -> Behaviour:
    """Hold the request back; or with ``pieces`` each piece of the response."""

    async def later(piece: bytes) -> bytes:
        await asyncio.sleep(seconds)
        return piece

    async def behave(exchange: Exchange) -> None:
        if pieces:
            await exchange.pass_on(later)
        else:
            await asyncio.sleep(seconds)
            await exchange.pass_on()

    return behave


def dripping(size: int, seconds: float) -> Behaviour:
    """Send the response in pieces of ``size`` bytes with a pause between them."""

    async def behave(exchange: Exchange) -> None:
        async def drip(piece: bytes) -> bytes:
            for at in range(0, len(piece) - size, size):
                await exchange.send(piece[at : at + size])
                await asyncio.sleep(seconds)
            return piece[((len(piece) - 1) // size) * size :]

        await exchange.pass_on(drip)

    return behave


def reordered(rng: random.Random, most: float) -> Behaviour:
    """Hold each request back for another time, so that those under way at once change places."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(rng.uniform(0, most))
        await exchange.pass_on()

    return behave


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer instead of the server."""

    async def behave(exchange: Exchange) -> None:
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        await exchange.send(Response(status, fields, body).bytes())

    return behave


def half(*, announced: bool) -> Behaviour:
    """The first half of the body; where the whole length is not ``announced``, the client cannot know that half is missing."""

    async def behave(exchange: Exchange) -> None:
        if exchange.request.upgrades:
            await exchange.pass_on(at_most=400)
            return
        response = await exchange.response()
        length = {"content_length": str(len(response.body))} if announced else {}
        await exchange.send(response.head(**length) + response.body[: len(response.body) // 2])

    return behave


def in_encoding(header: str, value: str, change: Callable[[bytes], bytes] = lambda body: body) -> Behaviour:
    """The response with another header than its body has; ``change`` distorts the body too."""

    async def behave(exchange: Exchange) -> None:
        if exchange.request.upgrades:
            await exchange.pass_on()
            return
        response = await exchange.response()
        response.headers = [(k, v) for k, v in response.headers if k.lower() != header]
        response.headers.append((header, value))
        response.body = change(response.body)
        await exchange.send(response.bytes())

    return behave


def huge(size: int) -> Behaviour:
    """A body of so many bytes, of the type that the server's has."""

    async def behave(exchange: Exchange) -> None:
        if exchange.request.upgrades:
            await exchange.pass_on()
            return
        response = await exchange.response()
        await exchange.send(response.head(content_length=str(size)))
        piece = b"x" * (1 << 20)
        for _ in range(size >> 20):
            await exchange.send(piece)

    return behave


def endless(piece: bytes, seconds: float, *, after_body: bool) -> Behaviour:
    """A response that never ends: ``piece`` again and again, ``after_body`` of the server or instead of it."""

    async def behave(exchange: Exchange) -> None:
        if exchange.request.upgrades:
            await exchange.pass_on()
            return
        response = await exchange.response()
        await exchange.send(response.head() + (response.body if after_body else b""))
        while True:
            await exchange.send(piece)
            await asyncio.sleep(seconds)

    return behave
