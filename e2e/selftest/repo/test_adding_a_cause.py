"""A cause is one file: with it, the cause is known, named by the diagnosis, shown by the report, accepted by a profile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.setup.places import REPO

CAUSE = '''"""The screen names a provider that has never replied."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.explained_checks import LABEL


def _label_is_invented(chat: ChatEvidence) -> bool:
    return any(m.label_provider == "Nobody" for m in chat.messages)


CAUSE = CauseDefinition(
    name="label-invented",
    layer="presentation",
    explanation="the screen named a provider that does not exist",
    hint="take the label from the reply",
    priority="medium",
    impact="users trust a label that is invented",
    immediate="hide the label for now",
    verify="the label names a provider of the profile",
    chat_rules=(ChatRule(order=325, explains=(LABEL,), when=(_label_is_invented,), excludes=("label-stale",)),),
)
'''

JUDGE = """
import datetime as dt
import json
from e2e.analysis.causes.registry import definitions
from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.profile.parts.policy import KnownIssue
from e2e.selftest.unit.builders import make_run, with_messages
from reports.summary.page import summary_page
from reports.summary.summary import summarise

run = assemble([with_messages(make_run(), label_provider="Nobody")])
judgement = judge(run)
accepted = KnownIssue(cause="label-invented", until=dt.date(2027, 1, 31), reason="next design")
summary = summarise(run, judgement)
print(json.dumps({
    "known": "label-invented" in definitions(),
    "named": [[c.name, list(c.checks)] for c in judgement.causes],
    "priority": [c.priority for c in summary.causes],
    "page": summary_page(run, judgement, summary, ["evidence/one"]),
    "accepted": accepted.cause,
}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code, without what is generated."""
    for folder in ("e2e", "reports"):
        generated = shutil.ignore_patterns("__pycache__", "node_modules", "out")
        shutil.copytree(REPO / folder, tmp_path / folder, ignore=generated)
    return tmp_path


def test_one_file_adds_a_cause_to_diagnosis_report_and_profile(copy: Path) -> None:
    (copy / "e2e/analysis/causes/other/label_invented.py").write_text(CAUSE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", JUDGE], cwd=copy, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["known"]
    assert found["named"] == [["label-invented", ["provider.label_is_true"]]]
    assert found["priority"] == ["medium"]
    assert found["accepted"] == "label-invented"
    for text in (
        "users trust a label that is invented",
        "hide the label for now",
        "take the label from the reply",
    ):
        assert text in found["page"]
