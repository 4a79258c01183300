"""From a verdict to what pytest understands: a readable ``AssertionError``, a reasoned skip, or nothing."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass

import pytest

from e2e import errors
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import UNEXPLAINED, Cause, Verdict
from e2e.errors import CaptureIncomplete, HarnessError

_WIDTH = 96
_LABEL = 12  # "  expected  "


ACCEPTED = "known issue"
"""How the reason begins of a test that failed for an accepted cause: the report tells them by it."""


def act_on(verdict: Verdict, *, strict: bool = False) -> None:
    """Pass, fail or skip the running test by ``verdict``.

    Parameters
    ----------
    verdict : as `e2e.analysis.judge.explained` returns it.
    strict : whether an inconclusive verdict fails (``--strict-evidence``).

    Raises
    ------
    AssertionError : the product is wrong; or the evidence is too thin and ``strict`` is set.
    pytest.xfail.Exception : the product is wrong in a way that the profile lists as a known issue.
    pytest.skip.Exception : the evidence is too thin.
    """
    __tracebackhide__ = True
    if verdict.outcome == "fail" and verdict.accepted:
        pytest.xfail(f"{ACCEPTED}: {verdict.accepted}; {verdict.headline}")
    if verdict.outcome == "fail":
        raise AssertionError(failure_text(verdict))
    if verdict.outcome == "inconclusive":
        if strict:
            raise AssertionError(thin_text(verdict))
        pytest.skip(f"inconclusive: {thin_reason(verdict)}")


def thin_reason(verdict: Verdict) -> str:
    """Why it cannot be judged, and how much more is needed."""
    return f"{verdict.headline}; {verdict.needs}" if verdict.needs else verdict.headline


def thin_text(verdict: Verdict) -> str:
    """The message of an inconclusive verdict that is to fail."""
    lines = [f"{verdict.name}: inconclusive, and --strict-evidence is on: {verdict.headline}", ""]
    lines += _labelled("needs", [verdict.needs.removeprefix("needs ")]) if verdict.needs else []
    lines += _labelled("evidence", [verdict.evidence]) if verdict.evidence else []
    return "\n".join(lines).rstrip()


def failure_text(verdict: Verdict) -> str:
    """What, expected, actual, cause, advice, evidence."""
    lines = [f"{verdict.name}: {verdict.headline}", ""]
    if verdict.expected:
        lines += _labelled("expected", [verdict.expected])
    lines += _labelled("actual", verdict.actual)
    for cause in verdict.causes:
        lines += _labelled("cause", [_cause_title(cause), cause.explanation])
        if not cause.where or cause.name == UNEXPLAINED:
            lines += _labelled("", cause.evidence[:6])
        if verdict.name in cause.consequences:
            lines += _labelled("", [f"this check's failure is a consequence of {cause.name}"])
        lines += _labelled("advice", [cause.advice])
    if verdict.evidence:
        lines += _labelled("evidence", [verdict.evidence])
    return "\n".join(lines)


def _cause_title(cause: Cause) -> str:
    title = f"{cause.name} ({cause.layer})"
    return f"{title}, {cause.chats} of {cause.of} chats" if cause.of and cause.layer != "backend" else title


def _labelled(label: str, texts: tuple[str, ...] | list[str]) -> list[str]:
    """``  expected  text``, wrapped under itself; paths and references are never broken."""
    lines: list[str] = []
    for number, text in enumerate(texts):
        head = f"  {label if number == 0 else '':<{_LABEL - 2}}"
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=head,
            subsequent_indent=" " * _LABEL,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def require_complete(run: Run) -> None:
    """Raise what kept the suite from looking, if anything did: the run's problems, as the error that each of them was.

    Raises
    ------
    HarnessError : of the kind of the first problem, telling all of them.
    """
    __tracebackhide__ = True
    reasons = list(run.partial_reasons)
    problems = [p for meta in run.metas for p in meta.problems]
    if not problems and not reasons:
        return
    observed, planned = len(run.observed), sum(meta.planned_chats for meta in run.metas)
    told = Counter((p.kind, p.what, p.way_out) for p in problems)
    lines = [f"{observed} of {planned} planned chats were observed"]
    lines += [
        f"  {kind}: {what}" + (f" ({times} times)" if times > 1 else "")
        for (kind, what, _), times in told.items()
    ]
    lines += [f"  {reason}" for reason in reasons]
    first = problems[0] if problems else None
    kind = getattr(errors, first.kind, HarnessError) if first else CaptureIncomplete
    raise kind(
        "\n".join(lines), where=first.where if first else "", hint=first.way_out if first else "run again"
    )


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk in any order came to."""

    taken: int = 0
    """Steps until something broke, or in all."""
    walks: int = 0
    sequence: tuple[str, ...] = ()
    """The shortest sequence that breaks something."""
    broken: tuple[str, ...] = ()
    why: str = ""
    """Why nothing can be said."""
    needs: str = ""


def check_walk(walk: Walk) -> None:
    """Pass when nothing broke.

    Raises
    ------
    AssertionError : something broke; the message has the shortest sequence that does it.
    pytest.skip.Exception : nothing was walked.
    """
    __tracebackhide__ = True
    if walk.why:
        pytest.skip(f"inconclusive: {walk.why}" + (f"; needs {walk.needs}" if walk.needs else ""))
    if not walk.broken:
        return
    said = " ".join(walk.sequence)
    count = f"{len(walk.sequence)} steps break" if len(walk.sequence) > 1 else "1 step breaks"
    lines = [f"any order: {count} a session", ""]
    lines += _labelled("expected", ["whatever a person does, each chat keeps a session ID of its own"])
    lines += _labelled("actual", [said, *walk.broken[:8]])
    lines += _labelled("replay", [f'pytest e2e/specs/test_any_order.py --replay "{said}"'])
    raise AssertionError("\n".join(lines))
