"""A session with several browsers: each is judged by itself, and their verdicts are compared. No check pools browsers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from e2e.errors import HarnessError
from e2e.records.evidence import read_meta
from reports.summary import aggregate
from reports.summary.aggregate import Judged
from reports.summary.last_run import LastEnvironment, last_run
from reports.summary.schema import (
    BrowserResult,
    CauseResult,
    ChatCounts,
    CheckResult,
    ComparisonRow,
    Outcome,
    ProblemResult,
    SessionIdResult,
    Summary,
)

_WORST: tuple[Outcome, ...] = ("fail", "broken", "inconclusive", "pass")
_NOTHING = ChatCounts(planned=0, observed=0, blocked=0, lost=0)
_NO_IDS = SessionIdResult(distinct_stored=0, distinct_sent=0, pattern="unknown", supported_bits=0)
_NOT_RUN = ProblemResult(
    kind="CaptureIncomplete",
    what="the session ended before the run in this browser did",
    where="",
    way_out="run again",
    times=1,
)


@dataclass(frozen=True, slots=True)
class JudgedBrowser:
    """One browser of a session."""

    label: str
    judged: Judged | None = None
    """None if there is no run: the browser could not be started."""
    problem: ProblemResult = _NOT_RUN
    """Why there is no run."""

    @property
    def folder(self) -> str:
        """The folder of its own summary and charts, below the output folder."""
        return "browsers/" + re.sub(r"[^A-Za-z0-9_.-]+", "-", self.label).strip("-.")

    @property
    def result(self) -> BrowserResult:
        """Its row of ``summary.json``."""
        if self.judged is None:
            return BrowserResult(
                browser=self.label,
                run_ids=[],
                outcome="broken",
                partial=True,
                partial_reasons=["there is no run"],
                chats=_NOTHING,
                checks=[],
                causes=[],
                providers={},
                session_ids=_NO_IDS,
                problems=[self.problem],
            )
        return result_of(self.label, self.judged.summary)


@dataclass(frozen=True, slots=True)
class JudgedSession:
    """The browsers of a session, in the order of its options; at least one."""

    browsers: tuple[JudgedBrowser, ...]

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Those that have a run."""
        return tuple(one.judged for one in self.browsers if one.judged is not None)

    @property
    def single(self) -> Judged | None:
        """The run of a session with one browser."""
        return self.browsers[0].judged if len(self.browsers) == 1 else None

    @property
    def summary(self) -> Summary:
        """Of one browser its own; of several the worst of them, each of them, and the comparison."""
        return self.single.summary if self.single is not None else combined(self.browsers)


def judge_session(out: Path) -> JudgedSession:
    """Judge what the last session under ``out`` recorded or read, each browser by itself. Raises `HarnessError` without a run."""
    last = last_run(out)
    environments = last.environments or by_browser(last.folders)

    def judged(folders: Sequence[Path]) -> Judged:
        found = aggregate.judge_folders(folders, last.alarms_per_year)
        return replace(found, session_ended=last.session_ended)

    return JudgedSession(
        tuple(
            JudgedBrowser(
                one.label,
                judged(one.folders) if one.folders else None,
                _NOT_RUN if one.problem is None else ProblemResult(**one.problem, times=1),
            )
            for one in environments
        )
    )


def by_browser(folders: Iterable[Path]) -> tuple[LastEnvironment, ...]:
    """Recorded runs by their browser, in order of appearance."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        found.setdefault(read_meta(folder).browser, []).append(folder)
    if not found:
        raise HarnessError("there is no run to judge", hint="record a run with `make e2e`")
    return tuple(LastEnvironment(label, tuple(runs)) for label, runs in found.items())


def result_of(label: str, summary: Summary) -> BrowserResult:
    """The summary of one browser, as one of several."""
    same = {name: getattr(summary, name) for name in BrowserResult.model_fields if name != "browser"}
    return BrowserResult(browser=label, **same)


def comparison(results: Sequence[BrowserResult]) -> list[ComparisonRow]:
    """The verdicts of each check by browser: differences with a failure first, then other differences, failures, the rest."""
    checks = {one.browser: {c.name: c for c in one.checks} for one in results}
    names = list(dict.fromkeys(c.name for one in results for c in one.checks))
    rows = []
    for name in names:
        seen = {browser: of[name] for browser, of in checks.items() if name in of}
        rows.append(
            ComparisonRow(
                check=name,
                differs=len({(c.verdict, c.cause, bool(c.accepted)) for c in seen.values()}) > 1,
                verdicts={b: seen[b].verdict if b in seen else "broken" for b in checks},
                causes={b: c.cause for b, c in seen.items() if c.verdict == "fail" and c.cause},
            )
        )
    return sorted(rows, key=lambda row: (not row.differs, "fail" not in row.verdicts.values()))


def combined(browsers: Sequence[JudgedBrowser]) -> Summary:
    """The summary of several browsers. Raises `HarnessError` when none of them has a run."""
    results = [one.result for one in browsers]
    with_run = [one.judged.summary for one in browsers if one.judged is not None]
    if not with_run:
        raise HarnessError("no browser has a run", hint=results[0].problems[0].way_out if results else "")
    rows = comparison(results)
    different = {row.check for row in rows if row.differs}
    providers: Counter[str] = Counter()
    for one in results:
        providers.update(one.providers)
    return Summary(
        run_ids=[name for one in results for name in one.run_ids],
        target=with_run[0].target,
        outcome=min((one.outcome for one in results), key=_WORST.index),
        partial=any(one.partial for one in results),
        partial_reasons=[f"{one.browser}: {reason}" for one in results for reason in one.partial_reasons],
        chats=ChatCounts(
            **{name: sum(getattr(one.chats, name) for one in results) for name in ChatCounts.model_fields}
        ),
        checks=_worst_checks(results, different),
        causes=_all_causes(results),
        experiments=[
            e.model_copy(update={"answer": f"{one.label}: {e.answer}"})
            for one in browsers
            if one.judged is not None
            for e in one.judged.summary.experiments
        ],
        providers=dict(providers.most_common()),
        session_ids=SessionIdResult(
            distinct_stored=sum(one.session_ids.distinct_stored for one in results),
            distinct_sent=sum(one.session_ids.distinct_sent for one in results),
            pattern=", ".join(dict.fromkeys(s.session_ids.pattern for s in with_run)),
            supported_bits=min(s.session_ids.supported_bits for s in with_run),
        ),
        problems=[
            p.model_copy(update={"what": f"{one.browser}: {p.what}"}) for one in results for p in one.problems
        ],
        browsers=results,
        comparison=rows,
    )


def _worst_checks(results: Sequence[BrowserResult], different: set[str]) -> list[CheckResult]:
    """Of each check the worst verdict; where the browsers differ, its message names the browser."""
    found: dict[str, tuple[int, CheckResult]] = {}
    for one in results:
        for check in one.checks:
            rank = _rank(check)
            if check.name in different:
                check = check.model_copy(update={"message": f"{one.browser}: {check.message}"})  # noqa: PLW2901
            if check.name not in found or rank < found[check.name][0]:
                found[check.name] = (rank, check)
    return [check for _, check in found.values()]


def _rank(check: CheckResult) -> int:
    if check.verdict == "fail":
        return 1 if check.accepted else 0
    return 2 if check.verdict == "inconclusive" else 3


def _all_causes(results: Sequence[BrowserResult]) -> list[CauseResult]:
    """Each cause once, with the browsers that show it."""
    found: dict[str, CauseResult] = {}
    for one in results:
        for cause in one.causes:
            known = found.get(cause.name)
            found[cause.name] = (
                cause.model_copy(update={"browsers": [one.browser]})
                if known is None
                else known.model_copy(
                    update={
                        "browsers": [*known.browsers, one.browser],
                        "chats": known.chats + cause.chats,
                        "where": list(dict.fromkeys([*known.where, *cause.where])),
                        "checks": list(dict.fromkeys([*known.checks, *cause.checks])),
                        "consequences": list(dict.fromkeys([*known.consequences, *cause.consequences])),
                    }
                )
            )
    return list(found.values())
