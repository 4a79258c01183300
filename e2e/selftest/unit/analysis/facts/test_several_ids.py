"""Several IDs in one chat where the backend issues them with the first reply: a fault, or an ID that only held the place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.causes.evidence.chat_evidence import chat_evidence
from e2e.analysis.diagnosis.anomalies import anomaly
from e2e.analysis.facts.ownership import provisional, stored_in_one_chat
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Chat, Event
from e2e.selftest.unit.analysis.checks.test_scenarios import Turn, chat
from e2e.selftest.unit.analysis.facts.test_ownership import NEW, OLD, REPLY, RUN, T, issued, run_with, write
from e2e.selftest.unit.builders import START
from reports.charts.flow import SENT, flow_of

KEY = ChatKey(RUN, 0, 11)
FIRST: Turn = ("", None, None)
TEMP = "s…temp"
ONE = "rotation.one_id_per_chat"


def plain(*turns: Turn, **changes: Any) -> list[Chat]:
    return [chat("plain", 11, turns, **changes)]


def failed(run: Run) -> set[str]:
    return {v.name for v in judge(run).verdicts if v.outcome == "fail"}


def of_message(t: float, session: str, message: int) -> Event:
    event = issued(t, 11, session)
    return replace(event, data={**event.data, "message": message})


TWICE = [
    # One reply issues two, or two requests of the first message create two chats.
    ("", NEW, [issued(T + 0.12, 11, OLD), write(T + 0.13, 11, OLD, None)], issued(T + 0.15, 11, NEW), OLD),
    # The page stores an ID of its own over the issued one.
    ("", NEW, [issued(T + 0.12, 11, OLD), write(T + 0.13, 11, OLD, None)], None, OLD),
    # Who issued them was not seen; the first reply had ended.
    ("", NEW, [write(T + 0.21, 11, OLD, None)], None, OLD),
]


@pytest.mark.parametrize(("after", "second", "events", "more", "held"), TWICE)
def test_two_ids_stored_in_one_chat_are_a_fault(
    after: str, second: str, events: list[Event], more: Event | None, held: str
) -> None:
    events = [*events, *([more] if more else []), write(T + 0.25, 11, second, held)]
    chats = plain(FIRST, (after, second, second))
    chats = [replace(c, messages=(c.messages[0], replace(c.messages[1], sent_at=T + 0.3))) for c in chats]
    run = run_with(chats, events, **REPLY)
    assert failed(run) == {ONE}
    verdict = judge(run).verdict(ONE)
    assert verdict.headline == "1 of 1 chat stored more than one session ID"
    assert verdict.actual == (f"lane 0: chat 11 stored {held}, then {second}",)
    (cause,) = judge(run).causes
    assert (cause.name, cause.chats) == ("over-rotation", 1)
    assert cause.explanation.startswith("one chat stored several session IDs")
    assert cause.advice.startswith("keep the first ID")


@pytest.mark.parametrize("scenario", ["rapid-send", "mid-stream", "double-click", "empty-chat"])
def test_the_scenarios_look_at_it_too(scenario: str) -> None:
    events = [
        issued(T + 0.12, 11, OLD),
        write(T + 0.13, 11, OLD, None),
        issued(T + 0.14, 11, NEW),
        write(T + 0.15, 11, NEW, OLD),
    ]
    run = run_with([chat(scenario, 11, [FIRST, ("", NEW, NEW)])], events, **REPLY)
    check = f"rotation.{scenario.replace('-', '_')}"
    assert failed(run) == {check}
    assert judge(run).verdict(check).actual == (f"lane 0: chat 11 stored {OLD}, then {NEW}",)
    assert [c.name for c in judge(run).causes] == ["over-rotation"]


def test_two_issued_ids_sent_in_one_chat_are_a_fault() -> None:
    events = [issued(T + 0.12, 11, OLD), of_message(T + 0.22, NEW, 1)]
    run = run_with(plain(FIRST, ("", OLD, OLD), ("", NEW, NEW)), events, **REPLY)
    assert failed(run) == {ONE}
    assert [c.name for c in judge(run).causes] == ["over-rotation"]


RIGHT: list[tuple[str, list[Turn], list[Event]]] = [
    # The page's own ID holds the place until the reply issues the backend's.
    (
        "stored",
        [("", None, TEMP), ("", NEW, NEW)],
        [write(T + 0.01, 11, TEMP, None), issued(T + 0.12, 11, NEW), write(T + 0.13, 11, NEW, TEMP)],
    ),
    (
        "stored twice",
        [("", None, TEMP), ("", NEW, NEW)],
        [
            write(T + 0.01, 11, "s…mount", None),
            write(T + 0.02, 11, TEMP, "s…mount"),
            issued(T + 0.12, 11, NEW),
            write(T + 0.13, 11, NEW, TEMP),
        ],
    ),
    (
        "replaced by a reply that was not read",
        [("", None, TEMP), ("", NEW, NEW)],
        [write(T + 0.01, 11, TEMP, None), write(T + 0.25, 11, NEW, TEMP)],
    ),
    (
        "sent",
        [("", TEMP, None), ("", NEW, NEW), ("", NEW, NEW)],
        [issued(T + 0.12, 11, NEW), write(T + 0.13, 11, NEW, None)],
    ),
    # Another form of the ID has the same reference; the ID written again is no change.
    (
        "written again",
        [FIRST, ("", NEW, NEW)],
        [issued(T + 0.12, 11, NEW), write(T + 0.13, 11, NEW, None), write(T + 0.21, 11, NEW, NEW)],
    ),
    (
        "removed and restored",
        [FIRST, ("", NEW, NEW)],
        [issued(T + 0.12, 11, NEW), write(T + 0.13, 11, NEW, None), write(T + 0.18, 11, NEW, None)],
    ),
]


@pytest.mark.parametrize(("turns", "events"), [r[1:] for r in RIGHT], ids=[r[0] for r in RIGHT])
@pytest.mark.parametrize("scenario", ["plain", "rapid-send"])
def test_an_id_that_holds_the_place_of_the_backends_is_right(
    scenario: str, turns: list[Turn], events: list[Event]
) -> None:
    run = run_with([chat(scenario, 11, turns)], events, **REPLY)
    assert failed(run) == set()
    assert judge(run).outcome == "pass"
    assert {anomaly(c) for c in chat_evidence(run).values()} == {""}
    flow = flow_of(run, KEY)
    assert flow is not None
    assert not any(point.wrong for point in flow.points)


def test_one_placeholder_may_stand_in_every_first_message() -> None:
    """``"new"`` until the backend has named the chat; also in a chat that was left before its reply did."""
    chats, events = [], []
    for n in (11, 12, 13):
        t = START + 100 + n
        chats.append(chat("plain", n, [("", "s…new-chat", None), ("", f"s…{n}", f"s…{n}")]))
        events += [issued(t + 0.12, n, f"s…{n}"), write(t + 0.13, n, f"s…{n}", None)]
    chats += [chat("mid-stream", 14, [("", "s…new-chat", None)], cut=True)]
    run = run_with(chats, events, **REPLY)
    assert {key.chat for key, _ in provisional(run)} == {11, 12, 13, 14}
    assert failed(run) == set()


def test_an_id_of_the_pages_own_in_each_message_is_a_fault_still() -> None:
    """The reply issued one, and the page did not go on with it."""
    events = [issued(T + 0.12, 11, OLD), write(T + 0.13, 11, OLD, None)]
    run = run_with(plain(("", TEMP, None), ("", NEW, OLD)), events, **REPLY)
    assert provisional(run) == frozenset()
    assert ONE in failed(run)


def test_an_issued_id_of_the_chat_before_is_never_provisional() -> None:
    events = [
        issued(T + 0.12, 11, OLD),
        write(T + 0.13, 11, OLD, None),
        issued(T + 1.12, 12, NEW),
        write(T + 1.13, 12, NEW, OLD),
    ]
    late = chat("plain", 12, [("", OLD, OLD), ("", NEW, NEW)], stored_before=OLD)
    run = run_with([*plain(FIRST, ("", OLD, OLD)), late], events, **REPLY)
    assert provisional(run) == frozenset()
    assert {"rotation.sent_id_is_fresh", ONE} <= failed(run)
    assert [c.name for c in judge(run).causes] == ["late-rotation"]


def test_where_no_id_is_ever_sent_back_each_reply_issues_another_and_that_is_one_fault() -> None:
    events = [
        issued(T + 0.12, 11, OLD),
        write(T + 0.13, 11, OLD, None),
        of_message(T + 0.22, NEW, 1),
        write(T + 0.23, 11, NEW, OLD),
    ]
    run = run_with(plain(FIRST, ("", None, OLD)), events, **REPLY)
    assert stored_in_one_chat(run) == {}
    assert ONE not in failed(run) or "stored" not in judge(run).verdict(ONE).headline


def test_a_message_that_the_page_repeats_may_be_issued_another() -> None:
    events = [
        issued(T + 0.12, 11, OLD),
        write(T + 0.13, 11, OLD, None),
        Event(RUN, 9000, T + 0.14, 0, 11, "payload", {"rule": "chat", "message": 0, "retry": True}),
        issued(T + 0.15, 11, NEW),
        write(T + 0.16, 11, NEW, OLD),
    ]
    assert stored_in_one_chat(run_with(plain(FIRST, ("", NEW, NEW)), events, **REPLY)) == {}


@pytest.mark.parametrize("scenario", ["two-tabs", "return-to-chat"])
def test_the_store_holds_another_chats_id_by_right_in_some_scenarios(scenario: str) -> None:
    events = [write(T + 0.21, 11, OLD, None), write(T + 0.25, 11, NEW, OLD)]
    run = run_with([chat(scenario, 11, [FIRST, ("", NEW, NEW)])], events, **REPLY)
    assert stored_in_one_chat(run) == {}


def test_where_new_chat_makes_the_session_the_payloads_show_it() -> None:
    events = [write(T + 0.21, 11, OLD, None), write(T + 0.25, 11, NEW, OLD)]
    assert stored_in_one_chat(run_with(plain(("", OLD, OLD), ("", NEW, NEW)), events)) == {}


def test_the_flow_names_whose_reply_issued_the_id() -> None:
    """The chat before never sent it: it was left while its reply streamed."""
    old = chat("mid-stream", 10, [FIRST], cut=True)
    new = chat("mid-stream", 11, [FIRST, ("", OLD, OLD)])
    run = run_with([old, new], [issued(T + 0.15, 10, OLD), write(T + 0.16, 11, OLD, None)], **REPLY)
    flow = flow_of(run, KEY)
    assert flow is not None
    (wrong,) = [p for p in flow.points if p.layer == SENT and p.wrong]
    assert wrong.sentence.endswith("the ID of the chat before")


def test_a_chat_of_one_message_shows_no_round_trip_of_an_issued_id() -> None:
    records = run_with([], [], **REPLY)
    only = replace(
        records,
        rows={**records.rows, MessageRow: [m for m in records.every(MessageRow) if m.number == 0]},
        _cache={},
    )
    verdict = judge(only).verdict("smoke")
    assert verdict.outcome == "inconclusive"
    assert verdict.headline.endswith("no chat was observed that sent another message after it")
