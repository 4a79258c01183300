"""Runs Allure 3 over ``allure-results``, and serves what it built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.allure import allure_command

CONFIG = Path(__file__).with_name("allurerc.mjs")
_PATIENCE = 300  # seconds


def build_allure(results: Path, report: Path, *, environment: Mapping[str, str]) -> Path:
    """Build the report of ``results`` in ``report``, in place of what was there. Returns the page to open.

    ``environment`` are facts that the report shows. Raises `HarnessError` with what Allure said when it failed.
    """
    results.mkdir(parents=True, exist_ok=True)
    (results / "environment.properties").write_text(_properties(environment), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="allure-", dir=report.parent) as folder:
        draft = Path(folder) / "report"
        command = [
            *allure_command(),
            "generate",
            "--config",
            str(CONFIG),
            "--output",
            str(draft),
            "--cwd",
            str(results.parent),
            str(results),
        ]
        try:
            ended = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "ALLURE_NO_ANALYTICS": "1", "CI": "true"},
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HarnessError(
                f"Allure did not end within {_PATIENCE} s",
                where=str(results),
                way_out="`make report` tries again",
            ) from None
        built = all((draft / plugin / "index.html").is_file() for plugin in _PAGES)
        if ended.returncode != 0 or not built:
            told = (ended.stdout + ended.stderr).strip().splitlines()[-15:]
            raise HarnessError(
                "Allure could not build the report:\n" + "\n".join(f"  {line}" for line in told),
                where=str(results),
                way_out="`make setup` installs it anew; the results are kept, `make report` tries again",
            )
        for plugin in _PAGES:
            page = draft / plugin / "index.html"
            page.write_text(_uncounted(page.read_text(encoding="utf-8")), encoding="utf-8")
        (draft / "index.html").write_text(_INDEX, encoding="utf-8")
        shutil.rmtree(report, ignore_errors=True)
        draft.rename(report)
    return report / "index.html"


def serve(report: Path) -> None:
    """Serve a built report on a free port of this machine until Ctrl-C."""
    handler = partial(_Quiet, directory=str(report))
    with _Server(("127.0.0.1", 0), handler) as server:
        sys.stdout.write(f"the report is at http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C ends)\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a tab in the middle of a page is no error to tell of."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nobody reads an access log of one's own browser."""


def _properties(facts: Mapping[str, str]) -> str:
    return "".join(f"{name} = {value}\n".replace("\\", "\\\\") for name, value in facts.items())


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
