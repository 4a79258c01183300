"""Alarms of the run history: since when something is wrong, and what changed before it.

Providers are followed by the e-process and the e-CUSUM of `e2e.analysis.stats.e_values`, which may be read after every run.
A failed check needs no statistics: it is wrong since the first run of its streak.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.history.entry import CHANGES, HistoryEntry

if TYPE_CHECKING:  # loads SciPy, which only the calculation needs
    from e2e.analysis.stats.e_values import Nights

UNCHANGED = "neither target version, profile, browser nor suite, as far as they are known"


@dataclass(frozen=True, slots=True)
class Step:
    """A run with the evidence up to it."""

    entry: HistoryEntry
    evidence: Nights | None
    """None where no shares are expected or no provider was seen."""
    alarms: tuple[str, ...] = ()
    """``product``, ``cusum``: which figures are beyond the limit."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong in the last run."""

    what: str
    """``providers``, or the names of the checks that fail."""
    since: HistoryEntry
    """The first run that has it."""
    before: HistoryEntry | None
    """The last run without it; None when the history begins with it."""
    runs: int
    text: str
    changed: tuple[str, ...]
    """Facts that differ from the run before: ``browser: chromium 155 -> chromium 156``."""


def level(alarms_per_year: float) -> float:
    """Threshold of the figures: a healthy series exceeds it at most once in ``1 / level`` daily runs."""
    return alarms_per_year / 365


def steps(entries: Sequence[HistoryEntry], alarms_per_year: float) -> list[Step]:
    """The runs of one series in order of time, each with the evidence against the expected shares up to it."""
    from e2e.analysis.stats.e_values import night

    found: list[Step] = []
    state: Nights | None = None
    for one in entries:
        if one.shares and sum(one.providers.values()):
            state = night(state, one.providers, one.shares)
            found.append(Step(one, state, state.alarms(level(alarms_per_year))))
        else:
            found.append(Step(one, None))
    return found


def alarms(entries: Sequence[HistoryEntry], alarms_per_year: float) -> list[Alarm]:
    """What is wrong in the last run of one series, each with the run since when."""
    if not entries:
        return []
    providers = _of_providers(steps(entries, alarms_per_year), alarms_per_year)
    streaks: dict[str, list[_Streak]] = {}
    for name, verdict in entries[-1].checks.items():
        if verdict == "fail":
            streak = _streak(entries, name)
            streaks.setdefault(streak.since.run_id, []).append(streak)
    found = [_of_checks(entries[-1], together) for together in streaks.values()]
    found.sort(key=lambda alarm: alarm.since.began)
    return [*([providers] if providers else []), *found]


def _of_providers(found: Sequence[Step], alarms_per_year: float) -> Alarm | None:
    seen = [step for step in found if step.evidence is not None]
    if not seen or not seen[-1].alarms or seen[-1].evidence is None:
        return None
    last = seen[-1].evidence
    since = _change_point(seen[-last.nights :]) + len(seen) - last.nights
    runs = len(seen) - since
    limit = math.log10(1 / level(alarms_per_year))
    reached = max(last.cusum, last.highest) / math.log(10)
    text = f"the sessions do not fit the expected shares: log10 E = {reached:.1f}, alarm from {limit:.1f} on"
    before = seen[since - 1].entry if since > 0 else None
    first = seen[since].entry
    return Alarm("providers", first, before, runs, text, changes(before, first))


def _change_point(found: Sequence[Step]) -> int:
    """The start of the period, up to the last run, whose pooled counts fit the expected shares worst.

    Runs under one fault have common shares. Their pooled counts are stronger evidence than those of a longer period, which contains
    good runs, or of a shorter one.
    """
    from e2e.analysis.stats.e_values import log_e

    shares = found[-1].entry.shares
    pooled, best, at = dict.fromkeys(shares, 0), -math.inf, len(found) - 1
    for n in range(len(found) - 1, -1, -1):
        for name in shares:
            pooled[name] += found[n].entry.providers.get(name, 0)
        weight = float(log_e(list(pooled.values()), tuple(shares.values())))
        if weight > best:
            best, at = weight, n
    return at


@dataclass(frozen=True, slots=True)
class _Streak:
    """A check that fails, and since when."""

    name: str
    since: HistoryEntry
    before: HistoryEntry | None
    runs: int


def _streak(entries: Sequence[HistoryEntry], name: str) -> _Streak:
    """An inconclusive verdict neither ends a streak nor lengthens it; a failure by a known issue lengthens it."""
    first, before, count = entries[-1], None, 0
    for one in reversed(entries):
        verdict = one.checks.get(name)
        if verdict in ("fail", "accepted"):
            first, count = one, count + 1
        elif verdict == "pass":
            before = one
            break
    return _Streak(name, first, before, count)


def _of_checks(last: HistoryEntry, together: Sequence[_Streak]) -> Alarm:
    """The checks that fail since the same run."""
    names = [one.name for one in together]
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    causes = ", ".join(last.causes)
    text = f"{listed} {'fails' if len(names) == 1 else 'fail'}" + (f" ({causes})" if causes else "")
    since = together[0].since
    known = [one.before for one in together if one.before is not None]
    before = max(known, key=lambda n: n.began) if known else None
    runs = max(one.runs for one in together)
    return Alarm(", ".join(names), since, before, runs, text, changes(before, since))


def changes(before: HistoryEntry | None, since: HistoryEntry) -> tuple[str, ...]:
    """The facts that differ between two runs, as far as both record them."""
    if before is None:
        return ()
    return tuple(
        f"{title}: {before.facts[name]} -> {since.facts[name]}"
        for name, title in CHANGES.items()
        if name in before.facts and name in since.facts and before.facts[name] != since.facts[name]
    )


def since_when(entries: Sequence[HistoryEntry], alarms_per_year: float) -> tuple[str, ...]:
    """A sentence for each alarm of a history with more than one run: since which run, and what changed before it."""
    sentences = []
    for alarm in alarms(entries, alarms_per_year) if len(entries) > 1 else ():
        text = f"since {alarm.since.date} ({alarm.since.run_id}): {alarm.text}; "
        if alarm.before is None:
            text += "the history begins with it"
        else:
            text += f"last run without it: {alarm.before.date}; changed since: {'; '.join(alarm.changed) or UNCHANGED}"
        sentences.append(text)
    return tuple(sentences)
