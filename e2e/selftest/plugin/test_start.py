"""A collection and the build of a prepared report judge nothing, and load nothing that only judging needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from e2e.selftest.plugin.conftest import ROOT, environment

COLLECT = """
import sys, pytest
code = pytest.main(["--collect-only", "-q", "e2e/specs"])
heavy = {"pandas", "numpy", "scipy", "pyarrow", "matplotlib", "hypothesis", "httpx", "rich", "pydantic"}
print("loaded:", *sorted(heavy & set(sys.modules)))
sys.exit(code)
"""


REPORT = """
import sys
import reports.allure.build, reports.build, reports.history.show, reports.summary.terminal
import e2e.cli.main
from reports.history.entry import HistoryEntry
from reports.history.store import Store
store = Store(sys.argv[1])
entry = HistoryEntry("one", 1.5, "acme", "chromium", "pass", "fine", checks={"smoke": "pass"}, figures={"log10_e": -0.25})
store.add(entry)
assert store.read().entries == (entry,)
print("loaded:", *sorted({"pandas", "scipy", "matplotlib", "jinja2", "httpx", "playwright"} & set(sys.modules)))
"""


def loaded(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_collection_loads_no_library_of_the_analysis() -> None:
    loaded(
        "import pytest; pytest.main(['--collect-only', '-q', 'e2e/specs'])"
    )  # keeps the options for the next
    ended = loaded(COLLECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "tests collected" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "loaded:"


def test_build_of_a_prepared_report_loads_no_library_of_the_analysis(tmp_path: Path) -> None:
    ended = loaded(REPORT, str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "loaded:"


def test_a_collection_refuses_a_bad_option() -> None:
    ended = loaded(COLLECT.replace('"-q"', '"-q", "--chats", "0"'))
    assert ended.returncode == 4
    assert "--chats 0: expected a whole number from 1 to 100,000" in ended.stderr
