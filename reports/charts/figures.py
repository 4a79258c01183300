"""The key figures of a run, which the run history compares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:  # a report of a run that is judged already needs the titles only
    from e2e.analysis.model.run import Run


class Figure(NamedTuple):
    """Title, unit and direction of a key figure."""

    title: str
    unit: str
    better: Literal["lower", "higher"]
    group: str
    digits: int


FIGURES: Mapping[str, Figure] = {
    "reuse_bound": Figure("Reuse of session IDs: upper bound at 95 %", "%", "lower", "sessions", 1),
    "effective_providers": Figure("Effective providers (inverse Simpson)", "", "higher", "providers", 2),
    "log10_e": Figure("Evidence against the expected shares: log10 E", "", "lower", "providers", 2),
    "chat_latency_p50": Figure("Message to end of reply: median", "ms", "lower", "latency", 0),
    "chat_latency_p95": Figure("Message to end of reply: 95th percentile", "ms", "lower", "latency", 0),
}
GROUPS: Mapping[str, str] = {"sessions": "Sessions", "providers": "Providers", "latency": "Latency"}


def figures(run: Run) -> dict[str, float]:
    """Name -> value in the order of `FIGURES`, without figures that this run has no data for."""
    import numpy as np

    from e2e.analysis.facts.sessions import provider_counts
    from e2e.analysis.judge import judge
    from e2e.analysis.stats.e_values import log_e

    found: dict[str, float] = {}
    fresh = judge(run).verdict("rotation.sent_id_is_fresh").numbers
    if fresh.get("transitions"):
        found["reuse_bound"] = 100 * float(fresh["bound95"])
    counts = provider_counts(run)
    if n := sum(counts.values()):
        found["effective_providers"] = 1 / sum((c / n) ** 2 for c in counts.values())
    evidence = against_shares(run)
    if evidence is not None:
        counted, shares = evidence
        found["log10_e"] = float(log_e(list(counted.values()), tuple(shares.values()))) / math.log(10)
    took = latencies(run)
    if took:
        found["chat_latency_p50"], found["chat_latency_p95"] = np.percentile(took, [50, 95]).tolist()
    return {name: round(value, FIGURES[name].digits + 1) for name, value in found.items()}


def latencies(run: Run) -> list[float]:
    """Milliseconds from sending to the end of the reply, for each plain chat's first message."""
    from e2e.analysis.model.schema import ChatRow, MessageRow
    from e2e.analysis.model.wording import key_of

    plain = {key_of(c) for c in run.every(ChatRow) if c.scenario == "plain" and c.status == "observed"}
    return [
        1000 * (m.ended_at - m.sent_at)
        for m in run.every(MessageRow)
        if m.number == 0
        and m.outcome == "ok"
        and key_of(m) in plain
        and m.sent_at is not None
        and m.ended_at is not None
    ]


def against_shares(run: Run) -> tuple[dict[str, int], dict[str, float]] | None:
    """New sessions and expected share per provider; None where no shares are expected or no provider was seen.

    If only the number of providers is known, they are named by their rank in this run. All have the same expected share, so the
    evidence does not depend on their names, and the expectation is the same in every run.
    """
    from e2e.analysis.facts.sessions import provider_counts

    counts, policy = provider_counts(run), run.policy
    if not counts:
        return None
    if policy.weights:
        shares = dict(policy.weights)
    elif policy.providers:
        shares = dict.fromkeys(policy.providers, 1 / len(policy.providers))
    elif policy.provider_count and len(counts) <= policy.provider_count:
        ranked = sorted(counts.values(), reverse=True)
        ranked += [0] * (policy.provider_count - len(ranked))
        names = [f"rank {n}" for n in range(1, policy.provider_count + 1)]
        return dict(zip(names, ranked, strict=True)), dict.fromkeys(names, 1 / policy.provider_count)
    else:
        return None
    return {name: counts[name] for name in shares}, shares
