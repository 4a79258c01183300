"""Runs Allure 3 over ``allure-results``, and serves what it built."""

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
_PATIENCE = 300  # seconds
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def build_allure(results: Path, report: Path, run: AllureRun = AllureRun()) -> Path:  # noqa: B008 - frozen
    """Build the report of ``results`` in ``report``, in place of what was there. Returns the page to open.

    ``run`` says what is told of this report besides its results. Raises `HarnessError` when there is no result to report, and
    with what Allure said when it failed; the report of before is then still there.
    """
    _tell_unread(results)
    (results / "environment.properties").unlink(
        missing_ok=True
    )  # of an earlier version: the last file would win
    if run.history is not None:
        run.history.parent.mkdir(parents=True, exist_ok=True)
        forget_point(run.history, run.name)
    report.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="allure-", dir=report.parent.absolute()) as folder:
        draft = Path(folder) / "report"
        ended = _allure(results, Path(folder), run, "generate", "--output", str(draft))
        built = all((draft / plugin / "index.html").is_file() for plugin in _PAGES)
        if ended.returncode != 0 or not built:
            told = _reason(ended.stdout + ended.stderr, home=Path(folder))
            raise HarnessError(
                "Allure could not build the report:\n" + "\n".join(f"  {line}" for line in told),
                where=str(results),
                hint="`make setup` installs it anew; the results are kept, `make report` tries again",
            )
        for plugin in _PAGES:
            page = draft / plugin / "index.html"
            page.write_text(_uncounted(page.read_text(encoding="utf-8")), encoding="utf-8")
        (draft / "index.html").write_text(_INDEX, encoding="utf-8")
        shutil.rmtree(report, ignore_errors=True)
        draft.rename(report)
    return report / "index.html"


def quality_gate(results: Path, run: AllureRun) -> tuple[bool, list[str]]:
    """Whether the release gate lets these results pass, and its reasons when it does not. Raises `HarnessError` as `build_allure`.

    Where a history is there, key figures are held against the run before; the history stays as it is.
    """
    _tell_unread(results)
    with tempfile.TemporaryDirectory(prefix="allure-", dir=results.parent.absolute()) as folder:
        run = replace(run, history=_before(run, Path(folder)))
        ended = _allure(results, Path(folder), run, "quality-gate")
        told = _COLOURS.sub("", ended.stdout + ended.stderr)
        lines = [line.strip() for line in told.splitlines() if line.strip()]
        if ended.returncode not in (0, 1) or (ended.returncode == 1 and not lines):
            raise HarnessError(
                "Allure could not judge the results:\n" + "\n".join(f"  {line}" for line in lines[-15:]),
                where=str(results),
                hint="`make setup` installs it anew",
            )
        return ended.returncode == 0, lines if ended.returncode else []


def _before(run: AllureRun, folder: Path) -> Path | None:
    """The history without this run, which its report may have added already."""
    if run.history is None or not run.history.is_file():
        return None
    kept = folder / "before.jsonl"
    shutil.copyfile(run.history, kept)
    forget_point(kept, run.name)
    return kept


def _allure(
    results: Path, folder: Path, run: AllureRun, command: str, *options: str
) -> subprocess.CompletedProcess[str]:
    said = folder / "run.json"
    said.write_text(json.dumps(run.to_json()), encoding="utf-8")
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
                ".",  # Allure takes it for a pattern: the folder's own name may hold a bracket or a star
            ],
            cwd=folder,
            env=_environment(home=str(folder)) | {VARIABLE: str(said)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"Allure did not end within {_PATIENCE} s",
            where=str(results),
            hint="`make report` tries again",
        ) from None


def serve(report: Path) -> None:
    """Serve a built report on a free port of this machine until Ctrl-C."""
    # A shell starts what it puts in the background with SIGINT ignored, and Python leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with served(report) as url:
        sys.stdout.write(f"the report is at {url} (Ctrl-C ends)\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


def _tell_unread(results: Path) -> None:
    """Have the report name the results that cannot be read: a killed session leaves half a file, and Allure skips it.

    Raises `HarnessError` when nothing can be read: an empty report looks like a good one.
    """
    told = results / "unread-globals.json"
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
            f"there is no test result to report{seen}", where=str(results), hint="`make e2e` makes some"
        )
    if not unread:
        told.unlink(missing_ok=True)
        return
    message = f"{len(unread)} of {len(files)} results cannot be read and are missing here"
    errors = [{"message": message, "trace": "\n".join(unread)}]
    told.write_text(json.dumps({"attachments": [], "errors": errors}), encoding="utf-8")


def _readable(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except ValueError:
        return False


def _environment(*, home: str) -> dict[str, str]:
    """For Allure's process: no colours in what it says, and a home of its own, where it keeps its log."""
    own = {"CI": "true", "NO_COLOR": "1", "HOME": home, "USERPROFILE": home}
    return {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"} | own


def _reason(said: str, *, home: Path) -> list[str]:
    """The last lines that Allure said, and those of its log: where it says "check logs", the reason is only there."""
    logs = [log.read_text(encoding="utf-8") for log in sorted((home / ".allure" / "logs").glob("*.log"))]
    lines = [line for line in "\n".join((said, *logs)).splitlines() if line.strip()]
    return [line for line in lines if not line.startswith("    at ") and "Check logs" not in line][-15:]


def _uncounted(page: str) -> str:
    """A page of Allure without its visitor counting, which no option switches off.

    A report names the address and the faults of the chat under test: that somebody opens it is nobody else's business.
    """
    return _COUNTING.sub("", page)


_PAGES = ("awesome", "dashboard")
_COUNTING = re.compile(
    r"<script async src=[^>]*googletagmanager[^>]*></script>\s*<script>[^<]*gtag\([^<]*</script>\s*"
)

# Allure writes one folder per plugin; whoever opens the report wants the checks first.
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
<p><a href="awesome/index.html">The checks</a>, with what was seen; <a href="dashboard/index.html">the dashboard</a>.</p>
</html>
"""
