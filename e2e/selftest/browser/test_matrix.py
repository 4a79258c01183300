"""Each planted fault ends in its cause and no other, the healthy chat in none, what the environment refuses in no verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.selftest.tools.matrix.table import HEALTHY, Row, expected
from e2e.setup.places import REPO
from fixtures.reference_chat.backend.faults import FAULTS

NAMES = [HEALTHY, *(fault.name for fault in FAULTS)]
SESSIONS = {"rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh"}
FAILS = {
    "stale-state": SESSIONS | {"rotation.sent_equals_stored"},
    "session-not-ended": SESSIONS,
    "session-restored": SESSIONS,
    "id-constant": SESSIONS | {"session_ids.pattern"},
    "id-collision": SESSIONS,
    "stale-closure": {"rotation.sent_id_is_fresh", "rotation.sent_equals_stored"},
    "late-rotation": {"rotation.rapid_send"},
    "split-session": {"rotation.sent_equals_stored"},
    "over-rotation": {"rotation.one_id_per_chat"},
    "tab-bleed": {"rotation.two_tabs"},
    "session-unbound": {"rotation.return_to_chat"},
    "restored-on-load": {"rotation.reload"},
    "late-stream": {"rotation.mid_stream"},
    "history-bleed": {"chat.starts_empty"},
    "cached-reply": {"reply.is_live"},
    "provider-pinned": {"provider.varies", "backend.assigns"},
    "provider-skewed": {"provider.balanced"},
    "provider-cycles": {"provider.independent"},
    "provider-flaps": {"provider.persists", "backend.persists"},
    "session-leaked": {"backend.cleans_up"},
    "label-stale": {"provider.label_is_true"},
}
"""What must be among the failed checks."""
FAILS_ONE_OF = {"provider-sticky": {"provider.independent", "provider.balanced", "provider.varies"}}
"""One of these at least: it hangs on the draws in which of them a few lanes with a provider each show."""


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The quick matrix, as `python -m e2e matrix` makes it: its folder, exit code and output."""
    out = tmp_path_factory.mktemp("matrix")
    ended = subprocess.run(
        [sys.executable, "-m", "e2e", "matrix", "--quick", "--seed", "7", "--out", str(out)],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    return out, ended.returncode, ended.stdout + ended.stderr


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["fault"]: row for row in json.loads((out / "matrix.json").read_text())}


@pytest.mark.timeout(1600)
@pytest.mark.parametrize("fault", NAMES)
def test_a_fault_is_named_and_nothing_else(matrix: tuple[Path, int, str], fault: str) -> None:
    row = rows(matrix[0])[fault]
    assert row["ok"], row
    assert row["expected"] == expected(fault)
    assert FAILS.get(fault, set()) <= set(row["checks_failed"])
    assert fault not in FAILS_ONE_OF or FAILS_ONE_OF[fault] & set(row["checks_failed"])


@pytest.mark.timeout(1600)
def test_the_matrix_is_a_page_a_picture_and_a_file(matrix: tuple[Path, int, str]) -> None:
    out, code, said = matrix
    assert code == 0, said
    assert {p.name for p in out.iterdir()} == {"matrix.json", "matrix.md", "matrix.svg", "matrix.png"}
    assert set(rows(out)) == set(NAMES)
    assert f"{len(NAMES)} of {len(NAMES)} runs" in (out / "matrix.md").read_text()


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
