"""The run: recorded with a browser, or read from evidence; one for each environment of the session."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e import errors
from e2e.errors import CaptureIncomplete, HarnessError
from e2e.files import replace_file
from e2e.plugin.browsers.connection import connection_facts, not_started, notes_of
from e2e.plugin.browsers.environments import EnvironmentRun, runs_of
from e2e.plugin.settings.options import SETTINGS
from e2e.plugin.writer import report_write_error, shown_as
from e2e.setup.places import REPO

if TYPE_CHECKING:  # pandas, pydantic, httpx and rich are for a run, not for a collection
    from e2e.analysis.model.run import Run
    from e2e.plugin.settings.settings import Settings
    from e2e.profile.profile import Profile
    from e2e.records.records import RunRecords

_CALM_CHATS = 4
"""Chats before the browser dies, with that fault."""
_COMMIT = "SUITE_COMMIT"


@pytest.fixture(scope="session")
@shown_as("The run: recorded now, or read from evidence")
def run(request: pytest.FixtureRequest, settings: Settings, environment: EnvironmentRun) -> Run:
    """All observations in this environment. Raises a `HarnessError` when not one chat could be observed."""
    try:
        return _run(request, settings, environment)
    except HarnessError as error:
        environment.problem = error
        raise


def _run(request: pytest.FixtureRequest, settings: Settings, environment: EnvironmentRun) -> Run:
    from e2e.analysis.judge import judge
    from e2e.analysis.model.run import assemble
    from e2e.records.evidence import read_for_judging, understood

    if not environment.folders:
        _record(request, settings, environment)
    for reason in settings.left_out:
        _print_line(request.config, f"note: {reason}")
    records = [read_for_judging(folder) for folder in environment.folders]
    # Looking early has spent half of the budget.
    budget = settings.alarms_per_year / (2 if settings.until_decided else 1)
    with understood(environment.folders):
        run = assemble(records, alarms_per_year=budget, one_shard=not settings.shard.whole)
        environment.run = run
        if not any(chat.status == "observed" for record in records for chat in record.chats):
            raise _first_problem(records)
        del records  # the rows are made: 100,000 chats take 150 MB as records
        judge(run)  # kept with the run: what the evidence makes impossible shows here, once
    return run


def _record(request: pytest.FixtureRequest, settings: Settings, environment: EnvironmentRun) -> None:
    from e2e.capture.run.crash import CRASH, crash_after
    from e2e.capture.run.plan import Plan
    from e2e.capture.run.runner import Runner
    from e2e.capture.target.policy import policy_of
    from e2e.plugin.decider import Decider
    from e2e.plugin.progress import Progress
    from e2e.records.places import shared_run

    url: str = request.getfixturevalue("chat_url")
    playwright = request.getfixturevalue("playwright")
    context_args = dict(request.getfixturevalue("browser_context_args"))
    try:
        browser = request.getfixturevalue("browser")
    except Exception as error:
        if isinstance(error, HarnessError):
            raise
        # Playwright's own text is in the message; its traceback would stand before that in each test.
        raise not_started(environment.environment, str(error)) from None
    notes = notes_of(browser, environment.environment, context_args)
    for note in notes:
        _print_line(request.config, f"note: {note}")
    plan = Plan(
        profile=settings.profile,
        url=url,
        chats=settings.max_chats if settings.until_decided else settings.chats,
        lanes=settings.lanes,
        out=settings.out,
        show_ids=settings.show_ids,
        alarms_per_year=settings.alarms_per_year,
        environment=_facts(settings, environment) | ({"note": "; ".join(notes)} if notes else {}),
        invocation=_invocation(settings),
        scenarios=settings.scenarios,
        shard=settings.shard,
        shared_run=shared_run(),
        traceparent=settings.traceparent,
        source_maps=settings.source_maps,
        wire=settings.wire,
    )
    decider = Decider(policy_of(plan.profile), plan.affordable_chats, settings.alarms_per_year)
    with Progress(request.config, plan.own_chats, environment.label) as progress:
        runner = Runner(
            plan,
            playwright,
            browser,
            context_args,
            watchers=(
                progress.chat_done,
                *((decider.watch,) if settings.until_decided else ()),
                *((crash_after(browser, _CALM_CHATS),) if CRASH in settings.fault else ()),
            ),
            # What needs doing once is the first shard's: testing the backend, and the experiments after a failure.
            probes=settings.shard.number == 1,
            curious=_experiments_after if settings.experiments and settings.shard.number == 1 else None,
            enough=lambda: settings.until_decided and decider.enough,
        )
        environment.folders = [runner.folder]
        runner.run()


def _print_line(config: pytest.Config, text: str) -> None:
    """Print a line now: pytest keeps what a fixture prints, and shows it for a failed test only."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None:
        with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
            reporter.ensure_newline()
            reporter.write_line(text)


def _experiments_after(records: RunRecords) -> tuple[str, ...]:
    """The experiments that these records need."""
    from e2e.analysis.diagnosis import experiments
    from e2e.analysis.judge import judge
    from e2e.analysis.model.run import assemble

    return experiments.wanted(judge(assemble([records])).verdicts)


def _first_problem(records: list[RunRecords]) -> HarnessError:
    for record in records:
        for problem in record.meta.problems:
            kind = getattr(errors, problem.kind, HarnessError)
            error: HarnessError = kind(problem.what, where=problem.where, hint=problem.way_out)
            return error
    return CaptureIncomplete("not one chat was observed", hint="look at events.jsonl of the run")


def _facts(settings: Settings, environment: EnvironmentRun) -> dict[str, str]:
    """What is known of the run's environment beside the browser's name and version."""
    facts = {
        **connection_facts(settings, environment.environment.device),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: metadata.version(name) for name in ("playwright", "pytest", "allure-pytest")},
        "commit": _commit(),
        "profile": _digest(settings.profile),
        **({"target_version": settings.target_version} if settings.target_version else {}),
    }
    if settings.starts_reference_chat:
        facts |= {
            "fault": " ".join(settings.fault) or "none",
            "id-pattern": settings.id_pattern,
            "transport": settings.transport,
            "store": f"{settings.store} ({settings.id_format}), {settings.rotation}",
        }
    return facts


def _invocation(settings: Settings) -> dict[str, str]:
    """The variables of ``make e2e`` that repeat the run; without the faults of the reference chat, which are to be fixed."""
    target = Path(settings.target)
    if target.is_file():
        whole = target.resolve()
        given = str(whole.relative_to(REPO)) if whole.is_relative_to(REPO) else str(whole)
    else:
        given = settings.target
    found = {} if given == "reference" else {"TARGET": given}
    if settings.base_url is not None:
        return found | {"BASE_URL": settings.base_url}
    if settings.profile.where.start == "reference":
        for name in ("transport", "store", "id_format", "rotation"):
            value = getattr(settings, name)
            if value != type(settings).model_fields[name].default:
                found[name.upper()] = value
    return found


def _digest(profile: Profile) -> str:
    """A hash of what the profile says about driving the chat; known issues, gates and links are left out."""
    content = profile.model_dump_json(exclude={"known_issues", "gates", "links", "owners"})
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _commit() -> str:
    """Of the suite; an image, which has no git, has it in a variable."""
    try:
        ended = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=REPO, capture_output=True, text=True, check=False
        )
    except OSError:
        return os.environ.get(_COMMIT, "")[:12] or "unknown"
    return ended.stdout.strip() or os.environ.get(_COMMIT, "")[:12] or "unknown"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    settings = session.config.stash.get(SETTINGS, None)
    runs = runs_of(session.config)
    folders = [folder for one in runs for folder in one.folders]
    if settings is None or not folders:
        return
    session_data: dict[str, Any] = {
        "run_ids": [f.name for f in folders],
        "evidence": [str(f) for f in folders],
        "exit": int(exitstatus),
        "alarms_per_year": settings.alarms_per_year / (2 if settings.until_decided else 1),
    }
    if len(runs) > 1:
        session_data["environments"] = [one.to_json() for one in runs]
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
        replace_file(settings.out / "session.json", json.dumps(session_data, indent=1))
    except OSError as error:
        report_write_error(session.config, error)
