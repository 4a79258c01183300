"""Allure's results: without fixtures of other plugins, and a full disk is one line that does not end the session."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from allure_commons import model2

from e2e.plugin.writer import _Results, pytest_fixture_setup, report_write_error


class Config:
    """The part of pytest's configuration that the writer needs."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()
        self.lines: list[str] = []
        reporter = SimpleNamespace(write_line=lambda line, **_: self.lines.append(line))
        self.pluginmanager = SimpleNamespace(get_plugin=lambda _: reporter)


def test_a_write_error_is_reported_once_with_a_hint() -> None:
    config: Any = Config()
    for _ in range(3):
        report_write_error(config, OSError(28, "No space left on device", "/x/session.json"))
    text = "\n".join(config.lines)
    assert text.count("No space left on device: /x/session.json") == 1
    assert "--from-evidence" in text


def test_a_write_error_is_reported_and_not_raised(tmp_path: Path) -> None:
    config: Any = Config()
    results = _Results(config, str(tmp_path))
    results.report_attached_data("kept", "one.txt")
    (tmp_path / "two.txt.tmp").mkdir()
    results.report_attached_data("lost", "two.txt")
    assert (tmp_path / "one.txt").read_text(encoding="utf-8") == "kept"
    assert any("results could not be written" in line for line in config.lines)


def test_only_fixtures_with_a_title_reach_the_report(tmp_path: Path) -> None:
    config: Any = Config()
    request: Any = SimpleNamespace(config=config)
    for function in (SimpleNamespace(__allure_display_name__="The run"), SimpleNamespace()):
        fixture: Any = SimpleNamespace(func=function)
        pytest_fixture_setup(fixture, request)
    results = _Results(config, str(tmp_path))
    befores = [
        model2.TestBeforeResult(name=name) for name in ("The run", "browser", "_pw_trace_api_requests")
    ]
    afters = [
        model2.TestAfterResult(name=name, status=status)
        for name, status in (("The run::0", "passed"), ("The run::1", "broken"), ("browser::0", "broken"))
    ]
    results.report_container(model2.TestResultContainer(uuid="1", befores=befores, afters=afters))
    plugins_only = [model2.TestBeforeResult(name="delete_output_dir")]
    results.report_container(model2.TestResultContainer(uuid="2", befores=plugins_only))
    [written] = tmp_path.glob("*-container.json")
    container = json.loads(written.read_text(encoding="utf-8"))
    assert [one["name"] for one in container["befores"]] == ["The run"]
    assert [one["name"] for one in container["afters"]] == ["The run::1"]
