"""A shard that was recorded more than once counts once: an engine starts it again after its machine died."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from e2e.records.records import RunMeta


class Recorded(NamedTuple):
    """A recorded run."""

    folder: Path
    meta: RunMeta


def one_of_each(runs: Sequence[Recorded]) -> tuple[list[Recorded], list[str]]:
    """The runs to be judged, and a sentence for each that is left out.

    Attempts are runs with the same shard of the same shared run, on the same target and browser. A finished attempt
    counts before one that was interrupted, and the first one before later ones. The choice knows no verdict, so to try
    again until a run passes is not possible.
    """
    chosen: dict[tuple[str, ...], Recorded] = {}
    for run in sorted(runs, key=lambda run: (run.meta.finished is None, run.meta.started, run.meta.run_id)):
        chosen.setdefault(_place_in_run(run), run)
    left_out = [
        f"{run.meta.run_id} is left out: {_named(run.meta)} was recorded again as {other.meta.run_id}"
        for run in runs
        if (other := chosen[_place_in_run(run)]) is not run
    ]
    return [run for run in runs if chosen[_place_in_run(run)] is run], left_out


def _place_in_run(run: Recorded) -> tuple[str, ...]:
    meta = run.meta
    if (
        not meta.shared_run
    ):  # of a run that nobody shares there are no attempts: two of them are two runs, or a mistake
        return (meta.run_id, str(run.folder))
    return (meta.shared_run, meta.target, meta.browser, meta.shard)


def _named(meta: RunMeta) -> str:
    return f"shard {meta.shard.replace('/', ' of ')}" if meta.shard else f"run {meta.shared_run}"
