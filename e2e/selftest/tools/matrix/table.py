"""The expected result of each fault, and whether a run had it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from fixtures.reference_chat.backend.faults import FAULTS

HEALTHY, NONE, BLOCKED, UNSEEN = "healthy", "none", "blocked", "not seen"
NOT_SEEN_IN_PAGE = {"cached-reply": "reply.is_live"}
"""Faults that the script in the page cannot see, and the check that is inconclusive then: where a service worker has a reply from."""
NO_CHECK_FAILS = ("new-chat-unavailable",)
"""Faults that prevent new chats: the cause is named, but no check can fail."""

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
    "context-bleed": {"chat.forgets"},
    "context-lost": {"chat.remembers"},
    "label-stale": {"provider.label_is_true"},
}
"""Fault -> checks that must fail."""
FAILS_ONE_OF: dict[str, set[str]] = {
    "provider-sticky": {"provider.independent", "provider.balanced", "provider.varies"}
}
"""At least one must fail; which one depends on the random seed, with few lanes that each keep a provider."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Options of the reference chat, besides its fault."""

    transport: str = "sse"
    store: str = "localStorage"
    id_format: str = "blob"
    rotation: str = "on_click"
    id_pattern: str = "timestamp"
    seed: int | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of the launcher."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one run."""

    fault: str
    expected: str
    """A cause; ``blocked`` for a fault of the environment; ``none`` for the healthy chat; ``not seen``."""
    outcome: str
    checks_failed: tuple[str, ...]
    causes: tuple[str, ...]
    confidence: tuple[float, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    inconclusive: tuple[str, ...] = field(default=(), compare=False)
    headlines: tuple[str, ...] = field(default=(), compare=False)
    """Headlines of the failed checks."""
    where: tuple[str, ...] = ()
    """Code locations of the causes, in the order of the causes."""

    @property
    def ok(self) -> bool:
        """Whether the expected cause was named and no other; no cause for the healthy chat and for environment faults."""
        if self.expected == NONE:
            return self.outcome == "pass" and not self.checks_failed and not self.causes
        if self.expected == UNSEEN:
            unseen = NOT_SEEN_IN_PAGE[self.fault] in self.inconclusive
            return unseen and not self.checks_failed and not self.causes
        if self.expected == BLOCKED:
            return self.outcome == "broken" and not self.checks_failed and not self.causes
        if self.expected in NO_CHECK_FAILS:
            return self.outcome == "broken" and self.causes == (self.expected,)
        return self.causes == (self.expected,) and bool(self.checks_failed)

    def to_json(self) -> dict[str, Any]:
        """The entry of ``matrix.json``."""
        values = asdict(self) | {"ok": self.ok}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def expected(fault: str, *, in_page: bool = False) -> str:
    """The expected result of a run with this fault; ``in_page``: watched by the script in the page."""
    if fault == HEALTHY:
        return NONE
    if in_page and fault in NOT_SEEN_IN_PAGE:
        return UNSEEN
    return next(BLOCKED if f.kind == "environment" else f.name for f in FAULTS if f.name == fault)


def possible_faults(variant: Variant, wanted: Sequence[str] = ()) -> Iterator[str]:
    """The faults that this variant can have, the healthy chat first; only the ``wanted`` ones, if given."""
    if not wanted or HEALTHY in wanted:
        yield HEALTHY
    for fault in FAULTS:
        possible = (not fault.stores or variant.store in fault.stores) and (
            not fault.transports or variant.transport in fault.transports
        )
        if possible and (not wanted or fault.name in wanted):
            yield fault.name


def row_of(fault: str, run: Run, seconds: float, *, in_page: bool = False) -> Row:
    """Judge a run."""
    judgement = judge(run)
    failed = [v for v in judgement.verdicts if v.outcome == "fail"]
    return Row(
        fault=fault,
        expected=expected(fault, in_page=in_page),
        outcome=judgement.outcome,
        checks_failed=tuple(v.name for v in failed),
        causes=tuple(c.name for c in judgement.causes),
        confidence=tuple(round(c.confidence, 3) for c in judgement.causes),
        problems=tuple(dict.fromkeys(f"{p.kind}: {p.what}" for m in run.metas for p in m.problems))[:5],
        seconds=round(seconds, 1),
        inconclusive=tuple(v.name for v in judgement.verdicts if v.outcome == "inconclusive"),
        headlines=tuple(v.headline for v in failed),
        where=tuple(place for c in judgement.causes for place in c.where),
    )
