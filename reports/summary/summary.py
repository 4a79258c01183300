"""The machine-readable summary of a judged run: ``summary.json``, versioned, described by ``summary.schema.json``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from e2e.analysis.checks import session_ids
from e2e.analysis.diagnosis import experiments
from e2e.analysis.diagnosis.known_issues import accepted
from e2e.analysis.judge import Judgement
from e2e.analysis.model.run import Run
from reports.summary.recommendations import recommendation

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


class Summary(_Part):
    """The contract of ``summary.json``; a field is never renamed within one schema number."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    run_ids: list[str]
    target: str
    outcome: Literal["pass", "fail", "broken", "inconclusive"]
    partial: bool = Field(description="the run did not end as planned")
    partial_reasons: list[str]
    chats: ChatCounts
    checks: list[CheckResult]
    causes: list[CauseResult]
    experiments: list[ExperimentResult]
    providers: dict[str, int] = Field(description="observed chats by the provider that answered first")
    session_ids: SessionIdResult
    problems: list[ProblemResult]


def summarise(run: Run, judgement: Judgement) -> Summary:
    """The summary of a judged run."""
    status = Counter(run.plain["status"])
    planned = max(sum(m.planned_chats for m in run.metas), *(m.whole_chats for m in run.metas))
    unseen = max(0, planned - len(run.plain))
    ids = session_ids.describe(run)
    named = [c.name for c in judgement.causes]
    known = accepted(run)
    answered = run.observed["provider"].dropna().value_counts()
    problems = Counter((p.kind, p.what, p.way_out) for meta in run.metas for p in meta.problems)
    places = {(p.kind, p.what, p.way_out): p.where for meta in run.metas for p in reversed(meta.problems)}
    return Summary(
        run_ids=[meta.run_id for meta in run.metas],
        target=run.metas[0].target,
        outcome=judgement.outcome,
        partial=run.partial,
        partial_reasons=list(run.partial_reasons),
        chats=ChatCounts(
            planned=planned,
            observed=status["observed"],
            blocked=status["blocked"],
            lost=status["lost"] + unseen,
            saved=sum(meta.saved_chats for meta in run.metas),
        ),
        checks=[
            CheckResult(
                name=v.name,
                verdict=v.outcome,
                cause=v.cause or None,
                numbers={k: _plain(n) for k, n in v.numbers.items()},
                message=v.headline,
                worth=v.detection_limit,
                needs=v.needs,
                warning=v.warning,
                accepted=v.accepted,
                requested=v.requested,
            )
            for v in judgement.verdicts
        ],
        causes=[
            CauseResult(
                name=c.name,
                layer=c.layer,
                chats=c.chats,
                confidence=round(c.confidence, 3),
                where=list(c.where),
                explanation=c.explanation,
                advice=c.advice,
                checks=list(c.checks),
                priority=recommendation(c.name).priority,
                impact=recommendation(c.name).impact,
                accepted_until=known[c.name].until if c.name in known else None,
                consequences=list(c.consequences),
            )
            for c in judgement.causes
        ],
        experiments=[
            ExperimentResult(
                name=f.name,
                question=f.question,
                answer=f.answer,
                seen=f.seen,
                supports=[name for name in named if name in f.supports],
                against=[name for name in named if name in f.against],
            )
            for f in experiments.findings(run)
        ],
        providers={str(name): int(count) for name, count in answered.items()},
        session_ids=SessionIdResult(
            distinct_stored=ids.distinct_stored,
            distinct_sent=ids.distinct_sent,
            pattern=ids.pattern,
            supported_bits=ids.supported_bits,
        ),
        problems=[
            ProblemResult(
                kind=kind, what=what, where=places[kind, what, way_out], way_out=way_out, times=times
            )
            for (kind, what, way_out), times in problems.items()
        ],
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


def _plain(number: Any) -> int | float | str:
    if isinstance(number, str):
        return number
    if float(number).is_integer() and not isinstance(number, float):
        return int(number)
    return float(number) if not pd.isna(number) else "unknown"
