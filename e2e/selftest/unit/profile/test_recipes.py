"""Every recipe of the profile reference works: it is judged on constructed chats of its kind, healthy ones and stale ones.

A recipe that reads the wrong place finds no ID, or no provider, and fails here. Steps and logins are clicked through in
`e2e/selftest/browser/test_step_recipes.py`, backends are called in `e2e/selftest/unit/capture/target/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from e2e.analysis.checks.rotation import sent_id_is_fresh
from e2e.profile.profile import Profile
from e2e.profile.recipes import RECIPES
from e2e.selftest.unit.capture.constructed import JSON, Constructed
from e2e.selftest.unit.framings.test_binary import field, grpc
from e2e.selftest.unit.profile.recipe_profiles import recipe
from e2e.setup.places import REPO

ORIGIN = "https://chat.example.org"
CHATS = 3

Talk = Callable[[Constructed, "Turn"], None]
TALKS: dict[str, tuple[Profile, Talk]] = {}


class Turn:
    """One message: the IDs that go with it, and its place in its chat."""

    def __init__(self, text: str, session: str, chat: int, number: int, state: dict[str, Any]) -> None:
        self.text = text
        self.session = session
        self.chat = chat
        self.first = number == 0
        self.state = state
        """What the page keeps, from its load on."""
        self.key = f"m-{chat}-{number}"


def proves(profile: Profile) -> Callable[[Talk], Talk]:
    """The traffic of a chat that this recipe describes."""

    def register(talk: Talk) -> Talk:
        TALKS[talk.__name__] = (profile, talk)
        return talk

    return register


def id_of(number: int) -> str:
    return f"0e8f1c52-77aa-4b6e-9c0d-2f1b3a4c{number:04x}"


def messages_of(profile: Profile) -> int:
    """Enough of them that two carry an ID."""
    return 3 if profile.policy.rotation == "on_first_reply" else 2


def converse(profile: Profile, talk: Talk, folder: Path, *, stale: bool) -> Constructed:
    """Three chats; the ``stale`` page goes on with its first ID."""
    chats, state = Constructed(profile, folder), dict[str, Any]()
    for chat in range(CHATS):
        chats.new_chat()
        for number in range(messages_of(profile)):
            with chats.message() as text:
                talk(chats, Turn(text, id_of(0 if stale else chat), chat, number, state))
    return chats


# -- where the ID is ----------------------------------------------------------------------------------------------------


@proves(recipe("The ID in a path segment, a query parameter, a header"))
def places(page: Constructed, turn: Turn) -> None:
    page.store("chat_session", turn.session)
    path = f"{ORIGIN}/chats/{turn.session}/messages"
    page.http("POST", path, {"text": turn.text}, {"provider": "Big hat"})
    page.http("POST", f"{ORIGIN}/api/title?chat={turn.session}", {"about": "x"}, {})
    page.http(
        "POST", f"{ORIGIN}/api/feedback", {"up": True}, {}, headers=JSON | {"X-Session-Id": turn.session}
    )


@proves(recipe("The ID in the page's address only"))
def address(page: Constructed, turn: Turn) -> None:
    socket = turn.state.setdefault("socket", None) or page.socket("wss://chat.example.org/live")
    turn.state["socket"] = socket
    page.address(f"{ORIGIN}/c/{turn.session}?tab=1")
    page.sends(socket, {"type": "chat", "text": turn.text})
    page.receives(socket, {"type": "token", "provider": "Big hat"}, {"type": "done"})


@proves(recipe("The ID in a connect message"))
def connect_message(page: Constructed, turn: Turn) -> None:
    if turn.first:
        page.store("chat_session", turn.session)
        turn.state["socket"] = page.socket("wss://chat.example.org/socket.io/?EIO=4&transport=websocket")
        page.receives(turn.state["socket"], '0{"sid":"abc"}')
        page.sends(turn.state["socket"], '40{"sessionId":"' + turn.session + '"}')
    page.sends(turn.state["socket"], f'42["client_message",{{"text":"{turn.text}"}}]')
    page.receives(turn.state["socket"], '42["task_start",{}]', '42["task_end",{"provider":"Big hat"}]')


@proves(recipe("The ID in a welcome frame"))
def welcome(page: Constructed, turn: Turn) -> None:
    if turn.first:
        turn.state["socket"] = page.socket("wss://chat.example.org/ws")
        page.receives(turn.state["socket"], {"type": "welcome", "session": {"id": turn.session}})
    page.sends(turn.state["socket"], {"type": "user_message", "text": turn.text})
    page.receives(turn.state["socket"], {"type": "typing"}, {"type": "reply", "provider": "Big hat"})


@proves(recipe("A hidden form field, and replies in HTML"))
def hidden_field(page: Constructed, turn: Turn) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    held = turn.session if not turn.first or turn.state.get("kept") == turn.session else ""
    turn.state["kept"] = turn.session
    body = f"conversation={held}&message={turn.text.replace(' ', '+')}"
    html = f"<p data-provider='Big hat'>Hi</p><input type=hidden name=conversation value='{turn.session}'>"
    page.http(
        "POST", f"{ORIGIN}/chat/send", body, html, headers=form, reply_headers={"Content-Type": "text/html"}
    )


def issues(where: str) -> Talk:
    """The reply brings the ID in its body, in a header, in the first or in the last event of a stream."""

    def talk(page: Constructed, turn: Turn) -> None:
        known = not turn.first or turn.state.get("kept") == turn.session
        turn.state["kept"] = turn.session
        body = {"text": turn.text} | ({"conversation_id": turn.session} if known else {})
        named, plain = {"id": turn.session}, {"token": "Hi", "provider": "Big hat"}
        headers, reply = dict(JSON), plain | named
        if where == "header":
            headers, reply = headers | {"X-Conversation": turn.session}, plain
        stream = ""
        if where in ("first", "last"):
            headers = {"Content-Type": "text/event-stream"}
            events = [named, plain, plain] if where == "first" else [plain, plain, named]
            stream = "".join(f"data: {str(e).replace(chr(39), chr(34))}\n\n" for e in events)
        page.http("POST", f"{ORIGIN}/api/chat", body, stream or reply, reply_headers=headers)

    talk.__name__ = f"issued_in_{where}"
    return talk


for _where in ("body", "header", "first", "last"):
    proves(recipe("An ID that the reply brings"))(issues(_where))


@proves(recipe("A temporary ID that the backend replaces"))
def temporary(page: Constructed, turn: Turn) -> None:
    url = f"{ORIGIN}/api/messages"
    if turn.first and turn.state.get("kept") != turn.session:
        own = f"temp-{turn.chat}-{turn.session[-6:]}"
        page.store("conversation", own)
        body = {"conversation": {"id": own}, "text": turn.text}
        page.http("POST", url, body, {"conversation": {"id": turn.session}, "provider": "Big hat"})
        page.store("conversation", turn.session)
    else:
        body = {"conversation": {"id": turn.session}, "text": turn.text}
        page.http("POST", url, body, {"provider": "Big hat"})
    turn.state["kept"] = turn.session


# -- how it is encoded --------------------------------------------------------------------------------------------------


@proves(recipe("A WebSocket with function names in its frames"))
def function_names(page: Constructed, turn: Turn) -> None:
    if "socket" not in turn.state:
        turn.state["socket"] = page.socket("wss://chat.example.org/api/1.0/sync")
        page.sends(turn.state["socket"], {"type": "Connect", "sessionId": "a-connection"})
    page.store("chat_session", turn.session)
    args = [{"sessionId": turn.session, "text": turn.text}]
    page.sends(
        turn.state["socket"], {"type": "Action", "requestId": turn.key, "udfPath": "chat:send", "args": args}
    )
    response = {
        "type": "ActionResponse",
        "requestId": turn.key,
        "success": True,
        "result": {"provider": "Big hat"},
    }
    page.receives(turn.state["socket"], {"type": "Transition"}, {"type": "Ping"}, response)


@proves(recipe("Replies on an EventSource"))
def event_source(page: Constructed, turn: Turn) -> None:
    source = turn.state.setdefault("source", "") or page.event_source(f"{ORIGIN}/api/events")
    turn.state["source"] = source
    page.store("chat_session", turn.session)
    body = {"session_id": turn.session, "text": turn.text}
    page.http("POST", f"{ORIGIN}/api/messages", body, {"message_id": turn.key}, status=202)
    page.server_event(source, {"message_id": turn.key, "type": "token", "provider": "Big hat"})
    page.server_event(source, {"message_id": turn.key, "type": "done"})


@proves(recipe("Socket.IO"))
def socket_io(page: Constructed, turn: Turn) -> None:
    if "socket" not in turn.state:
        turn.state["socket"] = page.socket("wss://chat.example.org/socket.io/?EIO=4&transport=websocket")
        page.receives(turn.state["socket"], '0{"sid":"abc"}')
        page.sends(turn.state["socket"], "40")
        page.receives(turn.state["socket"], '40{"sid":"def"}', "2")
    page.store("chat_session", turn.session)
    page.sends(turn.state["socket"], f'42["message",{{"sessionId":"{turn.session}","text":"{turn.text}"}}]')
    page.receives(
        turn.state["socket"],
        '42["presence",{}]',
        '42["token",{"t":"Hi"}]',
        '42["end",{"provider":"Big hat"}]',
    )


@proves(recipe("GraphQL over WebSocket"))
def graphql(page: Constructed, turn: Turn) -> None:
    if "socket" not in turn.state:
        turn.state["socket"] = page.socket("wss://chat.example.org/graphql")
        page.sends(turn.state["socket"], {"type": "connection_init"})
        page.receives(turn.state["socket"], {"type": "connection_ack"})
    page.store("chat_session", turn.session)
    variables = {"sessionId": turn.session, "text": turn.text}
    payload = {
        "operationName": "SendMessage",
        "query": "subscription SendMessage { reply }",
        "variables": variables,
    }
    page.sends(turn.state["socket"], {"id": turn.key, "type": "subscribe", "payload": payload})
    page.receives(
        turn.state["socket"],
        {"id": turn.key, "type": "next", "payload": {"data": {"reply": {"provider": "Big hat"}}}},
        {"id": turn.key, "type": "complete"},
    )


@proves(recipe("Lists of events"))
def lists(page: Constructed, turn: Turn) -> None:
    socket = turn.state.setdefault("socket", "") or page.socket("wss://chat.example.org/v3/stream?t=1")
    turn.state["socket"] = socket
    page.store("chat_session", turn.session)
    url = f"{ORIGIN}/v3/conversations/{turn.session}/activities"
    page.http("POST", url, {"type": "message", "text": turn.text}, {"id": turn.key})
    typing = {"type": "typing", "replyToId": turn.key}
    message = {"type": "message", "replyToId": turn.key, "from": {"name": "Big hat"}, "text": "Hi"}
    page.receives(socket, {"activities": [{"type": "message", "text": turn.text}, typing], "watermark": "1"})
    page.receives(socket, {"activities": [message], "watermark": "2"})


@proves(recipe("Protocol Buffers"))
def protobuf(page: Constructed, turn: Turn) -> None:
    socket = turn.state.setdefault("socket", "") or page.socket("wss://chat.example.org/rt")
    turn.state["socket"] = socket
    page.store("chat_session", turn.session)
    number = 100 * turn.chat + (not turn.first)
    page.sends(socket, field(6, 1))
    page.sends(socket, field(1, field(2, turn.session) + field(3, turn.text)) + field(9, number))
    page.receives(socket, field(9, number) + field(4, field(1, "Big hat")), field(9, number) + field(5, 1))


@proves(recipe("gRPC-Web"))
def grpc_web(page: Constructed, turn: Turn) -> None:
    page.store("chat_session", turn.session)
    kind = {"Content-Type": "application/grpc-web+proto"}
    reply = grpc(field(2, "Big hat")) + grpc(field(3, "Hi")) + grpc(b"grpc-status:0\r\n", 0x80)
    body = grpc(field(1, turn.session) + field(2, turn.text))
    page.http("POST", f"{ORIGIN}/chat.Chat/Send", body, reply, headers=kind, reply_headers=kind)


@proves(recipe("MessagePack"))
def message_pack(page: Constructed, turn: Turn) -> None:
    socket = turn.state.setdefault("socket", "") or page.socket("wss://chat.example.org/ws")
    turn.state["socket"] = socket
    page.store("chat_session", turn.session)
    page.sends(socket, msgpack.packb({"type": "chat", "session": turn.session, "text": turn.text}))
    page.receives(
        socket, msgpack.packb({"type": "token", "provider": "Big hat"}), msgpack.packb({"type": "done"})
    )


@proves(recipe("Text frames with headers"))
def text_frames(page: Constructed, turn: Turn) -> None:
    socket = turn.state.setdefault("socket", "") or page.socket("wss://chat.example.org/speech")
    turn.state["socket"] = socket
    page.store("chat_session", turn.session)
    page.sends(socket, b"\xff\xfe\x00\x01\x02\x03")
    page.sends(socket, f"Path: chat\r\nX-Conversation: {turn.session}\r\n\r\n{turn.text}".encode() + b"\xff")
    page.receives(socket, "Path: turn.start\r\n\r\n", "Path: reply\r\n\r\nHi")


# -- where it is stored -------------------------------------------------------------------------------------------------


def stores(write: Callable[[Constructed, Turn], None]) -> Talk:
    """A chat over HTTP with this store."""

    def talk(page: Constructed, turn: Turn) -> None:
        write(page, turn)
        page.http(
            "POST",
            f"{ORIGIN}/api/chat",
            {"session_id": turn.session, "text": turn.text},
            {"provider": "Big hat"},
        )

    talk.__name__ = write.__name__
    return talk


def json_blob(page: Constructed, turn: Turn) -> None:
    page.store("chat_session", {"sessionId": turn.session, "lastUsed": turn.key})


def key_per_chat(page: Constructed, turn: Turn) -> None:
    page.store(f"chat:{turn.chat:04x}", {"session": {"id": turn.session}})


def cookie(page: Constructed, turn: Turn) -> None:
    page.store("chat_session", f"s:{turn.session}.signature{turn.key}")


def page_url(page: Constructed, turn: Turn) -> None:
    page.store(None, f"{ORIGIN}/c/{turn.session}?tab=1")


def indexed_db(page: Constructed, turn: Turn) -> None:
    page.store("session", {"id": turn.session, "title": turn.key})


def memory(page: Constructed, turn: Turn) -> None:
    """Nothing is stored."""


proves(recipe("The ID in a JSON blob"))(stores(json_blob))
proves(recipe("One key per chat or user"))(stores(key_per_chat))
proves(recipe("A cookie"))(stores(cookie))
proves(recipe("The URL of the page"))(stores(page_url))
proves(recipe("IndexedDB"))(stores(indexed_db))
proves(recipe("In memory only"))(stores(memory))


def on_first_message(page: Constructed, turn: Turn) -> None:
    if turn.first:
        page.store("chat_session", turn.session)


proves(recipe("Rotation on the first message"))(stores(on_first_message))


# -- what they are judged by --------------------------------------------------------------------------------------------

NO_PROVIDER = ("text_frames",)


@pytest.mark.parametrize("name", TALKS)
def test_healthy_chats_of_its_kind_pass(name: str, tmp_path: Path) -> None:
    profile, talk = TALKS[name]
    chats = converse(profile, talk, tmp_path, stale=False)
    judgement = chats.judged()
    assert {v.name: v.actual for v in judgement.verdicts if v.outcome == "fail"} == {}
    passed = {v.name for v in judgement.verdicts if v.outcome == "pass"}
    assert {"rotation.sent_id_is_fresh", "rotation.one_id_per_chat"} <= passed
    messages = [m for chat in chats.records().chats for m in chat.messages]
    assert [m.outcome for m in messages] == ["ok"] * CHATS * messages_of(profile)
    if name not in NO_PROVIDER:
        assert {m.reply_provider for m in messages} == {"Big hat"}
    if profile.id_store.store != "none":
        assert {"rotation.stored_id_is_fresh", "rotation.sent_equals_stored"} <= passed


@pytest.mark.parametrize("name", TALKS)
def test_stale_chats_of_its_kind_fail(name: str, tmp_path: Path) -> None:
    profile, talk = TALKS[name]
    verdict = sent_id_is_fresh(converse(profile, talk, tmp_path, stale=True).run())
    assert verdict.outcome == "fail"
    assert verdict.numbers["reused"] == CHATS - 1


def test_providers_are_named_as_the_profile_says(tmp_path: Path) -> None:
    profile = recipe("Provider names in payloads and in reports")
    chats = Constructed(profile, tmp_path)
    for chat, provider in enumerate(("prov_3", "prov_4", "prov_3")):
        chats.new_chat()
        with chats.message() as text:
            chats.http(
                "POST",
                f"{ORIGIN}/api/chat",
                {"session_id": id_of(chat), "text": text},
                {"provider": provider},
            )
    messages = [m for chat in chats.records().chats for m in chat.messages]
    assert [m.reply_provider for m in messages] == ["Big hat", "Tall boot", "Big hat"]


def test_every_recipe_has_a_test() -> None:
    """A test loads a recipe by its title; one that nothing loads may be wrong, as the one of Socket.IO was."""
    folder = REPO / "e2e" / "selftest"
    tested = {
        title
        for path in folder.rglob("test_*.py")
        for title in re.findall(r'\brecipe\(\s*"([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert [title for title, _, _ in RECIPES if title not in tested] == []
    assert tested <= {title for title, _, _ in RECIPES}
