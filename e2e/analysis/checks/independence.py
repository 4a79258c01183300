"""Does a new session's provider depend on the chat before, the lane, the browser or the hour?

Every hypothesis is tested given how often each provider replied, so skewed shares alone never fail here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from e2e.analysis.facts.sessions import sessions
from e2e.analysis.model.check import PROVIDERS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow
from e2e.analysis.model.verdict import ChatKey, Number, Verdict
from e2e.analysis.model.wording import capped, key_of, lane_name, no_chats, not_seen, plural, probability
from e2e.analysis.stats.hypotheses import Draw, Hypothesis, Independence, Name, holm, judge

__all__ = ["Draw", "Hypothesis", "Independence", "draws_of", "holm", "independent", "judge"]


@check(
    "provider.independent",
    title="Is the provider independent of the chat before, the lane, the hour?",
    layer="backend",
    group=PROVIDERS,
    story="Providers are independent",
    detection_limit="so many equal neighbours, or so few, that chance does not explain them",
    statistical=True,
    position=210,
)
def independent(run: Run) -> Verdict:
    """A new session's provider is independent of the chat before, the lane, the user agent and the hour."""
    name = "provider.independent"
    nothing = no_chats(name, run) or _no_draws(name, run)
    if nothing:
        return nothing
    found = draws_of(run)
    draws = [d for d, _ in found]
    if len(draws) < 2:
        why = f"{plural(len(draws), 'session')} with a known provider: there is no pair to compare"
        return not_seen(name, run, why, "needs at least 2 sessions", sessions=len(draws))
    result = judge(draws, run.alpha)
    numbers = _numbers(result) | _constant(draws)
    providers = len({d.provider for d in draws})
    if providers < 2:
        why = f"all {len(draws)} sessions reached one provider: a dependence cannot be measured"
        return not_seen(name, run, why, "needs sessions on at least 2 providers", **numbers)
    if result.decision == "undecided":
        lanes = plural(len({(d.run, d.lane) for d in draws}), "lane")
        why = f"{plural(result.n, 'session')} in {lanes} are too few to detect an ordering effect"
        needs = f"needs {plural(result.missing, 'more session')}" if result.needed else "needs fewer lanes"
        return not_seen(name, run, why, needs, **numbers)
    want = "a provider that does not depend on the chat before, the lane" + (
        ", the hour" if any(h.name == "hour" for h in result.hypotheses) else ""
    )
    if result.decision == "dependent":
        return Verdict(
            name,
            "fail",
            f"the provider of a new session is not independent: {_reasons(result)}",
            want,
            capped(_lines(run, result, draws)),
            numbers,
            chats=tuple(key for _, key in found),
            evidence=run.evidence,
        )
    low = min(result.hypotheses, key=lambda h: h.p)
    warning = ""
    if result.p < 1e-3:
        warning = (
            f"dependence on {_WHAT[low.name]}: p = {probability(result.p)}, above the threshold, but unusual"
        )
    headline = (
        f"{plural(result.n, 'session')}: {result.repeats} of {plural(result.pairs, 'neighbour')} equal, "
        f"{result.expected:.1f} expected (p = {probability(result.hypotheses[0].p)})"
    )
    return Verdict(
        name, "pass", headline, want, (), numbers, _limit(result), "", warning, evidence=run.evidence
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
    began = {key_of(c): c.began for c in run.every(ChatRow)}
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
        "sessions of one browser share a provider"
        if run.policy.affinity == "user"
        else "a session does not keep its provider"
    )
    why = f"the profile has affinity = {run.policy.affinity}: {follows}"
    return not_seen(name, run, why, "needs a profile with affinity = session")


_SEVERAL = 3  # sessions of a lane that are enough to find that it stays with one provider


def _constant(draws: Sequence[Draw]) -> dict[str, Number]:
    """In how many lanes all sessions were on one provider, of those with several sessions."""
    lanes: dict[tuple[str, int], list[str]] = {}
    for d in draws:
        lanes.setdefault((d.run, d.lane), []).append(d.provider)
    several = [found for found in lanes.values() if len(found) >= _SEVERAL]
    return {"lanes": len(several), "constant_lanes": sum(len(set(found)) == 1 for found in several)}


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
            how = "repeats" if result.repeats > result.expected else "avoids"
            reasons.append(
                f"it {how} that of the chat before, {result.repeats} of {result.pairs} equal, {result.expected:.1f} expected {p}"
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


def _limit(result: Independence) -> str:
    bounds = []
    if result.few is not None:
        bounds.append(f"{result.few} or fewer")
    if result.many is not None:
        bounds.append(f"{result.many} or more")
    if bounds:
        text = f"{' and '.join(bounds)} of {result.pairs} equal neighbours would fail"
    else:
        text = "repeats of the chat before need more sessions to be judged"
        if result.needed and result.needed > result.n:
            text = f"repeats of the chat before can be judged from {result.needed} sessions on"
    others = [
        _WHAT[h.name] for h in result.hypotheses[1:] if h.least <= result.level / len(result.hypotheses)
    ]
    return f"{text}; also judged: {', '.join(others)}" if others else text
