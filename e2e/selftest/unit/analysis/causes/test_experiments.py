"""Which causes experiments support or contradict; an incomplete experiment does neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.diagnosis import experiments
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import Verdict
from e2e.plugin.assertions import RandomTestResult, check_random_test
from e2e.plugin.decider import Decider
from e2e.records.records import SIDE_LANE, Chat, Event, RunRecords
from e2e.selftest.unit.analysis.checks.test_scenarios import Turn, chat
from e2e.selftest.unit.builders import START, make_run, with_chats, with_messages, with_meta

RUN = "2026-11-22T0215Z-2f9c"


def experiment_event(**data: Any) -> Event:
    return Event(RUN, 9000, START + 50, SIDE_LANE, None, "experiment", data)


def explored(*faults: str, chats: tuple[Chat, ...] = (), events: tuple[Event, ...] = (), **meta: Any) -> Run:
    records = with_meta(make_run(*faults), **meta)
    return assemble([replace(records, chats=(*records.chats, *chats), events=(*records.events, *events))])


def pair(name: str, first: Turn, second: Turn, **changes: Any) -> tuple[Chat, Chat]:
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
    name: str, first: Turn, second: Turn, answer: str
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


SMALL = make_run(chats=4, lanes=2, backend=False)
KNOWN = SMALL.chats[0].messages[0].sent
OWN: Turn = ("", "s…1", "s…1")
OTHER: Turn = ("", "s…2", "s…2")
FOREIGN: Turn = ("", KNOWN, KNOWN)
NONE: Turn = ("", None, "s…1")


def found_in_small(
    *chats: Chat, events: tuple[Event, ...] = (), policy: dict[str, Any] | None = None
) -> experiments.Finding:
    records = with_meta(SMALL, policy=replace(SMALL.meta.policy, **(policy or {})))
    [finding] = experiments.findings(
        assemble([replace(records, chats=(*records.chats, *chats), events=(*records.events, *events))])
    )
    return finding


@pytest.mark.parametrize(
    ("name", "first", "second", "answer", "outcomes"),
    [
        ("new-context", OWN, OTHER, "a new browser started with its own ID; after New Chat another ID was sent", ("OWN_ID",)),
        (
            "new-context", OWN, OWN,
            "a new browser started with its own ID; after New Chat the old ID was sent again", ("OLD_ID", "OWN_ID"),
        ),
        (
            "new-context", FOREIGN, FOREIGN,
            "a new browser started with an ID of another browser; after New Chat the old ID was sent again", ("SHARED_ID",),
        ),
        ("new-context", NONE, OTHER, "a new browser sent no ID; after New Chat an ID was sent", ()),
        ("new-context", OWN, NONE, "a new browser started with its own ID; after New Chat no ID was sent", ("OWN_ID",)),
        ("user-agent", OWN, OTHER, "another user agent started with its own ID; after New Chat another ID was sent", ()),
        (
            "user-agent", FOREIGN, OTHER,
            "another user agent started with an ID of another browser; after New Chat another ID was sent", ("SHARED_ID",),
        ),
        ("user-agent", NONE, NONE, "another user agent sent no ID; after New Chat no ID was sent", ()),
        ("user", OWN, OWN, "another user started with its own ID; after New Chat the old ID was sent again", ()),
        ("user", FOREIGN, OTHER, "another user started with an ID of another browser; after New Chat another ID was sent", ()),
        ("user", NONE, OTHER, "another user sent no ID; after New Chat an ID was sent", ()),
        ("frozen-clock", OWN, OTHER, "with a frozen clock two chats sent two IDs: they do not depend on the time alone", ()),
        ("frozen-clock", NONE, NONE, "with a frozen clock no ID was sent", ()),
        ("frozen-clock", NONE, OTHER, "with a frozen clock only one of two chats sent an ID", ()),
        ("frozen-clock", OWN, NONE, "with a frozen clock only one of two chats sent an ID", ()),
        ("reload", OWN, NONE, "after New Chat and a reload no ID was sent", ()),
        ("reload", OWN, OWN, "after New Chat and a reload the old ID was sent again", ("RELOAD_OLD_ID",)),
        ("reload", OWN, OTHER, "after New Chat and a reload another ID was sent", ("RELOAD_OTHER_ID",)),
        ("slow-network", OWN, OTHER, "on a slow network, after all requests had ended: after New Chat another ID was sent", ()),
        ("slow-network", OWN, NONE, "on a slow network, after all requests had ended: after New Chat no ID was sent", ()),
    ],
)  # fmt: skip
def test_the_whole_answer_and_its_outcomes(
    name: str, first: Turn, second: Turn, answer: str, outcomes: tuple[str, ...]
) -> None:
    finding = found_in_small(*pair(name, first, second), events=(experiment_started(name),))
    assert finding.answer == f"{answer}; replies from Big hat, then Big hat"
    own = tuple(o.name.removeprefix("NEW_CONTEXT_").removeprefix("USER_AGENT_") for o in finding.outcomes)
    assert tuple(o for o in own if o != "OTHER_PROVIDER") == outcomes


def with_first(chat: Chat, **changes: Any) -> Chat:
    return replace(chat, messages=(replace(chat.messages[0], **changes), *chat.messages[1:]))


def test_the_store_shows_nothing_where_there_is_none() -> None:
    """A chat without a store of IDs: what the store held is no reason to doubt."""
    chats, events = pair("frozen-clock", OWN, ("", "s…1", None)), (experiment_started("frozen-clock"),)
    assert (
        "it depends on the time alone"
        in found_in_small(*chats, events=events, policy={"store": "none"}).answer
    )
    assert "does not show how IDs are generated" in found_in_small(*chats, events=events).answer
    unseen = (chats[0], with_first(chats[1], stored_seen=False))
    assert "it depends on the time alone" in found_in_small(*unseen, events=events).answer


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ((None, None), "with all caches off both replies came over the network"),
        (("service worker", None), "with all caches off a service worker still replied"),
        ((None, "cache"), "with all caches off a cache still replied"),
    ],
)
def test_a_cache_that_still_replies_is_named(changes: tuple[str | None, str | None], answer: str) -> None:
    chats = [
        with_first(c, served_by=by) if by else c
        for c, by in zip(pair("cache-off", OWN, OTHER), changes, strict=True)
    ]
    finding = found_in_small(*chats, events=(experiment_started("cache-off"),))
    assert finding.answer.startswith(answer)
    assert bool(finding.outcomes) == (changes == (None, None))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("unseen", [{"status": "lost"}, {"messages": ()}, "sent_seen"])
def test_two_whole_chats_are_needed(first: bool, unseen: Any) -> None:
    chats = list(pair("reload", OWN, OTHER))
    n = 0 if first else 1
    chats[n] = with_first(chats[n], sent_seen=False) if unseen == "sent_seen" else replace(chats[n], **unseen)
    assert (
        found_in_small(*chats, events=(experiment_started("reload"),)).answer
        == "incomplete: it did not finish"
    )
    assert not found_in_small(chats[1 - n], events=(experiment_started("reload"),)).seen


def test_providers_are_named_where_both_chats_show_one() -> None:
    first, second = pair("user", OWN, OTHER)
    start = (experiment_started("user"),)
    names = with_first(first, reply_provider=None, backend_provider="Tin drum", label_provider="Old oak")
    label = with_first(second, reply_provider=None, label_provider="Old oak")
    assert found_in_small(names, label, events=start).answer.endswith("; replies from Tin drum, then Old oak")
    silent = with_first(second, reply_provider=None)
    assert "replies from" not in found_in_small(first, silent, events=start).answer


def test_another_provider_in_a_new_browser_is_an_outcome_where_the_run_saw_one_only() -> None:
    first, second = pair("new-context", OWN, OTHER)
    one = with_messages(SMALL, reply_provider="Big hat", backend_provider="Big hat")
    several = with_messages(SMALL, reply_provider="Big hat", backend_provider="Big hat")
    several = with_chats(several, lambda c: with_first(c, reply_provider="Tin drum") if c.chat == 1 else c)
    other = ExperimentOutcome.NEW_CONTEXT_OTHER_PROVIDER

    def outcomes(records: RunRecords, **shown: Any) -> tuple[Any, ...]:
        start = (experiment_started("new-context"),)
        side = (with_first(first, **shown), second)
        [finding] = experiments.findings(
            assemble([replace(records, chats=(*records.chats, *side), events=(*records.events, *start))])
        )
        return finding.outcomes

    assert other in outcomes(one, reply_provider="Tin drum")
    assert other in outcomes(one, reply_provider=None, backend_provider="Tin drum")
    assert other not in outcomes(one, reply_provider="Big hat")
    assert other not in outcomes(one, reply_provider=None)
    assert other not in outcomes(several, reply_provider="Old oak")


@pytest.mark.parametrize(
    ("events", "answer", "outcome"),
    [
        (direct("A", "A", "A"), "3 fresh IDs sent without the browser reached 1 provider: A (3)", None),
        (direct(*"AAAA"), "4 fresh IDs sent without the browser reached 1 provider: A (4)", "DIRECT_ONE_PROVIDER"),
        (direct("A", "B", "A", None), "4 fresh IDs sent without the browser reached 2 providers: A (2), B (1)", "DIRECT_SEVERAL_PROVIDERS"),
        (
            direct(*"ABCDE"),
            "5 fresh IDs sent without the browser reached 5 providers: A (1), B (1), C (1), D (1)",
            "DIRECT_SEVERAL_PROVIDERS",
        ),
        (
            direct(None),
            "the backend accepted 1 fresh ID sent without the browser; its replies named no provider",
            "DIRECT_NO_PROVIDER",
        ),
        (direct("A", status=400), "the backend replied with status 400 to a fresh ID sent without the browser", None),
        (direct("A", status=399), "1 fresh ID sent without the browser reached 1 provider: A (1)", None),
        (direct(), "incomplete: it did not finish", None),
    ],
    ids=range(8),
)  # fmt: skip
def test_what_the_backend_itself_does(events: tuple[Event, ...], answer: str, outcome: str | None) -> None:
    finding = found_in_small(events=events)
    assert finding.answer == answer
    assert [o.name for o in finding.outcomes] == ([outcome] if outcome else [])


@pytest.mark.parametrize(
    "check", ["rotation.reload", "provider.varies", "reply.is_live", "chat.starts_empty"]
)
def test_which_failures_are_worth_experiments(check: str) -> None:
    assert experiments.wanted([Verdict(check, "fail", "", "", (), {}, "")]) == experiments.NAMES
    assert experiments.wanted([Verdict(check, "pass", "", "", (), {}, "")]) == ()
    assert experiments.wanted([Verdict("smoke", "fail", "", "", (), {}, "")]) == ()


def test_other_events_of_experiments_are_no_replies_to_a_request_without_the_browser() -> None:
    other = Event(RUN, 9100, START + 51, SIDE_LANE, None, "response", {"name": "direct", "status": 500})
    of_another = experiment_event(name="reload", status=500)
    [finding, *_] = experiments.findings(explored(events=(*direct("A", "B"), other, of_another)))
    assert finding.answer == "2 fresh IDs sent without the browser reached 2 providers: A (1), B (1)"
