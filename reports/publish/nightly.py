"""The end of a nightly run: the evidence of all shards is judged together for each target, and published on the site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.errors import HarnessError
from e2e.records.evidence import read_for_judging
from reports.browsers.page import table_of
from reports.browsers.session import result_of
from reports.publish.site import publish
from reports.summary.schema import BrowserResult
from reports.templates.rendering import MOST_MARKDOWN, bounded

JOB_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Variable that names the file of a job's page."""
JUDGED = (0, 1)
"""Exit codes of pytest that are a verdict: all passed, something failed."""
_OF_A_SHARD = (
    "JOB_COMPLETION_INDEX",
    "JOB_COMPLETIONS",
    "CHAT_E2E_SHARD",
    "CHAT_E2E_EVIDENCE_TO",
    "CHAT_E2E_FROM_EVIDENCE",
)
_SUITE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one target in one browser."""

    target: str
    browser: str
    outcome: str
    headline: str
    page: Path
    exit_code: int
    """pytest's."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of a nightly run."""

    judged: tuple[Judgement, ...]
    wrong: tuple[str, ...] = ()
    """Errors: a target that could not be judged, published or added to the history."""


def nightly(incoming: Path, site: Path, out: Path, *, url: str = "", options: Sequence[str] = ()) -> Ended:
    """Judge all recorded runs below ``incoming``, pooled by target and browser, and publish each.

    ``options`` are passed to pytest. Unreadable evidence is reported on stderr and left out; its shard is then missing, which the
    verdict states. An error with one target does not affect the others.

    Raises `HarnessError` when there is no evidence at all.
    """
    series = by_series(incoming)
    if not series:
        raise HarnessError(
            "no shard recorded evidence",
            where=str(incoming),
            hint="see the logs of the shards: none of them recorded a run",
        )
    found, wrong = [], []
    results: dict[str, list[BrowserResult]] = {}
    for (target, browser), folders in sorted(series.items()):
        place = out / series_name(target, browser)
        ended = judge_series(folders, place, options)
        try:
            if ended not in JUDGED:
                raise HarnessError(f"its evidence could not be judged: pytest ended with {ended}, see above")
            built, page = publish(place, site, url=url)
        except HarnessError as error:
            wrong.append(f"{target}, {browser}: {error}")
            continue
        summary = built.summary
        found.append(Judgement(target, browser, summary.outcome, built.entry.headline, page, ended))
        write_job_summary(place / "summary.md", os.environ)
        results.setdefault(target, []).append(result_of(browser, summary))
        if built.lost is not None:
            wrong.append(f"{target}, {browser}: {built.lost}")
    for target, browsers in results.items():
        if len(browsers) > 1:
            add_to_job_summary(f"## {target}: verdict by browser\n\n{table_of(browsers)}", os.environ)
    return Ended(tuple(found), tuple(wrong))


def by_series(incoming: Path) -> Mapping[tuple[str, str], list[Path]]:
    """The recorded runs below a folder, by target and browser. What cannot be read is reported on stderr, and left out."""
    series: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for folder in sorted({path.parent for path in incoming.rglob("run.json")}):
        try:
            meta = read_for_judging(folder).meta
        except HarnessError as error:
            sys.stderr.write(f"left out: {error}\n")
            continue
        series[meta.target, meta.browser].append(folder)
    return series


def series_name(target: str, browser: str) -> str:
    """Name of a folder for the results of one target in one browser; evidence may name any browser."""
    return re.sub(r"[^A-Za-z0-9_.,() -]+", "-", f"{target}-{browser}").strip(". ")[:200] or "run"


def judge_series(folders: Sequence[Path], out: Path, options: Sequence[str]) -> int:
    """Judge recorded runs together, in a session of pytest; returns its exit code."""
    evidence = [part for folder in folders for part in ("--from-evidence", str(folder.resolve()))]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "e2e/specs",
        "-q",
        *evidence,
        "--out",
        str(out.resolve()),
        f"--junit-xml={out.resolve() / 'junit.xml'}",
        *options,
    ]
    # A job that judges may have the variables of those that record: it is no shard, and hands nothing over.
    environment = {k: v for k, v in os.environ.items() if k not in _OF_A_SHARD}
    return subprocess.run(command, cwd=_SUITE, env=environment, check=False).returncode


def write_job_summary(summary: Path, environment: Mapping[str, str]) -> None:
    """Add the summary to the page of the CI job, if there is one."""
    if environment.get(JOB_SUMMARY) and summary.is_file():
        add_to_job_summary(summary.read_text(encoding="utf-8"), environment)


def add_to_job_summary(text: str, environment: Mapping[str, str]) -> None:
    """Add Markdown to the page of the CI job, if there is one: as much as it still takes."""
    place = environment.get(JOB_SUMMARY)
    if place:
        page = Path(place)
        left = MOST_MARKDOWN - (page.stat().st_size if page.is_file() else 0)
        with page.open("a", encoding="utf-8") as lines:
            lines.write(bounded(text, left) + "\n")
