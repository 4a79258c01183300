"""Consequences of a cause: listed under it, neither a second cause nor unexplained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from e2e.analysis.causes.definition import CauseFollows, CheckFollows, RunCauseFollows, RunCheckFollows
from e2e.analysis.causes.evidence.chat_evidence import chat_evidence
from e2e.analysis.causes.registry import definitions
from e2e.analysis.diagnosis.assignment import Assignment, Pair
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Cause, ChatKey, Verdict

_F = TypeVar("_F", CheckFollows, CauseFollows, RunCauseFollows, RunCheckFollows)


def _consequences(kind: type[_F]) -> list[tuple[str, _F]]:
    """All consequences of one kind, each with the name of the cause that it follows from."""
    causes = definitions().values()
    return [(cause.name, one) for cause in causes for one in cause.consequences if isinstance(one, kind)]


def add_consequences(run: Run, found: Assignment) -> None:
    """Move the consequences of each cause under it, chat by chat."""
    if not found.causes:
        return
    known = chat_evidence(run)
    for run_id in dict.fromkeys(pair.chat.run_id for pair in found.causes):
        for cause, follows in _consequences(CauseFollows):
            mine = found.pairs(run_id, follows.cause)
            chats = {p.chat for p in found.pairs(run_id, cause)}
            if not mine or not chats or not all(follows.when(known[p.chat]) for p in mine):
                continue
            if follows.same_chats and not {p.chat for p in mine} <= chats:
                continue
            for pair in mine:
                found.causes[pair], found.variants[pair] = cause, ""
            found.consequences[cause][follows.cause] = None
    _add_checks(found)


def _add_checks(found: Assignment) -> None:
    """Checks whose chats all show a cause that they follow from."""
    by_check = defaultdict(list)
    for cause, one in sorted(_consequences(CheckFollows), key=lambda pair: pair[1].order):
        by_check[one.check].append(cause)
    for check, names in by_check.items():
        left = found.left.get(check, ())
        if not left:
            continue
        causes: dict[ChatKey, set[str]] = defaultdict(set)
        for pair, cause in found.causes.items():
            causes[pair.chat].add(cause)
        by_chat = [next((name for name in names if name in causes.get(key, ())), "") for key in left]
        if all(by_chat):
            for key, name in zip(left, by_chat, strict=True):
                found.causes[Pair(check, key)] = name
                found.consequences[name][check] = None
            del found.left[check]


def under_causes_of_the_run(
    run: Run, found: Sequence[Cause], failed: Sequence[Verdict], left: Assignment
) -> list[Cause]:
    """``found`` with the consequences that concern the run as a whole under their causes.

    A check that becomes a consequence is removed from ``left``.
    """
    chats = {v.name: set(v.chats) for v in failed}
    causes = {c.name: c for c in found}
    follows: list[tuple[str, RunCauseFollows | RunCheckFollows]] = [
        *_consequences(RunCauseFollows),
        *_consequences(RunCheckFollows),
    ]
    for name, one in sorted(follows, key=lambda pair: pair[1].order):
        if name not in causes:
            continue
        if isinstance(one, RunCheckFollows):
            claimed = any(one.check in cause.checks for cause in causes.values())
            open_there = one.check in left.left or (one.check in chats and not claimed)
            follow = one.chats(run) if open_there else None
            if follow is not None and set(left.left.get(one.check, chats[one.check])) <= set(follow):
                left.left.pop(one.check, None)
                causes[name] = _with(causes[name], (one.check,), (one.check,))
            continue
        other = causes.get(one.cause)
        alone = other is not None and other.checks == (one.check,)
        if other is not None and alone and chats[one.check] <= chats.get(one.within, set()):
            causes[name] = _with(causes[name], other.checks, (other.name, *other.checks))
            del causes[other.name]
    return list(causes.values())


def _with(cause: Cause, checks: tuple[str, ...], consequences: tuple[str, ...]) -> Cause:
    return replace(cause, checks=(*cause.checks, *checks), consequences=(*cause.consequences, *consequences))
