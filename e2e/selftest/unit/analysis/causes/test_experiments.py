"""Which causes experiments support or contradict; an incomplete experiment does neither."""

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


def experiment_event(**data: Any) -> Event:
    return Event(RUN, 9000, START + 50, SIDE_LANE, None, "experiment", data)


def explored(*faults: str, chats: tuple[Chat, ...] = (), events: tuple[Event, ...] = (), **meta: Any) -> Run:
    records = with_meta(make_run(*faults), **meta)
    return assemble([replace(records, chats=(*records.chats, *chats), events=(*records.events, *events))])


def pair(name: str, first: Said, second: Said, **changes: Any) -> tuple[Chat, Chat]:
    fields = {"lane": SIDE_LANE + 1, "experiment": name, **changes}
    return chat("experiment", 0, [first], **fields), chat("experiment", 1, [second], **fields)


def experiment_started(name: str) -> Event:
    return experiment_event(name=name, question="why?")


def direct(*providers: str | None, status: int = 200) -> tuple[Event, ...]:
    replies = (
        experiment_event(name="direct", session=f"s…{n}", provider=p, status=status)
        for n, p in enumerate(providers)
    )
    return (experiment_started("direct"), *replies)


def test_a_healthy_run_needs_no_experiment_and_a_failed_one_needs_all() -> None:
    assert experiments.wanted(judge(assemble([make_run()])).verdicts) == ()
    assert experiments.wanted(judge(assemble([make_run("stale-state")])).verdicts) == experiments.NAMES
    assert experiments.wanted(judge(assemble([make_run("session-leaked")])).verdicts) == ()


def test_several_providers_for_directly_sent_ids_contradict_a_pin() -> None:
    run = explored("provider-pinned", events=direct(*"ABCDEFGH"))
    [finding] = experiments.findings(run)
    assert "8 fresh IDs sent without the browser reached 8 providers" in finding.answer
    [cause] = judge(run).causes
    assert (cause.name, cause.confidence) == ("provider-pinned", 0.5)
    assert any("contradicts it" in line for line in cause.evidence)


def test_one_provider_for_directly_sent_ids_supports_a_pin() -> None:
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
            "it depends on the time alone, or no new ID was generated",
        ),
        ("frozen-clock", ("", "s…1", "s…1"), ("", "s…2", "s…2"), "two chats sent two IDs"),
        ("frozen-clock", ("", "s…1", "s…1"), ("", "s…1", None), "sent again, while the store held nothing"),
        (
            "frozen-clock",
            ("", "s…1", "s…1"),
            ("", "s…1", "s…2"),
            "sent again, while the store held another ID",
        ),
        ("slow-network", ("", "s…1", "s…1"), ("", "s…1", "s…1"), "the old ID was sent again"),
        (
            "new-context",
            ("", None, "s…1"),
            ("", None, "s…1"),
            "a new browser sent no ID; after New Chat no ID",
        ),
        ("reload", ("", "s…1", "s…1"), ("reload", None, "s…1"), "after New Chat and a reload no ID was sent"),
        ("reload", ("", "s…1", "s…1"), ("reload", "s…1", "s…1"), "after New Chat and a reload the old ID"),
        ("reload", ("", "s…1", "s…1"), ("reload", "s…2", "s…2"), "another ID was sent"),
        ("cache-off", ("", "s…1", "s…1"), ("", "s…2", "s…2"), "both replies came over the network"),
    ],
)
def test_the_answer_of_an_experiment_with_two_chats(
    name: str, first: Said, second: Said, answer: str
) -> None:
    [finding] = experiments.findings(
        explored(chats=pair(name, first, second), events=(experiment_started(name),))
    )
    assert finding.seen
    assert answer in finding.answer


def test_a_reload_that_leads_to_another_id_contradicts_session_not_ended() -> None:
    chats = pair("reload", ("", "s…1", "s…1"), ("reload", "s…2", "s…2"))
    [stale] = judge(explored("stale-state", chats=chats, events=(experiment_started("reload"),))).causes
    assert (stale.name, stale.confidence) == ("stale-state", 1.0)
    [kept] = judge(explored("session-not-ended", chats=chats, events=(experiment_started("reload"),))).causes
    assert (kept.name, kept.confidence) == ("session-not-ended", 0.5)


def test_an_incomplete_experiment_changes_no_confidence() -> None:
    lost = pair("reload", ("", "s…1", "s…1"), ("reload", "s…1", "s…1"), status="lost")
    events = (experiment_started("reload"), experiment_event(name="reload", why="the page was gone"))
    left_out = {"user": "no second account"}
    run = explored("stale-state", chats=lost, events=events, left_out=left_out)
    answers = {f.name: (f.seen, f.answer) for f in experiments.findings(run)}
    assert answers == {
        "reload": (False, "incomplete: the page was gone"),
        "user": (False, "not run: no second account"),
    }
    assert judge(run).causes[0].confidence == 1.0


def test_chats_of_experiments_are_not_judged() -> None:
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


def test_a_healthy_run_is_decided_early_but_not_at_once() -> None:
    assert all(20 <= (decided(seed=seed) or 0) <= 100 for seed in range(5))


def test_a_stale_session_is_decided_at_once() -> None:
    assert (decided("stale-state") or 999) <= 12


def test_a_pin_is_decided() -> None:
    assert (decided("provider-pinned") or 999) <= 60


def test_chats_of_scenarios_do_not_decide() -> None:
    decider = Decider(make_run().meta.policy, 20, 0.02)
    for n in range(40):
        decider.watch(chat("reload", n, [("", f"s…{n}", f"s…{n}")]))
    assert not decider.enough


def test_a_failed_random_test_names_its_steps() -> None:
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


def test_a_page_that_sends_no_id_after_a_reload_did_not_restore_the_old_one() -> None:
    """Where the backend issues the ID, a first message carries none: the reply tells which ID the chat before got."""
    policy = replace(make_run().meta.policy, rotation="on_first_reply")
    first, second = pair("reload", ("", None, None), ("reload", None, None))
    first = replace(first, messages=(replace(first.messages[0], issued="s…1"),))
    [finding] = experiments.findings(
        explored(chats=(first, second), events=(experiment_started("reload"),), policy=policy)
    )
    assert "did not restore the old one" in finding.answer
    assert "stale-state" in finding.supports
    first = replace(first, messages=(replace(first.messages[0], issued=None),))
    [finding] = experiments.findings(
        explored(chats=(first, second), events=(experiment_started("reload"),), policy=policy)
    )
    assert finding.supports == ()


def test_an_issued_id_that_is_sent_in_the_next_chat_is_the_old_one() -> None:
    first, second = pair("new-context", ("", None, None), ("", "s…1", None))
    first = replace(first, messages=(replace(first.messages[0], issued="s…1"), *first.messages[1:]))
    [finding] = experiments.findings(
        explored(chats=(first, second), events=(experiment_started("new-context"),))
    )
    assert "after New Chat the old ID was sent again" in finding.answer
