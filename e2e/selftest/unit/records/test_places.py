"""Evidence on object storage: complete or absent, masked, and each shard once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest

from e2e.errors import HarnessError
from e2e.records.attempts import Recorded, one_of_each
from e2e.records.evidence import RUN, read_meta, read_run
from e2e.records.places import Place, is_address, local_runs, retried, shared_run, with_shared_run
from e2e.records.records import RunMeta
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_run


@pytest.fixture
def place() -> Place:
    fsspec.filesystem("memory").store.clear()
    return Place.at("memory://bucket/chats")


def recorded(out: Path, name: str = "a", **meta: Any) -> Path:
    return write_run(out, with_meta(make_run(), run_id=name, **meta))


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("s3://bucket/x", True),
            ("memory://x", True),
            ("simplecache::s3://bucket/x", True),
            ("reports/out", False),
            ("/tmp/a:b", False),
            ("C:\\out", False),
        ],
    )
    def test_an_address_differs_from_a_path(self, text: str, expected: bool) -> None:
        assert is_address(text) is expected

    @pytest.mark.parametrize(
        ("job", "name"),
        [
            ("chat-e2e-record-29384920", "29384920"),
            ("chat-e2e-judge-29384920", "29384920"),
            ("x", "x"),
            ("", ""),
        ],
    )
    def test_jobs_of_one_schedule_share_a_name(self, job: str, name: str) -> None:
        assert shared_run({"JOB_NAME": job}) == name

    def test_the_name_is_filled_in(self) -> None:
        assert with_shared_run("s3://b/{run}/x", {"JOB_NAME": "record-7"}) == "s3://b/7/x"
        assert with_shared_run("s3://b/x", {}) == "s3://b/x"

    def test_without_a_job_there_is_no_name(self) -> None:
        with pytest.raises(HarnessError, match="JOB_NAME is not set"):
            with_shared_run("s3://b/{run}", {})

    def test_an_unknown_kind_names_the_package_to_install(self) -> None:
        with pytest.raises(HarnessError, match="such as s3fs"):
            Place.at("nothing://bucket")


class TestHandingOver:
    def test_a_run_comes_back_as_it_was(self, place: Place, tmp_path: Path) -> None:
        folder = recorded(tmp_path / "a")
        place.put_run(folder)
        (fetched,) = local_runs(place.address, tmp_path / "fetched")
        before, after = read_run(folder), read_run(fetched)
        assert (after.meta, after.events, after.chats) == (before.meta, before.events, before.chats)

    def test_run_json_is_written_last(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[str] = []
        monkeypatch.setattr(Place, "put_file", lambda _, path, name: written.append(path.name))
        folder = recorded(tmp_path / "a")
        (folder / "z").mkdir()
        (folder / "z" / "z.png").touch()
        place.put_run(folder)
        assert written[-1] == RUN
        assert sorted(written) == sorted(p.name for p in folder.rglob("*") if p.is_file())

    def test_a_copy_that_broke_off_is_no_run(self, place: Place, tmp_path: Path) -> None:
        """The process was killed before run.json, or between two files."""
        dead, whole = recorded(tmp_path / "dead", "dead"), recorded(tmp_path / "whole", "whole")
        place.put_file(dead / "events.jsonl", "dead/events.jsonl")
        place.put_file(dead / "chats.jsonl", "dead/chats.jsonl")
        place.put_run(whole)
        assert place.runs() == ["whole"]

    def test_traces_stay_behind(self, place: Place, tmp_path: Path) -> None:
        """They hold session IDs in the clear."""
        folder = recorded(tmp_path / "a")
        (folder / "trace-lane-0.zip").touch()
        place.put_run(folder)
        assert not [path for path in place.fs.find(place.root) if path.endswith(".zip")]

    def test_a_fetched_run_is_not_fetched_again(self, place: Place, tmp_path: Path) -> None:
        place.put_run(recorded(tmp_path / "a"))
        place.fetch_runs(tmp_path / "fetched")
        place.fs.rm_file(f"{place.root}/a/chats.jsonl")
        (folder,) = place.fetch_runs(tmp_path / "fetched")
        assert (folder / "chats.jsonl").is_file()

    def test_an_interrupted_fetch_is_repeated(self, place: Place, tmp_path: Path) -> None:
        place.put_run(recorded(tmp_path / "a"))
        (tmp_path / "fetched" / "a").mkdir(parents=True)
        (tmp_path / "fetched" / "a" / "chats.jsonl").write_text("half a l")
        (folder,) = place.fetch_runs(tmp_path / "fetched")
        assert read_run(folder).chats

    def test_one_run_and_an_output_folder_are_found_too(self, place: Place, tmp_path: Path) -> None:
        place.put_run(recorded(tmp_path / "a"))
        assert Place.at(f"{place.address}/a").runs() == [""]
        Place.at("memory://out/evidence").put_run(recorded(tmp_path / "b", "b"))
        assert Place.at("memory://out").runs() == ["evidence/b"]

    def test_a_name_that_leads_out_of_the_folder_is_ignored(self, place: Place, tmp_path: Path) -> None:
        place.put_run(recorded(tmp_path / "a"))
        place.fs.store["/bucket/chats/a/../../../../escaped"] = place.fs.store["/bucket/chats/a/run.json"]
        place.fetch_runs(tmp_path / "in" / "fetched")
        assert not list(tmp_path.rglob("escaped"))

    def test_an_empty_place_is_an_error_with_a_hint(self, place: Place, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="holds no recorded run"):
            local_runs(place.address, tmp_path)

    def test_errors_of_the_storage_have_a_hint(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: str) -> bytes:
            raise RuntimeError("NoCredentialsError: Unable to locate credentials")

        monkeypatch.setattr(place.fs, "cat_file", refuse)
        with pytest.raises(
            HarnessError, match=r"could not be read: NoCredentialsError(?s:.*)AWS_ENDPOINT_URL"
        ):
            place.read("x")

    def test_a_moment_of_failure_is_survived(self) -> None:
        answers = [HarnessError("a"), HarnessError("b"), 3]

        def take() -> int:
            answer = answers.pop(0)
            if isinstance(answer, HarnessError):
                raise answer
            assert isinstance(answer, int)
            return answer

        assert retried(take) == 3


class TestAttempts:
    @staticmethod
    def meta(name: str, **fields: Any) -> Recorded:
        known: RunMeta = make_run().meta
        return Recorded(
            Path(name), replace(known, run_id=name, **{"shared_run": "7", "shard": "1/2", **fields})
        )

    def test_a_shard_that_was_recorded_twice_counts_once(self) -> None:
        first = self.meta("first", started=1.0, finished=2.0)
        again = self.meta("again", started=3.0, finished=4.0)
        other = self.meta("other", shard="2/2")
        kept, left_out = one_of_each([again, first, other])
        assert [run.meta.run_id for run in kept] == ["first", "other"]
        assert left_out == ["again is left out: shard 1 of 2 was recorded again as first"]

    def test_a_finished_attempt_counts_before_an_interrupted_one(self) -> None:
        cut = self.meta("cut", started=1.0, finished=None)
        whole = self.meta("whole", started=3.0, finished=4.0)
        assert one_of_each([cut, whole])[0] == [whole]

    @pytest.mark.parametrize(
        "fields",
        [
            {"shard": "2/2"},
            {"shared_run": "8"},
            {"target": "acme"},
            {"environment": {"browser": "firefox 153"}},
            {"shared_run": ""},
        ],
    )
    def test_other_parts_other_runs_and_other_browsers_are_no_attempts(self, fields: dict[str, Any]) -> None:
        both = [self.meta("a"), self.meta("b", **fields)]
        assert one_of_each(both) == (both, [])

    def test_runs_that_nobody_shares_are_all_kept(self) -> None:
        both = [self.meta("a", shared_run=""), self.meta("b", shared_run="")]
        assert one_of_each(both) == (both, [])

    def test_the_name_of_the_shared_run_is_in_the_evidence(self, tmp_path: Path) -> None:
        assert read_meta(recorded(tmp_path / "a", shared_run="29384920")).shared_run == "29384920"


def test_a_folder_is_fetched_whole_and_its_files_are_counted(place: Place, tmp_path: Path) -> None:
    source, here = tmp_path / "source", tmp_path / "here"
    (source / "deep").mkdir(parents=True)
    (source / "run.json").write_text("{}")
    (source / "deep" / "a.txt").write_text("a")
    place.put_folder(source, "run-1")
    assert place.fetch_folder("run-1", here) == 2
    assert sorted(p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file()) == [
        "deep/a.txt",
        "run.json",
    ]
    assert place.fetch_folder("run-2", here) == 0
