"""Ways of a provider not to be a free draw, each with its p-value given how often every provider answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from e2e.analysis.stats.permutation import common_period, cycle_p, table_p
from e2e.analysis.stats.repeats import (
    critical,
    least,
    pieces,
    repeats,
    repeats_of_lanes,
    sessions_needed,
    two_sided,
)

Name = Literal["before", "cycle", "order", "lane", "user agent", "hour"]


class Draw(NamedTuple):
    """One new session, in its order."""

    provider: str
    lane: int
    run: str = ""
    agent: str = ""
    hour: int = 0
    """Of the day, UTC."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way of not being independent, with its p-value and the least one that these marginals allow."""

    name: Name
    p: float
    least: float


Dependence = Literal["independent", "dependent", "undecided"]


@dataclass(frozen=True, slots=True)
class Independence:
    """What `judge` found. ``undecided``: whatever the order had been, no p-value could have reached the threshold."""

    decision: Dependence
    n: int
    hypotheses: tuple[Hypothesis, ...]
    rejected: tuple[Name, ...]
    """By Holm's correction over ``hypotheses``."""
    level: float
    pairs: int
    """Neighbours within a lane; in a long one, within its pieces."""
    repeats: int
    expected: float
    few: int | None
    """At so few repeats or fewer the order would be beyond chance; None when no number is that low."""
    many: int | None
    period: int | None
    """Period of the cycle that was found; None when it was not seen twice round."""
    turns: Name | None
    """Which hypothesis that cycle is: ``cycle`` (every lane keeps to it) or ``order`` (all sessions of a run together)."""
    needed: int | None
    """Sessions at which an order differs from chance, with these lanes and as many providers; None when none."""

    @property
    def p(self) -> float:
        """The smallest p-value, corrected."""
        return min([1.0, *(h.p * len(self.hypotheses) for h in self.hypotheses)])

    @property
    def missing(self) -> int:
        return max(1, self.needed - self.n) if self.needed is not None else 0


def judge(draws: Sequence[Draw], level: float) -> Independence:
    """Judge the sessions in their order at one threshold for all hypotheses together."""
    lanes = list(_split(draws, lambda d: (d.run, d.lane)).values())
    runs = list(_split(draws, lambda d: d.run).values())
    parts = [part for lane in lanes for part in pieces(lane)]
    counts = [tuple(sorted(Counter(part).values(), reverse=True)) for part in parts]
    distribution = repeats_of_lanes(tuple(sorted(counts)))
    seen = sum(map(repeats, parts))
    tables: list[tuple[Name, list[Hashable]]] = [
        ("lane", [(d.run, d.lane) for d in draws]),
        ("user agent", [d.agent for d in draws]),
        ("hour", [d.hour for d in draws]),
    ]
    grouped = [(name, groups) for name, groups in tables if len(set(groups)) > 1]
    of = 2 + (len(lanes) > len(runs)) + len(grouped)
    each = level / of
    found = [Hypothesis("before", two_sided(distribution, seen), least(distribution))]
    found.append(Hypothesis("cycle", *cycle_p(lanes)))
    if len(lanes) > len(runs):
        found.append(Hypothesis("order", *cycle_p(runs)))
    providers = [d.provider for d in draws]
    found += [Hypothesis(name, *table_p(groups, providers, each)) for name, groups in grouped]
    rejected = tuple(found[i].name for i in holm([h.p for h in found], level))
    able = any(h.least <= each for h in found)
    decision: Dependence = "dependent" if rejected else "independent" if able else "undecided"
    few, many = critical(distribution, each)
    turns, rounds = _cycle({"cycle": lanes, "order": runs}, rejected)
    return Independence(
        decision=decision,
        n=len(draws),
        hypotheses=tuple(found),
        rejected=rejected,
        level=level,
        pairs=sum(len(part) - 1 for part in parts),
        repeats=seen,
        expected=float(distribution @ np.arange(len(distribution))),
        few=few,
        many=many,
        period=rounds,
        turns=turns,
        needed=sessions_needed(len(set(providers)), max(1, len(lanes)), each),
    )


def _cycle(
    orders: Mapping[Name, Sequence[Sequence[str]]], rejected: Sequence[Name]
) -> tuple[Name | None, int | None]:
    """The rejected kind of cycle, one that was seen twice round before another, with its period."""
    kinds = [name for name in orders if name in rejected]
    for name in kinds:
        rounds = common_period(orders[name])
        if any(len(sequence) >= 2 * rounds for sequence in orders[name]):
            return name, rounds
    return (kinds[0] if kinds else None), None


def _split(draws: Iterable[Draw], key: Callable[[Draw], Hashable]) -> dict[Hashable, list[str]]:
    found: dict[Hashable, list[str]] = {}
    for draw in draws:
        found.setdefault(key(draw), []).append(draw.provider)
    return found


def holm(ps: Sequence[float], level: float) -> list[int]:
    """Indices that Holm's step-down procedure rejects, most significant first."""
    rejected: list[int] = []
    for step, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        if ps[i] > level / (len(ps) - step):
            break
        rejected.append(i)
    return rejected
