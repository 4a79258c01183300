"""The local stand-in for a cluster keeps to the Jobs' rules: what is retried, what is not, and what a process gets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from e2e.selftest.tools.cluster.command import KUBERNETES, Row, table
from e2e.selftest.tools.cluster.job import JobEnded, LocalJob
from e2e.selftest.tools.cluster.manifests import build, find

RUN = build(KUBERNETES / "run")


def local_job(tmp_path: Path, name: str = "record", script: str = "true", **settings: str) -> LocalJob:
    """A Job of the repository; each of its processes runs ``script`` instead, with its folder as $1."""
    return LocalJob(
        find(RUN, "Job", f"chat-e2e-{name}"),
        RUN,
        tmp_path,
        secret={"CHAT_E2E_MASK_KEY": "0" * 32},
        name=f"chat-e2e-{name}-7",
        wrap=lambda _, tmp: ["sh", "-c", script, "sh", str(tmp)],
        settings=settings,
    )


def attempts(ended: JobEnded) -> dict[int, list[int | None]]:
    """Completion index -> the exit codes of its attempts."""
    found: dict[int, list[int | None]] = {}
    for attempt in ended.attempts:
        found.setdefault(attempt.index, []).append(attempt.code)
    return found


class TestRecordJob:
    def test_a_killed_shard_is_recorded_again_and_only_that_one(self, tmp_path: Path) -> None:
        ended = local_job(tmp_path, script='case "$1" in *-2-0) kill -9 $$;; esac').run()
        assert attempts(ended) == {0: [0], 1: [0], 2: [137, 0], 3: [0]}
        assert ended.complete

    def test_a_shard_is_given_up_after_its_third_attempt(self, tmp_path: Path) -> None:
        ended = local_job(tmp_path, script='case "$1" in *-1-*) exit 3;; esac').run()
        assert attempts(ended)[1] == [3, 3, 3]
        assert (ended.succeeded, ended.failed) == ({0, 2, 3}, {1})

    def test_a_shard_that_handed_over_incomplete_evidence_is_not_recorded_again(self, tmp_path: Path) -> None:
        ended = local_job(tmp_path, script='case "$1" in *-1-*) exit 1;; esac').run()
        assert Counter(attempt.index for attempt in ended.attempts) == {0: 1, 1: 1, 2: 1, 3: 1}
        assert ended.failed == {1}

    def test_a_mistake_in_the_options_ends_the_job(self, tmp_path: Path) -> None:
        ended = local_job(tmp_path, script='case "$1" in *-0-*) exit 4;; esac; exec sleep 60').run()
        assert ended.failed == {0, 1, 2, 3}
        assert len(ended.attempts) == 4

    def test_a_machine_that_is_taken_away_does_not_count(self, tmp_path: Path) -> None:
        assert local_job(tmp_path).action(137, disrupted=True) == "Ignore"
        assert local_job(tmp_path).action(1, disrupted=True) == "Ignore"
        assert local_job(tmp_path).action(137) == "Count"

    def test_the_index_is_the_shard_and_the_name_ends_in_the_run(self, tmp_path: Path) -> None:
        job = local_job(tmp_path, SHARDS="4", EVIDENCE="s3://b/runs")
        assert job.environment(2)["JOB_COMPLETION_INDEX"] == "2"
        assert job.environment(2)["JOB_NAME"] == "chat-e2e-record-7"
        command = job.command(2)
        assert command[:4] == [".venv/bin/python", "-m", "pytest", "e2e/specs"]
        assert command[command.index("--shard") + 1] == "/4"
        assert command[command.index("--evidence-to") + 1] == "s3://b/runs/{run}"

    def test_each_attempt_has_a_folder_for_temporary_files(self, tmp_path: Path) -> None:
        ended = local_job(tmp_path, script='echo "$TMPDIR"; test "$TMPDIR" = "$1"').run()
        assert ended.complete
        assert len({attempt.log for attempt in ended.attempts}) == 4


class TestJudgeJob:
    @pytest.mark.parametrize(("code", "tries"), [(0, 1), (1, 1), (2, 3)])
    def test_a_verdict_is_final_and_what_could_not_be_judged_is_tried_again(
        self, tmp_path: Path, code: int, tries: int
    ) -> None:
        ended = local_job(tmp_path, "judge", script=f"exit {code}").run()
        assert attempts(ended) == {0: [code] * tries}
        assert ended.complete is (code == 0)

    def test_it_is_no_shard(self, tmp_path: Path) -> None:
        assert "JOB_COMPLETION_INDEX" not in local_job(tmp_path, "judge").environment(0)


def test_the_table_compares_each_number_of_shards_with_the_first() -> None:
    one = Row(1, 2, 30, job_seconds=30.0, recording_seconds=20.0, attempts=1, outcome="pass")
    four = Row(4, 8, 120, job_seconds=40.0, recording_seconds=20.0, attempts=4, outcome="pass")
    lines = table([one, four]).splitlines()
    assert lines[2:] == [
        "| 1 | 2 | 30 | 30.0 s | 60 | 1.00 | 90 | 1.00 |",
        "| 4 | 8 | 120 | 40.0 s | 180 | 3.00 | 360 | 4.00 |",
    ]
    assert {line.count("|") for line in lines} == {9}
