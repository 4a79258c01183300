"""Each planted fault ends in its cause and no other, the healthy chat in none, what the environment refuses in no verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.selftest.tools.matrix.table import FAILS, FAILS_ONE_OF, HEALTHY, Row, expected
from e2e.setup.places import REPO
from fixtures.reference_chat.backend.faults import FAULTS

NAMES = [HEALTHY, *(fault.name for fault in FAULTS)]
# One for each part of capture: the store, the race, the other tab, the reload, the stream, the list of chats, the backend.
SLICE = (
    HEALTHY,
    "stale-state",
    "late-rotation",
    "tab-bleed",
    "restored-on-load",
    "late-stream",
    "session-unbound",
    "cached-reply",
    "provider-pinned",
    "backend-down",
    "browser-crash",
)
Matrix = tuple[Path, int, str]


def play(out: Path, faults: Sequence[str]) -> Matrix:
    """The quick matrix as `python -m e2e matrix` runs it: its folder, exit code and output."""
    command = [sys.executable, "-m", "e2e", "matrix", "--quick", "--seed", "7", "--out", str(out)]
    command += [part for fault in faults for part in ("--fault", fault)]
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=1500, check=False)
    return out, ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def slice_(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return play(tmp_path_factory.mktemp("slice"), SLICE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return play(tmp_path_factory.mktemp("matrix"), ())


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["fault"]: row for row in json.loads((out / "matrix.json").read_text())}


def is_as_expected(matrix: Matrix, fault: str) -> None:
    row = rows(matrix[0])[fault]
    assert row["ok"], row
    assert row["expected"] == expected(fault)
    assert FAILS.get(fault, set()) <= set(row["checks_failed"])
    assert fault not in FAILS_ONE_OF or FAILS_ONE_OF[fault] & set(row["checks_failed"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", SLICE)
def test_a_fault_is_named_and_nothing_else(slice_: Matrix, fault: str) -> None:
    is_as_expected(slice_, fault)


@pytest.mark.timeout(900)
def test_the_matrix_is_written_as_a_page_a_picture_and_a_file(slice_: Matrix) -> None:
    out, code, output = slice_
    assert code == 0, output
    assert {p.name for p in out.iterdir()} == {"matrix.json", "matrix.md", "matrix.svg", "matrix.png"}
    assert set(rows(out)) == set(SLICE)
    assert f"{len(SLICE)} of {len(SLICE)} runs" in (out / "matrix.md").read_text()


@pytest.mark.long
@pytest.mark.timeout(1600)
@pytest.mark.parametrize("fault", NAMES)
def test_every_fault_is_named_and_nothing_else(whole: Matrix, fault: str) -> None:
    is_as_expected(whole, fault)


def row(**changes: Any) -> Row:
    said: dict[str, Any] = {
        "fault": "stale-state",
        "expected": "stale-state",
        "outcome": "fail",
        "checks_failed": ("rotation.sent_id_is_fresh",),
        "causes": ("stale-state",),
    }
    return Row(**said | changes)


def test_a_miss_is_seen() -> None:
    assert row().ok
    assert not row(causes=()).ok
    assert not row(causes=("stale-closure",)).ok
    assert not row(causes=("stale-state", "unexplained")).ok
    assert not row(checks_failed=()).ok
    healthy = {"fault": HEALTHY, "expected": "none", "outcome": "pass", "checks_failed": (), "causes": ()}
    assert row(**healthy).ok
    assert not row(**healthy | {"checks_failed": ("smoke",)}).ok
    refused = healthy | {"fault": "slow", "expected": "blocked", "outcome": "broken"}
    assert row(**refused).ok
    assert not row(**refused | {"outcome": "pass"}).ok
    assert not row(**refused | {"outcome": "fail", "checks_failed": ("smoke",)}).ok
    unavailable = {"fault": "new-chat-unavailable", "expected": "new-chat-unavailable", "checks_failed": ()}
    assert row(**unavailable, outcome="broken", causes=("new-chat-unavailable",)).ok
    assert not row(**unavailable, outcome="broken", causes=()).ok
