"""An ID that a page made itself until the backend replaced it: the pair is one ID, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.issued_ids import issued_ids, replaced_ids, with_replaced_ids
from e2e.analysis.model.run import assemble
from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.selftest.unit.builders import make_run, with_meta


def own_of(session: str | None) -> str:
    return f"temp-of-{session}"


def with_temporary_ids(*, stored_only: bool = False, again: bool = False, issued: bool = True) -> RunRecords:
    """A healthy run in which every chat begins under an ID of the page's own; the first reply brings the backend's ID.

    ``stored_only``: chats have one message, and go on in the store only. ``again``: the page sends its own ID again at last.
    ``issued``: it was seen that the reply brought it.
    """
    run = make_run(messages=1 if stored_only else 3, backend=False)
    events: list[Event] = list(run.events)
    seq = max(e.seq for e in events)

    def change(chat: Chat) -> Chat:
        nonlocal seq
        if not chat.messages:
            return chat
        first, *later = chat.messages
        real = first.sent
        if real is None:
            return chat
        if issued:
            seq += 1
            data = {"session": real, "message": 0, "request": "r", "rule": "chat"}
            events.append(
                Event(run.meta.run_id, seq, (first.sent_at or 0) + 0.01, chat.lane, chat.chat, "issued", data)
            )
        messages: list[Message] = [replace(first, sent=own_of(real), stored=own_of(real)), *later]
        if again and later:
            messages[-1] = replace(later[-1], sent=own_of(real))
        return replace(chat, stored=own_of(real), messages=tuple(messages))

    chats = tuple(map(change, run.chats))
    of_chat = {(c.lane, c.chat): c.messages[0].sent for c in chats if c.messages}
    if stored_only:
        for (lane, chat), own in of_chat.items():
            seq += 1
            data: dict[str, Any] = {
                "session": (own or "").removeprefix("temp-of-"),
                "previous": own,
                "op": "set",
                "by": "page",
                "stack": [],
            }
            events.append(Event(run.meta.run_id, seq, run.chats[-1].ended, lane, chat, "storage", data))
    return replace(run, chats=chats, events=tuple(events))


@pytest.mark.parametrize("stored_only", [False, True])
def test_the_pair_is_one_id(stored_only: bool) -> None:
    run = with_temporary_ids(stored_only=stored_only)
    pairs = replaced_ids(run)
    assert len(pairs) == len([c for c in run.chats if c.messages])
    assert all(own == own_of(real) for own, real in pairs.items())
    sent = {m.sent for c in with_replaced_ids(run).chats for m in c.messages}
    assert not any(session and session.startswith("temp") for session in sent)


def test_chats_with_temporary_ids_pass() -> None:
    judgement = judge(assemble([with_temporary_ids()]))
    for name in ("sent_id_is_fresh", "stored_id_is_fresh", "sent_equals_stored", "one_id_per_chat"):
        assert judgement.verdict(f"rotation.{name}").outcome == "pass", name


@pytest.mark.parametrize("broken", [{"again": True}, {"issued": False}])
def test_an_id_that_comes_back_or_that_no_reply_brought_is_none(broken: dict[str, bool]) -> None:
    """A chat that goes on with its own ID after the backend's has two; so has one whose page made both."""
    run = with_temporary_ids(**broken)
    long = {own_of(c.messages[0].sent and c.messages[-1].sent) for c in run.chats if len(c.messages) > 1}
    assert not long & set(replaced_ids(run))
    assert judge(assemble([run])).verdict("rotation.one_id_per_chat").outcome == "fail"


@pytest.mark.parametrize("earlier", [None, "own", "s…other"])
def test_the_first_message_may_carry_none_and_no_other_than_its_own(earlier: str | None) -> None:
    """The reply to the second message brings the backend's ID."""
    run = make_run(chats=2, lanes=1, messages=3, backend=False, continue_last=False)
    chat = run.chats[1]
    own = "temp-1"
    first = own if earlier == "own" else earlier
    messages = (
        replace(chat.messages[0], sent=first), replace(chat.messages[1], sent=own), replace(chat.messages[2], sent="s…real"),
    )  # fmt: skip
    event = Event(
        run.meta.run_id,
        9000,
        chat.messages[1].ended_at or 0,
        0,
        1,
        "issued",
        {"session": "s…real", "message": 1},
    )
    changed = replace(
        run, chats=(run.chats[0], replace(chat, messages=messages)), events=(*run.events, event)
    )
    assert replaced_ids(changed) == ({} if earlier == "s…other" else {own: "s…real"})


def test_an_id_of_several_chats_is_none() -> None:
    """A page that sends an old ID is stale, whatever the replies bring."""
    run = with_temporary_ids()
    first = next(c for c in run.chats if c.messages)
    same = first.messages[0].sent
    chats = tuple(
        replace(c, messages=(replace(c.messages[0], sent=same), *c.messages[1:])) if c.messages else c
        for c in run.chats
    )
    assert replaced_ids(replace(run, chats=chats)) == {}
    assert judge(assemble([replace(run, chats=chats)])).verdict("rotation.sent_id_is_fresh").outcome == "fail"


def test_where_the_policy_is_that_the_reply_brings_the_id_it_is_left_to_that() -> None:
    run = with_temporary_ids()
    run = with_meta(run, policy=replace(run.meta.policy, rotation="on_first_reply"))
    assert with_replaced_ids(run) is run


def test_a_run_without_such_ids_is_left_alone() -> None:
    run = make_run(chats=4, lanes=2, backend=False)
    assert with_replaced_ids(run) is run
    assert replaced_ids(run) == {}
    assert issued_ids(run) == {}


def test_what_replies_issued_is_known_from_messages_and_from_events() -> None:
    """A message's own record comes first; an event without an ID, a chat or a message is left out."""
    run = make_run(chats=2, lanes=1, backend=False, continue_last=False)
    chats = (
        replace(run.chats[0], messages=(replace(run.chats[0].messages[0], issued="s-1"),)),
        run.chats[1],
    )
    given: list[tuple[int | None, dict[str, Any]]] = [
        (0, {"session": "s-0", "message": 0}),
        (1, {"session": "s-2", "message": 0}),
        (1, {"session": "s-3", "message": 0}),
        (1, {"session": "s-4", "message": None}),
        (1, {"session": None, "message": 1}),
        (None, {"session": "s-5", "message": 2}),
    ]
    events = [
        Event(run.meta.run_id, 9000 + n, 1.0 + n, 0, chat, "issued", data)
        for n, (chat, data) in enumerate(given)
    ]
    assert issued_ids(replace(run, chats=chats, events=(*run.events, *events))) == {
        (0, 0, 0): "s-1",
        (0, 1, 0): "s-2",
    }
