"""What the proof run of a proposed profile shows: about the chat, or about a guess that may be wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from e2e.explore.discover.infer.findings import PROVIDER_QUESTION, Findings, Guess
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.values import masked_if_id

SURE = 0.8
"""From this confidence on a failed check is about the chat."""

_PARTS = {
    "rotation.": ("session", "store", "request", "new_chat", "rotation"),
    "chat.": ("messages", "new_chat", "session"),
    "reply.": ("request", "answered_by", "done"),
    "provider.": ("provider", "label", "session", "answered_by", "done"),
    "session_ids.": ("session", "store"),
}
"""Prefix of a check's name -> the parts of the profile that its verdict hangs on."""


@dataclass(frozen=True, slots=True)
class Weak:
    """A part of the proposal that may be wrong."""

    part: str
    key: str
    """Its key in the profile."""
    confidence: float
    reason: str

    def __str__(self) -> str:
        return f"the guess for {self.key} ({self.confidence:.2f}: {self.reason}) may be wrong"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a proof run that could be judged has shown."""

    failed: tuple[str, ...]
    """Names of the failed checks."""
    causes: tuple[str, ...]


def print_outcome(console: Console, outcome: Outcome, weak: Sequence[Weak]) -> int:
    """Print what the proof run shows about the profile; returns the exit code: 1 while a guess is open."""
    doubtful = [guess for name in outcome.failed for guess in behind(name, weak)]
    open_session = [w for w in weak if w.part == "session"]
    if doubtful or (open_session and not outcome.failed):
        failed = f"a check failed that hangs on a guess: {', '.join(outcome.failed)}"
        for guess in dict.fromkeys(doubtful or weak):
            console.print(f"{guess}", style="yellow", markup=False)
        console.print(
            f"[yellow]not proven[/]: {failed if doubtful else 'every check passed, but a question is open'}"
        )
        console.print("  hint: answer the questions in the profile, then make doctor", markup=False)
        return 1
    if outcome.failed:
        console.print(
            "[green]the profile works[/]; a failed check is a finding about the chat: "
            f"{', '.join(outcome.failed)} ({', '.join(outcome.causes)})"
        )
    else:
        console.print("[green]the profile works[/]")
    return 0


def weak_guesses(found: Findings, observed: Observed) -> list[Weak]:
    """The guesses below 0.8, the least certain first."""
    named: dict[str, tuple[str, Guess | None]] = {
        "session": ("wire[0].session", found.session),
        "store": ("session", found.store),
        "provider": ("wire[0].provider", found.provider),
        "label": ("screen.provider", found.label),
        "answered_by": ("wire[0].answered_by", found.answered_by),
        "done": ("wire[0].done", found.done),
        "rotation": ("policy.rotation", found.rotation),
    }
    weak = [
        Weak(part, key, guess.confidence, guess.reason)
        for part, (key, guess) in named.items()
        if guess is not None
        and guess.confidence < SURE
        and not (part == "store" and _not_stored(guess, found))
    ]
    if observed.new_chat_candidates and observed.new_chat_candidates[0].score < 0.5:
        first = observed.new_chat_candidates[0]
        weak.append(Weak("new_chat", "steps.new_chat", first.score, "; ".join(first.reasons)))
    return sorted(weak, key=lambda w: w.confidence)


def behind(check: str, weak: Sequence[Weak]) -> list[Weak]:
    """The weak guesses that the verdict of ``check`` hangs on."""
    parts = next((parts for prefix, parts in _PARTS.items() if check.startswith(prefix)), ())
    return [w for w in weak if w.part in parts]


def _not_stored(store: Guess, found: Findings) -> bool:
    """A store of none, where the ID in the payload is certain, is what was seen, and no guess."""
    return (
        store.value.get("store") == "none" and found.session is not None and found.session.confidence >= SURE
    )


def with_maybe(found: Findings) -> Findings:
    """The findings for the proof run: with what could be the provider, to see whether it varies."""
    if found.provider is not None or found.label is not None:
        return found
    return replace(found, provider=found.provider_maybe)


def confirm_provider(found: Findings, seen: Collection[str]) -> bool:
    """Take what could be the provider for it where the proof run brought another value; returns whether it did."""
    maybe = found.provider_maybe
    if found.provider is not None or maybe is None or not set(seen) - set(maybe.alternatives):
        return False
    reason = f"{maybe.reason}; the proof run brought {', '.join(map(masked_if_id, sorted(seen)))}"
    found.provider = Guess(maybe.value, 0.85, reason)
    found.questions = [q for q in found.questions if not q.startswith(PROVIDER_QUESTION)]
    return True
