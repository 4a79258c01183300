"""The form of ``summary.json``, versioned and described by ``summary.schema.json``. Loads no pandas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["pass", "fail", "broken", "inconclusive"]
SCHEMA_FILE = Path(__file__).parents[1] / "summary.schema.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChatCounts(_Part):
    """Chats of the run. Planned chats that did not begin count as lost."""

    planned: int
    observed: int
    blocked: int
    lost: int
    saved: int = Field(default=0, description="chats that --until-decided did not need")


class CheckResult(_Part):
    name: str
    verdict: Literal["pass", "fail", "inconclusive"]
    cause: str | None = Field(description="name of the cause that explains a failure")
    numbers: dict[str, int | float | str]
    message: str
    worth: str = Field(description="detection limit: what a pass rules out")
    needs: str = Field(description="how much more an inconclusive verdict needs")
    warning: str = Field(description="a statistic beyond the warning level, within the threshold")
    accepted: str = Field(
        default="", description="why this failure does not fail the run: its causes are known issues"
    )
    requested: bool = Field(
        default=True,
        description="false: the profile does not ask for this check, so its verdict is not missing",
    )


class CauseResult(_Part):
    name: str
    layer: str
    chats: int
    confidence: float
    where: list[str] = Field(description="code locations, as file:line function")
    explanation: str
    advice: str
    checks: list[str]
    priority: Literal["critical", "high", "medium", "low"] = "high"
    impact: str = ""
    accepted_until: str | None = Field(
        default=None, description="last day (UTC) on which it is a known issue"
    )
    consequences: list[str] = Field(
        default=[], description="checks and causes that follow from it in the same chats"
    )
    browsers: list[str] = Field(default=[], description="browsers that show it, of several")


class ExperimentResult(_Part):
    """An experiment after a failure, to isolate the layer."""

    name: str
    question: str
    answer: str
    seen: bool = Field(
        description="false: the experiment was not made or not completed; the answer has the reason"
    )
    supports: list[str] = Field(description="causes of this run that it supports")
    against: list[str] = Field(description="causes of this run that it contradicts")


class ProblemResult(_Part):
    kind: str = Field(description="name of the error: Blocked, CaptureIncomplete, TargetNotReady, …")
    what: str
    where: str
    way_out: str
    times: int


class SessionIdResult(_Part):
    distinct_stored: int
    distinct_sent: int
    pattern: str
    supported_bits: float = Field(description="entropy per ID that the absence of repeats supports at 95 %")


class BrowserResult(_Part):
    """One browser of a session with several: a run of its own, judged by itself."""

    browser: str
    run_ids: list[str]
    outcome: Outcome
    partial: bool
    partial_reasons: list[str]
    chats: ChatCounts
    checks: list[CheckResult] = Field(description="empty if the browser has no run")
    causes: list[CauseResult]
    providers: dict[str, int]
    session_ids: SessionIdResult
    problems: list[ProblemResult]


class ComparisonRow(_Part):
    """The verdicts of one check, by browser. The rows with a difference come first."""

    check: str
    differs: bool = Field(description="the browsers that have a run differ in verdict or cause")
    verdicts: dict[str, Literal["pass", "fail", "inconclusive", "broken"]] = Field(
        description="broken: this browser has no run"
    )
    causes: dict[str, str] = Field(description="browser -> cause, of the failures")


class Summary(_Part):
    """The contract of ``summary.json``; a field is never renamed within one schema number."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    run_ids: list[str]
    target: str
    outcome: Outcome
    partial: bool = Field(description="the run did not end as planned")
    partial_reasons: list[str]
    chats: ChatCounts
    checks: list[CheckResult]
    causes: list[CauseResult]
    experiments: list[ExperimentResult]
    providers: dict[str, int] = Field(description="observed chats by the provider that answered first")
    session_ids: SessionIdResult
    problems: list[ProblemResult]
    browsers: list[BrowserResult] = Field(
        default=[],
        description="of a session with several browsers: each by itself. The other fields then have the worst verdict of each"
        " check, every cause, and sums of the counts; no check pools browsers",
    )
    comparison: list[ComparisonRow] = Field(
        default=[], description="verdict by browser, of a session with several browsers"
    )


def as_json(summary: Summary) -> str:
    """The text of ``summary.json``."""
    return json.dumps(summary.model_dump(by_alias=True), ensure_ascii=False, indent=1) + "\n"


def schema_text() -> str:
    """The text of ``summary.schema.json``, made from the model."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Summary.model_json_schema(),
    }
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
