"""The property that each run must have, whatever was inflicted on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.schema import ChatRow
from e2e.errors import HarnessError
from e2e.records.evidence import RUN, read_run
from e2e.selftest.tools.chaos.draw import EACH_CHAT, Draw
from e2e.selftest.tools.chaos.faults.definition import Fault
from e2e.selftest.tools.chaos.suite_process import Verdicts, verdicts_of
from e2e.selftest.tools.matrix.table import FAILS, HEALTHY

RIGHT, BROKEN, INCONCLUSIVE, VIOLATION = "right", "broken", "inconclusive", "violation"
CLASSES = (RIGHT, BROKEN, INCONCLUSIVE, VIOLATION)
_ENOUGH = 2
_ALIKE_AT_FIRST = {"stale-closure": "stale-state"}
"""Planted fault -> cause whose first chat is the same: which ID lags behind shows in the second (``_TELLS``)."""
KILLED = "the run did not finish"


@dataclass(slots=True)
class Seen:
    """What the parent saw of the suite's process."""

    folder: Path | None = None
    ready: bool = False
    chats: int = 0
    """Chats that the suite reported as ended and written."""
    error: str = ""
    """The `HarnessError` with which it ended."""
    traceback: str = ""
    close: str = ""
    judged: Verdicts | None = None
    exit_code: int | None = None
    late: bool = False
    """It had to be killed."""
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a run had the property."""

    outcome: str
    """One of `CLASSES`."""
    violations: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    """What the run names as the reason why it is broken."""


def examine(drawn: Draw, fault: Fault, seen: Seen) -> Found:
    """Judge what a run left, and what was seen of it."""
    wrong = list(_process(fault, seen))
    run, problem = _recorded(seen)
    if problem:
        return Found(VIOLATION, (*wrong, problem))
    if run is None or seen.folder is None:
        return _nothing_recorded(fault, seen, wrong)
    judged = judge(run)
    if (kept := len(run.chats) + len(run.side)) < seen.chats:
        wrong.append(f"chats lost: {seen.chats} were reported as written, {kept} are in the evidence")
    again = verdicts_of(judged)
    first = seen.judged or verdicts_of(judge(assemble([read_run(seen.folder)])))
    if seen.error and judged.outcome in ("pass", "inconclusive"):
        wrong.append(f"judged again it is no longer broken: {judged.outcome}")
    if first != again:
        wrong.append(f"judged differently again: {sorted(set(first) ^ set(again))[:4]}")
    new_chats = sum(c.via == "new_chat" and c.status == "observed" for c in run.every(ChatRow))
    wrong += _verdicts(drawn, fault, judged, complete=not run.partial, new_chats=new_chats)
    reasons = (*_reasons(run, seen), *_undecided(drawn, judged))
    wrong += _false_reasons(fault, reasons, judged)
    kind = _class(drawn, judged)
    if kind == INCONCLUSIVE and not reasons:
        wrong.append("no right verdict, and no reason was given")
    return Found(VIOLATION if wrong else kind, tuple(wrong), reasons)


def _process(fault: Fault, seen: Seen) -> list[str]:
    wrong = []
    if seen.late:
        wrong.append("it did not end within the profile's limits plus a minute")
    if seen.traceback:
        wrong.append(f"traceback: {seen.traceback.strip().splitlines()[-1]}")
    if seen.close and not _fits(fault, seen.close):
        wrong.append(f"the browser could not be closed: {seen.close}")
    if not fault.ends_suite and not seen.late and seen.exit_code:
        wrong.append(f"the suite's process ended with exit code {seen.exit_code}")
    return [*wrong, *(f"left behind: {one}" for one in seen.left)]


def _recorded(seen: Seen) -> tuple[Run | None, str]:
    if seen.folder is None or not (seen.folder / RUN).is_file():
        return (
            None,
            "" if not seen.chats else f"{seen.chats} chats were reported as written, and there is no run",
        )
    try:
        return assemble([read_run(seen.folder)]), ""
    except HarnessError as error:
        return None, f"the evidence cannot be judged: {error.what}"


def _nothing_recorded(fault: Fault, seen: Seen, wrong: list[str]) -> Found:
    reasons = (seen.error,) if seen.error else ()
    if not fault.ends_suite and not reasons and not wrong:
        wrong.append("nothing was recorded, and no reason was given")
    wrong += [f"not the true reason: {one}" for one in reasons if not _fits(fault, one)]
    return Found(VIOLATION if wrong else BROKEN, tuple(wrong), reasons)


def _expected(drawn: Draw) -> str:
    return "stale-state" if drawn.product == "stale" else drawn.product


def _must_fail(drawn: Draw) -> set[str]:
    """The checks that fail for what is planted in a run that saw it."""
    return {"rotation.sent_id_is_fresh"} if drawn.product == "stale" else FAILS[_expected(drawn)]


def _must_pass(drawn: Draw) -> set[str]:
    """The checks without which a healthy run shows nothing: a run passes as soon as one check does."""
    played = {f"rotation.{drawn.scenario.replace('-', '_')}"} if drawn.scenario else set()
    return {"smoke", "rotation.sent_id_is_fresh"} | played


def _undecided(drawn: Draw, judged: Judgement) -> tuple[str, ...]:
    """What a run that did not find what is planted, or not that nothing is, and is not broken, names as the reason."""
    if judged.outcome not in ("pass", "inconclusive"):
        return ()
    must = _must_pass(drawn) if drawn.product == HEALTHY else _must_fail(drawn)
    open_checks = (v for v in judged.verdicts if v.name in must and v.outcome == "inconclusive")
    return tuple(f"inconclusive: {v.name}: {v.headline}" for v in open_checks)


def _verdicts(drawn: Draw, fault: Fault, judged: Judgement, *, complete: bool, new_chats: int) -> list[str]:
    """False fails, wrong causes and false passes. No planted fault shows before the first New Chat (``new_chats``)."""
    wrong = []
    expected = _expected(drawn)
    alike = _ALIKE_AT_FIRST if new_chats < _ENOUGH else {}
    causes = [c for c in judged.causes if c.name not in (*fault.causes, alike.get(expected))]
    if drawn.product == HEALTHY:
        wrong += [f"false fail of {v.name}: {v.headline}" for v in judged.verdicts if v.outcome == "fail"]
        return wrong + [f"false cause {c.name}" for c in causes]
    wrong += [f"wrong cause {c.name} instead of {expected}" for c in causes if c.name != expected]
    if judged.outcome == "fail" and not judged.causes:
        wrong.append(f"it failed without the cause {expected}")
    shown = complete or (new_chats > 0 and expected in EACH_CHAT)
    must = _must_fail(drawn) if shown else set()
    wrong += [
        f"false pass of {v.name}: {v.headline}"
        for v in judged.verdicts
        if v.name in must and v.outcome == "pass"
    ]
    return wrong


def _reasons(run: Run, seen: Seen) -> tuple[str, ...]:
    problems = [f"{p.kind}: {p.what}" for meta in run.metas for p in meta.problems]
    return tuple(dict.fromkeys([*problems, *run.partial_reasons, *([seen.error] if seen.error else [])]))


def _false_reasons(fault: Fault, reasons: Sequence[str], judged: Judgement) -> list[str]:
    if judged.outcome == "broken" and not reasons:
        return ["broken without a reason"]
    if fault.harmless and reasons:
        return [f"no right verdict, because of: {one}" for one in reasons]
    counted = [
        one for one in reasons if not re.search(r"planned chats were not recorded|^interrupted: ", one)
    ]
    if reasons and not counted:
        return [f"broken without a reason: {'; '.join(reasons)}"]
    if fault.ends_suite:
        counted = [one for one in counted if not re.search(rf"^{KILLED}|incomplete line", one)]
    return [f"not the true reason: {one}" for one in counted if not _fits(fault, one)]


def _fits(fault: Fault, reason: str) -> bool:
    return any(re.search(pattern, reason) for pattern in fault.reasons)


def _class(drawn: Draw, judged: Judgement) -> str:
    if judged.outcome == "broken":
        return BROKEN
    if drawn.product != HEALTHY:
        return RIGHT if judged.outcome == "fail" else INCONCLUSIVE
    return RIGHT if judged.outcome == "pass" and not _undecided(drawn, judged) else INCONCLUSIVE
