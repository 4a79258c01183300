"""What experiments say for and against a cause, and that one which was not seen says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.diagnosis import experiments
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.plugin.assertions import RandomTestResult, check_random_test
from e2e.plugin.decider import Decider
from e2e.records.records import SIDE_LANE, Chat, Event
from e2e.selftest.unit.analysis.checks.test_scenarios import Said, chat
from e2e.selftest.unit.builders import START, make_run, with_meta

RUN = "2026-11-22T0215Z-2f9c"


def told(**data: Any) -> Event:
    return Event(RUN, 9000, START + 50, SIDE_LANE, None, "experiment", data)


def explored(*faults: str, chats: tuple[Chat, ...] = (), events: tuple[Event, ...] = (), **meta: Any) -> Run:
    records = with_meta(make_run(*faults), **meta)
    return assemble([replace(records, chats=(*records.chats, *chats), events=(*records.events, *events))])


def pair(name: str, first: Said, second: Said, **changes: Any) -> tuple[Chat, Chat]:
    fields = {"lane": SIDE_LANE + 1, "experiment": name, **changes}
    return chat("experiment", 0, [first], **fields), chat("experiment", 1, [second], **fields)


def asked(name: str) -> Event:
    return told(name=name, question="why?")


def direct(*providers: str | None, status: int = 200) -> tuple[Event, ...]:
    replies = (
        told(name="direct", session=f"s…{n}", provider=p, status=status) for n, p in enumerate(providers)
    )
    return (asked("direct"), *replies)


def test_a_healthy_run_asks_for_none_and_a_failed_one_for_all() -> None:
    assert experiments.wanted(judge(assemble([make_run()])).verdicts) == ()
    assert experiments.wanted(judge(assemble([make_run("stale-state")])).verdicts) == experiments.NAMES
    assert experiments.wanted(judge(assemble([make_run("session-leaked")])).verdicts) == ()


def test_several_providers_for_ids_sent_by_hand_speak_against_a_pin() -> None:
    run = explored("provider-pinned", events=direct(*"ABCDEFGH"))
    [finding] = experiments.findings(run)
    assert "8 fresh IDs sent by hand reached 8 providers" in finding.answer
    [cause] = judge(run).causes
    assert (cause.name, cause.confidence) == ("provider-pinned", 0.5)
    assert any("speaks against it" in line for line in cause.evidence)


def test_one_provider_for_ids_sent_by_hand_confirms_a_pin() -> None:
    [cause] = judge(explored("provider-pinned", events=direct(*["Big hat"] * 8))).causes
    assert cause.confidence == 1.0
    assert any("experiment direct" in line for line in cause.evidence)


@pytest.mark.parametrize(
    ("name", "first", "second", "answer"),
    [
        ("new-context", ("", "s…1", "s…1"), ("", "s…1", "s…1"), "after New Chat the old ID was sent again"),
        ("new-context", ("", "s…1", "s…1"), ("", "s…2", "s…2"), "after New Chat another ID was sent"),
        (
            "frozen-clock",
            ("", "s…1", "s…1"),
            ("", "s…1", "s…1"),
            "it is made of the time alone, or no new one was made",
        ),
        ("frozen-clock", ("", "s…1", "s…1"), ("", "s…2", "s…2"), "two chats sent two IDs"),
        ("frozen-clock", ("", "s…1", "s…1"), ("", "s…1", None), "sent again, while the store held nothing"),
        (
            "frozen-clock",
            ("", "s…1", "s…1"),
            ("", "s…1", "s…2"),
            "sent again, while the store held another one",
        ),
        ("slow-network", ("", "s…1", "s…1"), ("", "s…1", "s…1"), "the old ID was sent again"),
        (
            "new-context",
            ("", None, "s…1"),
            ("", None, "s…1"),
            "a new browser sent no ID; after New Chat no ID",
        ),
        ("reload", ("", "s…1", "s…1"), ("reload", None, "s…1"), "after New Chat and a reload no ID was sent"),
        ("reload", ("", "s…1", "s…1"), ("reload", "s…1", "s…1"), "a reload after New Chat did not help"),
        ("reload", ("", "s…1", "s…1"), ("reload", "s…2", "s…2"), "another ID was sent"),
        ("cache-off", ("", "s…1", "s…1"), ("", "s…2", "s…2"), "both replies came over the network"),
    ],
)
def test_what_two_chats_show(name: str, first: Said, second: Said, answer: str) -> None:
    [finding] = experiments.findings(explored(chats=pair(name, first, second), events=(asked(name),)))
    assert finding.seen
    assert answer in finding.answer


def test_a_reload_that_helps_tells_a_stale_state_from_a_session_that_was_not_ended() -> None:
    chats = pair("reload", ("", "s…1", "s…1"), ("reload", "s…2", "s…2"))
    [stale] = judge(explored("stale-state", chats=chats, events=(asked("reload"),))).causes
    assert (stale.name, stale.confidence) == ("stale-state", 1.0)
    [kept] = judge(explored("session-not-ended", chats=chats, events=(asked("reload"),))).causes
    assert (kept.name, kept.confidence) == ("session-not-ended", 0.5)


def test_what_was_not_seen_says_nothing() -> None:
    lost = pair("reload", ("", "s…1", "s…1"), ("reload", "s…1", "s…1"), status="lost")
    events = (asked("reload"), told(name="reload", why="the page was gone"))
    left_out = {"user": "no second account"}
    run = explored("stale-state", chats=lost, events=events, left_out=left_out)
    answers = {f.name: (f.seen, f.answer) for f in experiments.findings(run)}
    assert answers == {
        "reload": (False, "not seen: the page was gone"),
        "user": (False, "not made: no second account"),
    }
    assert judge(run).causes[0].confidence == 1.0


def test_nothing_is_judged_by_experiments() -> None:
    plain = assemble([make_run()])
    run = explored(chats=pair("reload", ("", "s…1", "s…9"), ("reload", "s…1", "s…9")))
    assert len(run.chats) == len(plain.chats)
    assert judge(run).outcome == "pass"


def decided(*faults: str, most: int = 200, **fields: Any) -> int | None:
    """After how many chats nothing more is needed."""
    records = make_run(*faults, chats=most, **fields)
    decider = Decider(records.meta.policy, most, 0.02)
    for number, one in enumerate(sorted(records.chats, key=lambda c: c.ended), 1):
        decider.watch(one)
        if decider.enough:
            return number
    return None


def test_a_healthy_run_is_decided_early_and_not_at_once() -> None:
    assert all(20 <= (decided(seed=seed) or 0) <= 100 for seed in range(5))


def test_a_stale_session_is_decided_at_once() -> None:
    assert (decided("stale-state") or 999) <= 12


def test_a_pin_is_decided() -> None:
    assert (decided("provider-pinned") or 999) <= 60


def test_chats_of_scenarios_decide_nothing() -> None:
    decider = Decider(make_run().meta.policy, 20, 0.02)
    for n in range(40):
        decider.watch(chat("reload", n, [("", f"s…{n}", f"s…{n}")]))
    assert not decider.enough


def test_a_broken_session_is_reported_with_the_steps_to_replay() -> None:
    with pytest.raises(AssertionError, match='--replay "new send"') as failed:
        check_random_test(
            RandomTestResult(
                steps=9, sequences=2, shortest=("new", "send"), broken=("chat 1 sent an old ID",)
            )
        )
    assert "chat 1 sent an old ID" in str(failed.value)
    check_random_test(RandomTestResult(steps=40, sequences=4))
    with pytest.raises(pytest.skip.Exception, match="inconclusive: off"):
        check_random_test(RandomTestResult(skipped="off"))


def test_a_page_that_sends_no_id_after_a_reload_did_not_bring_the_old_one_back() -> None:
    """Where the backend issues the ID, a first message carries none: the reply tells which ID the chat before got."""
    policy = replace(make_run().meta.policy, rotation="on_first_reply")
    first, second = pair("reload", ("", None, None), ("reload", None, None))
    first = replace(first, messages=(replace(first.messages[0], issued="s…1"),))
    [finding] = experiments.findings(
        explored(chats=(first, second), events=(asked("reload"),), policy=policy)
    )
    assert "did not bring the old one back" in finding.answer
    assert "stale-state" in finding.supports
    first = replace(first, messages=(replace(first.messages[0], issued=None),))
    [finding] = experiments.findings(
        explored(chats=(first, second), events=(asked("reload"),), policy=policy)
    )
    assert finding.supports == ()


def test_an_issued_id_that_is_sent_in_the_next_chat_is_the_old_one() -> None:
    first, second = pair("new-context", ("", None, None), ("", "s…1", None))
    first = replace(first, messages=(replace(first.messages[0], issued="s…1"), *first.messages[1:]))
    [finding] = experiments.findings(explored(chats=(first, second), events=(asked("new-context"),)))
    assert "after New Chat the old ID was sent again" in finding.answer
