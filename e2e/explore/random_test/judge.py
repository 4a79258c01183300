"""One walk, judged by the invariants of the deterministic checks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from e2e.analysis.checks import chat, provider
from e2e.analysis.checks.scenarios import findings
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.wording import key_of
from e2e.records.records import Chat, Event, RunMeta, RunRecords

_CHECKS = (chat.is_live, provider.persists, provider.label_is_true)


@dataclass(frozen=True, slots=True)
class Walked:
    """What one walk came to."""

    broken: tuple[str, ...]
    """What went wrong, one line each; empty when nothing did."""
    ids: frozenset[str]
    """References of the session IDs that were sent."""


def judge(meta: RunMeta, events: Sequence[Event], chats: Sequence[Chat], known: Collection[str]) -> Walked:
    """``known`` are the references of IDs that other browsers have sent."""
    run = assemble([RunRecords(meta, tuple(events), tuple(chats), "walk")])
    wrong, _ = findings(run, "walk")
    lines = [f"chat {key.chat} {text}" for key, texts in sorted(wrong.items()) for text in texts]
    ids = frozenset(str(i) for i in run.messages["sent"].dropna())
    lines += [f"{i} was sent by another browser too" for i in sorted(ids & set(known))]
    # These ask about plain chats; in a walk any chat will do.
    plain = assemble(
        [RunRecords(meta, tuple(events), tuple(replace(c, scenario="plain") for c in chats), "walk")]
    )
    for question in _CHECKS:
        verdict = question.judge(plain)
        if verdict.outcome == "fail":
            lines += [f"{verdict.name}: {line}" for line in verdict.actual]
    return Walked((*lines, *_bled(run, set(wrong))), ids)


def _bled(run: Run, told: set[object]) -> tuple[str, ...]:
    """Text of another chat in the chats that are judged by nothing else: those that began with a page load."""
    return tuple(
        f"chat {m.chat} sent text of chat {m.bleeds_from}"
        for m in rows(run.messages)
        if m.bleeds_from is not None and key_of(m) not in told
    )
