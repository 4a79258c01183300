"""A run whose evidence did not arrive must not look like one that was recorded."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from e2e.errors import HarnessError
from e2e.plugin.browsers.environments import RUNS, Environment, EnvironmentRun
from e2e.plugin.export import hand_over
from e2e.plugin.settings.options import SETTINGS
from e2e.records.places import Place
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_run


class Terminal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def ensure_newline(self) -> None:
        """As pytest's."""

    def write_line(self, line: str, **_: Any) -> None:
        self.lines.append(line)


def finish(place: str, folders: list[Path], exitstatus: int = 0) -> tuple[int, str]:
    """End a session; returns its exit code and what it printed."""
    terminal = Terminal()
    runs = {"chromium": EnvironmentRun(Environment("chromium"), folders)}
    stash = {SETTINGS: SimpleNamespace(evidence_to=place), RUNS: runs}
    config = SimpleNamespace(
        stash=stash,
        getoption=lambda _: False,
        pluginmanager=SimpleNamespace(get_plugin=lambda _: terminal),
    )
    session = SimpleNamespace(config=config, exitstatus=exitstatus)
    hand_over.pytest_sessionfinish(session)  # type: ignore[arg-type]
    return int(session.exitstatus), "\n".join(terminal.lines)


def test_evidence_is_handed_over_also_after_a_failure(tmp_path: Path) -> None:
    folder = write_run(tmp_path, make_run())
    assert finish("memory://hand-over/1", [folder], exitstatus=1)[0] == 1
    assert Place.at("memory://hand-over/1").runs() == [folder.name]


def test_without_a_place_nothing_happens(tmp_path: Path) -> None:
    assert finish("", [write_run(tmp_path, make_run())]) == (0, "")


def test_a_run_that_recorded_nothing_is_not_done() -> None:
    code, output = finish("memory://hand-over/2", [], exitstatus=1)
    assert code == hand_over.NOT_HANDED_OVER
    assert "nothing was recorded" in output


def test_storage_that_fails_is_tried_again_and_then_an_error_of_its_own(tmp_path: Path) -> None:
    with mock.patch.object(Place, "put_file", side_effect=HarnessError("refused")) as put:
        code, output = finish("memory://hand-over/3", [write_run(tmp_path, make_run())])
    assert (code, put.call_count) == (3, 3)
    assert output == "error: refused"


@pytest.mark.parametrize("code", [0, 1, 2, 4])
def test_its_exit_code_is_no_other_outcome(code: int) -> None:
    assert code != hand_over.NOT_HANDED_OVER
