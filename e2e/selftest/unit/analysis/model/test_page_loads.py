"""What a page keeps in its memory, and what a page load between two payloads explains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import assemble
from e2e.records.records import Chat, Event
from e2e.selftest.unit.analysis.checks.test_scenarios import Turn, chat
from e2e.selftest.unit.analysis.facts.test_ownership import RUN, T, issued, run_with, write
from e2e.selftest.unit.builders import START, make_run

Rotation = Literal["on_click", "on_first_message", "on_first_reply"]
A, X, D = "s…a", "s…x", "s…d"


def unstored(rotation: Rotation, *, reloads: bool = True) -> Judgement:
    """A page that keeps its ID in memory and forgets it at no New Chat; each page load leads to another ID."""
    new: str | None = X if reloads else A
    by_reply = rotation == "on_first_reply"
    made: list[Event] = [issued(START + 100.15, 0, A), issued(START + 108.15, 8, D)] if by_reply else []

    def first(session: str) -> Turn:
        return ("", None if by_reply else session, None)

    chats = [
        chat("plain", 0, [first(A), ("", A, None)], via="load"),
        chat("plain", 1, [("", A, None), ("", A, None)]),
        chat("rapid-send", 2, [("", A, None), ("", A, None)]),
        chat("mid-stream", 3, [("", A, None)], cut=True),
        chat("mid-stream", 4, [("", A, None)]),
        chat("two-tabs", 7, [("", new, None)]),
        chat("two-tabs", 8, [first(D)], tab=1, via="load"),
        chat("two-tabs", 9, [("", D, None), ("other-tab", D, None)], tab=1),
        chat("two-tabs", 10, [("", new, None)]),
        chat("back-forward", 11, [("", new, None), ("back", new, None)]),
    ]
    if reloads:
        after: Turn = ("reload", None if by_reply else "s…b", None)
        chats += [chat("reload", 5, [("", A, None), after])]
        chats += [chat("reload", 6, [("reload", None if by_reply else X, None)])]
        made += [issued(START + 106.15, 6, X)] if by_reply else []
    records = make_run(chats=4, lanes=1)
    policy = replace(
        records.meta.policy,
        store="none",
        rotation=rotation,
        tabs="own",
        reload_keeps=False,
        has_backend=False,
    )
    return judge(
        assemble(
            [
                replace(
                    records,
                    meta=replace(records.meta, policy=policy, planned_chats=2),
                    chats=tuple(map(blind, chats)),
                    events=tuple(made),
                )
            ]
        )
    )


def blind(c: Chat) -> Chat:
    messages = tuple(replace(m, stored_seen=False) for m in c.messages)
    return replace(c, messages=messages, stored_seen=False)


@pytest.mark.parametrize("rotation", ["on_click", "on_first_message", "on_first_reply"])
def test_an_id_that_only_memory_keeps_is_stale_state_in_every_scenario(rotation: Rotation) -> None:
    judgement = unstored(rotation)
    failed = {v.name for v in judgement.verdicts if v.outcome == "fail" and v.name.startswith("rotation.")}
    assert failed == {
        f"rotation.{name}"
        for name in ("sent_id_is_fresh", "rapid_send", "mid_stream", "reload", "two_tabs", "back_forward")
    }
    assert [(c.name, c.chats, c.of) for c in judgement.causes] == [("stale-state", 9, 9)]


@pytest.mark.parametrize("rotation", ["on_click", "on_first_reply"])
def test_a_tab_that_keeps_sending_its_own_id_is_no_collision(rotation: Rotation) -> None:
    assert "id-collision" not in [c.name for c in unstored(rotation, reloads=False).causes]


# -- a page load between two payloads

OLD, NEW = "s…old", "s…new"


def start(t: float) -> Event:
    data: dict[str, Any] = {
        "store": "cookie",
        "op": "start",
        "key": "k",
        "session": NEW,
        "previous": NEW,
        "by": "page-start",
    }
    return Event(RUN, 9000, t, 0, 11, "storage", data)


def back(*, restored: bool) -> Event:
    return Event(RUN, 9000, T + 0.2, 0, 11, "back", {"restored": restored})


@pytest.mark.parametrize(
    ("scenario", "turns", "events", "cause"),
    [
        ("back-forward", [("back", NEW, NEW)], [back(restored=False)], "stale-state"),
        ("back-forward", [("back", NEW, NEW)], [start(T + 0.2)], "stale-state"),
        ("back-forward", [("back", NEW, NEW), ("", NEW, NEW)], [back(restored=False)], "stale-state"),
        ("reload", [("reload", NEW, NEW), ("", NEW, NEW)], [], "stale-state"),
        # The same page went on: its own later payloads are new.
        ("back-forward", [("back", NEW, NEW)], [back(restored=True)], "late-rotation"),
        ("rapid-send", [("", NEW, NEW)], [], "late-rotation"),
    ],
    ids=[
        "back that loads",
        "start of a page",
        "and later messages",
        "reload",
        "back without a load",
        "no load",
    ],
)
def test_a_new_id_after_a_page_load_is_no_late_rotation(
    scenario: str, turns: list[Turn], events: list[Event], cause: str
) -> None:
    before = chat("rapid-send", 10, [("", OLD, OLD)])
    wrong = chat(scenario, 11, [("", OLD, NEW), *turns], stored_before=OLD)
    run = run_with([before, wrong], [write(T + 0.01, 11, NEW, OLD), *events])
    assert [(c.name, c.chats) for c in judge(run).causes] == [(cause, 1)]


@pytest.mark.parametrize("scenario", ["reload", "back-forward"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_page_load_that_begins_a_session_is_over_rotation(scenario: str, stored: bool) -> None:
    """Many widgets begin a chat at each load: its ID is fresh, and no write of the page that was left removed the old one."""
    after = "reload" if scenario == "reload" else "back"
    before = chat("plain", 10, [("", OLD, OLD)])
    other = NEW if stored else None
    wrong = chat(scenario, 11, [("", A, A if stored else None), (after, NEW, other)], stored_before=OLD)
    run = run_with([before, wrong], [write(T + 0.01, 11, A, OLD), write(T + 0.3, 11, NEW, A)])
    judgement = judge(run)
    assert [(c.name, c.chats) for c in judgement.causes] == [("over-rotation", 1)]
    assert "a page load inside a chat began a new session" in judgement.causes[0].explanation
    assert 'policy.reload = "rotates"' in judgement.causes[0].advice
