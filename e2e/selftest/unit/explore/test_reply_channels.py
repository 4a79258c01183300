"""Inference of replies on another channel than the message: an event stream with one word an event, and polling."""

from __future__ import annotations

import json
from typing import Any

from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.conditions import find_condition
from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.propose import propose, usable
from e2e.explore.discover.infer.reply_parts import texts_by_path
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import Frame, Payload
from e2e.selftest.unit.explore.test_infer import (
    CHATS,
    NONCES,
    REPLY,
    START,
    conversation,
    posts,
    stored,
    watched,
)


def by_events(worker: bool = True) -> Findings:
    """A POST that returns "accepted", and the reply on an EventSource that is open throughout."""
    made = posts(
        lambda n, s, text: {"to": f"{NONCES[n]}-to", "thread": s, "text": text}, lambda _: {"accepted": True}
    )
    stream = Payload(
        9, START - 5, "http", "GET", "https://x.example/events?device=1", {}, "", kind="EventSource"
    )
    for n in range(len(CHATS)):
        at, to = START + 10 * n + 0.2, f"{NONCES[n]}-to"
        for k, word in enumerate(REPLY.split()):
            stream.values.append((at + k / 50, "message", {"to": to, "kind": "token", "token": word + " "}))
        end = {"to": to, "kind": "end"} | ({"worker": "Oak" if n < 2 else "Elm"} if worker else {})
        stream.values.append((at + 1, "message", end))
    return infer(watched([*made, stream]), conversation(*(stored(s) for s in CHATS)))


def test_an_id_beside_each_word_is_not_part_of_the_text() -> None:
    words = [{"id": "a51fd6b1-79a8", "token": w} for w in ("I ", "heard ", "you")]
    assert texts_by_path(words) == ["a51fd6b179a8" * 3, "Iheardyou"]


def test_event_stream_is_the_reply_channel() -> None:
    found = by_events()
    assert found.answered_by is not None
    assert found.answered_by.value["url"] == r"/events(\?|$)"
    assert found.answered_by.value["direction"] == "received"


def test_events_are_linked_by_a_key_and_the_last_one_ends_the_reply() -> None:
    found = by_events()
    assert found.reply_to is not None
    assert found.reply_to.value == "to"
    assert found.done is not None
    assert found.done.value == "kind == 'end'"


def test_provider_in_the_last_event() -> None:
    found = by_events()
    assert found.provider is not None
    assert found.provider.value == "worker"


def test_without_a_provider_there_is_a_question() -> None:
    found = by_events(worker=False)
    assert found.provider is None
    assert any("where is the provider" in question for question in found.questions)


def test_parts_of_a_poll_are_one_text() -> None:
    values = [{"pieces": [{"token": "I "}, {"token": "heard "}]}, {"pieces": [{"token": "you"}]}]
    assert texts_by_path(values) == ["Iheardyou"]


def test_flag_of_the_last_frame_is_a_condition() -> None:
    assert find_condition([{"id": "m1", "done": True}], [{"id": "m1", "token": "x"}]) == "done == `true`"


def test_flag_of_every_frame_is_no_condition() -> None:
    assert find_condition([{"ok": True}], [{"ok": True}]) is None


def by_polls() -> Findings:
    """The response to the message has the key; polling returns lists of parts, of random length."""
    made = posts(lambda _, s, text: {"thread": s, "text": text}, lambda n: {"id": f"{NONCES[n]}-to"})
    polls = []
    for n in range(len(CHATS)):
        at, to = START + 10 * n + 2, f"{NONCES[n]}-to"
        parts = [{"id": to, "provider": "Oak" if n < 2 else "Elm"}] + [
            {"id": to, "token": word + " "} for word in REPLY.split()
        ]
        for k, some in enumerate((parts[:4], parts[4:], [{"id": to, "token": ".", "last": True}])):
            polls.append(
                Payload(
                    9 + k, at + k, "http", "GET", "https://x.example/poll", {}, "",
                    status=200, ended=True, values=[(at + k + 0.5, "", {"pieces": some})],
                )
            )  # fmt: skip
    return infer(watched([*made, *polls]), conversation(*(stored(s) for s in CHATS)))


def test_key_in_the_response_to_the_message() -> None:
    found = by_polls()
    assert found.answered_by is not None
    assert found.reply_to is not None
    assert found.reply_to.value == "id || pieces[0].id"


def test_number_of_parts_in_a_list_does_not_mark_the_end() -> None:
    found = by_polls()
    assert found.done is None
    assert not found.exchange_ends


def test_reply_that_repeats_the_message_is_found_on_its_channel() -> None:
    made = posts(lambda _, s, text: {"thread": s, "text": text}, lambda _: {"accepted": True})
    stream = Payload(9, START - 5, "http", "GET", "https://x.example/events", {}, "", kind="EventSource")
    observed = conversation(*(stored(s) for s in CHATS))
    for n, turn in enumerate(observed.turns):
        turn.shown = f"{turn.text}\nprov\nEcho: {turn.text}, you said\nMessage\nSend"
        stream.values.append((START + 10 * n + 1, "message", {"echo": f"Echo: {turn.text}, you said"}))
    found = infer(watched([*made, stream]), observed)
    assert found.answered_by is not None
    assert found.answered_by.value["url"] == "/events$"


def test_stored_word_sent_as_session_is_proposed_with_a_suspected_fault() -> None:
    ids = ("session_fixed",) * 4
    made = posts(
        lambda _, s, text: {"session_id": s, "text": text},
        lambda _: {"text": REPLY, "provider": "Oak"},
        ids=ids,
    )
    found = infer(watched(made), conversation(*(stored(s) for s in ids)))
    assert found.session is not None
    assert found.session.value == "session_id"
    assert found.session.confidence < 0.6
    assert "same in both chats" in found.suspected_fault


def test_id_in_the_replies_is_not_the_provider_and_is_masked() -> None:
    made = posts(
        lambda _, s, text: {"session": s, "text": text},
        lambda n: {"text": REPLY, "threadId": CHATS[n], "author": CHATS[n]},
    )
    observed = conversation(*(stored(s) for s in CHATS))
    observed.labels = [({"css": ".line"}, [CHATS[0]])]
    text = propose(observed, infer(watched(made), observed), "x", observed.url)
    assert not [session for session in CHATS if session in text]


def different_words(n: int) -> str:
    """A reply of its own for each message: as a real chat's replies differ."""
    return (
        "I heard you and think about it",
        "That is a fine thing to say",
        "Ships are what I like most",
        "Let us talk of hats today",
    )[n]


def by_socket(name: str = "") -> Findings:
    """A POST that returns "accepted", and the words of the reply on a WebSocket of their own; ``name`` begins the reply."""
    made = posts(lambda _, s, text: {"thread": s, "text": text}, lambda _: {"ok": True})
    observed = conversation(*(stored(s) for s in CHATS))
    frames: list[Any] = []
    for n, turn in enumerate(observed.turns):
        words = (f"{('Oak', 'Elm')[n // 2]} {name}" if name else "") + different_words(n)
        turn.shown = f"{turn.text}\n{words}\nSend"
        for k, word in enumerate(words.split(" ")):
            frames.append(
                Frame(START + 10 * n + 1 + k / 50, "s", json.dumps({"op": "part", "text": word + " "}))
            )
        frames.append(Frame(START + 10 * n + 3, "s", json.dumps({"op": "end"})))
    watcher = watched(made, frames)
    watcher.sockets["s"] = ("wss://x.example/live?c=1", {})
    return infer(watcher, observed)


def test_replies_on_a_socket_of_their_own() -> None:
    found = by_socket()
    assert found.answered_by is not None
    assert found.answered_by.value == {
        "name": "events", "direction": "received", "url": r"/live(\?|$)", "transport": "websocket",
    }  # fmt: skip
    assert found.done is not None
    assert found.done.value == "op == 'end'"


def test_the_reply_s_own_words_name_the_provider() -> None:
    found = by_socket("speaking: ")
    assert found.provider is not None
    assert found.provider.value == {"regex": r"^(.{1,40}?)\s+speaking"}


def test_the_proposal_with_a_socket_for_the_replies_is_a_valid_profile() -> None:
    observed = conversation(*(stored(s) for s in CHATS))
    profile = usable(propose(observed, by_socket(), "x", observed.url), "x.toml")
    assert profile is not None
    assert (profile.wire[0].answered_by, profile.wire[1].transport) == ("events", "websocket")


def test_a_word_of_the_reply_is_never_an_end_mark() -> None:
    """Every reply is the same text, and its last word arrives in a frame of its own: a mark of that text only."""
    made = posts(lambda _, s, text: {"thread": s, "text": text}, lambda _: {"ok": True})
    stream = Payload(9, START - 5, "http", "GET", "https://x.example/events", {}, "", kind="EventSource")
    for n in range(len(CHATS)):
        for k, word in enumerate(REPLY.split()):
            stream.values.append((START + 10 * n + 1 + k / 50, "message", {"token": word + " "}))
    found = infer(watched([*made, stream]), conversation(*(stored(s) for s in CHATS)))
    assert found.done is None
    assert found.answer_when is None
    assert not found.exchange_ends


def polled_html() -> tuple[Findings, Observed]:
    """The message's response is a fragment; the reply is polled for as HTML."""
    made = posts(lambda _, s, text: {"thread": s, "text": text}, lambda _: None)
    observed = conversation(*(stored(s) for s in CHATS))
    observed.messages = {"css": ".message"}
    for n, turn in enumerate(observed.turns):
        made[n].values, made[n].plain = [], "<p>queued</p>"
        words = f"{('Oak', 'Elm')[n // 2]}: {different_words(n)}"
        turn.shown = f"{turn.text}\n{words}\nSend"
        at = START + 10 * n + 2
        made.append(Payload(9 + n, at, "http", "GET", "https://x.example/poll", {}, "", ended=True, ended_at=at,
                            plain=f"<div>{words}</div>"))  # fmt: skip
    return infer(watched(made), observed), observed


def test_html_that_is_polled_for_ends_with_a_settled_screen() -> None:
    found, observed = polled_html()
    assert found.settled
    assert found.answered_by is None
    profile = usable(propose(observed, found, "x", observed.url), "x.toml")
    assert profile is not None
    assert profile.reply.text_stable_for is not None
    assert profile.screen.provider_regex == "^(.{1,40}?):"
    assert profile.providers.source == ("label",)


def test_the_user_s_own_text_is_never_the_provider() -> None:
    """A title that the first message gave is constant in each chat, differs between them, and is on the screen."""
    made = posts(
        lambda _, s, text: {"thread": s, "text": text},
        lambda n: {
            "text": REPLY,
            "model_title": f"Hello {NONCES[n - n % 2]}",
            "author": f"re: Hello {NONCES[n - n % 2]}",
        },
    )
    observed = conversation(*(stored(s) for s in CHATS))
    observed.labels = [({"css": ".title"}, [f"Hello {NONCES[0]}"])]
    found = infer(watched(made), observed)
    assert found.provider is None
    assert found.label is None
    [question] = [q for q in found.questions if "provider" in q]
    assert NONCES[0] not in question


def activities() -> tuple[Findings, Observed]:
    """A POST whose response has the message's ID; a socket with lists of events that repeats the message before the reply."""
    made = posts(
        lambda n, s, text: {"type": "message", "text": text, "client": f"k{n}{n}f7e3-c1", "thread": s},
        lambda n: {"id": f"k{n}{n}f7e3-a0"},
    )
    observed = conversation(*(stored(s) for s in CHATS))
    frames: list[Any] = []
    for n, turn in enumerate(observed.turns):
        turn.shown = f"{turn.text}\n{different_words(n)}\nSend"
        who = {"id": "bot", "role": "bot"}
        echo = {
            "type": "message",
            "id": f"k{n}{n}f7e3-a0",
            "text": turn.text,
            "client": f"k{n}{n}f7e3-c1",
            "from": {"id": "you"},
        }
        typing = {"type": "typing", "id": f"k{n}{n}f7e3-a1", "from": who}
        reply = {"type": "message", "id": f"k{n}{n}f7e3-a2", "text": different_words(n), "from": who,
                 "replyToId": f"k{n}{n}f7e3-a0", "data": {"servedBy": ("Oak", "Elm")[n // 2]}}  # fmt: skip
        for k, event in enumerate((echo, typing, reply)):
            frames.append(
                Frame(START + 10 * n + 1 + k / 10, "s", json.dumps({"activities": [event], "watermark": k}))
            )
    watcher = watched(made, frames)
    watcher.sockets["s"] = ("wss://x.example/stream", {})
    return infer(watcher, observed), observed


def test_events_in_lists_are_events_and_the_repeated_message_is_no_reply() -> None:
    found, observed = activities()
    assert found.each is not None
    assert found.each.value == "activities"
    assert found.provider is not None
    assert found.provider.value == "data.servedBy"
    profile = usable(propose(observed, found, "x", observed.url), "x.toml")
    assert profile is not None
    send, events = profile.wire
    assert (send.reply_to, send.each, events.reply_to, events.each) == ("id", None, "replyToId", "activities")


def test_what_is_sent_while_typing_is_not_what_sends_the_message() -> None:
    """The text leaves with each change of the box; the key that sends it is a frame of its own, without the text."""
    observed = conversation(*({} for _ in CHATS))
    frames: list[Any] = []
    for turn, session in zip(observed.turns, CHATS, strict=True):
        for at, event in (
            (-0.1, {"name": "input", "value": turn.text}),
            (0.1, {"name": "key", "key": "Enter", "room": session}),
        ):
            body = json.dumps({"event": event})
            frames.append(
                Payload(
                    len(frames), turn.sent_at + at, "websocket", "SEND", "wss://x.example/live", {}, body, "s"
                )
            )
    found = infer(watched(frames), observed)
    assert found.sent is not None
    assert "while it was typed" in found.sent_reason
    assert found.when is not None
    assert found.session is not None
    assert found.session.value == "event.room"


def test_the_request_that_is_replied_to_comes_before_one_that_only_repeats_the_text() -> None:
    """A page may have a title made of the text, or save it: the reply tells which request is the chat."""
    observed = conversation(*(stored(s) for s in CHATS))
    first = posts(
        lambda _, s, text: {"room": s, "draft": text}, lambda _: {"saved": True}, url="https://x.example/save"
    )
    chat = posts(
        lambda _, s, text: {"session": s, "text": text}, lambda _: {"text": REPLY}, url="https://x.example/go"
    )
    for payload in chat:
        payload.number, payload.t = payload.number + 9, payload.t + 0.3
    found = infer(watched([*first, *chat]), observed)
    assert found.sent is not None
    assert found.sent.url == "/go$"
