"""A page on a function-over-WebSocket platform: one connection, and every call is an Action by name."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from e2e.selftest.lab.backend import Answer, Refused
from e2e.selftest.lab.sockets import Connection

PING_S = 0.7


class Convex(Connection):
    """Actions with their responses, transitions and pings in between; ``to`` is the request's ID."""

    name = "convex"
    path = "/ws/convex"
    version = 0
    pings = 0

    async def opened(self) -> None:
        await super().opened()
        self.beside(self._ping())

    async def received(self, text: str) -> None:
        frame = json.loads(text)
        if frame["type"] == "ModifyQuerySet":
            await self._transition()
        elif frame["type"] == "Action":
            await self._act(frame["requestId"], frame["udfPath"], frame["args"][0])

    async def _act(self, to: int, function: str, args: dict[str, Any]) -> None:
        if function == "chat:sendMessage":
            self.reply(args["sessionId"], args["message"], to)
        elif function == "sessions:end":
            ended = args["sessionId"] in self.backend.providers  # its provider stays: a zombie is not moved
            await self._respond(to, {"ended": ended})
        elif function == "stats:ping":
            self.pings += 1
            await self._respond(to, {"online": 3, "pings": self.pings})
        else:
            await self._fail(to, f"Could not find function {function}")

    async def begin(self, to: Any, answer: Answer) -> None:
        await self._transition()

    async def token(self, to: Any, token: str) -> None:
        """Say nothing: the reply comes in one piece."""

    async def end(self, to: Any, answer: Answer) -> None:
        provider = {"id": answer.provider, "name": answer.provider}
        await self._respond(to, {"provider": provider, "text": answer.text})
        await self._transition()

    async def refuse(self, to: Any, error: Refused) -> None:
        await self._fail(to, f"{error.status} {error.code}")

    async def _respond(self, to: int, result: dict[str, Any]) -> None:
        response = {"type": "ActionResponse", "requestId": to, "success": True, "result": result}
        await self.write({**response, "logLines": []})

    async def _fail(self, to: int, message: str) -> None:
        response = {"type": "ActionResponse", "requestId": to, "success": False, "result": message}
        await self.write({**response, "logLines": []})

    async def _transition(self) -> None:
        start = {"querySet": 1, "identity": 0, "ts": self.version}
        self.version += 1
        end = {"querySet": 1, "identity": 0, "ts": self.version}
        await self.write(
            {"type": "Transition", "startVersion": start, "endVersion": end, "modifications": []}
        )

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await self.write({"type": "Ping"})
