"""What follows from a cause in the same chats: listed under it, neither a second cause nor unexplained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from e2e.analysis.causes.evidence.chat_evidence import Clues, clues
from e2e.analysis.diagnosis.assignment import Assignment, Pair
from e2e.analysis.facts.tabs import provider_changes
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Cause, ChatKey, Verdict

_OLD_SESSION = (
    "session-restored",
    "session-not-ended",
    "restored-on-load",
    "stale-state",
    "stale-closure",
    "late-rotation",
    "id-constant",
    "id-collision",
    "id-shared",
)
"""Causes that make a new chat go on with an old session: what the backend kept of it may be shown again."""

CHECKS: Mapping[str, tuple[str, ...]] = {"chat.starts_empty": _OLD_SESSION}
"""A check that fails in chats without a rule of its own -> the causes that it follows from in the same chats."""


class Follows(NamedTuple):
    """One cause that is no second one beside another of the same run, in the chats where ``when`` holds."""

    cause: str
    consequence: str
    when: Callable[[Clues], bool]


def _one_payload(c: Clues) -> bool:
    """Too short to see the rotation that came later."""
    return len(c.running) < 2


def _mints_often(c: Clues) -> bool:
    return c.lane.mints_often


def _showed_the_old_messages(c: Clues) -> bool:
    """Before anything was sent: they came back with the session, and the payload's history took them from there."""
    if c.chat.screen_compared is True:
        return c.chat.screen_from is not None
    return bool(c.chat.screen_messages)


CAUSES: tuple[Follows, ...] = (
    Follows("over-rotation", "tab-bleed", _mints_often),
    Follows("late-rotation", "session-not-ended", _one_payload),
    Follows("session-restored", "history-bleed", _showed_the_old_messages),
)


def add_consequences(run: Run, found: Assignment) -> None:
    """Move what follows from a cause under it."""
    known = clues(run)
    for run_id in dict.fromkeys(pair.chat.run_id for pair in found.causes):
        for follows in CAUSES:
            mine = found.pairs(run_id, follows.consequence)
            chats = {p.chat for p in found.pairs(run_id, follows.cause)}
            if not mine or not chats or not all(follows.when(known[p.chat]) for p in mine):
                continue
            if follows.consequence == "history-bleed" and not {p.chat for p in mine} <= chats:
                continue
            for pair in mine:
                found.causes[pair], found.variants[pair] = follows.cause, ""
            found.consequences[follows.cause][follows.consequence] = None
    for check, names in CHECKS.items():
        left = found.left.get(check, ())
        by_chat = [_cause_in(found, key, names) for key in left]
        if left and all(by_chat):
            for key, name in zip(left, by_chat, strict=True):
                found.causes[Pair(check, key)] = name
                found.consequences[name][check] = None
            del found.left[check]


def _cause_in(found: Assignment, chat: ChatKey, names: Sequence[str]) -> str:
    here = [cause for pair, cause in found.causes.items() if pair.chat == chat]
    return next((name for name in names if name in here), "")


def under_provider(
    run: Run, found: Sequence[Cause], failed: Sequence[Verdict], left: Assignment
) -> list[Cause]:
    """``found`` with what a change of the provider does in two tabs under the cause of that change.

    Where providers flap everywhere, the failure of two tabs follows from that; where they change only by another tab's New Chat,
    the sessions that did not keep their provider follow from ``tab-bleed``.
    """
    two_tabs, persists = "rotation.two_tabs", "provider.persists"
    chats = {v.name: set(v.chats) for v in failed}
    flaps = next((c for c in found if c.name == "provider-flaps"), None)
    bleed = next((c for c in found if c.name == "tab-bleed"), None)
    if flaps is None or two_tabs not in chats:
        return list(found)
    moved = set(left.left.get(two_tabs, ()))
    if moved and moved <= set(provider_changes(run)):
        del left.left[two_tabs]
        under = replace(flaps, checks=(*flaps.checks, two_tabs), consequences=(*flaps.consequences, two_tabs))
        return [under if c is flaps else c for c in found]
    if bleed is not None and flaps.checks == (persists,) and chats[persists] <= chats[two_tabs]:
        under = replace(
            bleed,
            checks=(*bleed.checks, persists),
            consequences=(*bleed.consequences, flaps.name, persists),
        )
        return [under if c is bleed else c for c in found if c is not flaps]
    return list(found)


def under_cached_reply(found: Sequence[Cause], failed: Sequence[Verdict]) -> list[Cause]:
    """``found`` with ``provider-flaps`` under ``cached-reply``, where only chats with a cached reply changed their provider."""
    cached = next((c for c in found if c.name == "cached-reply"), None)
    flaps = next((c for c in found if c.name == "provider-flaps"), None)
    if cached is None or flaps is None or flaps.checks != ("provider.persists",):
        return list(found)
    chats = {v.name: set(v.chats) for v in failed}
    if not chats["provider.persists"] <= chats["reply.is_live"]:
        return list(found)
    under = replace(
        cached,
        checks=(*cached.checks, *flaps.checks),
        consequences=(*cached.consequences, flaps.name, *flaps.checks),
    )
    return [under if c is cached else c for c in found if c is not flaps]
