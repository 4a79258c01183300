"""What is stated of the IDs' form, and how much randomness is claimed."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks.session_ids import describe, minted, pattern
from e2e.analysis.id_patterns.bits import supported_bits
from e2e.analysis.model import rows
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.capture.session_ids.features import features
from e2e.records.records import Event
from e2e.selftest.unit.builders import judge_run, make_run


@pytest.mark.parametrize(("n", "bits"), [(20, 6.0), (50, 8.7), (100, 10.7), (1000, 17.3), (20000, 26.0)])
def test_the_published_bits(n: int, bits: float) -> None:
    assert supported_bits(n) == bits


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_ids_support_nothing(n: int) -> None:
    assert supported_bits(n) == 0.0


@pytest.mark.parametrize(
    ("pattern", "label", "bits"),
    [
        ("timestamp", "timestamp+random", 6.0),
        ("userBased", "timestamp+part", 6.0),
        ("fixed", "fixed", 0.0),
        ("browserBased", "fixed", 0.0),
        ("uuid", "uuid", 6.0),
        ("counter", "unknown", 6.0),  # masked, a counter's steps cannot be seen
        ("chatBased", "unknown", 6.0),
    ],
)
def test_the_seven_patterns(pattern: str, label: str, bits: float) -> None:
    found = describe(judge_run(id_pattern=pattern, continue_last=False))
    assert (found.pattern, found.supported_bits) == (label, bits)
    assert found.evidence


def shaped(shape: str, offset: float | None = None, **fields: Any) -> Run:
    """A run whose written IDs all have this form and time offset."""
    records = make_run(**fields)

    def change(e: Event) -> Event:
        return (
            replace(e, data=dict(e.data) | {"shape": shape, "time_offset": offset})
            if e.kind == "storage"
            else e
        )

    return assemble([replace(records, events=tuple(map(change, records.events)))])


@pytest.mark.parametrize(
    ("shape", "offset", "label"),
    [
        ("s_{d13}", 0.001, "timestamp"),
        ("s_{d13}", 60.0, "unknown"),  # a time, and not the one of the writing
        ("s_{d13}", None, "unknown"),
        ("{X22}", None, "random"),
        ("{X8}", None, "unknown"),
        ("{d13}-{x8}", 0.0, "timestamp+random"),
        ("{x8}-{h4}", 0.0, "timestamp+part"),
    ],
)
def test_forms_and_times(shape: str, offset: float | None, label: str) -> None:
    assert describe(shaped(shape, offset)).pattern == label


def test_few_ids_have_no_pattern() -> None:
    assert describe(judge_run(chats=1, lanes=1)).pattern == "unknown"
    assert describe(shaped("s_{d13}", 0.0, chats=4)).pattern == "unknown"


def test_a_repeat_supports_no_randomness() -> None:
    assert describe(judge_run("id-collision")).supported_bits == 0.0


def test_a_stale_state_does_not_count_against_the_generator() -> None:
    found = describe(judge_run("stale-state"))
    assert (found.distinct_stored, found.distinct_sent) == (8, 8)
    assert found.supported_bits == supported_bits(8)


def test_without_storage_the_sent_ids_are_counted() -> None:
    found = describe(judge_run(storage_events=False))
    assert (found.pattern, found.supported_bits) == ("unknown", 6.0)


def with_features(*ids: str, lanes: int = 1, fault: str = "", bearer: bool = False) -> Run:
    """A run whose chats, in their order, got these IDs; their features are recorded."""
    records = make_run(*filter(None, [fault]), chats=len(ids), lanes=lanes, continue_last=False)
    events = []
    for n, (chat, session) in enumerate(
        zip(sorted(records.chats, key=lambda c: (c.lane, c.chat)), ids, strict=True)
    ):
        reported = features(session, chat.began, ids[n - 1] if n else None, lambda text: f"ref of {text}")
        data = {"session": session, "features": reported}
        events.append(Event(records.meta.run_id, 9000 + n, chat.began, chat.lane, chat.chat, "minted", data))
    records = replace(records, events=(*records.events, *events))
    if bearer:
        policy = replace(records.meta.policy, bearer=True)
        records = replace(records, meta=replace(records.meta, policy=policy))
    return assemble([records])


RUN = "2026-11-22T0215Z-2f9c"


class TestVerdict:
    def verdict(self, *ids: str, **more: Any) -> Verdict:
        return pattern.judge(with_features(*ids, **more))

    def test_an_id_that_is_always_the_same_fails_with_the_chats_that_had_an_old_one(self) -> None:
        verdict = self.verdict(*["session_fixed"] * 8, fault="id-constant")
        assert verdict.outcome == "fail"
        assert verdict.headline.startswith("the IDs are fixed: ")
        assert verdict.chats == tuple(ChatKey(RUN, 0, chat) for chat in range(1, 8))
        assert (verdict.numbers["ids"], verdict.numbers["pattern"]) == (8, "fixed")

    def test_where_none_is_known_to_be_old_all_chats_are_meant(self) -> None:
        verdict = self.verdict(*["session_fixed"] * 8)
        assert verdict.chats == tuple(ChatKey(RUN, 0, chat) for chat in range(8))

    def test_ids_of_their_own_pass_with_what_their_number_supports(self) -> None:
        rng = random.Random(1)
        verdict = self.verdict(*(f"{rng.getrandbits(128):032x}" for _ in range(20)))
        assert (verdict.outcome, verdict.headline) == ("pass", "20 IDs: random")
        assert verdict.detection_limit.startswith(
            "20 different IDs support 6 random bits; their format has room for 12"
        )
        assert verdict.numbers["guessable"] == 0

    @pytest.mark.parametrize(("bearer", "outcome"), [(True, "fail"), (False, "pass")])
    def test_a_short_random_id_is_guessable_where_it_is_a_credential(
        self, bearer: bool, outcome: str
    ) -> None:
        rng = random.Random(1)
        verdict = self.verdict(*(f"{rng.getrandbits(32):08x}" for _ in range(20)), bearer=bearer)
        assert (verdict.outcome, verdict.numbers["guessable"]) == (outcome, int(bearer))
        assert ("hard to guess" in verdict.expected) is bearer
        if bearer:
            assert verdict.headline == "a random ID has at most 32 random bits, too few for a credential"
            assert verdict.actual[-2:] != ()

    @pytest.mark.parametrize(("n", "outcome"), [(4, "inconclusive"), (5, "fail")])
    def test_a_few_ids_are_not_judged(self, n: int, outcome: str) -> None:
        verdict = self.verdict(*["session_fixed"] * n)
        assert verdict.outcome == outcome
        if outcome == "inconclusive":
            assert verdict.needs == "needs at least 5 new IDs"
            assert "4 new IDs were recorded" in verdict.headline

    def test_a_chat_without_ids_has_none(self) -> None:
        run = with_features(*["session_fixed"] * 8)
        records = make_run(policy=replace(run.policy, sends_id=False))
        verdict = pattern.judge(assemble([records]))
        assert (verdict.outcome, dict(verdict.numbers)) == ("inconclusive", {"ids": 0})

    def test_ids_without_one_form_are_not_judged(self) -> None:
        verdict = self.verdict(*(f"a{'-b' * n}{n * 7919 % 31}" for n in range(10)))
        assert (verdict.outcome, verdict.needs) == ("inconclusive", "needs IDs of one format")


def test_of_a_long_run_the_form_of_the_first_ids_is_judged_and_a_repeat_found_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "_FORMS", 20)
    rng = random.Random(2)
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(30)]
    run = with_features(*ids)
    found = minted(run)
    assert (found.ids, found.described, found.distinct, len(found.samples)) == (30, 30, 30, 20)
    verdict = pattern.judge(run)
    assert (verdict.outcome, verdict.numbers["ids"]) == ("pass", 30)
    assert verdict.numbers["supported_bits"] == supported_bits(30)
    assert "the form of the first 20 of 30 IDs was judged" in verdict.actual
    again = pattern.judge(with_features(*ids[:29], ids[25]))
    assert again.numbers["supported_bits"] == 0.0
    assert "only 29 of 30 written IDs are different" in again.actual


def test_each_lane_has_its_share_of_the_ids_whose_form_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_FORMS", 50)
    rng = random.Random(2)
    run = with_features(*(f"{rng.getrandbits(128):032x}" for _ in range(60)), lanes=2)
    assert len(minted(run).samples) == 2 * 25
