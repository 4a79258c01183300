"""Does a new session's provider depend on something that it must not see: the chat before, the lane, the browser, the hour?

Every hypothesis is tested given how often each provider answered, so a skewed but honest draw is never accused here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from e2e.analysis.columns import rows
from e2e.analysis.frames import Run
from e2e.analysis.permutation import (
    common_period,
    critical,
    cycle_p,
    least,
    repeats,
    repeats_of_lanes,
    sessions_needed,
    table_p,
    two_sided,
)
from e2e.analysis.sessions import sessions
from e2e.analysis.verdict import ChatKey, Number, Verdict, question
from e2e.analysis.wording import capped, key_of, lane_name, no_chats, not_seen, plural, probability

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
    """Neighbours within a lane."""
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
    """Sessions at which an order could be told from chance, with these lanes and as many providers; None when none."""

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
    counts = [tuple(sorted(Counter(lane).values(), reverse=True)) for lane in lanes]
    distribution = repeats_of_lanes(tuple(sorted(counts)))
    seen = sum(map(repeats, lanes))
    tables: list[tuple[Name, list[Hashable]]] = [
        ("lane", [(d.run, d.lane) for d in draws]),
        ("user agent", [d.agent for d in draws]),
        ("hour", [d.hour for d in draws]),
    ]
    asked = [(name, groups) for name, groups in tables if len(set(groups)) > 1]
    of = 2 + (len(lanes) > len(runs)) + len(asked)
    each = level / of
    found = [Hypothesis("before", two_sided(distribution, seen), least(distribution))]
    found.append(Hypothesis("cycle", *cycle_p(lanes)))
    if len(lanes) > len(runs):
        found.append(Hypothesis("order", *cycle_p(runs)))
    providers = [d.provider for d in draws]
    found += [Hypothesis(name, *table_p(groups, providers, each)) for name, groups in asked]
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
        pairs=sum(len(lane) - 1 for lane in lanes),
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


# -- the check


@question("provider.independent")
def independent(run: Run) -> Verdict:
    """A new session's provider depends on nothing but the draw."""
    name = "provider.independent"
    nothing = no_chats(name, run) or _no_draws(name, run)
    if nothing:
        return nothing
    found = draws_of(run)
    draws = [d for d, _ in found]
    if len(draws) < 2:
        why = f"{plural(len(draws), 'session')} seen together with the provider: nothing stands before it"
        return not_seen(name, run, why, "needs at least 2 sessions", sessions=len(draws))
    result = judge(draws, run.alpha)
    numbers = _numbers(result)
    providers = len({d.provider for d in draws})
    if providers < 2:
        why = f"all {len(draws)} sessions were on one provider, and what never varies depends on nothing"
        return not_seen(name, run, why, "needs sessions on at least 2 providers", **numbers)
    if result.decision == "undecided":
        lanes = plural(len({(d.run, d.lane) for d in draws}), "lane")
        why = f"{plural(result.n, 'session')} in {lanes} could come in no order that luck does not explain"
        needs = f"needs {plural(result.missing, 'more session')}" if result.needed else "needs fewer lanes"
        return not_seen(name, run, why, needs, **numbers)
    want = "sessions on providers that depend on no chat before, no lane" + (
        ", no hour" if any(h.name == "hour" for h in result.hypotheses) else ""
    )
    if result.decision == "dependent":
        return Verdict(
            name,
            "fail",
            f"the provider of a new session is not a free draw: {_reasons(result)}",
            want,
            capped(_lines(run, result, draws)),
            numbers,
            chats=tuple(key for _, key in found),
            evidence=run.evidence,
        )
    low = min(result.hypotheses, key=lambda h: h.p)
    warning = ""
    if result.p < 1e-3:
        warning = f"{_WHAT[low.name]}: p = {probability(result.p)}, above the threshold but worth a look"
    headline = (
        f"{plural(result.n, 'session')}: {result.repeats} of {plural(result.pairs, 'neighbour')} alike, "
        f"{result.expected:.1f} expected (p = {probability(result.hypotheses[0].p)})"
    )
    return Verdict(
        name, "pass", headline, want, (), numbers, _worth(result), "", warning, evidence=run.evidence
    )


_WHAT: dict[Name, str] = {
    "before": "the chat before",
    "cycle": "a fixed cycle within each lane",
    "order": "a fixed cycle over all lanes",
    "lane": "the lane",
    "user agent": "the user agent",
    "hour": "the hour",
}


def draws_of(run: Run) -> list[tuple[Draw, ChatKey]]:
    """The new sessions whose provider was seen, in order of their first chat, each with that chat."""
    began = {key_of(c): c.began for c in rows(run.chats)}
    agents = {
        m.run_id: m.environment.get("user_agent") or m.environment.get("browser", "") for m in run.metas
    }
    found = []
    for session in sessions(run).values():
        key = session.chats[0]
        if session.provider is not None:
            hour = int(began[key] // 3600) % 24
            found.append(
                (Draw(session.provider, key.lane, key.run_id, agents.get(key.run_id, ""), hour), key)
            )
    return found


def _no_draws(name: str, run: Run) -> Verdict | None:
    if run.policy.affinity == "session":
        return None
    follows = (
        "the provider follows the user" if run.policy.affinity == "user" else "a session keeps no provider"
    )
    why = f"the profile says that {follows} (affinity = {run.policy.affinity}): its sessions are no draws"
    return not_seen(name, run, why, "needs a profile with affinity = session")


def _numbers(result: Independence) -> dict[str, Number]:
    found: dict[str, Number] = {
        "sessions": result.n,
        "neighbours": result.pairs,
        "repeats": result.repeats,
        "repeats_expected": round(result.expected, 3),
        "p": float(f"{result.p:.4g}"),
        "threshold": float(f"{result.level:.4g}"),
        "depends_on": ", ".join(result.rejected),
        "sessions_needed": result.needed or 0,
    }
    found |= {f"p_{h.name.replace(' ', '_')}": float(f"{h.p:.4g}") for h in result.hypotheses}
    if result.period is not None:
        found["period"] = result.period
    return found


def _reasons(result: Independence) -> str:
    """Why it failed, the plainest reason first."""
    reasons = []
    corrected = {h.name: min(1.0, h.p * len(result.hypotheses)) for h in result.hypotheses}
    for name in result.rejected:
        p = f"(p = {probability(corrected[name])}, threshold {probability(result.level)})"
        if name in ("cycle", "order"):
            if name != result.turns:
                continue
            where = "in every lane" if name == "cycle" else "over all lanes"
            turn = f"a fixed cycle of {result.period}" if result.period else "a fixed cycle"
            reasons.append(f"{turn} {where} {p}")
        elif name == "before":
            how = "sticks to" if result.repeats > result.expected else "avoids"
            reasons.append(
                f"it {how} that of the chat before, {result.repeats} of {result.pairs} alike and {result.expected:.1f} expected {p}"
            )
        else:
            reasons.append(f"it follows {_WHAT[name]} {p}")
    return "; ".join(sorted(reasons, key=lambda text: not text.startswith("a fixed cycle")))


def _lines(run: Run, result: Independence, draws: Sequence[Draw]) -> list[str]:
    lines = []
    if {"before", "cycle", "order"} & set(result.rejected):
        whole = result.turns == "order"
        groups: dict[tuple[str, int | None], list[str]] = {}
        for d in draws:
            groups.setdefault((d.run, None if whole else d.lane), []).append(d.provider)
        for (run_id, lane), names in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
            where = "all lanes" if lane is None else lane_name(run, run_id, lane)
            lines.append(f"{where}: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}")
    groupings: dict[Name, Callable[[Draw], str]] = {
        "lane": lambda d: lane_name(run, d.run, d.lane),
        "user agent": lambda d: d.agent or "unknown",
        "hour": lambda d: f"{d.hour:02d}:00 UTC",
    }
    for name, of in groupings.items():
        if name in result.rejected:
            table: dict[str, Counter[str]] = {}
            for d in draws:
                table.setdefault(of(d), Counter())[d.provider] += 1
            lines += [
                f"{key}: " + ", ".join(f"{provider} ({n})" for provider, n in counts.most_common(4))
                for key, counts in table.items()
            ]
    return lines


def _worth(result: Independence) -> str:
    bounds = []
    if result.few is not None:
        bounds.append(f"{result.few} or fewer")
    if result.many is not None:
        bounds.append(f"{result.many} or more")
    if bounds:
        text = f"{' and '.join(bounds)} of {result.pairs} neighbours alike would fail"
    else:
        text = "stickiness to the chat before is judged from more sessions on"
        if result.needed and result.needed > result.n:
            text = f"stickiness to the chat before is judged from {result.needed} sessions on"
    others = [
        _WHAT[h.name] for h in result.hypotheses[1:] if h.least <= result.level / len(result.hypotheses)
    ]
    return f"{text}; judged too: {', '.join(others)}" if others else text
