"""What the history says: since when something is wrong, and what changed between.

Providers are followed by the e-process and the e-CUSUM of `e2e.analysis.stats.e_values`: evidence that may be looked at every night.
A check that fails needs no statistics: it is wrong since the first night of its streak.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from e2e.analysis.stats.e_values import Nights, log_e, night
from reports.history.entry import CHANGES, Night

UNCHANGED = "neither target version, profile, browser nor suite, as far as they are known"


@dataclass(frozen=True, slots=True)
class Step:
    """A night with the evidence that has run up until then."""

    night: Night
    evidence: Nights | None
    """None where no shares are expected or nobody was seen."""
    alarms: tuple[str, ...] = ()
    """``product``, ``cusum``: which figures are beyond the limit."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong in the last night."""

    what: str
    """``providers``, or the names of the checks that fail."""
    since: Night
    """The first night of it."""
    before: Night | None
    """The last night without it; None when the history begins with it."""
    nights: int
    said: str
    changed: tuple[str, ...]
    """What is not as it was before: ``browser: chromium 155 -> chromium 156``."""


def level(alarms_per_year: float) -> float:
    """Threshold of the figures: a healthy series is beyond it at most once in ``1 / level`` nights."""
    return alarms_per_year / 365


def steps(nights: Sequence[Night], alarms_per_year: float = 0.02) -> list[Step]:
    """The nights of one series, in order of time, with the evidence against the expected shares."""
    found: list[Step] = []
    state: Nights | None = None
    for one in nights:
        if one.shares and sum(one.providers.values()):
            state = night(state, one.providers, one.shares)
            found.append(Step(one, state, state.alarms(level(alarms_per_year))))
        else:
            found.append(Step(one, None))
    return found


def alarms(nights: Sequence[Night], alarms_per_year: float = 0.02) -> list[Alarm]:
    """What is wrong in the last night of one series, each with the night since when."""
    if not nights:
        return []
    providers = _of_providers(steps(nights, alarms_per_year), alarms_per_year)
    streaks: dict[str, list[_Streak]] = {}
    for name, verdict in nights[-1].checks.items():
        if verdict == "fail":
            streak = _streak(nights, name)
            streaks.setdefault(streak.since.run_id, []).append(streak)
    found = [_of_checks(nights[-1], together) for together in streaks.values()]
    found.sort(key=lambda alarm: alarm.since.began)
    return [*([providers] if providers else []), *found]


def _of_providers(found: Sequence[Step], alarms_per_year: float) -> Alarm | None:
    seen = [step for step in found if step.evidence is not None]
    if not seen or not seen[-1].alarms or seen[-1].evidence is None:
        return None
    last = seen[-1].evidence
    since = _change_point(seen[-last.nights :]) + len(seen) - last.nights
    many = len(seen) - since
    limit = math.log10(1 / level(alarms_per_year))
    reached = max(last.cusum, last.highest) / math.log(10)
    said = f"the sessions do not fit the expected shares: log10 E = {reached:.1f}, alarm from {limit:.1f} on"
    before = seen[since - 1].night if since > 0 else None
    return Alarm("providers", seen[since].night, before, many, said, changes(before, seen[since].night))


def _change_point(found: Sequence[Step]) -> int:
    """The first of the nights that are together the least like the expected shares, of those that end with the last one.

    Nights under one fault have shares in common, so their pooled counts weigh more against the expected ones than those of any
    longer stretch with good nights in it, or of any shorter one.
    """
    shares = found[-1].night.shares
    pooled, best, at = dict.fromkeys(shares, 0), -math.inf, len(found) - 1
    for n in range(len(found) - 1, -1, -1):
        for name in shares:
            pooled[name] += found[n].night.providers.get(name, 0)
        weight = float(log_e(list(pooled.values()), tuple(shares.values())))
        if weight > best:
            best, at = weight, n
    return at


@dataclass(frozen=True, slots=True)
class _Streak:
    """A check that fails, and since when."""

    name: str
    since: Night
    before: Night | None
    nights: int


def _streak(nights: Sequence[Night], name: str) -> _Streak:
    """A check that could not be judged in between neither ends a streak nor lengthens it; an accepted failure is one."""
    first, before, count = nights[-1], None, 0
    for one in reversed(nights):
        verdict = one.checks.get(name)
        if verdict in ("fail", "accepted"):
            first, count = one, count + 1
        elif verdict == "pass":
            before = one
            break
    return _Streak(name, first, before, count)


def _of_checks(last: Night, together: Sequence[_Streak]) -> Alarm:
    """The checks that fail since one night."""
    names = [one.name for one in together]
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    causes = ", ".join(last.causes)
    said = f"{told} {'fails' if len(names) == 1 else 'fail'}" + (f" ({causes})" if causes else "")
    since = together[0].since
    known = [one.before for one in together if one.before is not None]
    before = max(known, key=lambda n: n.began) if known else None
    many = max(one.nights for one in together)
    return Alarm(", ".join(names), since, before, many, said, changes(before, since))


def changes(before: Night | None, since: Night) -> tuple[str, ...]:
    """The facts that changed from one night to the next, as far as both tell them."""
    if before is None:
        return ()
    return tuple(
        f"{title}: {before.facts[name]} -> {since.facts[name]}"
        for name, title in CHANGES.items()
        if name in before.facts and name in since.facts and before.facts[name] != since.facts[name]
    )


def told(nights: Sequence[Night], alarms_per_year: float = 0.02) -> tuple[str, ...]:
    """A sentence for each alarm, with a history to compare with: since which night, and what changed then."""
    sentences = []
    for alarm in alarms(nights, alarms_per_year) if len(nights) > 1 else ():
        said = f"since {alarm.since.date} ({alarm.since.run_id}): {alarm.said}; "
        if alarm.before is None:
            said += "the history begins with it"
        else:
            said += (
                f"last without it {alarm.before.date}, changed since: {'; '.join(alarm.changed) or UNCHANGED}"
            )
        sentences.append(said)
    return tuple(sentences)
