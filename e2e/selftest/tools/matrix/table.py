"""What is expected of each fault, and whether a run met it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from fixtures.reference_chat.backend.faults import FAULTS

HEALTHY, NONE, BLOCKED = "healthy", "none", "blocked"
UNSEEN = ("new-chat-unavailable",)
"""Faults that keep the suite from looking: their cause is named, and no check can fail."""

_SESSIONS = {"rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh"}
FAILS: dict[str, set[str]] = {
    "stale-state": _SESSIONS | {"rotation.sent_equals_stored"},
    "session-not-ended": _SESSIONS,
    "session-restored": _SESSIONS,
    "id-constant": _SESSIONS | {"session_ids.pattern"},
    "id-collision": _SESSIONS,
    "stale-closure": {"rotation.sent_id_is_fresh", "rotation.sent_equals_stored"},
    "late-rotation": {"rotation.rapid_send"},
    "split-session": {"rotation.sent_equals_stored"},
    "over-rotation": {"rotation.one_id_per_chat"},
    "tab-bleed": {"rotation.two_tabs"},
    "session-unbound": {"rotation.return_to_chat"},
    "restored-on-load": {"rotation.reload"},
    "late-stream": {"rotation.mid_stream"},
    "history-bleed": {"chat.starts_empty"},
    "cached-reply": {"reply.is_live"},
    "provider-pinned": {"provider.varies", "backend.assigns"},
    "provider-skewed": {"provider.balanced"},
    "provider-cycles": {"provider.independent"},
    "provider-flaps": {"provider.persists", "backend.persists"},
    "session-leaked": {"backend.cleans_up"},
    "label-stale": {"provider.label_is_true"},
}
"""Fault -> what must be among the failed checks."""
FAILS_ONE_OF: dict[str, set[str]] = {
    "provider-sticky": {"provider.independent", "provider.balanced", "provider.varies"}
}
"""At least one of these: in which of them a few lanes with a provider each show depends on the random seed."""


@dataclass(frozen=True, slots=True)
class Variant:
    """How the reference chat is started, besides its fault."""

    transport: str = "sse"
    store: str = "localStorage"
    id_format: str = "blob"
    rotation: str = "on_click"
    id_pattern: str = "timestamp"
    seed: int | None = None

    def options(self) -> dict[str, Any]:
        """As the launcher takes them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, played once."""

    fault: str
    expected: str
    """A cause, ``blocked`` for a condition of the environment, ``none`` for the healthy chat."""
    outcome: str
    checks_failed: tuple[str, ...]
    causes: tuple[str, ...]
    confidence: tuple[float, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    headlines: tuple[str, ...] = field(default=(), compare=False)
    """Of the failed checks."""

    @property
    def ok(self) -> bool:
        """The expected cause and no other; for the healthy chat, and where the environment refused, none at all."""
        if self.expected == NONE:
            return self.outcome == "pass" and not self.checks_failed and not self.causes
        if self.expected == BLOCKED:
            return self.outcome == "broken" and not self.checks_failed and not self.causes
        if self.expected in UNSEEN:
            return self.outcome == "broken" and self.causes == (self.expected,)
        return self.causes == (self.expected,) and bool(self.checks_failed)

    def to_json(self) -> dict[str, Any]:
        """The entry of ``matrix.json``."""
        known = asdict(self) | {"ok": self.ok}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}


def expected(fault: str) -> str:
    """What a run with that fault is to end in."""
    if fault == HEALTHY:
        return NONE
    return next(BLOCKED if f.kind == "environment" else f.name for f in FAULTS if f.name == fault)


def playable(variant: Variant, wanted: Sequence[str] = ()) -> Iterator[str]:
    """The faults that this variant can show, the healthy chat first; only those ``wanted``, when any are."""
    if not wanted or HEALTHY in wanted:
        yield HEALTHY
    for fault in FAULTS:
        shows = (not fault.stores or variant.store in fault.stores) and (
            not fault.transports or variant.transport in fault.transports
        )
        if shows and (not wanted or fault.name in wanted):
            yield fault.name


def row_of(fault: str, run: Run, seconds: float) -> Row:
    """What the suite made of a run."""
    judgement = judge(run)
    failed = [v for v in judgement.verdicts if v.outcome == "fail"]
    return Row(
        fault=fault,
        expected=expected(fault),
        outcome=judgement.outcome,
        checks_failed=tuple(v.name for v in failed),
        causes=tuple(c.name for c in judgement.causes),
        confidence=tuple(round(c.confidence, 3) for c in judgement.causes),
        problems=tuple(dict.fromkeys(f"{p.kind}: {p.what}" for m in run.metas for p in m.problems))[:5],
        seconds=round(seconds, 1),
        headlines=tuple(v.headline for v in failed),
    )
