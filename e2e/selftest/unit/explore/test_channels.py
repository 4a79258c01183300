"""Answers that come by another way than their request, one word an event, each with an ID beside it."""

from __future__ import annotations

from e2e.explore.discover.infer import infer
from e2e.explore.discover.infer.common import Findings
from e2e.explore.discover.infer.conditions import discriminate
from e2e.explore.discover.infer.pieces import heard_at
from e2e.explore.discover.infer.propose import propose
from e2e.explore.discover.watch import Payload
from e2e.selftest.unit.explore.test_infer import CHATS, NONCES, REPLY, START, kept, posts, said, watched


def by_events(worker: bool = True) -> Findings:
    """A POST that only says "accepted", and an EventSource that was open all the time."""
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
    return infer(watched([*made, stream]), said(*(kept(s) for s in CHATS)))


def test_an_id_beside_each_word_is_no_part_of_the_text() -> None:
    words = [{"id": "a51fd6b1-79a8", "token": w} for w in ("I ", "heard ", "you")]
    assert heard_at(words) == ["a51fd6b179a8" * 3, "Iheardyou"]


def test_the_other_channel_is_found() -> None:
    found = by_events()
    assert found.answered_by is not None
    assert found.answered_by.value["url"] == r"/events(\?|$)"
    assert found.answered_by.value["direction"] == "received"


def test_its_events_belong_by_their_key_and_end_with_their_last() -> None:
    found = by_events()
    assert found.reply_to is not None
    assert found.reply_to.value == "to"
    assert found.done is not None
    assert found.done.value == "kind == 'end'"


def test_who_answered_may_stand_in_the_last_event() -> None:
    found = by_events()
    assert found.provider is not None
    assert found.provider.value == "worker"


def test_without_a_provider_it_stays_open() -> None:
    found = by_events(worker=False)
    assert found.provider is None
    assert any("who answers" in question for question in found.questions)


def test_the_parts_of_a_poll_are_one_text() -> None:
    values = [{"pieces": [{"token": "I "}, {"token": "heard "}]}, {"pieces": [{"token": "you"}]}]
    assert heard_at(values) == ["Iheardyou"]


def test_an_end_may_be_a_flag() -> None:
    assert discriminate([{"id": "m1", "done": True}], [{"id": "m1", "token": "x"}]) == "done == `true`"


def test_a_flag_of_all_is_no_end() -> None:
    assert discriminate([{"ok": True}], [{"ok": True}]) is None


def by_polls() -> Findings:
    """The request's own answer gives the key; the parts come in lists, and how many come together is chance."""
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
    return infer(watched([*made, *polls]), said(*(kept(s) for s in CHATS)))


def test_the_key_may_come_with_the_requests_own_answer() -> None:
    found = by_polls()
    assert found.answered_by is not None
    assert found.reply_to is not None
    assert found.reply_to.value == "id || pieces[0].id"


def test_how_many_parts_came_together_is_no_end() -> None:
    found = by_polls()
    assert found.done is None
    assert not found.exchange_ends


def test_a_reply_that_repeats_the_question_is_found_where_it_comes() -> None:
    made = posts(lambda _, s, text: {"thread": s, "text": text}, lambda _: {"accepted": True})
    stream = Payload(9, START - 5, "http", "GET", "https://x.example/events", {}, "", kind="EventSource")
    talked = said(*(kept(s) for s in CHATS))
    for n, turn in enumerate(talked.turns):
        turn.shown = f"{turn.text}\nprov\nEcho: {turn.text}, you said\nMessage\nSend"
        stream.values.append((START + 10 * n + 1, "message", {"said": f"Echo: {turn.text}, you said"}))
    found = infer(watched([*made, stream]), talked)
    assert found.answered_by is not None
    assert found.answered_by.value["url"] == "/events$"


def test_a_word_that_is_stored_and_sent_as_a_session_is_proposed_with_a_warning() -> None:
    ids = ("session_fixed",) * 4
    made = posts(
        lambda _, s, text: {"session_id": s, "text": text},
        lambda _: {"text": REPLY, "provider": "Oak"},
        ids=ids,
    )
    found = infer(watched(made), said(*(kept(s) for s in ids)))
    assert found.session is not None
    assert found.session.value == "session_id"
    assert found.session.confidence < 0.6
    assert "same in both chats" in found.suspicion


def test_an_id_in_the_replies_is_no_provider_and_is_not_shown() -> None:
    made = posts(
        lambda _, s, text: {"session": s, "text": text},
        lambda n: {"text": REPLY, "threadId": CHATS[n], "author": CHATS[n]},
    )
    talked = said(*(kept(s) for s in CHATS))
    talked.labels = [({"css": ".line"}, [CHATS[0]])]
    text = propose(talked, infer(watched(made), talked), "x", talked.url)
    assert not [session for session in CHATS if session in text]
