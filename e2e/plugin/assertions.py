"""From a verdict to what pytest understands: a readable ``AssertionError``, a reasoned skip, or nothing."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from e2e import errors
from e2e.errors import CaptureIncomplete, HarnessError

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.analysis.model.verdict import Cause, Verdict

_WIDTH = 96
_LABEL = 12  # "  expected  "


ACCEPTED = "known issue"
"""Begins the reason of a test that failed for an accepted cause; a category of the report matches it."""


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
        if strict and verdict.requested:
            raise AssertionError(thin_text(verdict))
        pytest.skip(f"inconclusive: {thin_reason(verdict)}")


def thin_reason(verdict: Verdict) -> str:
    """Why the evidence is too thin, and how much more is needed."""
    return f"{verdict.headline}; {verdict.needs}" if verdict.needs else verdict.headline


def thin_text(verdict: Verdict) -> str:
    """The message of an inconclusive verdict under ``--strict-evidence``."""
    lines = [f"{verdict.name}: inconclusive, and --strict-evidence is on: {verdict.headline}", ""]
    lines += _labelled("needs", [verdict.needs.removeprefix("needs ")]) if verdict.needs else []
    lines += _labelled("evidence", [verdict.evidence]) if verdict.evidence else []
    return "\n".join(lines).rstrip()


def failure_text(verdict: Verdict) -> str:
    """What happened, then expected, actual, cause, hint and evidence."""
    from e2e.analysis.model.verdict import UNEXPLAINED

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
        lines += _labelled("hint", [cause.advice])
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
    """Raise what kept the suite from observing all chats, if anything did.

    Raises
    ------
    HarnessError : of the kind of the first problem, with all of them in its message.
    """
    __tracebackhide__ = True
    reasons = list(run.partial_reasons)
    problems = [p for meta in run.metas for p in meta.problems]
    if not problems and not reasons:
        return
    observed, planned = len(run.observed), sum(meta.planned_chats for meta in run.metas)
    lines = [f"{observed} of {planned} planned chats were observed"]
    for (kind, what), times in Counter((p.kind, p.what) for p in problems).items():
        lines.append(f"  {kind}: {what}" + (f" ({times} times)" if times > 1 else ""))
    lines += [f"  {reason}" for reason in reasons]
    first = problems[0] if problems else None
    raised = getattr(errors, first.kind, HarnessError) if first else CaptureIncomplete
    raise raised(
        "\n".join(lines), where=first.where if first else "", hint=first.way_out if first else "run again"
    )


@dataclass(frozen=True, slots=True)
class RandomTestResult:
    """The result of the random test over user actions."""

    steps: int = 0
    """Steps until something broke, or in all."""
    sequences: int = 0
    shortest: tuple[str, ...] = ()
    """The shortest sequence of steps that breaks something."""
    broken: tuple[str, ...] = ()
    """What it breaks."""
    skipped: str = ""
    """Why there is no result."""
    needs: str = ""


def check_random_test(result: RandomTestResult) -> None:
    """Pass when nothing broke.

    Raises
    ------
    AssertionError : something broke; the message has the shortest sequence that breaks it.
    pytest.skip.Exception : there is no result.
    """
    __tracebackhide__ = True
    if result.skipped:
        pytest.skip(f"inconclusive: {result.skipped}" + (f"; needs {result.needs}" if result.needs else ""))
    if not result.broken:
        return
    steps = " ".join(result.shortest)
    count = f"{len(result.shortest)} steps break" if len(result.shortest) > 1 else "1 step breaks"
    lines = [f"random test: {count} a session", ""]
    lines += _labelled(
        "expected", ["after any sequence of user actions each chat has a session ID of its own"]
    )
    lines += _labelled("actual", [steps, *result.broken[:8]])
    lines += _labelled("hint", [f'repeat it with: pytest e2e/specs/test_random_test.py --replay "{steps}"'])
    raise AssertionError("\n".join(lines))
