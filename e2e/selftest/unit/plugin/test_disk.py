"""A full disk is said in one line, and Allure's writer does not end the session for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.plugin.disk import _Results, tell_unwritten


class Config:
    """As much of pytest's configuration as is asked for."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()
        self.said: list[str] = []
        reporter = SimpleNamespace(write_line=lambda line, **_: self.said.append(line))
        self.pluginmanager = SimpleNamespace(get_plugin=lambda _: reporter)


def test_it_is_said_once_with_what_to_do() -> None:
    config: Any = Config()
    for _ in range(3):
        tell_unwritten(config, OSError(28, "No space left on device", "/x/session.json"))
    text = "\n".join(config.said)
    assert text.count("No space left on device: /x/session.json") == 1
    assert "--from-evidence" in text


def test_a_result_that_cannot_be_written_is_told_and_not_raised(tmp_path: Path) -> None:
    config: Any = Config()
    results = _Results(config, str(tmp_path))
    results.report_attached_data("kept", "one.txt")
    (tmp_path / "two.txt.tmp").mkdir()
    results.report_attached_data("lost", "two.txt")
    assert (tmp_path / "one.txt").read_text(encoding="utf-8") == "kept"
    assert any("not everything could be written" in line for line in config.said)
