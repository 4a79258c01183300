"""Each fault of the reference chat ends in its cause and no other; the healthy chat in none; an environment fault in no verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.errors import HarnessError
from e2e.selftest.tools.matrix.table import FAILS, FAILS_ONE_OF, HEALTHY, NONE, UNSEEN, Row, expected
from e2e.setup.engines import find_engine
from e2e.setup.places import REPO
from fixtures.reference_chat.backend.faults import FAULTS

NAMES = [HEALTHY, *(fault.name for fault in FAULTS)]
# One fault for each part of capture: store, race, other tab, reload, stream, list of chats, backend.
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
OF_THE_PAGE = (HEALTHY, *(fault.name for fault in FAULTS if fault.side == "frontend"))
Matrix = tuple[Path, int, str]


def run_matrix(out: Path, faults: Sequence[str], *options: str) -> Matrix:
    """The quick matrix as `python -m e2e matrix` runs it: its folder, exit code and output."""
    command = [sys.executable, "-m", "e2e", "matrix", "--quick", "--seed", "7", "--out", str(out), *options]
    command += [part for fault in faults for part in ("--fault", fault)]
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=1500, check=False)
    return out, ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def slice_(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return run_matrix(tmp_path_factory.mktemp("slice"), SLICE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return run_matrix(tmp_path_factory.mktemp("matrix"), ())


@pytest.fixture(scope="module")
def in_page(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return run_matrix(tmp_path_factory.mktemp("in_page"), OF_THE_PAGE, "--wire", "in-page")


@pytest.fixture(scope="module")
def in_firefox(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    try:
        find_engine("firefox")
    except HarnessError as error:
        pytest.skip(f"{error.what}: {error.hint}")
    # One at a time: beside another one each run took twice as long, and a reply may take 8 s.
    options = ("--browser", "firefox", "--workers", "1")
    return run_matrix(tmp_path_factory.mktemp("firefox"), OF_THE_PAGE, *options)


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["fault"]: row for row in json.loads((out / "matrix.json").read_text())}


def is_as_expected(matrix: Matrix, fault: str, *, in_page: bool = False) -> None:
    row = rows(matrix[0])[fault]
    assert row["ok"], row
    assert row["expected"] == expected(fault, in_page=in_page)
    assert row["expected"] == UNSEEN or FAILS.get(fault, set()) <= set(row["checks_failed"])
    assert fault not in FAILS_ONE_OF or FAILS_ONE_OF[fault] & set(row["checks_failed"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", SLICE)
def test_fault_ends_in_its_cause_and_no_other(slice_: Matrix, fault: str) -> None:
    is_as_expected(slice_, fault)


@pytest.mark.timeout(900)
def test_matrix_writes_page_chart_and_json(slice_: Matrix) -> None:
    out, code, output = slice_
    assert code == 0, output
    assert {p.name for p in out.iterdir()} == {"matrix.json", "matrix.md", "matrix.svg", "matrix.png"}
    assert set(rows(out)) == set(SLICE)
    assert f"{len(SLICE)} of {len(SLICE)} runs" in (out / "matrix.md").read_text()


@pytest.mark.long
@pytest.mark.timeout(1600)
@pytest.mark.parametrize("fault", NAMES)
def test_every_fault_ends_in_its_cause_and_no_other(whole: Matrix, fault: str) -> None:
    is_as_expected(whole, fault)


@pytest.mark.long
@pytest.mark.timeout(1600)
@pytest.mark.parametrize("fault", OF_THE_PAGE)
def test_script_in_the_page_gives_the_same_causes_or_names_what_was_not_seen(
    in_page: Matrix, fault: str
) -> None:
    is_as_expected(in_page, fault, in_page=True)


@pytest.mark.long
@pytest.mark.timeout(1600)
@pytest.mark.parametrize("fault", OF_THE_PAGE)
def test_firefox_gives_the_same_causes_at_the_same_places(
    in_firefox: Matrix, whole: Matrix, fault: str
) -> None:
    is_as_expected(in_firefox, fault, in_page=True)
    found, chromium = rows(in_firefox[0])[fault], rows(whole[0])[fault]
    if found["expected"] != UNSEEN:
        assert found["where"] == chromium["where"]
    if found["expected"] == NONE:  # what cannot be played there is inconclusive, and nothing else of the page
        open_ = {name for name in found["inconclusive"] if name.startswith("rotation.")}
        assert open_ == {"rotation.back_forward"}


def row(**changes: Any) -> Row:
    values: dict[str, Any] = {
        "fault": "stale-state",
        "expected": "stale-state",
        "outcome": "fail",
        "checks_failed": ("rotation.sent_id_is_fresh",),
        "causes": ("stale-state",),
    }
    return Row(**values | changes)


def test_row_is_ok_only_with_the_expected_result() -> None:
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
