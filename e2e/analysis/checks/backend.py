"""The backend, tested directly through its API, without the browser."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from e2e.analysis.checks.variation import expected_shares, spread_verdict
from e2e.analysis.facts.backend_probes import answers_by_session, not_probed, probed_before, probes, statuses
from e2e.analysis.model.check import BACKEND, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import BackendRow
from e2e.analysis.model.verdict import Number, Verdict
from e2e.analysis.model.wording import capped, not_seen, plural
from e2e.analysis.stats import significance

ONE_BY_CONSTRUCTION = ("fixed", "browserBased")
"""Patterns with one ID for all chats of a browser. They reach one provider: right for the backend, wrong for the chat."""


@check(
    "backend.assigns",
    title="Does the backend spread fresh session IDs?",
    layer="backend",
    group=BACKEND,
    story="Fresh IDs reach several providers",
    detection_limit="one provider with so many of the fresh IDs that chance does not explain it",
    statistical=True,
    position=220,
)
def assigns(run: Run) -> Verdict:
    """The backend assigns fresh session IDs to several providers; five IDs in each of seven patterns for comparison."""
    name = "backend.assigns"
    nothing = not_probed(name, run, "fresh")
    if nothing:
        return nothing
    fresh = probes(run, "fresh")
    # the first response for a session is the assignment
    assigned = {
        (r.run_id, r.session): r.provider for r in reversed(fresh) if r.session and r.provider is not None
    }
    table, lines, numbers = _patterns(run)
    if not assigned:
        why = f"the backend named no provider for a fresh session ID ({statuses(fresh)})"
        return not_seen(
            name,
            run,
            why,
            "needs a backend API that names the provider: see [backend] in the profile",
            **numbers,
        )
    counts = Counter(assigned.values())
    expected = expected_shares(run)
    s = significance.spread(counts.values(), expected, run.alpha)
    verdict = spread_verdict(name, run, counts, s, expected)
    limit = verdict.detection_limit + (f"; {table}" if table and verdict.outcome == "pass" else "")
    return _with(verdict, numbers={**verdict.numbers, **numbers}, detection_limit=limit, lines=lines)


def _patterns(run: Run) -> tuple[str, list[str], dict[str, Number]]:
    """Unique IDs and providers of each ID pattern."""
    groups: dict[str, list[BackendRow]] = defaultdict(list)
    for r in probes(run, "pattern"):
        if r.pattern is not None and r.session is not None:
            groups[r.pattern].append(r)
    numbers: dict[str, Number] = {}
    lines: list[str] = []
    single: list[str] = []
    for pattern, found in groups.items():
        unique = len({r.session for r in found})
        providers = len({r.provider for r in found if r.provider is not None})
        numbers |= {
            f"{pattern}.ids": len(found),
            f"{pattern}.unique": unique,
            f"{pattern}.providers": providers,
        }
        note = ""
        if pattern in ONE_BY_CONSTRUCTION and unique == 1:
            single.append(pattern)
            note = " (one by construction)" if providers <= 1 else " (a single ID that changed providers)"
        lines.append(
            f"{pattern}: {plural(unique, 'unique ID')} of {len(found)}, {plural(providers, 'provider')}{note}"
        )
    table = f"{plural(len(groups), 'ID pattern')} probed" if groups else ""
    if single:
        table += f", of which {' and '.join(single)} reach one provider by construction"
    return table, lines, numbers


@check(
    "backend.persists",
    title="Does the backend keep a session's provider?",
    layer="backend",
    group=BACKEND,
    story="The same ID, the same provider",
    detection_limit="a share of repeated requests with another provider: 20 clean ones bound it by 13.9 %",
    position=230,
)
def persists(run: Run) -> Verdict:
    """Repeated requests with one session ID reach the same provider."""
    name = "backend.persists"
    nothing = not_probed(name, run, "same")
    if nothing:
        return nothing
    held = [answers for answers in answers_by_session(run) if len(answers) > 1]
    wrong = [answers for answers in held if len({r.provider for r in answers}) > 1]
    numbers = {
        "sessions_with_several": len(wrong),
        "sessions": len(held),
        "answers": sum(map(len, held)),
    }
    expected = "one provider in all responses for a session, until it is removed"
    if not held:
        why = f"the backend named no provider twice for one session ID ({statuses(probes(run, 'same'))})"
        return not_seen(name, run, why, "needs 2 responses for one session ID", **numbers)
    if wrong:
        lines = [
            f"{answers[0].session}: " + ", ".join(f"{r.provider} ({r.question})" for r in answers[:6])
            for answers in wrong
        ]
        headline = (
            f"{len(wrong)} of {plural(len(held), 'session')} got another provider in a repeated request"
        )
        return Verdict(name, "fail", headline, expected, capped(lines), numbers, evidence=run.evidence)
    headline = (
        f"{plural(len(held), 'session')} kept the provider in {plural(int(numbers['answers']), 'request')}"
    )
    repeated = int(numbers["answers"]) - len(held)
    limit = f"{plural(repeated, 'repeated request')} bound the change rate by "
    limit += f"{100 * significance.upper_bound(0, repeated):.1f} % at 95 %"
    return Verdict(
        name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
    )


@check(
    "backend.cleans_up",
    title="Is a removed session gone?",
    layer="backend",
    group=BACKEND,
    story="A removed session is gone",
    detection_limit="a removal without effect for the sessions that the suite removed",
    position=240,
)
def cleans_up(run: Run) -> Verdict:
    """A removed session is gone. It must have existed before, or its absence proves nothing."""
    name = "backend.cleans_up"
    nothing = not_probed(name, run, "removed")
    if nothing:
        return nothing
    before: dict[tuple[str, str], bool] = {}
    removed: dict[tuple[str, str], bool] = {}
    after: dict[tuple[str, str], BackendRow] = {}
    for r in probes(run, "removed"):
        if r.session is None:
            continue
        key = (r.run_id, r.session)
        if r.question == "remove":
            removed[key] = r.status is not None and 200 <= r.status < 300
        elif r.question == "lookup" and r.found is not None:
            if key in removed:
                after[key] = r
            else:
                before[key] = r.found
    judged = {key: r for key, r in after.items() if before.get(key) and removed[key]}
    leaked = [r for r in judged.values() if r.found]
    numbers = {
        "still_there": len(leaked),
        "removed": len(judged),
        "not_there_before": sum(not before.get(key) for key in removed),
        "refused": sum(not done for done in removed.values()),
    }
    expected = "a session that is not found after the backend confirmed its removal"
    if leaked:
        lines = [f"{r.session}: removed, then found again with {r.provider or 'no provider'}" for r in leaked]
        headline = f"{len(leaked)} of {plural(len(judged), 'removed session')} {'was' if len(leaked) == 1 else 'were'} still present"
        return Verdict(name, "fail", headline, expected, capped(lines), numbers, evidence=run.evidence)
    if not judged:
        if numbers["refused"]:
            why = f"the backend did not remove a session ({statuses(r for r in probes(run, 'removed') if r.question == 'remove')})"
        elif removed and not any(before.get(key) for key in removed):
            why = "no session was found before its removal: its absence afterwards proves nothing"
        else:
            why = f"no removed session could be looked up ({statuses(probes(run, 'removed'))})"
        return not_seen(
            name, run, why, "needs 1 session that is found, removed and looked up again", **numbers
        )
    headline = f"{plural(len(judged), 'removed session')} {'was' if len(judged) == 1 else 'were'} gone"
    limit = f"{plural(len(judged), 'session')} found before, not found after"
    return Verdict(
        name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
    )


@check(
    "backend.state",
    title="Do the backend's own figures add up, over several providers?",
    layer="backend",
    group=BACKEND,
    story="Sessions right now",
    detection_limit="figures that do not add up; one provider with too many of the active sessions",
    statistical=True,
    provider_chart=True,
    position=250,
)
def state(run: Run) -> Verdict:
    """The backend's own figures add up: the distribution sums to the active sessions, and is not pinned."""
    name = "backend.state"
    nothing = not_probed(name, run, "state")
    if nothing:
        return nothing
    seen = [
        (r, r.active, r.distribution)
        for r in probes(run, "state")
        if r.active is not None and r.distribution is not None
    ]
    if not seen:
        why = f"the backend did not report its sessions and their distribution ({statuses(probes(run, 'state'))})"
        return not_seen(name, run, why, "needs a backend API that reports both")
    off = [(active, total) for _, active, sizes in seen if (total := sum(sizes.values())) != active]
    last, last_active, last_distribution = seen[-1]
    probed = probed_before(run, last)
    counts = +(Counter({str(p): int(n) for p, n in last_distribution.items()}) - probed)
    expected = expected_shares(run)
    s = significance.spread(counts.values(), expected, run.alpha)
    spread = spread_verdict(name, run, counts, s, expected)
    if run.policy.affinity != "session":  # one user's sessions, or one request's, are no draws of their own
        why = f"the profile has affinity = {run.policy.affinity}: the provider does not follow the session"
        spread = not_seen(name, run, why, "needs a profile with affinity = session", **spread.numbers)
    numbers: dict[str, Number] = {
        **spread.numbers,
        "active": last_active,
        "probes_left_out": sum(probed.values()),
        "answers": len(seen),
        "not_adding_up": len(off),
    }
    if off:
        lines = [f"{active} active, {total} in the distribution" for active, total in off]
        headline = f"{len(off)} of {plural(len(seen), 'state report')} did not add up"
        expected_text = "a distribution that adds up to the active sessions"
        return Verdict(name, "fail", headline, expected_text, capped(lines), numbers, evidence=run.evidence)
    if spread.outcome == "fail":
        return _with(spread, numbers=numbers, detection_limit="", lines=[])
    limit = (
        spread.detection_limit
        if spread.outcome == "pass"
        else f"the figures add up; their spread is not judged: {spread.headline}"
    )
    active = sum(counts.values())
    headline = (
        f"{plural(active, 'active session')} on {plural(len(counts), 'provider')}, and the figures add up"
    )
    if probed:
        headline += f" ({sum(probed.values())} more were assigned by the suite itself)"
    return Verdict(
        name,
        "pass",
        headline,
        spread.expected,
        numbers=numbers,
        detection_limit=limit,
        warning=spread.warning,
        evidence=run.evidence,
    )


def _with(
    verdict: Verdict, *, numbers: dict[str, Number], detection_limit: str, lines: Sequence[str]
) -> Verdict:
    actual = capped([*verdict.actual, *lines], limit=16) if verdict.outcome == "fail" else verdict.actual
    return replace(verdict, numbers=numbers, detection_limit=detection_limit, actual=actual)
