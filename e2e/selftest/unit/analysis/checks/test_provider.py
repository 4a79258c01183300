"""The checks about providers, in the browser and at the backend's own interface."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks import backend, provider
from e2e.analysis.facts.sessions import provider_counts
from e2e.analysis.model.check import Check
from e2e.analysis.model.run import assemble
from e2e.records.records import Chat, Event, Policy, RunRecords
from e2e.selftest.unit.builders import PROVIDERS, judge_run, make_run, with_chats, with_messages, with_meta

PROVIDER = (provider.persists, provider.label_is_true, provider.varies, provider.balanced)
BACKEND = (backend.assigns, backend.persists, backend.cleans_up, backend.state)


def with_probes(records: RunRecords, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> RunRecords:
    """The same run with the data of each backend event replaced by ``change(data)``; None leaves it out."""
    events = []
    for e in records.events:
        data = change(dict(e.data)) if e.kind == "backend" else dict(e.data)
        if data is not None:
            events.append(replace(e, data=data))
    return replace(records, events=tuple(events))


@pytest.mark.parametrize("check", PROVIDER + BACKEND, ids=lambda c: c.name)
def test_a_healthy_run_passes(check: Check) -> None:
    verdict = check(judge_run())
    assert (verdict.name, verdict.outcome) == (check.name, "pass")
    assert verdict.detection_limit


@pytest.mark.parametrize("check", PROVIDER, ids=lambda c: c.name)
def test_no_chat_is_inconclusive(check: Check) -> None:
    verdict = check(assemble([replace(make_run(), chats=())]))
    assert (verdict.outcome, verdict.headline) == (
        "inconclusive",
        "no chat was observed (20 of 20 planned chats were not recorded)",
    )


@pytest.mark.parametrize("check", PROVIDER, ids=lambda c: c.name)
def test_a_provider_that_was_not_seen_is_no_value(check: Check) -> None:
    unseen = with_messages(make_run(), reply_provider=None, backend_provider=None, label_provider=None)
    verdict = check(assemble([unseen]))
    assert verdict.outcome == "inconclusive"
    assert verdict.needs


@pytest.mark.parametrize(
    ("unseen", "source", "outcome"),
    [
        ({"reply_provider": None}, ("reply", "backend", "label"), "pass"),
        ({"reply_provider": None, "backend_provider": None}, ("reply", "backend", "label"), "pass"),
        ({"reply_provider": None, "backend_provider": None}, ("reply", "backend"), "inconclusive"),
        ({"reply_provider": None, "backend_provider": None}, ("label",), "pass"),
    ],
)
def test_the_first_layer_that_names_a_provider_counts(
    unseen: dict[str, None], source: tuple[str, ...], outcome: str
) -> None:
    records = with_messages(make_run(), **unseen)
    policy = replace(records.meta.policy, provider_source=source)
    run = assemble([with_meta(records, policy=policy)])
    assert provider.varies(run).outcome == outcome
    assert (run.chats["provider"].notna().all()) == (outcome == "pass")


def test_a_label_is_compared_with_the_backend_when_the_reply_names_no_provider() -> None:
    run = assemble([with_messages(make_run(), reply_provider=None)])
    assert provider.label_is_true(run).outcome == "pass"
    wrong = assemble([with_messages(make_run(), reply_provider=None, label_provider="Nobody")])
    assert provider.label_is_true(wrong).outcome == "fail"


# -- persists


def test_a_session_that_changes_its_provider_fails() -> None:
    verdict = provider.persists(judge_run("provider-flaps"))
    assert verdict.outcome == "fail"
    assert verdict.headline == "20 of 20 sessions changed the provider"
    assert "(reply 0), " in verdict.actual[0]
    assert "(look-up 0)" in verdict.actual[0]


def test_a_look_up_that_disagrees_with_a_single_reply_fails() -> None:
    records = make_run(chats=4, lanes=4, continue_last=False)
    verdict = provider.persists(assemble([with_messages(records, backend_provider="Somebody else")]))
    assert verdict.outcome == "fail"


def test_single_replies_cannot_show_that_a_provider_persists() -> None:
    verdict = provider.persists(judge_run(continue_last=False))
    assert (verdict.outcome, verdict.needs) == ("inconclusive", "needs at least 1 session with 2 replies")


def test_a_session_kept_over_new_chats_may_be_assigned_anew() -> None:
    """New Chat ends the session at the backend even when the frontend goes on with its ID."""

    def other_provider_in_each_chat(c: Chat) -> Chat:
        name = PROVIDERS[c.chat]
        messages = tuple(
            replace(m, reply_provider=name, backend_provider=name, label_provider=name) for m in c.messages
        )
        return replace(c, messages=messages)

    records = with_chats(make_run("session-not-ended"), other_provider_in_each_chat)
    assert provider.persists(assemble([records])).outcome == "pass"


def test_a_session_shared_by_browsers_is_not_judged() -> None:
    verdict = provider.persists(judge_run(id_pattern="fixed"))
    assert verdict.outcome == "inconclusive"
    assert verdict.headline.startswith("1 session shared by browsers or tabs left out")


@pytest.mark.parametrize(
    ("policy", "check", "message"),
    [
        (Policy(affinity="none"), provider.persists, "affinity = none"),
        (Policy(affinity="user"), provider.varies, "affinity = user"),
        (Policy(affinity="user", provider_count=9), provider.balanced, "affinity = user"),
        (Policy(has_label=False), provider.label_is_true, "shows no provider"),
        (Policy(provider_count=1), provider.varies, "expects a single provider"),
        (Policy(provider_count=1), provider.balanced, "expects a single provider"),
        (Policy(), provider.balanced, "neither weights nor the number"),
    ],
)
def test_what_the_profile_rules_out_is_not_judged(policy: Policy, check: Check, message: str) -> None:
    verdict = check(judge_run("provider-pinned", policy=policy))
    assert verdict.outcome == "inconclusive"
    assert message in verdict.headline


# -- label_is_true


def test_an_untrue_label_fails() -> None:
    verdict = provider.label_is_true(judge_run("label-stale"))
    assert verdict.outcome == "fail"
    assert int(verdict.numbers["untrue"]) > 10
    assert verdict.actual[0].startswith("lane 0: the screen named ")


def test_missing_labels_are_reported_and_not_judged() -> None:
    records = make_run()
    hidden = with_chats(
        records,
        lambda c: (
            replace(c, messages=tuple(replace(m, label_provider=None) for m in c.messages)) if c.chat else c
        ),
    )
    verdict = provider.label_is_true(assemble([hidden]))
    assert verdict.outcome == "pass"
    assert verdict.numbers["without_label"] == 24
    assert "24 replies showed no label" in verdict.detection_limit


# -- varies


def test_a_session_counts_once_however_many_messages_it_has() -> None:
    run = judge_run(messages=3)
    assert sum(provider_counts(run).values()) == 20
    assert provider.varies(run).numbers["sessions"] == 20


def test_one_provider_for_all_is_pinned() -> None:
    verdict = provider.varies(judge_run("provider-pinned"))
    assert verdict.outcome == "fail"
    assert verdict.headline.startswith("all 20 sessions reached Big hat (p = 7.4e-19, threshold 1.1e-05)")


@pytest.mark.parametrize(
    ("chats", "outcome", "needs"), [(6, "inconclusive", "needs 1 more session"), (7, "fail", "")]
)
def test_below_the_minimum_it_is_inconclusive(chats: int, outcome: str, needs: str) -> None:
    verdict = provider.varies(judge_run("provider-pinned", chats=chats, lanes=1, continue_last=False))
    assert (verdict.outcome, verdict.needs) == (outcome, needs)


def test_two_providers_pass_early_with_a_detection_limit() -> None:
    verdict = provider.varies(judge_run(chats=3, lanes=3, seed=1))
    assert verdict.outcome == "pass"
    assert (
        "rule out hard pinning; partial pinning can be judged from 7 sessions on" in verdict.detection_limit
    )


def test_a_provider_with_too_large_a_share_fails() -> None:
    weights = [0.9] + [0.0125] * 8
    verdict = provider.varies(judge_run(weights=weights, chats=40))
    assert verdict.outcome == "fail"
    assert " of 40 sessions reached Big hat" in verdict.headline


def test_an_improbable_share_above_the_threshold_is_a_warning() -> None:
    names = ["Big hat"] * 10 + list(PROVIDERS[1:]) + ["Tin drum", "Red kite"]
    records = make_run()
    queue = iter(names)

    def assign(c: Chat) -> Chat:
        name = next(queue)
        return replace(c, messages=tuple(replace(m, reply_provider=name) for m in c.messages))

    verdict = provider.varies(assemble([with_chats(records, assign)]))
    assert verdict.outcome == "pass"
    assert verdict.warning.startswith("10 of 20 sessions reached Big hat: p = 1.7e-04")


def test_without_knowing_how_many_providers_only_hard_pinning_is_judged() -> None:
    verdict = provider.varies(judge_run(policy=Policy()))
    assert "more is not judged, because the profile does not state their number" in verdict.detection_limit
    assert provider.varies(judge_run("provider-pinned", policy=Policy())).outcome == "fail"
    assert (
        provider.varies(judge_run("provider-pinned", policy=Policy(), chats=17)).needs
        == "needs 1 more session"
    )


# -- balanced


def test_a_skew_fails_with_the_shares_seen() -> None:
    verdict = provider.balanced(judge_run(weights=[0.9] + [0.0125] * 8, chats=40))
    assert verdict.outcome == "fail"
    assert verdict.actual[0].startswith("Big hat: ")
    assert verdict.actual[0].endswith("sessions (4.4 expected)")


def test_expected_weights_are_what_is_held_against() -> None:
    weights = {"Big hat": 0.8, "Tin drum": 0.1, "Red kite": 0.1}
    policy = Policy(weights=weights)
    run = judge_run(policy=policy, providers=list(weights), weights=[0.8, 0.1, 0.1], chats=60)
    assert provider.balanced(run).outcome == "pass"
    even = judge_run(policy=policy, providers=list(weights), chats=60)
    assert provider.balanced(even).outcome == "fail"


def test_a_count_of_providers_is_enough() -> None:
    verdict = provider.balanced(judge_run(policy=Policy(provider_count=9)))
    assert (verdict.outcome, verdict.numbers["method"]) == ("pass", "exact")


def test_a_provider_that_is_not_expected_fails_by_name() -> None:
    verdict = provider.balanced(judge_run("provider-pinned", policy=Policy(providers=PROVIDERS[1:])))
    assert verdict.headline == "providers replied that the profile does not list: Big hat"
    assert verdict.actual[0] == "Big hat: 20 sessions (0 expected)"


def test_the_expected_shares_are_reported_in_words() -> None:
    def expected(**policy: Any) -> str:
        return provider.balanced(judge_run(policy=Policy(**policy))).expected

    each = f"{100 / len(PROVIDERS):.1f} % on each of {len(PROVIDERS)} providers"
    assert expected(providers=PROVIDERS) == f"sessions in the expected shares: {each}"
    weights = {PROVIDERS[0]: 2.0, "Nobody": 0.0} | dict.fromkeys(PROVIDERS[1:], 1.0)
    total = len(PROVIDERS) + 1
    text = expected(weights=weights)
    assert f"{PROVIDERS[0]} {200 / total:.1f} %" in text
    assert f"{PROVIDERS[1]} {100 / total:.1f} %" in text
    assert "Nobody" not in text
    assert text.endswith(f" and {len(PROVIDERS) - 6} more")
    assert expected(weights={"Big hat": 3.0, "Tin drum": 1.0}).endswith(": Big hat 75.0 %, Tin drum 25.0 %")


@pytest.mark.parametrize(
    "check", [provider.varies, provider.balanced, backend.assigns, backend.state], ids=lambda c: c.name
)
def test_the_sessions_that_a_verdict_needs_are_a_number_of_it(check: Check) -> None:
    needed = check(judge_run()).numbers["sessions_needed"]
    assert isinstance(needed, int)
    assert 2 <= needed <= 20


def test_below_the_minimum_nothing_is_balanced() -> None:
    verdict = provider.balanced(judge_run(chats=4))
    assert (verdict.outcome, verdict.needs) == ("inconclusive", "needs 3 more sessions")


def test_it_states_the_smallest_skew_it_would_have_found() -> None:
    verdict = provider.balanced(judge_run(chats=40))
    assert 0.4 < float(verdict.numbers["smallest_skew"]) < 0.7
    assert "with 90 % power; a smaller skew may be missed" in verdict.detection_limit


# -- the backend's own interface


@pytest.mark.parametrize("check", BACKEND, ids=lambda c: c.name)
@pytest.mark.parametrize(
    ("has", "message"), [(False, "names no backend API"), (True, "was not probed in this run")]
)
def test_a_backend_without_probes_is_not_judged(check: Check, has: bool, message: str) -> None:
    verdict = check(judge_run(backend=False, policy=Policy(has_backend=has)))
    assert verdict.outcome == "inconclusive"
    assert message in verdict.headline


def test_the_table_of_patterns_is_asserted_and_not_failed() -> None:
    verdict = backend.assigns(judge_run())
    for pattern in ("fixed", "browserBased"):
        assert (verdict.numbers[f"{pattern}.unique"], verdict.numbers[f"{pattern}.providers"]) == (1, 1)
    assert verdict.numbers["uuid.unique"] == 5
    assert "fixed and browserBased reach one provider by construction" in verdict.detection_limit


def test_only_a_pattern_with_one_id_for_all_chats_is_one_by_construction() -> None:
    """``fixed`` with several IDs is not what it is called, and ``uuid`` with a single one is a fault of its own."""

    def change(e: Event) -> Event:
        if e.data.get("probe") != "pattern":
            return e
        others = {"fixed": f"fixed-{e.seq}", "uuid": "uuid-0"}
        return replace(e, data=dict(e.data) | {"session": others.get(e.data["pattern"], e.data["session"])})

    records = make_run(chats=4, lanes=1)
    table, lines, numbers = backend._patterns(
        assemble([replace(records, events=tuple(map(change, records.events)))])
    )
    assert table == "7 ID patterns probed, of which browserBased reach one provider by construction"
    assert [line.partition(":")[0] for line in lines if "by construction" in line] == ["browserBased"]
    assert (numbers["fixed.unique"], numbers["uuid.unique"], numbers["uuid.ids"]) == (5, 1, 5)


def test_a_pattern_probe_without_an_id_counts_as_no_id() -> None:
    def first_without(d: dict[str, Any]) -> dict[str, Any]:
        return d | {"session": None} if d["pattern"] == "uuid" and next(uuids) == 0 else d

    uuids = itertools.count()
    numbers = backend.assigns(assemble([with_probes(make_run(), first_without)])).numbers
    assert (numbers["uuid.ids"], numbers["uuid.unique"]) == (4, 4)
    assert (numbers["counter.ids"], numbers["counter.unique"]) == (5, 5)
    none = with_probes(make_run(), lambda d: d | {"session": None} if d["pattern"] == "uuid" else d)
    verdict = backend.assigns(assemble([none]))
    assert "uuid.ids" not in verdict.numbers
    assert verdict.detection_limit.endswith(
        "6 ID patterns probed, of which fixed and browserBased reach one provider by construction"
    )


@pytest.mark.parametrize(
    ("status", "done"),
    [(199, False), (200, True), (204, True), (299, True), (302, False), (404, False), (None, False)],
)
def test_only_a_removal_that_the_backend_confirms_is_judged(status: int | None, done: bool) -> None:
    records = with_probes(make_run(), lambda d: d | {"status": status} if d["question"] == "remove" else d)
    verdict = backend.cleans_up(assemble([records]))
    assert verdict.outcome == ("pass" if done else "inconclusive")
    assert (verdict.numbers["removed"], verdict.numbers["refused"]) == ((1, 0) if done else (0, 1))


def test_fresh_ids_on_one_provider_fail() -> None:
    verdict = backend.assigns(judge_run("provider-pinned"))
    assert verdict.outcome == "fail"
    assert verdict.headline.startswith("all 20 sessions reached Big hat")
    assert "fixed: 1 unique ID of 5, 1 provider (one by construction)" in verdict.actual


def test_an_interface_that_names_no_provider_is_not_judged() -> None:
    records = with_probes(make_run(), lambda d: d | {"provider": None, "status": 404})
    verdict = backend.assigns(assemble([records]))
    assert verdict.outcome == "inconclusive"
    assert "20 times HTTP 404" in verdict.headline


def test_another_answer_about_the_same_id_fails() -> None:
    verdict = backend.persists(judge_run("provider-flaps"))
    assert verdict.outcome == "fail"
    assert "(lookup)" in verdict.actual[0]


def test_a_fixed_id_with_several_providers_is_a_flap() -> None:
    names = iter(PROVIDERS * 9)
    records = with_probes(
        make_run(), lambda d: d | {"provider": next(names)} if d["pattern"] == "fixed" else d
    )
    verdict = backend.persists(assemble([records]))
    assert verdict.outcome == "fail"
    assert backend.assigns(assemble([records])).outcome == "pass"


def test_a_removal_between_two_answers_begins_a_new_life() -> None:
    records = make_run()
    same = [e for e in records.events if e.data.get("probe") == "same"]

    def insert(provider_name: str) -> tuple[Event, ...]:
        last = same[-1]
        removal = dict(last.data) | {"question": "remove", "provider": None}
        again = dict(last.data) | {"question": "assign", "provider": provider_name}
        run_id = records.meta.run_id
        return (
            *records.events,
            Event(run_id, 9001, last.t + 0.0001, -1, None, "backend", removal),
            Event(run_id, 9002, last.t + 0.0002, -1, None, "backend", again),
        )

    other = next(p for p in PROVIDERS if p != same[-1].data["provider"])
    assert backend.persists(assemble([replace(records, events=insert(other))])).outcome == "pass"


def test_a_session_that_the_browser_uses_too_is_left_out() -> None:
    """The browser's New Chat may end it between two answers."""
    names = iter(PROVIDERS * 9)
    records = make_run()
    used = records.chats[0].messages[0].sent
    mixed = with_probes(
        records,
        lambda d: d | {"session": used, "provider": next(names)} if d["pattern"] == "fixed" else d,
    )
    assert backend.persists(assemble([mixed])).outcome == "pass"


def test_a_removed_session_that_is_found_again_fails() -> None:
    verdict = backend.cleans_up(judge_run("session-leaked"))
    assert verdict.headline == "1 of 1 removed session was still present"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d | {"status": 405} if d["question"] == "remove" else d,
            "did not remove a session (HTTP 405)",
        ),
        (
            lambda d: d | {"found": False} if d["question"] == "lookup" else d,
            "no session was found before its removal",
        ),
        (lambda d: d | {"found": None} if d["question"] == "lookup" else d, "no session was found before"),
        (lambda d: None if d["question"] == "remove" else d, "no removed session could be looked up"),
    ],
)
def test_a_removal_without_its_control_is_not_judged(change: Any, message: str) -> None:
    records = with_probes(make_run(), lambda d: change(d) if d["probe"] == "removed" else d)
    verdict = backend.cleans_up(assemble([records]))
    assert verdict.outcome == "inconclusive"
    assert message in verdict.headline


def test_figures_that_do_not_add_up_fail() -> None:
    records = with_probes(make_run(), lambda d: d | {"active": 99} if d["probe"] == "state" else d)
    verdict = backend.state(assemble([records]))
    assert (verdict.outcome, verdict.actual) == ("fail", ("99 active, 20 in the distribution",))


def test_few_active_sessions_leave_the_spread_open_and_state_it() -> None:
    few = dict.fromkeys(PROVIDERS, 0) | {"Big hat": 3}
    records = with_probes(
        make_run(), lambda d: d | {"active": 3, "distribution": few} if d["probe"] == "state" else d
    )
    verdict = backend.state(assemble([records]))
    assert verdict.outcome == "pass"
    assert "their spread is not judged: all 3 sessions reached Big hat" in verdict.detection_limit


def test_a_pinned_state_fails() -> None:
    verdict = backend.state(judge_run("provider-pinned"))
    assert verdict.headline.startswith("all 20 sessions reached Big hat")


def _state_after_the_probes(state: Any) -> RunRecords:
    """A run whose state was asked after the probes, as earlier versions did."""
    records = make_run()
    reported = [e for e in records.events if e.data.get("probe") == "state"]
    [last] = [e for e in records.events if e.data.get("question") == "lookup"][-1:]
    moved = replace(reported[0], seq=last.seq + 1, t=last.t + 1, data=dict(reported[0].data) | state)
    return replace(records, events=(*(e for e in records.events if e not in reported), moved))


def test_sessions_that_the_probes_spread_do_not_hide_a_pinned_backend() -> None:
    """All other sessions are on one provider; only the suite's own 56 reach the others."""
    probes = {
        e.data["session"]: e.data["provider"]
        for e in make_run().events
        if e.data.get("question") == "assign" and e.data["probe"] != "removed"
    }
    counts = Counter(probes.values()) + Counter({"Big hat": 400})
    records = _state_after_the_probes({"active": sum(counts.values()), "distribution": dict(counts)})
    verdict = backend.state(assemble([records]))
    assert verdict.outcome == "fail"
    assert verdict.headline.startswith("all 400 sessions reached Big hat")
    assert verdict.numbers["probes_left_out"] == len(probes)


def test_a_state_read_before_the_probes_is_judged_whole() -> None:
    verdict = backend.state(judge_run())
    assert verdict.headline.startswith("20 active sessions on ")
    assert verdict.numbers["probes_left_out"] == 0


@pytest.mark.parametrize("affinity", ["user", "none"])
def test_sessions_of_one_user_are_no_draws_of_the_state(affinity: Any) -> None:
    policy = Policy(providers=PROVIDERS, has_backend=True, affinity=affinity)
    verdict = backend.state(judge_run("provider-pinned", policy=policy))
    assert verdict.outcome == "pass"
    assert f"affinity = {affinity}" in verdict.detection_limit


def test_provider_counts_are_of_distinct_sessions() -> None:
    run = judge_run("stale-state")
    assert sum(provider_counts(run).values()) == 8  # one per lane, and one minted by each reload
    assert isinstance(provider_counts(run), Counter)


def test_an_improbable_state_above_the_threshold_is_a_warning() -> None:
    counts = dict.fromkeys(PROVIDERS, 1) | {"Big hat": 10, "Tin drum": 2, "Red kite": 2}
    records = with_probes(
        make_run(), lambda d: d | {"active": 20, "distribution": counts} if d["probe"] == "state" else d
    )
    verdict = backend.state(assemble([records]))
    assert (verdict.outcome, verdict.numbers["sessions"], verdict.numbers["largest"]) == ("pass", 20, 10)
    assert verdict.warning.startswith("10 of 20 sessions reached Big hat: p = 1.7e-04")
    assert backend.state(judge_run()).warning == ""


@pytest.mark.parametrize(
    ("chats", "headline"),
    [
        (0, "no session with a known provider was observed"),
        (1, "1 session are too few to show a skew"),
        (2, "2 sessions are too few to show a skew"),
    ],
)
def test_a_few_sessions_show_no_skew(chats: int, headline: str) -> None:
    records = make_run(chats=2, lanes=1, continue_last=False)
    hidden = with_chats(
        records,
        lambda c: (
            c
            if c.chat < chats
            else replace(
                c,
                messages=tuple(
                    replace(m, reply_provider=None, backend_provider=None, label_provider=None)
                    for m in c.messages
                ),
            )
        ),
    )
    verdict = provider.balanced(assemble([hidden]))
    assert (verdict.outcome, verdict.headline) == ("inconclusive", headline)
