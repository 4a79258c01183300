"""Profile of each lab page: store, steps and wire rules."""

from __future__ import annotations

from typing import Any

from e2e.profile.profile import Profile, parse
from e2e.selftest.lab.app import PAGES
from e2e.selftest.lab.without_ids import LONG

Table = dict[str, Any]

BOX: Table = {"role": "textbox", "name": "Message"}
KEPT: Table = {"key": "lab_session"}
SOCKET: Table = {"transport": "websocket"}


def http(name: str, **more: Any) -> Table:
    return {"url": rf"/api/{name}(\?|$)", "session": "session", "provider": "provider", **more}


def socket(name: str, **more: Any) -> Table:
    return {
        "transport": "websocket",
        "url": rf"/ws/{name}(\?|$)",
        "session": "session",
        "provider": "provider",
        **more,
    }


def other_channel(name: str, **more: Any) -> tuple[Table, Table]:
    """A request whose reply comes on another channel."""
    send = {"url": rf"/api/{name}/send", "session": "session", "answered_by": "events", "reply_to": "id"}
    events = {
        "name": "events",
        "direction": "received",
        "url": rf"/api/{name}/events",
        "reply_to": "id",
        "done": "done",
        "provider": "provider",
    }
    return send, {**events, **more}


SAME = (http("fetch-json"),)
TEXT = {
    "when": "type == 'chat'",
    "reply_to": "id",
    "done": "type == 'done'",
    "failed": "type == 'error'",
}

WIRE: dict[str, tuple[Table, ...]] = {
    "xhr-json": (http("xhr-json"),),
    "fetch-sse": (http("fetch-sse"),),
    "ndjson": (http("ndjson"),),
    "eventsource": other_channel("eventsource"),
    "beacon": other_channel("beacon"),
    "long-poll": other_channel("long-poll", url="/api/long-poll/poll", provider="pieces[].provider | [0]",
                               reply_to="id || pieces[0].id", done="pieces[?done]"),
    "form": (http("form", session={"form": "session"}),),
    "multipart": (http("multipart", session={"form": "session"}),),
    "query": (http("query", session={"query": "session"}),),
    "path": (http("chat/[^/]+/messages", session={"path": "/chat/([^/]+)/messages"}),),
    "header": (http("header", session={"header": "X-Session-Id"}, provider={"header": "X-Provider"}),),
    "cookie": (http("cookie", session={"cookie": "lab_session"}),),
    "cookie-httponly": (http("cookie-httponly/chat", session={"cookie": "lab_session"}),),
    "nested": (http("nested", session="data.session", provider="data.provider", parse_nested_json=True),),
    "ws-text": (socket("text", **TEXT),),
    "page-address": (socket("text", **TEXT | {"session": {"page": "/c/([^/?#]+)"}}),),
    "ws-binary": (socket("binary", **TEXT),),
    "ws-next": (socket("next", when="type == 'chat'", answer_when="type != 'ping'", done="type == 'done'"),),
    "worker-ws": (socket("text", **TEXT),),
    "socketio": (
        {**SOCKET, "framing": "socket.io", "url": "/socket.io/", "when": "event == 'message'", "session": "args[0].session",
         "provider": "args[0].provider"},
    ),
    "graphql-ws": (
        socket("graphql", framing="graphql-ws", when="type == 'subscribe'", session="payload.variables.sessionId",
               provider="payload.data.chat.provider"),
    ),
    "signalr": (socket("signalr", framing="signalr", when="target == 'Chat'", session="arguments[0]", provider="item.provider"),),
    "json-rpc": (
        socket("json-rpc", framing="json-rpc", when="method == 'chat.send'", session="params.session", provider="result.provider"),
    ),
    "convex": (
        socket("convex", when="type == 'Action' && udfPath == 'chat:sendMessage'", session="args[0].sessionId",
               history="args[0].history", provider="result.provider.id", reply_to="requestId"),
    ),
    "server-held": ({**SOCKET, "url": r"/ws/held(\?|$)", "provider": "provider", **TEXT},),
    "client-held": ({"url": r"/api/client-held(\?|$)", "provider": "provider"},),
    "service-worker": (http("fetch-json", url=r"/lab/sw/chat(\?|$)"),),
}  # fmt: skip

SESSION: dict[str, Table] = {
    "cookie": {"store": "cookie", "key": "lab_session"},
    "cookie-httponly": {"store": "cookie", "key": "lab_session"},
    "url-path": {"store": "url", "regex": "/c/([^/?#]+)"},
    "url-fragment": {"store": "url", "regex": "#chat=([^&]+)"},
    "indexeddb": {
        "store": "indexedDB",
        "database": "lab",
        "object_store": "kv",
        "key": "session",
        "id": "sessionId",
    },
    "memory": {"store": "none"},
    "iframe-cross": {"store": "none"},
    "page-address": {"store": "none"},
    "session-storage": {"store": "sessionStorage", "key": "lab_session"},
    "key-per-chat": {"key_pattern": "^chat:", "id": "id"},
    "convex": {"key": "chat_state", "id": "session.id"},
}


def lab_profile(name: str) -> Profile:
    """The profile of one lab page."""
    page = PAGES[name]
    click = {"role": "menuitem" if page.new_chat == "menu" else "button", "name": "New chat"}
    new_chat: list[Table] = [{"click": click}]
    if page.new_chat == "menu":
        new_chat.insert(0, {"hover": {"role": "button", "name": "Conversation menu"}})
    if page.confirm:
        new_chat.append({"click": {"role": "button", "name": page.confirm, "exact": True}})
        new_chat.append({"wait_gone": {"css": "[role=status]"}, "optional": True, "timeout": 2})
    session: Table = {"session": SESSION.get(name, KEPT)} if page.sends_id else {"memory": {}}
    raw: Table = {
        **session,
        "name": name,
        "title": name,
        "where": {"url": "http://127.0.0.1/", "ready": BOX, "frame": [page.frame] if page.frame else []},
        "steps": {
            "message_box": BOX,
            "new_chat": new_chat,
            **({} if page.sends_id else {"long_request": LONG}),
            "open": [{"dismiss": {"role": "button", "name": page.banner}}] if page.banner else [],
        },
        "wire": WIRE.get(name, SAME),
        "reply": {"gone": {"role": "button", "name": "Stop"}},
        "screen": {"messages": {"test_id": "message"}, "provider": {"test_id": "provider"}},
        "providers": {"count": 9},
        "policy": {"rotation": "on_first_message" if name == "first-message" else "on_click"},
        "timeouts": {"ready": 6, "action": 3, "reply": 5},
    }
    return parse(raw, name)
