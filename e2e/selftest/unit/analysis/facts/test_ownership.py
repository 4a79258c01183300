"""IDs that replies issue, and what the end of a reply that was left behind does with one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.facts.ownership import foreign, owners
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Chat, Event, Policy
from e2e.selftest.unit.analysis.checks.test_scenarios import chat
from e2e.selftest.unit.builders import START, make_run, stack

RUN = "2026-11-22T0215Z-2f9c"
OLD, NEW = "s…old", "s…new"


def write(t: float, number: int, session: str | None, previous: str | None) -> Event:
    return Event(
        RUN, 9000, t, 0, number, "storage",
        {"store": "localStorage", "op": "set", "key": "k", "session": session, "previous": previous, "by": "page",
         "same_value": session == previous, "stack": stack("save", "sendMessage")},
    )  # fmt: skip


def issued(t: float, number: int, session: str) -> Event:
    return Event(RUN, 9000, t, 0, number, "issued", {"session": session, "rule": "chat", "message": 0})


def run_with(chats: list[Chat], events: list[Event], **policy: Any) -> Run:
    records = make_run(chats=4, lanes=1, messages=2)
    policy_of = replace(records.meta.policy, **policy)
    if policy.get("rotation") == "on_first_reply":
        records = replace(
            records,
            chats=tuple(
                replace(c, messages=(replace(c.messages[0], sent=None), *c.messages[1:]))
                for c in records.chats
            ),
        )
    return assemble(
        [
            replace(
                records,
                meta=replace(records.meta, policy=policy_of),
                chats=(*records.chats, *chats),
                events=(*records.events, *events),
            )
        ]
    )


def left(first: tuple[str, str | None, str | None], second: tuple[str, str | None, str | None]) -> list[Chat]:
    old = chat("mid-stream", 10, [("", None, None)], cut=True)
    return [old, chat("mid-stream", 11, [first, second])]


T = START + 111  # the new chat's begin; its messages leave 0.1 and 0.2 s later
REPLY: dict[str, Any] = {"rotation": "on_first_reply"}


@pytest.mark.parametrize(
    ("second", "events", "expected"),
    [
        # The old reply ends last: the second message goes into the old conversation.
        (
            ("", OLD, OLD),
            [
                issued(T + 0.12, 11, NEW),
                write(T + 0.13, 11, NEW, None),
                issued(T + 0.15, 10, OLD),
                write(T + 0.16, 11, OLD, NEW),
            ],
            "sent s…old",
        ),
        # The new chat's own reply ends last, and its ID stands in the end: the old one was in the store all the same.
        (
            ("", NEW, NEW),
            [
                issued(T + 0.12, 10, OLD),
                write(T + 0.13, 11, OLD, None),
                issued(T + 0.15, 11, NEW),
                write(T + 0.16, 11, NEW, OLD),
            ],
            "stored s…old, which the reply to chat 10 had issued",
        ),
    ],
    ids=["old end last", "old end first"],
)
def test_the_end_of_an_old_reply_names_the_new_chat(
    second: tuple[str, str | None, str | None], events: list[Event], expected: str
) -> None:
    run = run_with(left(("", None, None), second), events, **REPLY)
    verdict = judge(run).verdict("rotation.mid_stream")
    assert verdict.outcome == "fail"
    assert expected in " ".join(verdict.actual)
    assert [c.name for c in judge(run).causes] == ["late-stream"]
    assert owners(run)[run.metas[0].mask_key, OLD].key == ChatKey(RUN, 0, 10)


def test_the_ids_of_ones_own_replies_are_right() -> None:
    events = [issued(T + 0.12, 11, NEW), write(T + 0.13, 11, NEW, None)]
    run = run_with(left(("", None, None), ("", NEW, NEW)), events, **REPLY)
    assert judge(run).verdict("rotation.mid_stream").outcome == "pass"
    assert foreign(run) == {}


def test_an_optimistic_id_may_be_replaced_by_the_backends() -> None:
    events = [write(T, 11, "s…temp", None), issued(T + 0.12, 11, NEW), write(T + 0.13, 11, NEW, "s…temp")]
    run = run_with(left(("", None, None), ("", NEW, NEW)), events, **REPLY)
    assert judge(run).verdict("rotation.mid_stream").outcome == "pass"


def test_a_reply_may_bring_the_next_chats_id_where_new_chat_makes_the_session() -> None:
    events = [issued(T - 0.5, 10, NEW), write(T, 11, NEW, OLD)]
    old = chat("mid-stream", 10, [("", OLD, OLD)], cut=True)
    run = run_with([old, chat("mid-stream", 11, [("", NEW, NEW)])], events)
    assert foreign(run) == {}


def test_an_old_end_that_writes_the_old_id_back_is_no_generator() -> None:
    old = chat("mid-stream", 10, [("", OLD, OLD)], cut=True, stored_before=None)
    new = chat("mid-stream", 11, [("", NEW, NEW), ("", OLD, OLD)], stored_before=OLD)
    events = [write(T + 0.01, 11, NEW, OLD), write(T + 0.15, 11, OLD, NEW)]
    run = run_with([old, new], events)
    assert [c.name for c in judge(run).causes] == ["late-stream"]


@pytest.mark.parametrize(("cut", "causes"), [(True, ["late-stream"]), (False, ["unexplained"])])
def test_an_id_from_the_head_of_an_old_reply_may_come_with_its_end(cut: bool, causes: list[str]) -> None:
    """It was issued before New Chat, in a header, and came into the store only when the reply that was left had ended."""
    old, new = left(("", None, None), ("", OLD, OLD))
    events = [
        issued(T - 0.5, 10, OLD),
        issued(T + 0.12, 11, NEW),
        write(T + 0.13, 11, NEW, None),
        write(T + 0.16, 11, OLD, NEW),
    ]
    run = run_with([replace(old, cut=cut), new], events, **REPLY)
    assert judge(run).verdict("rotation.mid_stream").outcome == "fail"
    assert [c.name for c in judge(run).causes] == causes


def test_old_policy_records_have_no_owners_by_issue() -> None:
    assert Policy().rotation == "on_click"
    assert not any(claim.issued for claim in owners(assemble([make_run()])).values())


def test_a_server_that_echoes_an_id_into_the_store_makes_nobody_rotate_late() -> None:
    """Every payload carries the first ID, and each reply writes another one into the store, which nobody sends."""
    records = make_run(chats=4, lanes=1, continue_last=False)
    first = records.chats[0].messages[0].sent
    changed = []
    events = [e for e in records.events if not (e.kind == "storage" and e.chat)]
    for c in records.chats:
        c = replace(c, began=c.began + c.chat, ended=c.ended + c.chat + 0.5)  # noqa: PLW2901
        sent_at = c.messages[0].sent_at
        assert sent_at is not None
        held = f"s…echo-{c.chat - 1}" if c.chat else first
        message = replace(c.messages[0], sent=first, stored=held, sent_at=sent_at + c.chat)
        changed.append(replace(c, stored=held, stored_before=held if c.chat else None, messages=(message,)))
        events.append(write(sent_at + c.chat + 0.25, c.chat, f"s…echo-{c.chat}", held))
    events = [
        replace(e, t=e.t + (e.chat or 0), data={**e.data, "session": first}) if e.kind == "payload" else e
        for e in events
    ]
    causes = judge(assemble([replace(records, chats=tuple(changed), events=tuple(events))])).causes
    assert "late-rotation" not in [c.name for c in causes]


def test_what_came_into_a_chat_is_in_order_of_time_whatever_kind_of_record_shows_it() -> None:
    """A chat that sent the old ID before it stored it has it from that message on."""
    old = chat("mid-stream", 10, [("", None, None)], cut=True)
    new = chat("mid-stream", 11, [("", OLD, None), ("", NEW, NEW)])
    events = [issued(T - 0.5, 10, OLD), write(T + 0.5, 11, OLD, None)]
    found = foreign(run_with([old, new], events, **REPLY))[ChatKey(RUN, 0, 11)]
    assert [(f.layer, f.session, f.owner.chat) for f in found] == [("sent", OLD, 10), ("stored", OLD, 10)]
    assert [f.t for f in found] == sorted(f.t for f in found)
