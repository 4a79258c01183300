"""A long night's report stays small enough to be sent around, and opens at once."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error

from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_run
from e2e.setup.places import REPO
from reports.build import build

CHATS = 2000
MOST_BYTES = 25e6
LONGEST_S = 3.0


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_report_of_2000_chats_stays_small_and_opens_fast(tmp_path: Path, browser: Browser) -> None:
    write_run(tmp_path, make_run("stale-state", chats=CHATS, lanes=8))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "e2e/specs",
        "-q",
        "--from-evidence",
        str(tmp_path / "evidence"),
        "--out",
        str(tmp_path),
    ]
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout[-1000:]
    index = build(tmp_path).index
    report = index.parent
    assert sum(path.stat().st_size for path in report.rglob("*") if path.is_file()) < MOST_BYTES
    page = (report / "awesome" / "index.html").as_uri()
    # The machine may be busy with something else once.
    assert min(_seconds_to_open(browser, page) for _ in range(3)) < LONGEST_S


def _seconds_to_open(browser: Browser, url: str) -> float:
    tab = browser.new_page()
    try:
        began = time.monotonic()
        tab.goto(url)
        tab.get_by_text("Categories").first.wait_for(timeout=10_000)
        return time.monotonic() - began
    except Error:
        return math.inf
    finally:
        tab.close()
