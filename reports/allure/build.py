"""Builds the Allure 3 report of ``allure-results``, and serves it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.allure import allure_command
from reports.allure.config import VARIABLE, AllureRun, forget_point
from reports.allure.serving import served

CONFIG = Path(__file__).parents[1] / "allurerc.mjs"
_TIMEOUT_S = 300
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def build_allure(results: Path, report: Path, run: AllureRun = AllureRun()) -> Path:  # noqa: B008 - frozen
    """Build the report of ``results`` in ``report``, replacing an earlier one. Returns the page to open.

    ``run`` is the configuration of this report. Raises `HarnessError` when there is no result to report, and with the output of
    Allure when it failed; an earlier report is then kept.
    """
    _list_unreadable(results)
    (results / "environment.properties").unlink(
        missing_ok=True
    )  # of earlier versions: Allure would show it for every environment
    if run.history is not None:
        run.history.parent.mkdir(parents=True, exist_ok=True)
        forget_point(run.history, run.name)
    report.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="allure-", dir=report.parent.absolute()) as folder:
        draft = Path(folder) / "report"
        ended = _allure(results, Path(folder), run, "generate", "--output", str(draft))
        built = all((draft / plugin / "index.html").is_file() for plugin in _PAGES)
        if ended.returncode != 0 or not built:
            reason = _reason(ended.stdout + ended.stderr, home=Path(folder))
            raise HarnessError(
                "Allure could not build the report:\n" + "\n".join(f"  {line}" for line in reason),
                where=str(results),
                hint="reinstall it with `make setup`, then `make report`; the results are kept",
            )
        for plugin in _PAGES:
            page = draft / plugin / "index.html"
            page.write_text(_without_analytics(page.read_text(encoding="utf-8")), encoding="utf-8")
        (draft / "index.html").write_text(_INDEX, encoding="utf-8")
        shutil.rmtree(report, ignore_errors=True)
        draft.rename(report)
    return report / "index.html"


def quality_gate(results: Path, run: AllureRun) -> tuple[bool, list[str]]:
    """Whether these results pass the release gate, with the reasons if not. Raises `HarnessError` like `build_allure`.

    With a history, key figures are compared with the previous run. The history is not changed.
    """
    _list_unreadable(results)
    with tempfile.TemporaryDirectory(prefix="allure-", dir=results.parent.absolute()) as folder:
        run = replace(run, history=_before(run, Path(folder)))
        ended = _allure(results, Path(folder), run, "quality-gate")
        output = _COLOURS.sub("", ended.stdout + ended.stderr)
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        if ended.returncode not in (0, 1) or (ended.returncode == 1 and not lines):
            raise HarnessError(
                "Allure could not judge the results:\n" + "\n".join(f"  {line}" for line in lines[-15:]),
                where=str(results),
                hint="reinstall it with `make setup`",
            )
        return ended.returncode == 0, lines if ended.returncode else []


def _before(run: AllureRun, folder: Path) -> Path | None:
    """A copy of the history without this run, which its report may have added."""
    if run.history is None or not run.history.is_file():
        return None
    kept = folder / "before.jsonl"
    shutil.copyfile(run.history, kept)
    forget_point(kept, run.name)
    return kept


def _allure(
    results: Path, folder: Path, run: AllureRun, command: str, *options: str
) -> subprocess.CompletedProcess[str]:
    settings = folder / "run.json"
    settings.write_text(json.dumps(run.to_json()), encoding="utf-8")
    try:
        return subprocess.run(
            [
                *allure_command(),
                command,
                "--config",
                str(CONFIG),
                *options,
                "--cwd",
                str(results.absolute()),
                ".",  # Allure reads it as a pattern: the folder's own name may contain a bracket or a star
            ],
            cwd=folder,
            env=_environment(home=str(folder)) | {VARIABLE: str(settings)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"Allure did not finish within {_TIMEOUT_S} s",
            where=str(results),
            hint="run `make report` again",
        ) from None


def serve(report: Path) -> None:
    """Serve a built report on a free port of this machine until Ctrl-C."""
    # A shell starts background jobs with SIGINT ignored, and Python does not change that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with served(report) as url:
        sys.stdout.write(f"the report is at {url} (stop with Ctrl-C)\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


def _list_unreadable(results: Path) -> None:
    """List unreadable results in the report: a killed session leaves a truncated file, which Allure skips.

    Raises `HarnessError` when no result is readable: an empty report looks like a passed one.
    """
    listed = results / "unread-globals.json"
    try:
        files = sorted(path for path in results.iterdir() if path.name.endswith("-result.json"))
    except FileNotFoundError:
        files = []
    except NotADirectoryError:
        raise HarnessError("the results of the tests are not a folder", where=str(results)) from None
    unread = [path.name for path in files if not _readable(path)]
    if len(unread) == len(files):
        seen = f": none of {len(unread)} can be read" if unread else ""
        raise HarnessError(
            f"there is no test result to report{seen}",
            where=str(results),
            hint="record a run with `make e2e`",
        )
    if not unread:
        listed.unlink(missing_ok=True)
        return
    message = f"{len(unread)} of {len(files)} results cannot be read and are missing here"
    errors = [{"message": message, "trace": "\n".join(unread)}]
    listed.write_text(json.dumps({"attachments": [], "errors": errors}), encoding="utf-8")


def _readable(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except ValueError:
        return False


def _environment(*, home: str) -> dict[str, str]:
    """The environment of Allure's process: output without colours, and a home folder of its own for its log."""
    own = {"CI": "true", "NO_COLOR": "1", "HOME": home, "USERPROFILE": home}
    return {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"} | own


def _reason(output: str, *, home: Path) -> list[str]:
    """The last lines of Allure's output and log; an output with "Check logs" has the reason in the log only."""
    logs = [log.read_text(encoding="utf-8") for log in sorted((home / ".allure" / "logs").glob("*.log"))]
    lines = [line for line in "\n".join((output, *logs)).splitlines() if line.strip()]
    return [line for line in lines if not line.startswith("    at ") and "Check logs" not in line][-15:]


def _without_analytics(page: str) -> str:
    """A page of Allure without its visitor analytics, which no option disables.

    A report contains the address and the faults of the chat under test, so opening it must not notify a third party.
    """
    return _ANALYTICS.sub("", page)


_PAGES = ("awesome", "dashboard")
_ANALYTICS = re.compile(
    r"<script async src=[^>]*googletagmanager[^>]*></script>\s*<script>[^<]*gtag\([^<]*</script>\s*"
)

# Allure writes one folder per plugin. The report opens on the checks.
_INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0; url=awesome/index.html">
<title>Chat sessions</title>
<style>
body { font: 17px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto; padding: 0 1.2rem; }
</style>
<h1>Chat sessions</h1>
<p><a href="awesome/index.html">The checks</a>, with their evidence; <a href="dashboard/index.html">the dashboard</a>.</p>
</html>
"""
