"""Chats that send no session ID: nothing that needs one passes or fails, and what remains is judged chat by chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.facts.sessions import sessions
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import NO_ID
from e2e.records.records import Chat, Message, Policy, RunRecords
from e2e.selftest.unit.analysis.checks.test_scenarios import FINE, chat
from e2e.selftest.unit.builders import PROVIDERS, make_run

Change = Callable[[Message], Message]


def records(*more: Chat, change: Change = lambda m: m, **fields: Any) -> RunRecords:
    """A run of a chat that sends no ID; the simulated one would send one."""
    policy = Policy(providers=PROVIDERS, sends_id=False, store="none")
    found = make_run(policy=policy, backend=False, **fields)

    def without(one: Chat) -> Chat:
        messages = tuple(
            replace(change(m), sent=None, stored=None, stored_seen=False, backend_provider=None)
            for m in one.messages
        )
        return replace(one, messages=messages, stored=None, stored_seen=False, stored_before=None)

    events = tuple(e for e in found.events if e.kind not in ("storage", "minted", "issued", "payload"))
    return replace(found, events=events, chats=tuple(without(c) for c in (*found.chats, *more)))


def run_of(*more: Chat, **fields: Any) -> Run:
    return assemble([records(*more, **fields)])


def by(message: Message, provider: str) -> Message:
    """The same, answered by that provider, as the screen says too."""
    return replace(message, reply_provider=provider, label_provider=provider)


def outcomes(run: Run) -> dict[str, str]:
    return {v.name: v.outcome for v in judge(run).verdicts}


def test_a_good_round_trip_passes_and_what_needs_an_id_is_inconclusive() -> None:
    run = run_of(chats=24, lanes=4)
    found = {v.name: v for v in judge(run).verdicts}
    assert judge(run).outcome == "pass"
    for name in ("smoke", "chat.starts_empty", "reply.is_live", "provider.persists", "provider.varies"):
        assert found[name].outcome == "pass", found[name]
    for name in ("rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh", "rotation.sent_equals_stored",
                 "rotation.one_id_per_chat", "session_ids.pattern"):  # fmt: skip
        assert (found[name].outcome, found[name].headline) == ("inconclusive", NO_ID)
        assert "[memory]" in found[name].needs


def test_smoke_does_not_pass_without_a_reply() -> None:
    run = run_of(change=lambda m: replace(m, outcome="timeout"))
    assert outcomes(run)["smoke"] == "inconclusive"


@pytest.mark.parametrize(
    "scenario", ["rapid-send", "double-click", "reload", "two-tabs", "back-forward", "empty-chat"]
)
def test_a_scenario_about_ids_neither_passes_nor_fails(scenario: str) -> None:
    run = run_of(chat(scenario, 90, [FINE, FINE]))
    found = judge(run).verdict(f"rotation.{scenario.replace('-', '_')}")
    assert found.outcome == "inconclusive"
    assert found.headline.startswith(NO_ID)


def test_a_scenario_sees_a_wrong_content_all_the_same() -> None:
    last = chat("rapid-send", 90, [FINE, FINE])
    last = replace(last, messages=(replace(last.messages[0], bleeds_from=3), last.messages[1]))
    run = run_of(last)
    assert outcomes(run)["rotation.rapid_send"] == "fail"
    assert [c.name for c in judge(run).causes] == ["history-bleed"]


@pytest.mark.parametrize(("tabs", "outcome"), [("share", "inconclusive"), ("own", "fail")])
def test_a_second_tab_that_goes_on_with_the_conversation_sends_it_by_right(tabs: Any, outcome: str) -> None:
    found = records(chat("two-tabs", 90, [FINE]), chat("two-tabs", 91, [FINE], via="load", tab=1))
    second = found.chats[-1]
    second = replace(second, messages=tuple(replace(m, bleeds_from=90) for m in second.messages))
    meta = replace(found.meta, policy=replace(found.meta.policy, tabs=tabs))
    run = assemble([replace(found, meta=meta, chats=(*found.chats[:-1], second))])
    assert outcomes(run)["rotation.two_tabs"] == outcome


def test_a_late_reply_fails_and_its_absence_passes() -> None:
    left = chat("mid-stream", 90, [FINE], cut=True)
    late = run_of(left, chat("mid-stream", 91, [FINE, FINE], shows_from=90, screen_seen=True))
    assert outcomes(late)["rotation.mid_stream"] == "fail"
    assert [c.name for c in judge(late).causes] == ["late-stream"]
    fine = judge(run_of(left, chat("mid-stream", 91, [FINE, FINE], screen_seen=True))).verdict(
        "rotation.mid_stream"
    )
    assert fine.outcome == "pass"
    assert "ID" not in fine.expected


def test_each_chat_is_a_session_until_the_page_is_loaded_again() -> None:
    """After a load nothing shows which session goes on: the same counted twice would be a draw of its own."""
    run = run_of(chats=8, lanes=2)
    assert len(sessions(run)) == 8
    after = {a.message for s in sessions(run).values() for a in s.answers}
    assert after == {0, 1}  # message 2 follows a reload


def test_a_provider_that_changes_within_a_chat_is_found_and_blamed_on_nobody() -> None:
    run = run_of(messages=2, change=lambda m: by(m, PROVIDERS[m.number]))
    assert outcomes(run)["provider.persists"] == "fail"
    [cause] = judge(run).causes
    assert cause.name == "unexplained"
    assert "whether the page or the backend" in cause.explanation


def test_one_provider_in_every_browser_is_the_backends() -> None:
    """A page could keep its session over New Chat, but not over several browsers."""
    pinned = run_of(chats=24, lanes=8, change=lambda m: by(m, "Big hat"))
    assert "provider-pinned" in [c.name for c in judge(pinned).causes]
    one = run_of(chats=24, lanes=1, change=lambda m: by(m, "Big hat"))
    assert outcomes(one)["provider.varies"] == "fail"
    assert [c.name for c in judge(one).causes] == ["unexplained"]


def test_a_profile_with_an_id_that_never_came_still_fails() -> None:
    found = records()
    run = assemble(
        [replace(found, meta=replace(found.meta, policy=replace(found.meta.policy, sends_id=True)))]
    )
    assert outcomes(run)["smoke"] == "fail"
