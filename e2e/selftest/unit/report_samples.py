"""Recorded runs on disk, for the tests of what is made of them."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

from e2e.records.evidence import EvidenceWriter
from e2e.records.records import RunRecords
from reports.history.entry import HistoryEntry


def write_run(out: Path, records: RunRecords) -> Path:
    """Write the run below ``out/evidence`` as capture does. Returns its folder."""
    folder = out / "evidence" / records.meta.run_id
    writer = EvidenceWriter(folder, records.meta)
    for event in records.events:
        writer.event(event)
    for chat in records.chats:
        writer.chat(chat)
    writer.close()
    return folder


def write_session(
    out: Path, folders: Sequence[Path], *, alarms_per_year: float = 0.02, age: float = 0, exit_code: int = 0
) -> None:
    """Leave word of a session that ended, as the plugin does; ``age`` seconds ago."""
    result = {
        "run_ids": [f.name for f in folders],
        "evidence": [str(f) for f in folders],
        "exit": exit_code,
        "alarms_per_year": alarms_per_year,
    }
    path = out / "session.json"
    path.write_text(json.dumps(result), encoding="utf-8")
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))


def write_result(out: Path, name: str = "one") -> None:
    """A test that reported its result."""
    results = out / "allure-results"
    results.mkdir(exist_ok=True)
    (results / f"{name}-result.json").write_text(
        json.dumps({"uuid": name, "name": name, "status": "passed"}), encoding="utf-8"
    )


def example_history(draw: random.Random, *, pinned_from: int, sessions: int = 20) -> list[HistoryEntry]:
    """Thirty runs with three providers; from ``pinned_from`` on all sessions are on the first."""
    names = ("Big hat", "Tin drum", "Red kite")
    found = []
    for n in range(1, 31):
        pinned = n >= pinned_from
        seen = [names[0]] * sessions if pinned else draw.choices(names, k=sessions)
        found.append(
            HistoryEntry(
                run_id=f"run-{n:03}",
                began=1_790_000_000.0 + 86_400 * n,
                target="reference",
                browser="chromium",
                outcome="fail" if pinned else "pass",
                headline="",
                causes={"provider-pinned": sessions} if pinned else {},
                figures={"reuse_bound": 13.9, "effective_providers": 1.0 if pinned else 2.7},
                providers={name: seen.count(name) for name in names},
                shares=dict.fromkeys(names, 1 / 3),
            )
        )
    return found
