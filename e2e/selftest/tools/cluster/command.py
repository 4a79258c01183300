"""Runs the Jobs of ``.github/kubernetes`` here, kills a shard, measures chats per minute; writes ``cluster.md`` and ``cluster.json``."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from e2e.errors import HarnessError
from e2e.records.places import Place
from e2e.records.records import RunMeta
from e2e.selftest.tools.cluster.job import Attempt, JobEnded, LocalJob, Wrap
from e2e.selftest.tools.cluster.manifests import Manifest, build, find
from e2e.selftest.tools.cluster.storage import s3_server
from e2e.setup.places import REPO
from fixtures.reference_chat.launcher import ReferenceChat
from reports.publish.shared_run import SharedResult, read_result

KUBERNETES = REPO / ".github" / "kubernetes"
_BUCKET = "chat-e2e"
_OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
nameSuffix: -{name}
resources:
  - {base}
configMapGenerator:
  - name: chat-e2e-settings
    behavior: merge
    literals:
{literals}
replacements:
  - source: {{ kind: ConfigMap, name: chat-e2e-settings, fieldPath: data.SHARDS }}
    targets:
      - select: {{ kind: Job, name: chat-e2e-record }}
        fieldPaths: [spec.completions, spec.parallelism]
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    shards: int
    lanes: int
    chats: int
    job_seconds: float
    """From the start of the Job's first process to the end of its last."""
    recording_seconds: float
    """From the first chat of any shard to the last one."""
    attempts: int
    outcome: str

    @property
    def per_minute(self) -> float:
        """Chats per minute of the whole Job."""
        return 60 * self.chats / self.job_seconds

    @property
    def per_minute_recording(self) -> float:
        """Chats per minute while chats are recorded."""
        return 60 * self.chats / self.recording_seconds


@dataclass(frozen=True, slots=True)
class SharedRun:
    """One run by the Jobs."""

    recorded: JobEnded
    judged: JobEnded
    result: SharedResult
    metas: tuple[RunMeta, ...]
    summary: dict[str, object]


def overlay(folder: Path, name: str, settings: Mapping[str, object]) -> Path:
    """Write an overlay of one run below ``folder``; returns its folder."""
    place = folder / f"overlay-{name}"
    place.mkdir(parents=True, exist_ok=True)
    base = os.path.relpath(KUBERNETES / "run", place.resolve())
    literals = "\n".join(f"      - {key}={value}" for key, value in settings.items())
    text = _OVERLAY.format(name=name, base=base, literals=literals)
    (place / "kustomization.yaml").write_text(text, encoding="utf-8")
    return place


def run_jobs(
    folder: Path,
    name: str,
    storage: Mapping[str, str],
    settings: Mapping[str, object],
    *,
    kill: Sequence[int] = (),
    wrap: Wrap = lambda command, _: command,
) -> SharedRun:
    """Run the record Job, then the judge Job.

    ``kill`` are completion indexes whose first attempt is killed (SIGKILL) after its second chat. Raises `HarnessError` when there
    is no result.
    """
    manifests = build(overlay(folder, name, settings))
    secret = {**storage, "CHAT_E2E_MASK_KEY": secrets.token_hex(16)}
    recorded = _local_job(manifests, "record", folder, secret, wrap).run(lambda going: _kill(going, kill))
    judged = _local_job(manifests, "judge", folder, secret, wrap).run()
    with _variables(storage):
        place = Place.at(f"{settings['EVIDENCE']}/{name}")
        try:
            result = read_result(place)
        except HarnessError as error:
            logs = "\n".join(attempt.log for attempt in (*recorded.attempts, *judged.attempts))
            raise HarnessError(error.what, where=logs[-4000:]) from error
        metas = [json.loads(place.read(f"{run}/run.json") or b"") for run in place.runs()]
        summary = (
            json.loads(place.read(f"{result.series[0].folder}/summary.json") or b"{}")
            if result.series
            else {}
        )
    return SharedRun(recorded, judged, result, tuple(map(RunMeta.from_json, metas)), summary)


def run_cluster(shards: Iterable[int], chats: int, lanes: int, reply_ms: int, out: Path) -> int:
    """Measure the table, then kill a shard. Returns 1 if something differs from what is expected.

    ``chats`` and ``lanes`` are those of one shard, as on machines of one size.
    """
    console = Console(highlight=False)
    folder = out / "cluster"
    shutil.rmtree(folder, ignore_errors=True)
    rows: list[Row] = []
    wrong: list[str] = []
    # What waits for a model is not slowed down by its neighbours on this machine.
    with s3_server(_BUCKET) as storage, ReferenceChat.start(reply_ms=reply_ms) as chat:
        common = {"EVIDENCE": f"s3://{_BUCKET}/runs", "HISTORY": f"s3://{_BUCKET}/history", "WAIT": 0}
        common |= {"CHAT_E2E_BASE_URL": chat.url, "CHAT_E2E_SCENARIOS": "none"}

        def settings(count: int) -> dict[str, object]:
            return common | {
                "SHARDS": count,
                "CHAT_E2E_CHATS": chats * count,
                "CHAT_E2E_LANES": lanes * count,
            }

        for count in shards:
            done = run_jobs(folder, f"table{count}", storage, settings(count))
            rows.append(_row(done, count, lanes * count))
            wrong += _differences(done, count, chats * count, attempts=count)
            console.print(f"{count} shards: {rows[-1].per_minute:.0f} chats a minute, {rows[-1].outcome}")
        done = run_jobs(folder, "killed", storage, settings(2), kill=[1])
        wrong += _differences(done, 2, chats * 2, attempts=3)
        codes = [attempt.code for attempt in done.recorded.attempts]
        console.print(
            f"a shard killed (SIGKILL) and recorded again: exit codes {codes}, {done.result.series[0].outcome}"
        )
    report = {"rows": [asdict(row) for row in rows], "reply_ms": reply_ms, "wrong": wrong}
    (out / "cluster.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (out / "cluster.md").write_text(table(rows), encoding="utf-8")
    for line in wrong:
        console.print(f"MISS {line}", markup=False)
    console.print(f"written: {out / 'cluster.md'}")
    return 1 if wrong else 0


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, each compared with the first one."""
    lines = [
        "| shards | lanes | chats | Job | chats a minute | times the first row | while recording | times the first row |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        whole = row.per_minute / rows[0].per_minute
        recording = row.per_minute_recording / rows[0].per_minute_recording
        lines.append(
            f"| {row.shards} | {row.lanes} | {row.chats} | {row.job_seconds:.1f} s | {row.per_minute:.0f} "
            f"| {whole:.2f} | {row.per_minute_recording:.0f} | {recording:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _local_job(
    manifests: Sequence[Manifest], name: str, folder: Path, secret: Mapping[str, str], wrap: Wrap
) -> LocalJob:
    return LocalJob(find(manifests, "Job", f"chat-e2e-{name}"), manifests, folder, secret=secret, wrap=wrap)


def _kill(going: Sequence[Attempt], indexes: Sequence[int]) -> None:
    for attempt in going:
        if attempt.index in indexes and attempt.number == 0 and attempt.process.poll() is None:
            lines = [p.read_bytes().count(b"\n") for p in attempt.tmp.glob("out/evidence/*/chats.jsonl")]
            if sum(lines) >= 2:
                attempt.process.send_signal(signal.SIGKILL)


def _row(done: SharedRun, shards: int, lanes: int) -> Row:
    began = min(meta.started for meta in done.metas)
    ended = max(meta.finished or 0.0 for meta in done.metas)
    chats = sum(meta.planned_chats for meta in done.metas)
    outcome = done.result.series[0].outcome
    return Row(
        shards, lanes, chats, done.recorded.seconds, ended - began, len(done.recorded.attempts), outcome
    )


def _differences(done: SharedRun, shards: int, chats: int, *, attempts: int) -> list[str]:
    """What is not as it should be."""
    (one,) = done.result.series
    observed = done.summary["chats"]["observed"]  # type: ignore[index]
    checks = {
        f"the record Job has {attempts} attempts": len(done.recorded.attempts) == attempts,
        "every shard succeeded": done.recorded.complete,
        f"{shards} shards are judged": len(one.run_ids) == shards,
        f"{chats} chats count, not {observed}": observed == chats,
        f"the verdict is pass, not {one.outcome}": one.outcome in ("pass", "inconclusive"),
    }
    return [f"{shards} shards: {name}" for name, true in checks.items() if not true]


class _variables:  # noqa: N801 - reads as a function
    """Environment variables for a while."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._values}
        os.environ.update(self._values)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
