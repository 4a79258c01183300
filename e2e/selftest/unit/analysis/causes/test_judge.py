"""The list of checks, the judgement of a whole run, and what the analysis may import."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import e2e.analysis
from e2e.analysis.judge import CHECKS, judge
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import Verdict
from e2e.records.records import RunRecords
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_meta

ORDER = [
    "smoke",
    "rotation.stored_id_is_fresh",
    "rotation.sent_id_is_fresh",
    "rotation.sent_equals_stored",
    "rotation.one_id_per_chat",
    "rotation.rapid_send",
    "rotation.double_click",
    "rotation.mid_stream",
    "rotation.reload",
    "rotation.two_tabs",
    "rotation.back_forward",
    "rotation.empty_chat",
    "rotation.return_to_chat",
    "session_ids.pattern",
    "chat.starts_empty",
    "chat.remembers",
    "chat.forgets",
    "reply.is_live",
    "provider.persists",
    "provider.label_is_true",
    "provider.varies",
    "provider.balanced",
    "provider.independent",
    "backend.assigns",
    "backend.persists",
    "backend.cleans_up",
    "backend.state",
]


def test_checks_are_listed_in_report_order() -> None:
    assert [check.name for check in CHECKS] == ORDER
    assert {c.name for c in CHECKS if c.statistical} == {
        "provider.varies",
        "provider.balanced",
        "provider.independent",
        "backend.assigns",
        "backend.state",
    }
    assert all(check.title.endswith("?") and check.judge.__doc__ for check in CHECKS)


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        (make_run(), "pass"),
        (make_run("stale-state"), "fail"),
        (with_meta(make_run("stale-state"), finished=None), "fail"),
        (with_meta(make_run(), finished=None), "broken"),
        (with_chats(make_run(), lambda c: replace(c, status="blocked", reason="429")), "broken"),
        (replace(with_meta(make_run(), planned_chats=0), chats=(), events=()), "inconclusive"),
    ],
)
def test_the_outcome_of_a_run(records: RunRecords, outcome: str) -> None:
    assert judge(assemble([records])).outcome == outcome


def test_a_run_is_judged_once() -> None:
    run = judge_run("stale-state")
    assert judge(run) is judge(run)
    assert judge(run).verdict("smoke").outcome == "pass"
    with pytest.raises(KeyError):
        judge(run).verdict("nothing")


@pytest.mark.parametrize("faults", [(), ("stale-state",), ("provider-pinned",), ("provider-flaps",)])
def test_numbers_are_json(faults: tuple[str, ...]) -> None:
    for verdict in judge(judge_run(*faults)).verdicts:
        assert json.loads(json.dumps(verdict.numbers, allow_nan=False)) == verdict.numbers


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="x: p is"):
        Verdict("x", "pass", "", numbers={"p": value})


def test_judging_does_not_change_the_run() -> None:
    run = judge_run("stale-state")
    before = {
        name: getattr(run, name).copy() for name in ("chats", "messages", "storage", "payloads", "backend")
    }
    judge(run)
    for name, frame in before.items():
        assert frame.equals(getattr(run, name))


ALLOWED = (
    "e2e.analysis",
    "e2e.quick",
    "e2e.records.cut",
    "e2e.records.records",
    "e2e.records.selection",
    "numpy",
    "pandas",
    "scipy",
)
IMPURE = {
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "time",
}


@pytest.mark.parametrize(
    "path", sorted(Path(e2e.analysis.__file__).parent.rglob("*.py")), ids=lambda p: p.name
)
def test_the_analysis_is_pure(path: Path) -> None:
    """No browser, file, pytest or environment: it imports the record types and numbers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else []
        )
        for name in names:
            top = name.split(".")[0]
            standard = top in sys.stdlib_module_names and top not in IMPURE
            assert standard or any(name == a or name.startswith(a + ".") for a in ALLOWED), name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
