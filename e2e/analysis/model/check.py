"""A check: one decorated function that judges a run, with what the report needs to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from e2e.analysis.model.verdict import Verdict

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run

Layer = Literal[
    "New Chat on the page",
    "session store",
    "session in the frontend's state",
    "ID generator",
    "conversation and delivery",
    "backend",
    "screen",
]
"""The layers of the product, from the user's side down and back to the screen."""


class Group(NamedTuple):
    """Where the Allure report shows a check."""

    epic: str
    feature: str


_EPIC = "Does every new chat get a session of its own?"
_SPREAD = "Do the sessions spread over the providers?"
SESSIONS = Group(_EPIC, "Sessions")
SCENARIOS = Group(_EPIC, "Scenarios")
CONVERSATIONS = Group(_EPIC, "Conversations")
PROVIDERS = Group(_SPREAD, "Providers")
BACKEND = Group(_SPREAD, "Backend")


@dataclass(frozen=True, eq=False)
class Check:
    """One named question about a run. Calling it gives the verdict, computed once per run.

    `e2e.analysis.judge.explained` adds the causes of a failure.
    """

    name: str
    judge: Callable[[Run], Verdict]
    title: str
    """The question."""
    layer: Layer
    """The layer of the product that it looks at."""
    group: Group
    story: str
    detection_limit: str
    """What a pass rules out, whatever the run; the verdict states it for the chats of its run."""
    statistical: bool
    scenario: str
    """The scenario whose chats it judges."""
    provider_chart: bool
    """The chart of the providers belongs beside its verdict."""
    position: int
    """Place in the report; equal ones stand by name."""

    def __call__(self, run: Run) -> Verdict:
        return run.once(self.name, lambda: _as_far_as_seen(run, self.judge(run)))


def _as_far_as_seen(run: Run, verdict: Verdict) -> Verdict:
    """Inconclusive, where the evidence cannot make this check pass; a failure that it shows stays one."""
    why = next((m.unjudged[verdict.name] for m in run.metas if verdict.name in m.unjudged), None)
    if why is None or verdict.outcome == "fail":
        return verdict
    needs = "needs a run in a browser"
    return Verdict(
        verdict.name, "inconclusive", why, needs=needs, numbers=verdict.numbers, evidence=run.evidence
    )


LAST = 1000
"""Position of a check that names none: after the others."""


def check(
    name: str,
    *,
    title: str,
    layer: Layer,
    group: Group,
    story: str,
    detection_limit: str,
    statistical: bool = False,
    scenario: str = "plain",
    provider_chart: bool = False,
    position: int = LAST,
) -> Callable[[Callable[[Run], Verdict]], Check]:
    """Decorator: makes ``judge(run) -> Verdict`` the check ``name``; see `Check` for the fields."""
    return lambda judge: Check(
        name,
        judge,
        title,
        layer,
        group,
        story,
        detection_limit,
        statistical,
        scenario,
        provider_chart,
        position,
    )
