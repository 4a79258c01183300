"""Waiting for the shards of a series: how many are there, how many there should be, and when to stop."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from e2e.records.evidence import RUN
from e2e.records.records import RunMeta
from e2e.selftest.unit.builders import make_run
from reports.publish import shared_run

META = make_run(chats=1, lanes=1, backend=False).meta


class Shelf:
    """A place whose runs come one by one, each time it is looked at."""

    def __init__(self, *metas: RunMeta) -> None:
        self.metas, self.looks = metas, 0

    def runs(self) -> list[str]:
        self.looks += 1
        return [f"run-{n}" for n in range(min(self.looks, len(self.metas)))]

    def read(self, path: str) -> bytes | None:
        name, _, file = path.partition("/")
        assert file == RUN
        return json.dumps(self.metas[int(name.removeprefix("run-"))].to_json()).encode()


def shard(number: int, of: int, **changes: Any) -> RunMeta:
    fields: dict[str, Any] = {"shard": f"{number}/{of}", "finished": 1.0} | changes
    return replace(META, run_id=f"r{number}", **fields)


@pytest.fixture(autouse=True)
def four_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([True] * 3)
    monkeypatch.setattr(shared_run, "_rest", lambda end: next(left, False))


@pytest.mark.parametrize(
    ("metas", "shards", "there", "lines"),
    [
        ([shard(1, 2), shard(2, 2)], None, True, ["1 of 2", "2 of 2"]),
        ([shard(1, 3), shard(2, 3)], None, False, ["1 of 3", "2 of 3"]),
        ([shard(1, 3), shard(2, 3)], 2, True, ["1 of 2", "2 of 2"]),
        ([shard(1, 2), shard(2, 2, finished=None)], None, False, ["1 of 2"]),
        ([shard(1, 1, finished=None)], None, False, ["0 of unknown"]),
        ([replace(META, finished=1.0)], None, True, ["1 of 1"]),
        ([], 1, False, ["0 of 1"]),
    ],
)
def test_it_ends_with_the_last_shard_or_the_time(
    metas: list[RunMeta], shards: int | None, there: bool, lines: list[str]
) -> None:
    lines_shown: list[str] = []
    place: Any = Shelf(*metas)
    assert shared_run.await_shards(place, shards, 60.0, lines_shown.append) == there
    assert [line.removesuffix(" shards are there") for line in lines_shown] == lines
    assert place.looks == (max(1, len(metas)) if there else 4)
