"""The rules about the run as a whole: each failed verdict is explained once, by the first rule that claims it."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.analysis.diagnosis.claims import claimed
from e2e.analysis.model.verdict import Outcome, Verdict

NUMBERS: dict[str, Any] = {"sessions": 54, "providers": 1, "unexpected": 0, "not_adding_up": 0, "cached": 0}


def verdict_of(name: str, outcome: Outcome = "fail", **numbers: Any) -> Verdict:
    return Verdict(name, outcome, "as seen", numbers=NUMBERS | numbers)


def found(*verdicts: Verdict) -> dict[str, set[str]]:
    return {claim.cause.name: {v.name for v in claim.verdicts} for claim in claimed(verdicts)}


def test_one_provider_in_all_browsers_while_the_backend_spreads_fresh_ids_is_sticky() -> None:
    run = [
        verdict_of("provider.varies"),
        verdict_of("provider.balanced"),
        verdict_of("backend.state", providers=9),
        verdict_of("backend.assigns", "pass"),
    ]
    assert found(*run) == {"provider-sticky": {"provider.varies", "provider.balanced", "backend.state"}}


def test_lanes_that_each_stay_with_one_provider_are_sticky_and_not_skewed() -> None:
    run = [
        verdict_of("provider.varies", providers=2),
        verdict_of("provider.balanced", providers=2),
        verdict_of("backend.state", providers=9),
        verdict_of("backend.assigns", "pass"),
    ]
    stuck = verdict_of("provider.independent", "inconclusive", lanes=4, constant_lanes=4)
    loose = verdict_of("provider.independent", "inconclusive", lanes=4, constant_lanes=3)
    assert set(found(*run, stuck)) == {"provider-sticky"}
    assert set(found(*run, loose)) == {"provider-skewed"}


def test_one_provider_in_browsers_and_at_the_backend_is_pinned() -> None:
    run = [verdict_of("provider.varies"), verdict_of("backend.assigns")]
    assert found(*run) == {"provider-pinned": {"provider.varies", "backend.assigns"}}


@pytest.mark.parametrize("reason", ["not_adding_up", "unexpected"])
def test_failures_that_are_not_about_shares_are_not_claimed_by_rules_about_shares(reason: str) -> None:
    run = [
        verdict_of("provider.varies"),
        verdict_of("backend.state", "fail", **{reason: 1}),
        verdict_of("backend.assigns", "pass"),
    ]
    assert found(*run) == {"provider-sticky": {"provider.varies"}}


def test_cached_replies_do_not_show_a_sticky_backend() -> None:
    run = [verdict_of("provider.varies", cached=3), verdict_of("backend.assigns", "pass")]
    assert "provider-sticky" not in found(*run)


@pytest.mark.parametrize(
    ("depends_on", "repeats", "cause"),
    [
        ("cycle", 2, "provider-cycles"),
        ("order", 2, "provider-cycles"),
        ("before, cycle", 2, "provider-cycles"),
        ("lane", 20, "provider-sticky"),
        ("user agent", 10, "provider-sticky"),
        ("before", 20, "provider-sticky"),
        ("cycle, lane", 20, "provider-sticky"),
        ("before", 2, None),
        ("hour", 10, None),
    ],
)
def test_what_a_provider_depends_on_decides_between_a_cycle_and_a_sticky_one(
    depends_on: str, repeats: int, cause: str | None
) -> None:
    """That it avoids the one before, or goes by the hour, is neither: such a dependence has no cause of its own."""
    verdict = verdict_of(
        "provider.independent", depends_on=depends_on, repeats=repeats, repeats_expected=10.0
    )
    claimed_by = set(found(verdict)) & {"provider-cycles", "provider-sticky"}
    assert claimed_by == ({cause} if cause else set())
