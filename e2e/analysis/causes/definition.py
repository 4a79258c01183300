"""What a cause is made of. Each module in the folders beside this one defines one cause as ``CAUSE``; `registry` collects them.

Explanations are templates. ``{change}`` is what New Chat did to the key, and where; ``{send}`` and ``{write}`` are
" at file:line", or nothing where the page's code could not be resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.lane_history import Write
from e2e.analysis.causes.evidence.predicates import Predicate
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.run_verdicts import RunVerdicts
from e2e.analysis.facts.code_locations import Trail
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey, Priority, Verdict

Layer = Literal[
    "frontend UI",
    "frontend storage",
    "storage scope",
    "frontend state",
    "ID generator",
    "race",
    "delivery",
    "backend",
    "presentation",
    "unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRule:
    """When the evidence of one chat shows the cause. Of all rules that fit a chat, the one with the lowest order explains it."""

    order: int
    explains: tuple[str, ...]
    """Names of the failed checks that it can explain."""
    when: tuple[Predicate, ...]
    """All must hold."""
    excludes: tuple[str, ...]
    """Causes that could look alike, and that one of the predicates rules out."""
    decides: str = ""
    """The experiment that would settle it, or ``""`` where the evidence itself does."""
    variant: str = ""
    """Key of the explanation that fits, where the cause has several."""
    without_id: bool = False
    """It reads no session ID, so it also explains a chat that sends none."""

    def fits(self, chat: ChatEvidence) -> bool:
        # `all` with a generator took 0.76 us where this takes 0.42; 100,000 failing chats try some 20 rules each.
        for predicate in self.when:  # noqa: SIM110
            if not predicate(chat):
                return False
        return True


def _not_without_id(_: Run) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRule:
    """When the verdicts of the whole run show the cause. A verdict is explained by the rule with the lowest order that claims it."""

    order: int
    claims: Callable[[RunVerdicts], Sequence[Verdict]]
    """The failed verdicts that it explains; none where it does not hold."""
    counts: str
    """The number of a verdict that says how many sessions are concerned."""
    excludes: tuple[str, ...]
    decides: str = ""
    confidence: float
    """What the evidence alone gives; an experiment may raise it."""
    needs_own_ids: bool = False
    """It rests on the sent IDs being the chats' own."""
    without_id: Callable[[Run], bool] = _not_without_id
    """Whether it also holds for a run whose chats send no session ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFollows:
    """A check that fails in the cause's chats, and that no rule explains there, is a consequence."""

    order: int
    """Where a chat has several causes, the lowest order takes the check."""
    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseFollows:
    """Another cause of the same run is a consequence, where ``when`` holds in all of its chats."""

    cause: str
    when: Predicate
    same_chats: bool = False
    """Only where all of its chats show this cause too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCauseFollows:
    """A cause of the whole run is a consequence, where it explains ``check`` alone and only in chats that failed ``within`` too."""

    order: int
    cause: str
    check: str
    within: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheckFollows:
    """A check that no rule explains is a consequence of this cause of the whole run, where ``chats`` has all chats that failed it.

    ``chats`` returns None for a run in which the check does not follow.
    """

    order: int
    check: str
    chats: Callable[[Run], Collection[ChatKey] | None]


Consequence = CheckFollows | CauseFollows | RunCauseFollows | RunCheckFollows


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Another explanation of the same cause."""

    explanation: str
    sender: Callable[[ChatEvidence], Trail] | None = None
    """From where the payload was sent that it is about; None: the chat's first payload."""
    hint: str = ""
    """In place of the cause's own, where another change removes it."""


def _none(_: ChatEvidence) -> None:
    return None


def _never(_: ChatEvidence) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseDefinition:
    """One cause: what it is called, what shows it, what follows from it, and what to do about it."""

    name: str
    layer: Layer
    explanation: str
    hint: str
    """The change that removes it."""
    priority: Priority
    impact: str
    """What it costs users."""
    immediate: str
    """What helps until the change is out."""
    verify: str
    """What must be seen afterwards."""
    variants: Mapping[str, Variant] = field(default_factory=dict)
    chat_rules: tuple[ChatRule, ...] = ()
    run_rule: RunRule | None = None
    problems: Callable[[Run], Sequence[str]] | None = None
    """The run's problems that show it, in words: for a cause that keeps the suite from looking, and so explains no check."""
    consequences: tuple[Consequence, ...] = ()
    supported_by: tuple[ExperimentOutcome, ...] = ()
    contradicted_by: tuple[ExperimentOutcome, ...] = ()
    contradicted_when: Predicate = _never
    """The chat's own lane contradicts it, as an experiment would."""
    write: Callable[[ChatEvidence], Write | None] = _none
    """The write to the key that it is about."""
    removal: Callable[[ChatEvidence, Write | None], Write | None] | None = None
    """The write that had removed what ``write`` restored; it is what ``{change}`` names."""
    names_send: bool = True
    """The code that sent the payload belongs to the code locations."""
