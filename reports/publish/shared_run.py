"""The end of a run that several machines share: its shards are awaited, judged together, and the result is put beside them.

All of it goes through one place, a folder or object storage: ``PLACE/<run_id>/`` has the evidence of each shard,
``PLACE/result/`` the result, with ``result.json`` written last.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from e2e.errors import HarnessError
from e2e.records.attempts import Recorded, one_of_each
from e2e.records.evidence import RUN, read_meta
from e2e.records.places import Place, retried
from e2e.records.printable import printable
from e2e.records.records import RunMeta
from reports.build import build
from reports.history.store import ALLURE, KEEP
from reports.publish.nightly import JUDGED, by_series, judge_series, series_name, write_job_summary

RESULT = "result"
RESULT_FILE = f"{RESULT}/result.json"
_PARTS = ("summary.md", "summary.json", "charts", "allure-report")
_LOOK_EVERY = 5.0  # seconds: object storage reports no change, it has to be listed


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """The outcome for one target in one browser."""

    target: str
    browser: str
    outcome: str
    headline: str
    folder: str
    """Of summary and report, below the place."""
    passed: bool
    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedResult:
    """The outcome of a shared run."""

    series: tuple[SeriesResult, ...]
    left_out: tuple[str, ...] = ()
    """Attempts that do not count, because their shard was recorded again."""
    wrong: tuple[str, ...] = ()
    """What could not be judged, or not be added to the run history."""
    schema: int = 1

    @property
    def exit_code(self) -> int:
        """0: all passed; 1: a check failed or could not look; 2: something could not be judged."""
        if self.wrong or not self.series:
            return 2
        return 0 if all(one.passed for one in self.series) else 1


def judge_shared_run(
    place: Place,
    out: Path,
    *,
    shards: int | None = None,
    wait: float = 0.0,
    history: str | Path | None = None,
    keep: int = KEEP,
    options: Sequence[str] = (),
    report: Callable[[str], None] = lambda _: None,
) -> SharedResult:
    """Wait up to ``wait`` seconds for the shards, judge what is there, and put the result beside the evidence.

    A shard that is still missing then is missing in the verdict. To judge again gives the same result in the same place.
    Raises `HarnessError` when there is no evidence, or when the result cannot be written.
    """
    await_shards(place, shards, wait, report)
    incoming = out / "incoming"
    retried(lambda: place.fetch_runs(incoming))
    series = by_series(incoming)
    if not series:
        raise HarnessError(
            "no shard handed over evidence",
            where=place.address,
            hint="see the logs of the shards; does the address end in the run's name?",
        )
    found: list[SeriesResult] = []
    dropped: list[str] = []
    wrong: list[str] = []
    for (target, browser), folders in sorted(series.items()):
        runs, left_out = one_of_each([Recorded(folder, read_meta(folder)) for folder in folders])
        dropped += left_out
        folder = out / series_name(target, browser)
        ended = judge_series([run.folder for run in runs], folder, options)
        try:
            if ended not in JUDGED:
                raise HarnessError(f"its evidence could not be judged: pytest ended with {ended}, see above")
            built = build(folder, history, keep=keep, allure_history=folder / "history" / ALLURE)
        except HarnessError as error:
            wrong.append(f"{target}, {browser}: {error}")
            continue
        if built.lost is not None:
            wrong.append(f"{target}, {browser}: {built.lost}")
        write_job_summary(folder / "summary.md", os.environ)
        result = SeriesResult(
            target,
            browser,
            built.summary.outcome,
            built.entry.headline,
            f"{RESULT}/{folder.name}",
            ended == 0,
            tuple(run.meta.run_id for run in runs),
        )
        _put_parts(place, folder, result.folder)
        found.append(result)
    shared = SharedResult(tuple(found), tuple(dropped), tuple(wrong))
    path = out / "result.json"
    path.write_text(json.dumps(asdict(shared), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    retried(lambda: place.put_file(path, RESULT_FILE))
    return shared


def read_result(place: Place, wait: float = 0.0) -> SharedResult:
    """The result at a place. Raises `HarnessError` when there is none within ``wait`` seconds, with what is there instead."""
    end = time.monotonic() + wait
    while True:
        raw = place.read(RESULT_FILE)
        if raw is not None:
            return _parsed(raw, place)
        if not _rest(end):
            break
    runs = place.runs()
    raise HarnessError(
        f"{place.address} has no result yet: {len(runs)} recorded {'run is' if len(runs) == 1 else 'runs are'} there",
        hint="`python -m e2e judge PLACE` judges them; --wait 600 waits for the job that does",
    )


def await_shards(
    place: Place, shards: int | None, wait: float, report: Callable[[str], None] = lambda _: None
) -> bool:
    """Wait until each shard has handed over a finished run, at most ``wait`` seconds; returns whether that is so.

    Parameters
    ----------
    shards : how many there are; None to take it from the evidence (``shard`` of its ``run.json``).
    report : gets a line when something has changed.
    """
    end = time.monotonic() + wait
    metas: dict[str, RunMeta] = {}
    shown = ""
    while True:
        for name in place.runs():
            if name not in metas and (meta := _meta(place, name)) is not None:
                metas[name] = meta
        there, of = _count(list(metas.values()), shards)
        line = f"{there} of {of or 'unknown'} shards are there"
        if line != shown:
            report(line)
            shown = line
        if of and there >= of:
            return True
        if not _rest(end):
            return False


def _count(metas: Sequence[RunMeta], shards: int | None) -> tuple[int, int]:
    """How many shards have finished, and how many there should be (0: not known)."""
    finished = {(meta.target, meta.browser, meta.shard) for meta in metas if meta.finished is not None}
    if shards is not None:
        return len(finished), shards
    series = {part[:-1]: int(part[-1].rpartition("/")[2] or 1) for part in finished}
    return len(finished), sum(series.values())


def _meta(place: Place, name: str) -> RunMeta | None:
    raw = place.read(f"{name}/{RUN}".lstrip("/"))
    try:
        return None if raw is None else RunMeta.from_json(json.loads(raw))
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ):  # reported when the runs are fetched and read
        return None


def _rest(end: float) -> bool:
    """Wait a moment; False when the time is over."""
    left = end - time.monotonic()
    if left <= 0:
        return False
    time.sleep(min(_LOOK_EVERY, left))
    return True


def _put_parts(place: Place, folder: Path, name: str) -> None:
    for part in _PARTS:
        path = folder / part
        if path.is_dir():
            retried(lambda path=path, part=part: place.put_folder(path, f"{name}/{part}"))  # type: ignore[misc]
        elif path.is_file():
            retried(lambda path=path, part=part: place.put_file(path, f"{name}/{part}"))  # type: ignore[misc]


def _parsed(raw: bytes, place: Place) -> SharedResult:
    try:
        known: dict[str, Any] = json.loads(raw)
        return SharedResult(
            tuple(_series(one) for one in known["series"]),
            tuple(printable(str(one)) for one in known["left_out"]),
            tuple(printable(str(one)) for one in known["wrong"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HarnessError(
            f"{place.address}/{RESULT_FILE} cannot be read: {repr(error)[:300]}",
            hint="judge the run again with this version",
        ) from error


def _series(raw: Mapping[str, Any]) -> SeriesResult:
    """One line of a result. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
    texts = {name: printable(raw[name]) for name in ("target", "browser", "outcome", "headline", "folder")}
    if not texts["folder"].startswith(f"{RESULT}/") or ".." in texts["folder"].split("/"):
        raise ValueError(f"folder is {texts['folder'][:60]!r}")
    if not isinstance(raw["passed"], bool):
        raise TypeError(f"passed is {raw['passed']!r}")
    return SeriesResult(**texts, passed=raw["passed"], run_ids=tuple(map(str, raw["run_ids"])))


def print_progress(line: str) -> None:
    """A line on stderr, for people who wait."""
    sys.stderr.write(f"{line}\n")
