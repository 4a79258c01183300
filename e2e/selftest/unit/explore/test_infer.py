"""Inference from hand-made traffic: functions over a socket, equal candidates, old IDs, missing parts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.conditions import find_condition
from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.propose import propose, usable
from e2e.explore.discover.infer.request import url_pattern
from e2e.explore.discover.infer.store import find_store
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.values import id_likeness, leaves, masked
from e2e.explore.discover.watcher import Frame, Payload, Stores, Watcher

ONE, TWO = "4f1c0a52-7d0b-4c5e-9a57-0b6f3f9c21aa", "c2d9b7e0-1a44-4b0e-8f6d-5e7a90413bbd"
OLD = "session_1795410000000_k3jx9qpa2"
NONCES = ("0a1b2c3d", "4e5f6071", "8293a4b5", "c6d7e8f9", "99aabbcc")
"""The fifth message, where there is one, follows a reload."""
REPLY = "I heard you and I am thinking about what you said"
START = 1_795_410_000.0
CHATS = (ONE, ONE, TWO, TWO)
Make = Callable[[int, str, str], Any]
"""Number of the message, session ID, text -> request body."""


def stores(local: Mapping[str, str]) -> Stores:
    return Stores(START, dict(local), {}, {}, frozenset(), {}, "https://chat.example/")


def turn(number: int, local: Mapping[str, str]) -> Turn:
    at = START + 10 * number
    shown = f"Hello {NONCES[number]}\n{REPLY}\n"
    return Turn(
        NONCES[number],
        f"Hello {NONCES[number]}",
        at,
        at + 5,
        stores(local),
        stores(local),
        shown,
        chat=min(number // 2, 1),
        reloaded=number == 4,
    )


def conversation(*local: Mapping[str, str]) -> Observed:
    """Two chats with two messages each, and a fifth message after a reload; with the contents of localStorage at each."""
    turns = [turn(n, values) for n, values in enumerate(local)]
    return Observed(
        "https://chat.example/",
        "Chat",
        box={"role": "textbox", "name": "Message"},
        new_chat=[{"click": {"role": "button", "name": "New chat"}}],
        turns=turns,
        clicked=stores(local[2]) if len(local) > 2 else None,
    )


def stored(session: str, **more: Any) -> dict[str, str]:
    return {"chat_state": json.dumps({"session": {"id": session}, **more})}


def watched(payloads: list[Payload], frames: list[Frame] | None = None) -> Watcher:
    sockets = {p.socket: (p.url, p.headers) for p in payloads if p.socket}
    return cast(Watcher, SimpleNamespace(payloads=payloads, frames=frames or [], sockets=sockets))


def posts(
    make: Make, answer: Callable[[int], Any], url: str = "https://chat.example/api/chat", ids: Any = CHATS
) -> list[Payload]:
    made = []
    for n, session in enumerate(ids):
        at = START + 10 * n + 0.1
        body = json.dumps(make(n, session, f"Hello {NONCES[n]}"))
        made.append(
            Payload(
                n, at, "http", "POST", url, {"content-type": "application/json"}, body,
                status=200, ended=True, values=[(at + 1, "", answer(n))],
            )
        )  # fmt: skip
    return made


def by_post(make: Make, local: tuple[Mapping[str, str], ...], ids: Any = CHATS) -> Findings:
    made = posts(make, lambda n: {"text": REPLY, "provider": "Oak" if n < 2 else "Elm"}, ids=ids)
    return infer(watched(made), conversation(*local))


def functions() -> tuple[Watcher, Observed]:
    """One socket that carries several functions, named in each frame, and an unrelated sessionId at the connect."""
    payloads: list[Payload] = []
    frames: list[Frame] = []
    request = 0

    def sent(at: float, value: Any) -> None:
        payloads.append(
            Payload(
                len(payloads), at, "websocket", "SEND", "wss://x.example/api/1.2.3/sync", {}, json.dumps(value), "s"
            )
        )  # fmt: skip

    def call(at: float, path: str, args: Any, result: Any) -> None:
        nonlocal request
        sent(at, {"type": "Action", "requestId": request, "udfPath": path, "args": [args]})
        answer = {"type": "ActionResponse", "requestId": request, "success": True, "result": result}
        frames.append(Frame(at + 1, "s", json.dumps(answer)))
        request += 1

    sent(
        START - 1,
        {"type": "Connect", "connectionCount": 0, "sessionId": "77777777-1a44-4b0e-8f6d-5e7a90413bbd"},
    )
    for n, session in enumerate(CHATS):
        at = START + 10 * n + 0.1
        call(at, "presence:typing", {"sessionId": session, "state": "typing"}, {"ok": True})
        message = {"sessionId": session, "deviceId": OLD, "message": f"Hello {NONCES[n]}"}
        call(at + 0.1, "chat:send", message, {"text": REPLY, "node": "Oak" if n < 2 else "Elm"})
        frames.append(Frame(at + 0.5, "s", json.dumps({"type": "Transition", "endVersion": n})))
    local = [{**stored(s, lastUsed=START + n), "device": OLD} for n, s in enumerate(CHATS)]
    return watched(payloads, frames), conversation(*local)


class TestFunctionsOverASocket:
    def test_condition_selects_the_frames_of_the_chat(self) -> None:
        found = infer(*functions())
        assert found.sent is not None
        assert found.sent.transport == "websocket"
        assert found.when is not None
        assert found.when.value == "udfPath == 'chat:send'"

    def test_url_pattern_matches_any_version(self) -> None:
        found = infer(*functions())
        assert found.sent is not None
        assert found.sent.url == "/api/[^/]+/sync$"

    def test_session_is_the_id_that_changes_with_the_chat(self) -> None:
        found = infer(*functions())
        assert found.session is not None
        assert found.session.value == "args[0].sessionId"
        assert found.store is not None
        assert found.store.value == {"store": "localStorage", "key": "chat_state", "id": "session.id"}

    def test_request_id_links_reply_and_message(self) -> None:
        found = infer(*functions())
        assert found.reply_to is not None
        assert found.reply_to.value == "requestId"

    def test_provider_is_found_in_the_result(self) -> None:
        found = infer(*functions())
        assert found.provider is not None
        assert found.provider.value == "result.node"

    def test_proposal_is_a_valid_profile(self) -> None:
        watcher, observed = functions()
        profile = usable(propose(observed, infer(watcher, observed), "x", observed.url), "x.toml")
        assert profile is not None
        assert profile.wire[0].transport == "websocket"


class TestSession:
    def test_constant_id_is_not_the_session(self) -> None:
        found = by_post(
            lambda _, s, text: {"device": OLD, "session": s, "text": text}, tuple(stored(s) for s in CHATS)
        )
        assert found.session is not None
        assert found.session.value == "session"
        assert found.suspected_fault == ""

    def test_id_of_each_request_is_not_the_session(self) -> None:
        found = by_post(
            lambda n, s, text: {"conversation": f"{NONCES[n]}-0000-4b0e-8f6d-5e7a90413bbd", "s": s, "text": text},
            tuple(stored(s) for s in CHATS),
        )  # fmt: skip
        assert found.session is not None
        assert found.session.value == "s"

    def test_old_id_sent_after_it_was_removed_from_the_store_is_a_suspected_fault(self) -> None:
        found = by_post(
            lambda _, s, text: {"session": s, "text": text},
            (stored(ONE), stored(ONE), {}, {}),
            ids=(ONE, ONE, ONE, ONE),
        )
        assert found.session is not None
        assert found.session.value == "session"
        assert "the page seems to continue an ended session" in found.suspected_fault

    def test_same_id_in_both_chats_is_a_suspected_fault_with_low_confidence(self) -> None:
        found = by_post(
            lambda _, s, text: {"session": s, "text": text},
            tuple(stored(ONE) for _ in CHATS),
            ids=(ONE, ONE, ONE, ONE),
        )
        assert found.session is not None
        assert found.session.confidence < 0.6
        assert "same in both chats" in found.suspected_fault

    def test_two_equal_candidates_raise_a_question(self) -> None:
        found = by_post(
            lambda _, s, text: {"left": s, "other": s[::-1], "text": text}, tuple(dict[str, str]() for _ in CHATS)
        )  # fmt: skip
        assert any("equally likely to be the session ID" in q for q in found.questions)

    def test_id_issued_with_the_first_reply(self) -> None:
        ids = (None, ONE, None, TWO)
        found = by_post(
            lambda _, s, text: {"text": text, **({"thread": s} if s else {})},
            ({}, stored(ONE), {}, stored(TWO)),
            ids=ids,
        )
        assert found.rotation is not None
        assert found.rotation.value == "on_first_reply"

    def test_store_with_a_key_for_each_chat(self) -> None:
        moments = [(s, stores({f"chat:{s}": json.dumps({"id": s})})) for s in (ONE, TWO)]
        found = find_store(moments)
        assert found is not None
        assert found.value == {"store": "localStorage", "id": "id", "key_pattern": "^chat:"}

    def test_value_in_no_store(self) -> None:
        assert find_store([(ONE, stores({"theme": "dark"}))]) is None


class TestMissingParts:
    def test_without_a_request_there_is_a_question_and_no_profile(self) -> None:
        observed = conversation(*({} for _ in CHATS))
        found = infer(watched([]), observed)
        assert found.sent is None
        assert any("which request carries a message" in q for q in found.questions)
        text = propose(observed, found, "x", observed.url)
        assert "# QUESTION: which request" in text
        assert usable(text, "x.toml") is None

    def test_a_chat_that_sends_no_id_has_a_profile_without_a_session(self) -> None:
        observed = conversation(*({} for _ in CHATS))
        found = infer(watched(posts(lambda _, __, text: {"text": text}, lambda _: {"text": REPLY})), observed)
        assert found.session is None
        assert not any("session" in q for q in found.questions)
        text = propose(observed, found, "x", observed.url)
        assert "# [memory]" in text
        profile = usable(text, "x.toml")
        assert profile is not None
        assert profile.session is None
        assert profile.wire[0].session is None

    def test_without_a_session_in_the_only_chat_there_is_a_question_and_no_profile(self) -> None:
        observed = conversation({}, {})
        made = posts(lambda _, __, text: {"text": text}, lambda _: {"text": REPLY}, ids=(ONE, ONE))
        found = infer(watched(made), observed)
        assert any("where is the session ID" in q for q in found.questions)
        assert usable(propose(observed, found, "x", observed.url), "x.toml") is None

    def test_a_stored_id_that_no_message_carries_is_a_question(self) -> None:
        """It changed at New Chat: the chat has an ID, and the profile must not be one of a chat without."""
        observed = conversation(*(stored(s) for s in CHATS))
        found = infer(watched(posts(lambda _, __, text: {"text": text}, lambda _: {"text": REPLY})), observed)
        assert not found.no_id
        [question] = [q for q in found.questions if "session ID" in q]
        assert "chat_state" in question
        assert "no request or frame of the page carries it" in question

    @pytest.mark.parametrize(
        "names", [("gpt-4o-mini", "claude-3-opus"), ("llama-3.1-70b-instruct", "mistral-large-2407")]
    )
    def test_names_of_models_are_no_ids(self, names: tuple[str, str]) -> None:
        observed = conversation(*(stored(s) for s in CHATS))
        made = posts(
            lambda _, s, text: {"session": s, "text": text},
            lambda n: {"text": REPLY, "model": names[n // 2]},
        )
        found = infer(watched(made), observed)
        assert found.provider is not None
        assert found.provider.value == "model"
        assert ", ".join(names) in found.provider.reason

    def test_a_counted_id_is_not_shown_in_the_question(self) -> None:
        observed = conversation(*(stored(s) for s in CHATS))
        made = posts(
            lambda _, s, text: {"session": s, "text": text},
            lambda n: {"text": REPLY, "thread": f"chat-{4821 + n // 2}"},
        )
        found = infer(watched(made), observed)
        assert found.provider is None
        questions = " ".join(found.questions)
        assert "thread" in questions
        assert "chat-482" not in questions

    @pytest.mark.parametrize("key", ["answeredBy", "handled_by", "operator", "routedTo"])
    def test_names_that_say_who_answered_are_known(self, key: str) -> None:
        observed = conversation(*(stored(s) for s in CHATS))
        made = posts(
            lambda _, s, text: {"session": s, "text": text},
            lambda n: {"text": REPLY, key: "Oak" if n < 2 else "Elm"},
        )
        found = infer(watched(made), observed)
        assert found.provider is not None
        assert found.provider.value == key

    def test_without_a_provider_there_is_a_question_and_no_guess(self) -> None:
        observed = conversation(*(stored(s) for s in CHATS))
        made = posts(
            lambda _, s, text: {"session": s, "text": text}, lambda _: {"text": REPLY, "status": "ok"}
        )
        found = infer(watched(made), observed)
        assert found.provider is None
        text = propose(observed, found, "x", observed.url)
        assert text.count("# QUESTION: where is the provider?") == 1
        assert "provider.varies" in text
        assert "are inconclusive" in text
        assert "provider" not in tomllib.loads(text)["wire"][0]


class TestPatterns:
    @pytest.mark.parametrize(
        ("urls", "pattern"),
        [
            (["https://a.example/api/chat"], "/api/chat$"),
            (["https://a.example/api/chat?v=1"], r"/api/chat(\?|$)"),
            ([f"https://a.example/c/{ONE}/m", f"https://a.example/c/{TWO}/m"], "/c/[^/]+/m$"),
            (["https://a.example/_update-the-component"], "/_update-the-component$"),
            (["https://a.example/chat-completions-v2"], "/chat-completions-v2$"),
        ],
    )
    def test_url_pattern_is_anchored_and_matches_any_id(self, urls: list[str], pattern: str) -> None:
        assert url_pattern(urls) == pattern

    def test_no_condition_if_there_are_no_other_payloads(self) -> None:
        assert find_condition([{"type": "chat"}], []) is None

    def test_a_number_marks_a_kind_of_payload_but_never_the_end_of_a_reply(self) -> None:
        wanted, others = [{"fn": 2, "data": ["x"]}], [{"fn": 3, "data": [["y"]]}]
        assert find_condition(wanted, others, numbers=True) == "fn == `2`"
        assert find_condition([{"part": 8}], [{"part": 7}]) is None

    def test_condition_combines_two_fields_if_one_is_not_enough(self) -> None:
        wanted = [{"type": "call", "op": "chat"}]
        others = [{"type": "call", "op": "ping"}, {"type": "event", "op": "chat"}]
        assert find_condition(wanted, others) in (
            "op == 'chat' && type == 'call'",
            "type == 'call' && op == 'chat'",
        )

    @pytest.mark.parametrize(
        ("value", "is_id"), [(ONE, True), (OLD, True), ("hello there", False), ("en", False)]
    )
    def test_id_likeness(self, value: str, is_id: bool) -> None:
        assert (id_likeness(value) > 0.5) is is_id

    def test_masked_ids_are_distinguishable_and_hidden(self) -> None:
        assert masked(OLD).startswith("session_…")
        assert masked(ONE) != masked(TWO)
        assert ONE[:8] not in masked(ONE)

    def test_leaves_have_jmespath_paths(self) -> None:
        assert dict(leaves({"a": [{"b-c": "x"}]})) == {'a[0]."b-c"': "x"}


def test_proposal_contains_no_unmasked_id() -> None:
    watcher, observed = functions()
    text = propose(observed, infer(watcher, observed), "x", observed.url)
    assert not [value for value in (ONE, TWO, OLD, *NONCES) if value in text]
