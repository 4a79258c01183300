"""Do sessions spread over the providers? Statistical: the threshold comes from the false-alarm budget; no retry."""

from __future__ import annotations

from collections import Counter

from e2e.analysis.facts.sessions import provider_counts, sessions
from e2e.analysis.model.check import PROVIDERS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey, Number, Verdict
from e2e.analysis.model.wording import capped, no_chats, not_seen, percent, plural, probability
from e2e.analysis.stats import multinomial, significance


def expected_shares(run: Run) -> significance.Expectation:
    """What the profile states about the providers."""
    p = run.policy
    return significance.expectation(p.providers, p.provider_count, p.weights, p.min_effective_providers)


@check(
    "provider.varies",
    title="Do sessions reach several providers?",
    layer="backend",
    group=PROVIDERS,
    story="Providers vary",
    detection_limit="one provider with so many of the sessions that chance does not explain it",
    statistical=True,
    provider_chart=True,
    position=190,
)
def varies(run: Run) -> Verdict:
    """New sessions reach more than one provider, and none gets more of them than chance explains."""
    name = "provider.varies"
    nothing = no_chats(name, run) or _by_user(name, run)
    if nothing:
        return nothing
    counts = provider_counts(run)
    expected = expected_shares(run)
    s = significance.spread(counts.values(), expected, run.alpha)
    return spread_verdict(name, run, counts, s, expected, chats=_first_chats(run))


def spread_verdict(
    name: str,
    run: Run,
    counts: Counter[str],
    s: significance.Spread,
    expected: significance.Expectation,
    *,
    chats: tuple[ChatKey, ...] = (),
) -> Verdict:
    """The verdict for a `significance.Spread`, also for sessions that the backend assigned without a browser."""
    numbers: dict[str, Number] = {
        "sessions": s.n,
        "providers": s.distinct,
        "largest": s.largest,
        "p": float(f"{s.p:.4g}"),
        "threshold": float(f"{s.threshold:.4g}"),
        "sessions_needed": s.n_min or 0,
    }
    if s.n_min is None:
        why = "the profile expects a single provider, so providers cannot vary"
        return not_seen(name, run, why, "needs a profile with several providers", **numbers)
    if s.n == 0:
        why = "no session with a known provider was observed"
        return not_seen(name, run, why, f"needs {plural(s.n_min, 'session')}", **numbers)
    want = f"sessions on {expected.text}"
    top = counts.most_common(1)[0][0]
    if s.decision == "undecided":
        why = f"all {s.n} sessions reached {top}" if s.n > 1 else f"the only session reached {top}"
        why += f"; {plural(s.n_min, 'session')} would rule out chance"
        return not_seen(name, run, why, f"needs {plural(s.missing, 'more session')}", **numbers)
    if s.decision in ("pinned", "concentrated"):
        share = f"all {s.n}" if s.decision == "pinned" else f"{s.largest} of {s.n}"
        return Verdict(
            name,
            "fail",
            f"{share} sessions reached {top} (p = {probability(s.p)}, threshold {probability(s.threshold)})",
            want,
            capped([f"{provider}: {plural(n, 'session')}" for provider, n in counts.most_common()]),
            numbers,
            chats=chats,
            evidence=run.evidence,
        )
    shown = f"one provider with {s.shows_from} of {s.n} sessions would fail" if s.shows_from else ""
    if s.n < s.n_min:
        shown = f"partial pinning can be judged from {s.n_min} sessions on"
    limit = f"{s.distinct} providers rule out hard pinning" + (f"; {shown}" if shown else "")
    if not expected.known:
        limit = f"{s.distinct} providers rule out hard pinning; more is not judged, because the profile does not state their number"
    warning = ""
    if s.p < significance.WARN:
        warning = (
            f"{s.largest} of {s.n} sessions reached {top}: p = {probability(s.p)}, above the threshold of "
            f"{probability(s.threshold)}, but unusual"
        )
    headline = f"{plural(s.n, 'session')} reached {plural(s.distinct, 'provider')}"
    return Verdict(name, "pass", headline, want, (), numbers, limit, "", warning, evidence=run.evidence)


@check(
    "provider.balanced",
    title="Do sessions reach the providers in the expected shares?",
    layer="backend",
    group=PROVIDERS,
    story="Providers are balanced",
    detection_limit="the smallest skew that this many sessions show with 90 % power",
    statistical=True,
    provider_chart=True,
    position=200,
)
def balanced(run: Run) -> Verdict:
    """Sessions reach the providers in the expected shares."""
    name = "provider.balanced"
    nothing = no_chats(name, run) or _by_user(name, run)
    if nothing:
        return nothing
    counts = provider_counts(run)
    shares = _named_shares(run, counts)
    n = sum(counts.values())
    if shares is None:
        why = "the profile names neither weights nor the number of providers"
        return not_seen(name, run, why, "needs providers or weights in the profile", sessions=n)
    least = multinomial.sessions_needed(tuple(shares.values()), run.alpha)
    if least is None:
        why = "the profile expects a single provider, so shares cannot differ"
        return not_seen(name, run, why, "needs a profile with several providers", sessions=n)
    numbers: dict[str, Number] = {
        "sessions": n,
        "providers": len(counts),
        "threshold": float(f"{run.alpha:.4g}"),
        "sessions_needed": least,
    }
    foreign = sorted(set(counts) - set(shares))
    want = "sessions in the expected shares: " + _share_text(shares)
    seen = [
        f"{p}: {plural(counts[p], 'session')} ({n * s:.1f} expected)" for p, s in _by_surplus(shares, counts)
    ]
    if foreign:
        lines = [f"{p}: {plural(counts[p], 'session')} (0 expected)" for p in foreign]
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        headline = f"providers replied that the profile does not list: {', '.join(foreign[:3])}{more}"
        numbers["unexpected"] = len(foreign)
        return Verdict(
            name,
            "fail",
            headline,
            want,
            capped(lines + seen),
            numbers,
            chats=_first_chats(run),
            evidence=run.evidence,
        )
    if n == 0:
        why = "no session with a known provider was observed"
        return not_seen(name, run, why, f"needs {plural(least, 'session')}", **numbers)
    if n < least:
        why = f"{plural(n, 'session')} are too few to show a skew"
        return not_seen(name, run, why, f"needs {plural(least - n, 'more session')}", **numbers)
    fit = multinomial.fit([counts[p] for p in shares], tuple(shares.values()))
    numbers |= {"p": float(f"{fit.p:.4g}"), "method": fit.method}
    if fit.p <= run.alpha:
        on = f"{plural(n, 'session')} on {len(counts)} of {plural(len(shares), 'provider')}"
        headline = f"{on} did not match the expected shares (p = {probability(fit.p)}, threshold {probability(run.alpha)})"
        return Verdict(
            name,
            "fail",
            headline,
            want,
            capped(seen),
            numbers,
            chats=_first_chats(run),
            evidence=run.evidence,
        )
    skew = multinomial.smallest_skew(n, tuple(sorted(shares.values())), run.alpha)
    limit = f"{plural(n, 'session')} show no skew beyond chance"
    if skew is not None:
        numbers["smallest_skew"] = skew
        limit = (
            f"{plural(n, 'session')} detect a provider that gets {100 * skew:.0f} % instead of "
            f"{percent(max(shares.values()))} with 90 % power; a smaller skew may be missed"
        )
    warning = (
        f"p = {probability(fit.p)}, above the threshold, but unusual" if fit.p < significance.WARN else ""
    )
    headline = f"{plural(n, 'session')} on {plural(len(counts), 'provider')} matched the expected shares (p = {probability(fit.p)})"
    return Verdict(name, "pass", headline, want, (), numbers, limit, "", warning, evidence=run.evidence)


def _by_user(name: str, run: Run) -> Verdict | None:
    if run.policy.affinity != "user":
        return None
    why = "the profile has affinity = user: sessions of one browser share a provider"
    return not_seen(name, run, why, "needs a profile with affinity = session")


def _named_shares(run: Run, counts: Counter[str]) -> dict[str, float] | None:
    """Provider -> expected share; where the profile has only their number, the seen names come first and the unseen ones get numbers."""
    p = run.policy
    if p.weights:
        total = sum(p.weights.values())
        return {name: weight / total for name, weight in p.weights.items() if weight > 0}
    if p.providers:
        return dict.fromkeys(p.providers, 1 / len(p.providers))
    if not p.provider_count:
        return None
    names = [name for name, _ in counts.most_common(p.provider_count)]
    names += [f"(not seen {i})" for i in range(1, p.provider_count - len(names) + 1)]
    return dict.fromkeys(names, 1 / p.provider_count)


def _share_text(shares: dict[str, float]) -> str:
    if len(set(shares.values())) == 1:
        return f"{percent(next(iter(shares.values())))} on each of {plural(len(shares), 'provider')}"
    more = f" and {len(shares) - 6} more" if len(shares) > 6 else ""
    return ", ".join(f"{name} {percent(share)}" for name, share in list(shares.items())[:6]) + more


def _by_surplus(shares: dict[str, float], counts: Counter[str]) -> list[tuple[str, float]]:
    n = sum(counts.values())
    return sorted(shares.items(), key=lambda item: item[1] * n - counts[item[0]])


def _first_chats(run: Run) -> tuple[ChatKey, ...]:
    return tuple(s.chats[0] for s in sessions(run).values() if s.provider is not None)
