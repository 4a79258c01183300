"""IDs are distinguished by when they change: over two chats with two messages each, and over a reload."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.id_classes import change_of
from e2e.explore.discover.infer.session import SURE
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.watcher import Payload
from e2e.selftest.unit.explore.test_infer import (
    CHATS,
    NONCES,
    ONE,
    REPLY,
    START,
    TWO,
    conversation,
    posts,
    stored,
    stores,
    watched,
)

USER = "user_1795410000000_aa11bb22cc33"
PAGE_ONE, PAGE_TWO, PAGE_THREE = (f"{n}b3f8c1-7d0b-4c5e-9a57-0b6f3f9c21ab" for n in "123")


def fresh(n: int, salt: str) -> str:
    """An ID of its own for each message."""
    return f"{NONCES[n]}-{salt}{n}00-4b0e-8f6d-5e7a90413bbd"


def seen(
    make: Any, *, local: Any = None, reload: Any = None, by_load: bool = False, ids: Any = CHATS
) -> Findings:
    """Two chats with two messages each, whose bodies ``make(n, session, text)`` gives; ``reload``: the session after a reload."""
    ids = (*ids, reload) if reload is not None else ids
    observed = conversation(*(local or ({} for _ in ids)))
    observed.loaded_by_new_chat = by_load
    return infer(watched(posts(make, lambda n: {"text": REPLY, "id": fresh(n, "a")}, ids=ids)), observed)


@pytest.mark.parametrize(
    ("values", "kind", "over_reload"),
    [
        ((ONE, ONE, TWO, TWO), "session", "not seen"),
        ((ONE, ONE, TWO, TWO, TWO), "session", "kept"),
        ((ONE, ONE, TWO, TWO, USER), "session", "changed"),
        ((None, ONE, None, TWO), "issued", "not seen"),
        ((USER, USER, USER, USER, USER), "constant", "kept"),
        (("a1", "a2", "a3", "a4"), "message", "not seen"),
        ((ONE, ONE), "one_chat", "not seen"),
        ((ONE, ONE, None, None), "", "not seen"),
    ],
)
def test_an_id_is_classified_by_when_it_changes(
    values: tuple[str | None, ...], kind: str, over_reload: str
) -> None:
    chats = (0, 0, 1, 1, 1)
    turns = [Turn(str(n), "", 0.0, chat=chats[n], reloaded=n == 4) for n in range(len(values))]
    change = change_of(values, turns)
    assert (change.kind, change.over_reload) == (kind, over_reload)


def test_message_ids_in_a_growing_list_are_no_session() -> None:
    """The IDs of the first items stay the same while a chat goes on, and differ between chats: as a session's would."""

    def make(n: int, session: str, text: str) -> Any:
        first = n - n % 2
        items = [{"id": fresh(m, "b"), "role": "user", "text": "x"} for m in range(first, n)]
        return {"id": session, "messages": [*items, {"id": fresh(n, "b"), "role": "user", "text": text}]}

    found = seen(make, reload=PAGE_ONE)
    assert found.session is not None
    assert (found.session.value, found.session.alternatives) == ("id", [])
    assert found.session.confidence >= SURE


def test_a_chat_whose_only_ids_are_in_the_growing_list_sends_no_session_id() -> None:
    def make(n: int, _: str, text: str) -> Any:
        items = [{"id": fresh(m, "b"), "text": "x"} for m in range(n - n % 2, n)]
        return {"messages": [*items, {"id": fresh(n, "b"), "text": text}]}

    found = seen(make)
    assert found.session is None
    assert found.no_id


def test_ids_of_requests_messages_and_users_are_no_session() -> None:
    def make(n: int, session: str, text: str) -> Any:
        return {
            "trace": fresh(n, "c"),
            "message": {"id": fresh(n, "d"), "text": text},
            "who": USER,
            "conv": session,
        }

    found = seen(make)
    assert found.session is not None
    assert (found.session.value, found.session.alternatives) == ("conv", [])


def test_an_id_of_the_page_load_is_a_question_where_new_chat_loads_the_page() -> None:
    found = seen(lambda _, s, text: {"client": s, "text": text}, reload=PAGE_THREE, by_load=True)
    assert found.session is None or found.session.confidence < SURE
    assert found.session is None or any("the session ID?" in q for q in found.questions)


def test_an_id_that_a_reload_keeps_comes_before_one_of_the_page_load() -> None:
    pages = {ONE: PAGE_ONE, TWO: PAGE_TWO}

    def make(n: int, session: str, text: str) -> Any:
        return {"listener": PAGE_THREE if n == 4 else pages[session], "room": session, "text": text}

    found = seen(make, reload=TWO, by_load=True)
    assert found.session is not None
    assert found.session.value == "room"
    assert found.session.confidence >= SURE


def test_the_page_address_is_the_session_where_no_payload_has_it() -> None:
    observed = conversation(*({} for _ in range(5)))
    observed.loaded_by_new_chat = True
    for turn, session in zip(observed.turns, (*CHATS, TWO), strict=False):
        turn.before = replace(stores({}), address=f"https://chat.example/c/{session}/")
        turn.after = turn.before
    loads = (PAGE_ONE, PAGE_ONE, PAGE_TWO, PAGE_TWO, PAGE_THREE)
    made = posts(lambda _, s, text: {"client_id": s, "text": text}, lambda _: {"text": REPLY}, ids=loads)
    found = infer(watched(made), observed)
    assert found.session is not None
    assert found.session.value == {"page": "/c/([^/?#]+)"}
    assert found.session.confidence >= SURE


def test_the_id_of_the_first_reply_is_less_certain_than_an_issued_session() -> None:
    """``parent``: none in the first message, the ID of the first reply in the second, as an issued session's ID would be."""
    parents = (None, ONE, None, TWO)
    made = posts(
        lambda _, s, text: {"text": text, **({"parent": s} if s else {})},
        lambda n: {"text": REPLY, "id": {0: ONE, 2: TWO}.get(n, fresh(n, "e"))},
        ids=parents,
    )
    found = infer(watched(made), conversation(*({} for _ in CHATS)))
    assert found.session is None or found.session.confidence < SURE
    threads = posts(
        lambda _, s, text: {"text": text, **({"thread": s} if s else {})},
        lambda n: {"text": REPLY, "thread": CHATS[n]},
        ids=parents,
    )
    found = infer(watched(threads), conversation(*({} for _ in CHATS)))
    assert found.session is not None
    assert found.session.confidence >= SURE


def test_a_cookie_of_the_user_is_no_session() -> None:
    made = posts(lambda _, __, text: {"text": text}, lambda _: {"text": REPLY})
    for payload in made:
        payload.cookies = {"uid": USER}
    found = infer(watched(made), conversation(*({} for _ in CHATS)))
    assert found.session is None


def test_one_chat_only_gives_a_question_and_keeps_what_was_learned() -> None:
    observed = conversation(stored(ONE), stored(ONE))
    made = posts(
        lambda _, s, text: {"session": s, "text": text},
        lambda _: {"text": REPLY, "provider": "Oak"},
        ids=(ONE, ONE),
    )
    found = infer(watched(made), observed)
    assert found.sent is not None
    assert found.provider is not None
    assert found.session is not None
    assert (found.session.value, found.session.confidence < SURE) == ("session", True)
    assert any("Only one chat was seen" in q for q in found.questions)


def two_requests() -> tuple[list[Payload], Observed]:
    """The text leaves as a draft; another request sends it, and has the session in a header."""
    made = []
    for n, session in enumerate(CHATS):
        at = START + 10 * n
        reply = {"text": REPLY, "provider": "Oak" if n < 2 else "Elm"}
        made.append(Payload(2 * n, at + 0.1, "http", "PUT", "https://x.example/draft", {"content-type": "application/json"},
                            f'{{"draft": "Hello {NONCES[n]}"}}', status=200, ended=True))  # fmt: skip
        made.append(Payload(2 * n + 1, at + 0.2, "http", "POST", "https://x.example/run", {"x-conversation": session}, "{}",
                            status=200, ended=True, values=[(at + 1, "", reply)]))  # fmt: skip
    return made, conversation(*(stored(s) for s in CHATS))


def test_the_session_may_be_in_another_request_than_the_text() -> None:
    made, observed = two_requests()
    found = infer(watched(made), observed)
    assert found.sent is not None
    assert (found.sent.url, found.sent.method) == ("/run$", "POST")
    assert found.session is not None
    assert found.session.value == {"header": "x-conversation"}
    assert "the text is in /draft$" in found.sent_reason
    assert found.provider is not None


@pytest.mark.parametrize(("name", "known"), [("conversation", True), ("c", False)])
def test_a_small_number_that_changes_with_the_chat_is_a_session_or_a_question(name: str, known: bool) -> None:
    """Conversation 17, then 18: never a chat that sends no ID."""
    found = seen(lambda n, _, text: {name: 17 + n // 2, "text": text})
    assert not found.no_id
    assert (found.session is not None) is known
    assert any(f"is {name} the session ID" in q for q in found.questions)


@pytest.mark.parametrize(
    ("key", "expected"), [("assistant.conversation", True), ("chat.lastMessageId", False)]
)
def test_an_id_that_each_reply_replaces_and_nobody_sends_is_a_question(key: str, expected: bool) -> None:
    """The page keeps the ID of its conversation and never sends it back: that is no chat without an ID."""
    kept = [{key: f"{n}b3f8c1-7d0b-4c5e-9a57-0b6f3f9c21ab"} for n in range(4)]
    observed = conversation(*kept)
    for turn, local in zip(observed.turns, kept, strict=True):
        turn.after = stores(local)
    bodies = posts(lambda n, session, text: {"text": text}, lambda n: {"text": REPLY, "id": fresh(n, "a")})
    found = infer(watched(bodies), observed)
    assert found.session is None
    assert any("Every reply replaced it" in question for question in found.questions) == expected


def test_a_temporary_id_that_the_backend_replaces_is_the_session() -> None:
    """The page makes ``temp-…`` for the first message, and stores and sends the backend's ID after it."""
    real = [{"activeChat": json.dumps({"id": ONE if n < 2 else TWO})} for n in range(4)]
    observed = conversation(*real)
    found = infer(
        watched(
            posts(
                lambda n, session, text: {"chat": {"id": session if n % 2 else f"temp-{n}5b1"}, "text": text},
                lambda n: {"text": REPLY, "id": fresh(n, "a")},
            )
        ),
        observed,
    )
    assert found.session is not None
    assert (found.session.value, found.session.confidence) == ("chat.id", 0.85)
    assert found.store is not None
    assert found.store.value == {"store": "localStorage", "key": "activeChat", "id": "id"}
    assert not any("session ID" in question for question in found.questions)
