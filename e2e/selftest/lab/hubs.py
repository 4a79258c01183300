"""WebSocket pages that speak a well-known protocol: Socket.IO, graphql-transport-ws, SignalR, JSON-RPC."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from typing import Any

from e2e.selftest.lab.backend import Answer, Refused
from e2e.selftest.lab.sockets import Connection

PING_S = 1.0
RECORD_END = "\x1e"


class SocketIO(Connection):
    """Engine.IO v4 with one Socket.IO namespace; ``to`` is the acknowledgement's number."""

    name = "socketio"
    path = "/socket.io/"

    async def opened(self) -> None:
        await super().opened()
        hello = {"sid": uuid.uuid4().hex, "upgrades": [], "pingInterval": 1000, "pingTimeout": 20000}
        await self.socket.send_text("0" + json.dumps(hello))

    async def received(self, text: str) -> None:
        if text == "40":
            await self.socket.send_text("40" + json.dumps({"sid": uuid.uuid4().hex}))
            self.beside(self._ping())
        elif found := re.match(r"42(\d+)(\[.*)", text, re.DOTALL):
            _, fields = json.loads(found[2])
            self.reply(fields["session"], fields["message"], int(found[1]))

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await self.socket.send_text("2")

    async def begin(self, to: Any, answer: Answer) -> None:
        await self._emit("provider", {"reply_to": to, "provider": answer.provider})

    async def token(self, to: Any, token: str) -> None:
        await self._emit("token", {"reply_to": to, "token": token})

    async def end(self, to: Any, answer: Answer) -> None:
        await self._acknowledge(to, {"provider": answer.provider, "text": answer.text})

    async def refuse(self, to: Any, error: Refused) -> None:
        await self._acknowledge(to, {"status": error.status, "error": error.code})

    async def _emit(self, event: str, fields: dict[str, Any]) -> None:
        await self.socket.send_text("42" + json.dumps([event, fields]))

    async def _acknowledge(self, to: int, fields: dict[str, Any]) -> None:
        await self.socket.send_text(f"43{to}" + json.dumps([fields]))


class GraphQL(Connection):
    """A subscription per message; ``to`` is the subscription's ID."""

    name = "graphql-ws"
    path = "/ws/graphql"
    subprotocol = "graphql-transport-ws"

    async def received(self, text: str) -> None:
        frame = json.loads(text)
        if frame["type"] == "connection_init":
            await self.write({"type": "connection_ack"})
        elif frame["type"] == "ping":
            await self.write({"type": "pong"})
        elif frame["type"] == "subscribe":
            variables = frame["payload"]["variables"]
            self.reply(variables["sessionId"], variables["message"], frame["id"])

    async def begin(self, to: Any, answer: Answer) -> None:
        await self._next(to, {"provider": answer.provider, "token": None})

    async def token(self, to: Any, token: str) -> None:
        await self._next(to, {"provider": None, "token": token})

    async def end(self, to: Any, answer: Answer) -> None:
        await self.write({"id": to, "type": "complete"})

    async def refuse(self, to: Any, error: Refused) -> None:
        problem = {"message": error.code, "extensions": {"status": error.status}}
        await self.write({"id": to, "type": "error", "payload": [problem]})

    async def _next(self, to: Any, chat: dict[str, Any]) -> None:
        await self.write({"id": to, "type": "next", "payload": {"data": {"chat": chat}}})


class SignalR(Connection):
    """The JSON hub protocol; ``to`` is the invocation's ID. One frame may hold several records."""

    name = "signalr"
    path = "/ws/signalr"

    async def received(self, text: str) -> None:
        for record in text.split(RECORD_END)[:-1]:
            fields = json.loads(record)
            if "protocol" in fields:
                await self.write({})
                self.beside(self._ping())
            elif fields["type"] == 4:  # StreamInvocation
                session, message = fields["arguments"]
                self.reply(session, message, fields["invocationId"])

    async def write(self, data: Any) -> None:
        await self.socket.send_text(json.dumps(data) + RECORD_END)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await self.write({"type": 6})

    async def begin(self, to: Any, answer: Answer) -> None:
        await self.write({"type": 2, "invocationId": to, "item": {"provider": answer.provider}})

    async def token(self, to: Any, token: str) -> None:
        await self.write({"type": 2, "invocationId": to, "item": {"token": token}})

    async def end(self, to: Any, answer: Answer) -> None:
        await self.write({"type": 3, "invocationId": to})

    async def refuse(self, to: Any, error: Refused) -> None:
        await self.write({"type": 3, "invocationId": to, "error": f"{error.status} {error.code}"})


class JsonRpc(Connection):
    """JSON-RPC 2.0: tokens are notifications, the response ends the reply; ``to`` is the request's ID."""

    name = "json-rpc"
    path = "/ws/json-rpc"

    async def received(self, text: str) -> None:
        call = json.loads(text)
        if call["method"] == "chat.send":
            self.reply(call["params"]["session"], call["params"]["message"], call["id"])

    async def begin(self, to: Any, answer: Answer) -> None:
        """Say nothing: the provider comes with the response."""

    async def token(self, to: Any, token: str) -> None:
        params = {"request": to, "token": token}
        await self.write({"jsonrpc": "2.0", "method": "chat.token", "params": params})

    async def end(self, to: Any, answer: Answer) -> None:
        result = {"provider": answer.provider, "text": answer.text}
        await self.write({"jsonrpc": "2.0", "id": to, "result": result})

    async def refuse(self, to: Any, error: Refused) -> None:
        problem = {"code": -32000, "message": error.code, "data": {"status": error.status}}
        await self.write({"jsonrpc": "2.0", "id": to, "error": problem})
