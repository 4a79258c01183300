"""The New Chat button cannot be clicked."""

from __future__ import annotations

import re

from e2e.analysis.causes.definition import CauseDefinition
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, ProblemRow


def _problems(run: Run) -> list[str]:
    """The problems at the button. In a lane that was blocked the button is missing for that reason: a login page has none."""
    blocked = {(c.run_id, f"lane {c.lane}") for c in run.every(ChatRow) if c.status == "blocked"}
    return [
        f"{p.what} ({p.where})"
        for p in run.every(ProblemRow)
        if p.where is not None
        and re.search(r"\bsteps\.new_chat\b", p.where)
        and "requests went on" not in p.what
        and "the page did not respond" not in p.what
        and (p.run_id, re.split("[,;]", p.where)[0].strip()) not in blocked
    ]


CAUSE = CauseDefinition(
    name="new-chat-unavailable",
    layer="frontend UI",
    explanation=(
        "New Chat could not be clicked: the button is missing, covered or disabled, or the profile's "
        "locator is wrong"
    ),
    hint=(
        "open the page and look at the button; if it was only renamed, correct steps.new_chat in the profile"
    ),
    priority="critical",
    impact="users cannot start a new chat",
    immediate="hold the release, or roll back to the last version that passed",
    verify="New Chat can be clicked in every lane",
    problems=_problems,
)
