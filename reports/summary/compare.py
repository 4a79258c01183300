"""Two judged runs compared, before and after a change: verdicts that changed, and rates that differ significantly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import stats

from e2e.analysis.checks.registry import SCENARIO_OF
from e2e.analysis.facts.sessions import provider_counts
from e2e.analysis.model.verdict import Verdict
from reports.charts.figures import FIGURES, figures
from reports.summary.aggregate import Judged
from reports.templates.rendering import template

Change = Literal["regressed", "fixed", "still failing", "same", "newly judged", "inconclusive now"]

# Check -> the numbers that count failures (disjoint ones), and the number that counts the total.
_RATES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "rotation.stored_id_is_fresh": (("reused", "without_id"), "transitions"),
    "rotation.sent_id_is_fresh": (("reused", "without_id"), "transitions"),
    "rotation.sent_equals_stored": (("chats_different",), "chats"),
    "rotation.one_id_per_chat": (("chats_with_several",), "chats"),
    **dict.fromkeys(SCENARIO_OF, (("wrong",), "chats")),
    "reply.is_live": (("cached",), "replies"),
    "provider.persists": (("sessions_with_several",), "sessions"),
    "provider.label_is_true": (("untrue",), "labels"),
}
_SIGNIFICANT = 0.01


@dataclass(frozen=True, slots=True)
class Row:
    """One check in both runs."""

    name: str
    base: Verdict
    head: Verdict
    change: Change
    rates: tuple[str, str] | None = None
    """``3 of 20`` in each, for a check that counts."""
    p: float | None = None
    """Fisher's exact test, two-sided: the probability of rates at least as different if nothing changed."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Base and head."""

    base: Judged
    head: Judged
    rows: tuple[Row, ...]
    providers_p: float | None
    """Chi-square test that the sessions of both have the same distribution; None when one has no session."""
    figures: tuple[tuple[str, float | None, float | None], ...]
    """Title, base, head."""

    @property
    def regressed(self) -> tuple[Row, ...]:
        """Checks that fail in the head and did not fail in the base."""
        return tuple(row for row in self.rows if row.change == "regressed")

    @property
    def text(self) -> str:
        """The outcome in one line."""
        counts = Counter(row.change for row in self.rows)
        parts = [
            f"{counts[kind]} {kind}"
            for kind in (
                "regressed",
                "fixed",
                "still failing",
                "newly judged",
                "inconclusive now",
            )
            if counts[kind]
        ]
        return ", ".join(parts) or "no verdict changed"


def compare(base: Judged, head: Judged) -> Comparison:
    """Compare ``head`` with ``base``."""
    before = {v.name: v for v in base.judgement.verdicts}
    rows = tuple(_row(before[v.name], v) for v in head.judgement.verdicts if v.name in before)
    known, now = figures(base.run), figures(head.run)
    return Comparison(
        base,
        head,
        rows,
        _spread_alike(provider_counts(base.run), provider_counts(head.run)),
        tuple((f.title, known.get(name), now.get(name)) for name, f in FIGURES.items() if name in known or name in now),
    )  # fmt: skip


def comment(comparison: Comparison, *, link: str = "") -> str:
    """Markdown for a pull request: the result first, then the changes; all checks in a collapsed section."""
    return template("compare.md.j2").render(c=comparison, link=link, significant=_SIGNIFICANT)


def write_comment(comparison: Comparison, path: Path, *, link: str = "") -> None:
    """Write the comment to a file, for a workflow that posts it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(comment(comparison, link=link), encoding="utf-8")


def _row(base: Verdict, head: Verdict) -> Row:
    bad = _counts(base), _counts(head)
    rates, p = None, None
    if bad[0] is not None and bad[1] is not None:
        (x, n), (y, m) = bad[0], bad[1]
        rates = (f"{x} of {n}", f"{y} of {m}")
        p = float(stats.fisher_exact(np.array([[x, n - x], [y, m - y]])).pvalue)
    return Row(head.name, base, head, _change(base, head), rates, p)


def _change(base: Verdict, head: Verdict) -> Change:
    """An inconclusive head is ``inconclusive now``, after a pass and after a failure, which may persist."""
    before, now = (v.outcome == "fail" and not v.accepted for v in (base, head))
    if now:
        return "still failing" if before else "regressed"
    if before:
        return "fixed" if head.outcome != "inconclusive" else "inconclusive now"
    if base.outcome == head.outcome:
        return "same"
    if base.outcome == "inconclusive":
        return "newly judged"
    return "inconclusive now" if head.outcome == "inconclusive" else "same"


def _counts(verdict: Verdict) -> tuple[int, int] | None:
    """Failures and total; None for a check that does not count, or counted nothing."""
    numbers = verdict.numbers
    bad, of = _RATES.get(verdict.name, ((), ""))
    if of not in numbers or not all(name in numbers for name in bad):
        return None
    n = int(numbers[of])
    return (min(n, sum(int(numbers[name]) for name in bad)), n) if n else None


def _spread_alike(base: Counter[str], head: Counter[str]) -> float | None:
    """Pearson's chi-square on providers by run, by permutation where counts are small (10,000 draws, seeded)."""
    if not base or not head:
        return None
    names = sorted({*base, *head})
    table = np.array([[counts[name] for name in names] for counts in (base, head)])
    if len(names) == 1:
        return 1.0
    method = stats.PermutationMethod(n_resamples=9_999, rng=np.random.default_rng(1))
    small = stats.contingency.expected_freq(table).min() < 5
    return float(stats.chi2_contingency(table, correction=False, method=method if small else None).pvalue)
