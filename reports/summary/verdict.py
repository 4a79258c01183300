"""The outcome of a run in words: as one line, as a paragraph, and as the decision about a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from e2e.analysis.model.plurals import plural
from e2e.analysis.model.verdict import NO_ID, PRIORITIES, UNEXPLAINED
from reports.summary.schema import CauseResult, CheckResult, Summary

_HEADLINES = {
    "broken": "the suite could not look at everything",
    "inconclusive": "too few observations for a verdict",
}
_OUTCOMES = {"pass": "Passed", "fail": "Failed", "broken": "Broken", "inconclusive": "Inconclusive"}
_NAMED = 4


def headline(summary: Summary) -> str:
    """The run in one line: the causes of a failure, or what the passed checks show."""
    verdicts = {c.name: c.verdict for c in _requested(summary)}
    failed = _failed(summary)
    known = sum(bool(c.accepted) for c in summary.checks)
    if failed:
        causes = ", ".join(c.name for c in summary.causes if c.accepted_until is None or not known)
        where = [one.browser for one in summary.browsers if one.outcome == "fail"]
        only = f" in {', '.join(where)}" if len(where) < len(summary.browsers) else ""
        return f"{causes}: {len(failed)} of {plural(len(verdicts), 'check')} failed{only}"
    text = _HEADLINES.get(summary.outcome) or _shown(verdicts)
    thin = len(_inconclusive(summary))
    notes = (
        [f"{thin} of {plural(len(verdicts), 'check')} inconclusive"]
        if thin and summary.outcome == "pass"
        else []
    )
    notes += ["session faults cannot be seen"] if blind_to_sessions(summary) else []
    notes += ["provider faults cannot be seen"] if blind_to_providers(summary) else []
    notes += [f"{known} failed by known issues, accepted for now"] if known else []
    return text + (f" ({'; '.join(notes)})" if notes else "")


def verdict_line(summary: Summary, *, with_hint: bool = False) -> str:
    """Verdict, cause, layer and code location in one line, for headings; ``with_hint`` adds the hint."""
    causes = [c for c in summary.causes if set(c.checks) & set(_failed(summary))]
    if not causes:
        return f"{_OUTCOMES[summary.outcome]}: {headline(summary)}"
    where = f" at {causes[0].where[0]}" if causes[0].where else ""
    more = f", and {plural(len(causes) - 1, 'more cause')}" if len(causes) > 1 else ""
    hint = f". Hint: {causes[0].advice}" if with_hint else ""
    return f"{_OUTCOMES[summary.outcome]}: {causes[0].name} ({causes[0].layer}){where}{more}{hint}"


def executive_summary(summary: Summary) -> list[str]:
    """The sentences that a reader in a hurry needs: verdict, cause, layer, code location, hint, release. Each is true alone."""
    total = plural(len(_requested(summary)), "check")
    observed = f"{summary.chats.observed} of {plural(summary.chats.planned, 'planned chat')} were observed"
    failed, thin = _failed(summary), _inconclusive(summary)
    if failed:
        sentences = [f"The run failed: {len(failed)} of {total} failed; {observed}."]
    elif summary.outcome == "broken":
        sentences = [f"The run is broken: only {observed}."]
        sentences += [
            f"{p.kind}: {p.what}.{f' Hint: {p.way_out}.' if p.way_out else ''}" for p in summary.problems[:1]
        ]
    elif summary.outcome == "inconclusive":
        sentences = [f"The run is inconclusive: {len(thin)} of {total} had too few observations; {observed}."]
    else:
        passed = sum(c.verdict == "pass" for c in summary.checks)
        sentences = [
            f"The run passed: {passed} of {total} passed; {observed}.",
            f"{_sentence(_shown_by(summary))}.",
        ]
        sentences += (
            [
                f"{plural(len(thin), 'check')} {'is' if len(thin) == 1 else 'are'} inconclusive: {_names(thin)}."
            ]
            if thin
            else []
        )
    sentences += _by_browser(summary)
    for cause in summary.causes[:1] if failed else ():
        sentences += _of_cause(cause)
    if blind_to_sessions(summary):
        sentences.append(
            "Session faults cannot be seen: the profile has no [session], so the chat counts as one that sends no session ID."
            " Hint: [memory] in the profile tests its sessions by what they know."
        )
    if blind_to_providers(summary):
        sentences.append(
            "Provider faults cannot be seen: no provider was seen in any reply, label or backend reply."
            " Hint: name one in the profile (wire.provider, screen.provider or backend.lookup)."
        )
    more = [c.name for c in summary.causes[1:]]
    if failed and more:
        sentences.append(
            f"{'Another cause was' if len(more) == 1 else 'Other causes were'} found: {', '.join(more)}."
        )
    return [*sentences, _decision(summary)]


def conclusion(summary: Summary) -> str:
    """The decision about a release, with its reason."""
    failed, thin = _failed(summary), _inconclusive(summary)
    decision = _decision(summary)
    if failed:
        return f"{decision} {len(failed)} of {plural(len(summary.checks), 'check')} failed."
    if summary.outcome == "broken":
        return f"{decision} The suite could not look at everything, and found no failure in the rest."
    if summary.outcome == "inconclusive":
        return f"{decision} Not judged: {_names(thin)}."
    known = [c.accepted for c in summary.checks if c.accepted]
    reason = (
        "All failures are known issues: " + "; ".join(dict.fromkeys(known)) if known else "No check failed"
    )
    return f"{decision} {reason}." + (f" Not judged: {', '.join(thin)}." if thin else "")


def _decision(summary: Summary) -> str:
    failed = _failed(summary)
    if failed:
        counting = [c for c in summary.causes if set(c.checks) & set(failed)]
        priority = min((c.priority for c in counting), key=PRIORITIES.index, default="high")
        return f"Not OK to release, priority **{priority}**."
    # A recording of requests cannot show that a chat works: it has no stores and no screen.
    works = all(c.verdict == "pass" for c in summary.checks if c.name == "smoke")
    return "OK to release." if summary.outcome == "pass" and works else "No decision about a release."


def blind_to_sessions(summary: Summary) -> bool:
    """Whether the chat sends no session ID, and no code word tells its sessions apart."""
    checks = {c.name: c for c in summary.checks}
    fresh, forgets = checks.get("rotation.sent_id_is_fresh"), checks.get("chat.forgets")
    without = fresh is not None and fresh.verdict == "inconclusive" and fresh.message.startswith(NO_ID)
    return without and (forgets is None or forgets.verdict == "inconclusive")


def blind_to_providers(summary: Summary) -> bool:
    """Whether the chats were observed, and none of them showed a provider."""
    judged = [c for c in summary.checks if c.name.startswith("provider.")]
    return bool(judged) and summary.chats.observed > 0 and not summary.providers


def detection_limits(summary: Summary) -> dict[str, list[str]]:
    """Detection limit -> the passed checks that have it; several checks of one run often share theirs."""
    limits: dict[str, list[str]] = {}
    for check in summary.checks:
        if check.verdict == "pass" and check.worth:
            limits.setdefault(check.worth, []).append(check.name)
    return limits


def _by_browser(summary: Summary) -> list[str]:
    """The outcome of each browser, where there are several."""
    if not summary.browsers:
        return []
    found: dict[str, list[str]] = {}
    for one in summary.browsers:
        found.setdefault(one.outcome, []).append(one.browser)
    return [f"By browser: {'; '.join(f'{outcome} in {_names(names)}' for outcome, names in found.items())}."]


def _of_cause(cause: CauseResult) -> list[str]:
    if cause.name == UNEXPLAINED:
        name = "No known cause explains the failure."
    else:
        name = f"The cause is {cause.name}, in the layer {cause.layer}: {cause.explanation}."
    where = [f"The code location is `{cause.where[0]}`."] if cause.where else []
    return [name, *where, f"Hint: {cause.advice}."]


def _failed(summary: Summary) -> list[str]:
    return [c.name for c in summary.checks if c.verdict == "fail" and not c.accepted]


def _inconclusive(summary: Summary) -> list[str]:
    return [c.name for c in _requested(summary) if c.verdict == "inconclusive"]


def _requested(summary: Summary) -> list[CheckResult]:
    """Without the checks that the profile does not ask for."""
    return [c for c in summary.checks if c.requested]


def _shown_by(summary: Summary) -> str:
    return _shown({c.name: c.verdict for c in summary.checks})


def _shown(verdicts: Mapping[str, str]) -> str:
    """What the passed checks show; neither rotation nor distribution is claimed when its check did not pass."""
    parts = []
    if verdicts.get("rotation.sent_id_is_fresh") == "pass":
        parts.append("every new chat used a session ID of its own")
    if verdicts.get("chat.forgets") == "pass":
        parts.append("every new chat knew nothing of the chat before")
    if verdicts.get("provider.varies") == "pass":
        fits = verdicts.get("provider.balanced") == "pass"
        parts.append(
            "the sessions spread over the providers as expected"
            if fits
            else "the sessions reach several providers"
        )
    return ", and ".join(parts) or "no check that could be judged failed"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
