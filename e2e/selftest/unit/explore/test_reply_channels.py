"""Inference of replies on another channel than the message: an event stream with one word an event, and polling."""

from __future__ import annotations

from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.conditions import find_condition
from e2e.explore.discover.infer.findings import Findings
from e2e.explore.discover.infer.propose import propose
from e2e.explore.discover.infer.reply_parts import texts_by_path
from e2e.explore.discover.watcher import Payload
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
        stream.values.append((START + 10 * n + 1, "message", {"said": f"Echo: {turn.text}, you said"}))
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
