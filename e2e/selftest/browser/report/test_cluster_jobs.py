"""The Jobs of the cluster, really run: their commands as local processes, a server that speaks S3, a shard that is killed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from e2e.cli.main import main
from e2e.records.places import Place
from e2e.selftest.tools.cluster.command import run_jobs
from e2e.selftest.tools.cluster.storage import s3_server
from fixtures.reference_chat.launcher import ReferenceChat
from reports.history.store import Store

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
CHATS = 6
"""Of each shard."""


def test_a_killed_shard_is_recorded_again_and_every_chat_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with s3_server("chat-e2e") as storage, ReferenceChat.start(reply_ms=300) as chat:
        settings = {
            "SHARDS": 2,
            "WAIT": 0,
            "EVIDENCE": "s3://chat-e2e/runs",
            "HISTORY": "s3://chat-e2e/history",
            "CHAT_E2E_BASE_URL": chat.url,
            "CHAT_E2E_SCENARIOS": "none",
            "CHAT_E2E_CHATS": 2 * CHATS,
            "CHAT_E2E_LANES": 2,
        }
        done = run_jobs(tmp_path, "killed", storage, settings, kill=[1])
        codes = {(one.index, one.number): one.code for one in done.recorded.attempts}
        assert codes == {(0, 0): 0, (1, 0): 137, (1, 1): 0}
        assert done.recorded.complete
        assert [one.code for one in done.judged.attempts] == [0]

        for name, value in storage.items():
            monkeypatch.setenv(name, value)
        place = Place.at("s3://chat-e2e/runs/killed")
        assert Counter(meta.shard for meta in done.metas) == {"1/2": 1, "2/2": 1}
        lines = [
            json.loads(line)
            for run in place.runs()
            for line in (place.read(f"{run}/chats.jsonl") or b"").splitlines()
            if b'"lane"' in line
        ]
        assert Counter((one["lane"], one["chat"]) for one in lines).most_common(1)[0][1] == 1
        assert done.summary["chats"]["observed"] == 2 * CHATS  # type: ignore[index]
        (series,) = done.result.series
        assert series.run_ids == tuple(place.runs())
        assert len(Store("s3://chat-e2e/history").read().entries) == 1

        capsys.readouterr()
        assert main(["result", "s3://chat-e2e/runs/killed", "--short"]) == 0
        assert capsys.readouterr().out.startswith("reference, chromium: pass: ")
