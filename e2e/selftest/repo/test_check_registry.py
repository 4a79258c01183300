"""Guards that a check is one function in one file: judge, summary and layers find a new one without another edit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from e2e.analysis.checks.registry import collect
from e2e.setup.places import REPO

DUMMY = '''
"""Does a chat have a first message?"""

from e2e.analysis.model.check import SESSIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Verdict


@check(
    "dummy.has_messages",
    title="Does every chat have a message?",
    layer="screen",
    group=SESSIONS,
    story="Chats have messages",
    detection_limit="a chat without a message",
)
def has_messages(run: Run) -> Verdict:
    """Every chat has a message."""
    return Verdict("dummy.has_messages", "pass", f"{len(run.messages)} messages")
'''

JUDGE = """
import json
from e2e.analysis.judge import judge
from e2e.selftest.unit.builders import judge_run
from reports.summary.layers import LAYERS
from reports.summary.summary import summarise

run = judge_run(chats=4, lanes=2)
summary = summarise(run, judge(run))
print(json.dumps({
    "judged": [verdict.name for verdict in judge(run).verdicts],
    "summary": {check.name: check.message for check in summary.checks},
    "layers": {layer.name: layer.checks for layer in LAYERS},
}))
"""


def test_a_check_in_a_new_file_is_judged_and_reported(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "out", "docs", "lab", "browser")
    for top in ("e2e", "reports"):
        shutil.copytree(REPO / top, tmp_path / top, ignore=ignored)
    shutil.copytree(REPO / "fixtures" / "targets", tmp_path / "fixtures" / "targets")
    (tmp_path / "e2e/analysis/checks/dummy.py").write_text(DUMMY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", JUDGE], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["judged"][-1] == "dummy.has_messages"
    assert found["summary"]["dummy.has_messages"] == "8 messages"
    assert "dummy.has_messages" in found["layers"]["screen"]


def test_two_checks_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "twice_defined"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text(DUMMY, encoding="utf-8")
    package = ModuleType("twice_defined")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "twice_defined", package)
    with pytest.raises(ValueError, match=r"twice_defined.two: the check dummy.has_messages is also defined"):
        collect(package)
