"""Judges one trial by the invariants of the deterministic checks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from e2e.analysis.checks import chat, provider
from e2e.analysis.facts.scenario_findings import findings, one_conversation
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.wording import key_of
from e2e.records.records import Chat, Event, RunMeta, RunRecords

_CHECKS = (chat.is_live, provider.persists, provider.label_is_true)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Result of one trial."""

    broken: tuple[str, ...]
    """Broken invariants, one line each; empty: the trial passed."""
    ids: frozenset[str]
    """Masked session IDs that the trial sent."""


def judge(
    meta: RunMeta, events: Sequence[Event], chats: Sequence[Chat], known: Collection[str]
) -> TrialResult:
    """Judge the records of a trial. ``known``: masked session IDs of earlier trials, each in a browser of its own."""
    run = assemble([RunRecords(meta, tuple(events), tuple(chats), "walk")])
    wrong, _ = findings(run, "walk")
    lines = [f"chat {key.chat} {text}" for key, texts in sorted(wrong.items()) for text in texts]
    ids = frozenset(str(i) for i in run.messages["sent"].dropna())
    lines += [f"{i} was also sent by another browser" for i in sorted(ids & set(known))]
    # These checks judge plain chats only; their rule holds for every chat of a trial.
    plain = assemble(
        [RunRecords(meta, tuple(events), tuple(replace(c, scenario="plain") for c in chats), "walk")]
    )
    for check in _CHECKS:
        verdict = check.judge(plain)
        if verdict.outcome == "fail":
            lines += [f"{verdict.name}: {line}" for line in verdict.actual]
    return TrialResult((*lines, *_sent_history(run, set(wrong))), ids)


def _sent_history(run: Run, reported: set[object]) -> tuple[str, ...]:
    """Payloads with text of another chat, in chats that no other check judges: those that began with a page load."""
    return tuple(
        f"chat {m.chat} sent text of chat {m.bleeds_from}"
        for m in run.every(MessageRow)
        if m.bleeds_from is not None and key_of(m) not in reported and not one_conversation(run, m)
    )
