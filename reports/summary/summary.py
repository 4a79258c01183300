"""The machine-readable summary of a judged run: ``summary.json``, versioned, described by ``summary.schema.json``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from e2e.analysis.checks import session_ids
from e2e.analysis.diagnosis import experiments
from e2e.analysis.diagnosis.known_issues import accepted
from e2e.analysis.judge import Judgement
from e2e.analysis.model.run import Run
from reports.summary.recommendations import recommendation
from reports.summary.schema import (
    CauseResult,
    ChatCounts,
    CheckResult,
    ExperimentResult,
    ProblemResult,
    SessionIdResult,
    Summary,
)


def summarise(run: Run, judgement: Judgement) -> Summary:
    """The summary of a judged run."""
    status = Counter(c.status for c in run.plain)
    planned = max(sum(m.planned_chats for m in run.metas), *(m.whole_chats for m in run.metas))
    unseen = max(0, planned - len(run.plain))
    ids = session_ids.describe(run)
    named = [c.name for c in judgement.causes]
    known = accepted(run)
    answered = Counter(c.provider for c in run.observed if c.provider is not None).most_common()
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
        providers=dict(answered),
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


def _plain(number: Any) -> int | float | str:
    if isinstance(number, str):
        return number
    if float(number).is_integer() and not isinstance(number, float):
        return int(number)
    return float(number) if not pd.isna(number) else "unknown"
