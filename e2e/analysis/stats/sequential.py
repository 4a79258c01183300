"""May a run stop here? Verdicts that are decided before the planned number of chats, at no more false alarms than after it.

A test for one number of chats, asked after each of them, accuses a healthy product many times too often. So early looks
use tests that hold whenever one looks, and spend half of the threshold; the other half is kept for the test at the end.
A failure may come at any moment. A pass is worth what its power says, so it waits for the planned number of sessions, or for
the number that a stated skew takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import special

from e2e.analysis.stats import multinomial, significance
from e2e.analysis.stats.e_values import log_e
from e2e.analysis.stats.significance import Expectation

Decided = Literal["pass", "fail", "undecided"]

CLEAN = 20
"""Clean trials after which a deterministic check may pass early: they bound the rate by 13.9 %."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What a deterministic check has looked at so far (transitions, sessions, chats), and how much of it was wrong."""

    n: int
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """The counts of a run so far."""

    chats: int
    providers: Mapping[str, int] = field(default_factory=dict)
    """New sessions per provider."""
    trials: Mapping[str, Trials] = field(default_factory=dict)
    """Name of a deterministic check -> its trials."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was settled before the first chat; early looks are valid only when none of it changes."""

    chats: int
    level: float
    """Threshold of each statistical check, early looks and the one at the end together."""
    expected: Expectation
    shares: Mapping[str, float] | None = None
    """Provider -> expected share, or None when balance is not judged."""
    clean: int = CLEAN
    skew: float | None = None
    """Largest share that should be found with 90 % power: a pass may come at the number of sessions that this takes."""

    @property
    def final_level(self) -> float:
        """The threshold of the look at the end."""
        return self.level / 2

    @property
    def sessions(self) -> int:
        """New sessions at which the statistical checks take their last look."""
        shares = tuple(self.shares.values()) if self.shares else self.expected.shares
        if self.skew is None or shares is None:
            return self.chats
        return sessions_for_skew(tuple(sorted(shares)), self.skew, self.final_level, self.chats)


@dataclass(frozen=True, slots=True)
class Decision:
    """One check so far."""

    check: str
    outcome: Decided
    why: str
    missing: int = 0
    """Trials that it takes at least until a pass; 0 when decided."""


def decisions(seen: Seen, plan: Plan) -> tuple[Decision, ...]:
    """Every check that can be decided from counts: the deterministic ones, ``provider.varies``, ``provider.balanced``.

    At the end of the plan (``seen.chats >= plan.chats``) each is decided as far as the evidence goes.
    """
    found = [_deterministic(name, trials, seen, plan) for name, trials in seen.trials.items()]
    found.append(_varies(seen, plan))
    if plan.shares is not None:
        found.append(_balanced(seen, plan, plan.shares))
    return tuple(found)


def saved(seen: Seen, plan: Plan, found: Sequence[Decision]) -> int | None:
    """How many of the planned chats are not needed; None while something is undecided."""
    if any(d.outcome == "undecided" for d in found):
        return None
    return max(0, plan.chats - seen.chats)


def _deterministic(name: str, trials: Trials, seen: Seen, plan: Plan) -> Decision:
    if trials.bad:
        return Decision(name, "fail", f"{trials.bad} of {trials.n} failed")
    if trials.n and (trials.n >= plan.clean or seen.chats >= plan.chats):
        bound = significance.upper_bound(0, trials.n)
        return Decision(name, "pass", f"{trials.n} clean trials bound the rate by {100 * bound:.1f} %")
    return Decision(
        name, "undecided", f"{trials.n} of {plan.clean} clean trials", max(1, plan.clean - trials.n)
    )


def _varies(seen: Seen, plan: Plan) -> Decision:
    """Half of the early threshold for all sessions on one provider, half for one provider with too many."""
    name = "provider.varies"
    counts = sorted((c for c in seen.providers.values() if c), reverse=True)
    n, early = sum(counts), plan.level / 4
    least = significance.sessions_needed(early, plan.expected.p_max)
    if least is None:
        return Decision(name, "pass", "a single provider is expected, so providers cannot vary")
    if len(counts) == 1 and n >= least:
        return Decision(name, "fail", f"all {n} sessions reached one provider")
    if plan.expected.shares is not None and n:
        evidence = log_e_largest(*_paired(seen, plan, counts, plan.expected.shares))
        if evidence >= math.log(1 / early):
            return Decision(name, "fail", f"{counts[0]} of {n} sessions reached one provider")
    if not plan.expected.known and len(counts) > 1:
        return Decision(name, "pass", f"{len(counts)} providers rule out hard pinning")
    if n < plan.sessions and seen.chats < plan.chats:
        missing = plan.sessions - n if plan.expected.known else 1
        return Decision(name, "undecided", f"{n} sessions on {len(counts)} providers", missing)
    s = significance.spread(counts, plan.expected, plan.final_level)
    if s.decision == "undecided":
        return Decision(name, "undecided", f"{n} sessions are too few", max(1, s.missing))
    if s.decision == "spread":
        return Decision(name, "pass", f"{n} sessions on {s.distinct} providers (p = {s.p:.2g})")
    return Decision(name, "fail", f"{s.largest} of {n} sessions reached one provider (p = {s.p:.2g})")


def _balanced(seen: Seen, plan: Plan, shares: Mapping[str, float]) -> Decision:
    name = "provider.balanced"
    foreign = sorted(p for p, c in seen.providers.items() if c and p not in shares)
    if foreign:
        return Decision(name, "fail", f"{foreign[0]} replied and is not expected")
    counts = [seen.providers.get(p, 0) for p in shares]
    n, expected = sum(counts), tuple(shares.values())
    evidence = float(log_e(counts, expected))
    if evidence >= math.log(2 / plan.level):
        return Decision(name, "fail", f"E = {math.exp(min(evidence, 700)):.2g} after {n} sessions")
    if n < plan.sessions and seen.chats < plan.chats:
        return Decision(name, "undecided", f"{n} of {plan.sessions} sessions", plan.sessions - n)
    least = multinomial.sessions_needed(expected, plan.final_level)
    if least is None:
        return Decision(name, "pass", "a single provider is expected, so shares cannot differ")
    if n < least:
        return Decision(name, "undecided", f"{n} sessions are too few to show a skew", least - n)
    p = multinomial.fit(counts, expected).p
    outcome: Decided = "fail" if p <= plan.final_level else "pass"
    return Decision(name, outcome, f"{n} sessions, p = {p:.2g}")


def _paired(
    seen: Seen, plan: Plan, counts: Sequence[int], shares: Sequence[float]
) -> tuple[Sequence[int], Sequence[float]]:
    """Counts beside expected shares: by name where names are known, else large counts beside large shares, which accuses least."""
    if plan.shares is not None and all(name in plan.shares for name in seen.providers):
        return [seen.providers.get(name, 0) for name in plan.shares], tuple(plan.shares.values())
    missing = [0] * max(0, len(shares) - len(counts))
    return [*counts, *missing][: len(shares)], sorted(shares, reverse=True)


def log_e_largest(counts: Sequence[int], shares: Sequence[float]) -> float:
    """ln of an e-value against "no provider gets more than its share", valid whenever one looks.

    Per provider a bet on every larger share alike (a uniform mixture above the expected one), averaged over the providers.
    """
    n, c, p = sum(counts), np.array(counts), np.array(shares)
    # integral over q in (p, 1) of q^c (1-q)^(n-c) dq / (1-p), divided by p^c (1-p)^(n-c)
    above = special.betaincc(c + 1, n - c + 1, p)
    with np.errstate(divide="ignore"):
        bets = special.betaln(c + 1, n - c + 1) + np.log(above) - np.log1p(-p)
        bets -= c * np.log(p) + (n - c) * np.log1p(-p)
    return float(special.logsumexp(bets) - math.log(len(shares)))


@lru_cache(maxsize=64)
def sessions_for_skew(shares: tuple[float, ...], skew: float, level: float, most: int) -> int:
    """The fewest sessions that find a provider with a share of ``skew`` with 90 % power; ``most`` when it takes more."""

    def finds(n: int) -> bool:
        least = multinomial.smallest_skew(n, shares, level)
        return least is not None and least <= skew

    low, high = 1, most
    if not finds(most):
        return most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high
