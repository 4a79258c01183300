"""Which lane's trace is kept, and what a lane says when it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.lane.traces import TRACED_CHATS, Trace, keep_trace
from e2e.capture.scenarios.lane_context import ADVICE, refused, unreadable
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_run


class TestTraces:
    @pytest.mark.parametrize(("lane", "kept"), [(1, ["trace-lane-1.zip"]), (None, []), (7, [])])
    def test_one_is_kept_and_named(self, tmp_path: Path, lane: int | None, kept: list[str]) -> None:
        folder = write_run(tmp_path, make_run(chats=1, lanes=1))
        for n in range(3):
            (folder / f"trace-lane-{n}.zip").touch()
        (folder / "other.zip").touch()
        before = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        found = keep_trace(folder, lane)
        assert found == (folder / kept[0] if kept else None)
        assert sorted(p.name for p in folder.glob("trace-*")) == kept
        assert (folder / "other.zip").exists()
        after = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert after == before | ({"trace": kept[0]} if kept else {})

    def test_it_is_written_once(self, tmp_path: Path) -> None:
        calls: list[Any] = []

        def stop(path: Path) -> None:
            calls.append(path)

        tracing = SimpleNamespace(start=lambda **o: calls.append(o), stop=stop)
        context: Any = SimpleNamespace(tracing=tracing)
        trace = Trace(context, tmp_path, 4)
        trace.stop()
        trace.stop()
        assert calls == [
            {"snapshots": True, "screenshots": False, "sources": False},
            tmp_path / "trace-lane-4.zip",
        ]
        assert TRACED_CHATS == 3

    def test_half_a_trace_is_dropped(self, tmp_path: Path) -> None:
        def gone(path: Path) -> None:
            path.write_text("half")
            raise Error("closed")

        context: Any = SimpleNamespace(tracing=SimpleNamespace(start=lambda **_: None, stop=gone))
        Trace(context, tmp_path, 0).stop()
        assert list(tmp_path.iterdir()) == []


class TestRefusals:
    @pytest.mark.parametrize("condition", ADVICE)
    def test_each_kind_has_its_advice(self, condition: str) -> None:
        error = refused(condition, "no more")
        assert (error.what, error.hint, error.condition) == (
            f"{condition}: no more",
            ADVICE[condition],
            condition,
        )

    def test_own_advice_comes_first_and_an_unknown_kind_has_a_general_one(self) -> None:
        assert refused("captcha", "x", "do it").hint == "do it"
        assert refused("odd", "x").hint == "look at the screenshot beside the evidence"
        assert refused("", "x").what == "x"
        assert unreadable("the clock")().what == "the clock could not be read"
