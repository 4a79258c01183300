"""What Allure is told of a run besides its results: name, history, environments, categories, key figures and gates.

Allure's own configuration, ``allurerc.mjs``, is a plain file; what differs from run to run reaches it as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.analysis.model.run import Run
from e2e.files import replace_file
from reports.charts.figures import FIGURES, GROUPS, figures
from reports.summary.aggregate import Judged

VARIABLE = "CHAT_E2E_ALLURE"
"""Environment variable that names the JSON file."""
HISTORY_LIMIT = 400  # nights

GATES: Mapping[str, tuple[str, float]] = {
    "reuse_bound": ("metricMax", 30),
    "effective_providers": ("metricMin", 1.5),
    "log10_e": ("metricMax", 4.26),
    "chat_latency_p95": ("metricMaxDeltaPercent", 300),
}
"""Key figure -> Allure's rule and the limit beyond which the release gate says no, unless the profile says another (``[gates]``)."""


_SAME_QUESTION: Mapping[str, tuple[str, ...]] = {
    "reuse_bound": ("rotation.sent_id_is_fresh",),
    "effective_providers": ("provider.varies", "provider.balanced"),
    "log10_e": ("provider.varies", "provider.balanced"),
}
"""Key figure -> the checks that ask the same."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A target in a browser: results are told apart by these labels, not by a file of which the last one wins."""

    target: str
    browser: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.target}, {self.browser}" if self.browser else self.target

    @property
    def id(self) -> str:
        """For Allure: letters, digits, dashes and underscores."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{self.target}-{self.browser}").strip("-")


@dataclass(frozen=True, slots=True)
class AllureRun:
    """One report's own configuration."""

    name: str = ""
    """Names the point in the history: building a report again replaces it."""
    environments: tuple[Environment, ...] = ()
    causes: tuple[tuple[str, str], ...] = ()
    """Name and layer."""
    gates: Mapping[str, float] = field(default_factory=dict)
    """Key figures that the gate looks at, and their limits."""
    history: Path | None = None
    base_url: str = ""
    """Where the report will be found; links of the history begin with it."""

    def to_json(self) -> dict[str, Any]:
        """As ``allurerc.mjs`` reads it."""
        return {
            "name": self.name,
            "historyPath": str(self.history) if self.history else None,
            "historyBaseUrl": self.base_url or None,
            "historyLimit": HISTORY_LIMIT,
            "environments": [
                {
                    "id": e.id,
                    "name": e.name,
                    "target": e.target,
                    "browser": e.browser,
                    "variables": dict(e.facts),
                }
                for e in self.environments
            ],
            "causes": [{"name": name, "layer": layer} for name, layer in self.causes],
            "performance": {
                "groups": {key: {"title": title} for key, title in GROUPS.items()},
                "metrics": {
                    key: {"title": f.title, "unit": f.unit, "better": f.better, "group": f.group}
                    for key, f in FIGURES.items()
                },
            },
            "gates": [
                {GATES[key][0]: {"key": key, "value": limit, "unit": FIGURES[key].unit}}
                for key, limit in self.gates.items()
            ],
        }


def allure_run(judged: Judged, history: Path | None = None, base_url: str = "") -> AllureRun:
    """The configuration for the report of judged runs."""
    return AllureRun(
        name=f"{judged.run.metas[0].title}, {' '.join(judged.summary.run_ids[:3])}",
        environments=environments(judged.run),
        causes=tuple((c.name, c.layer) for c in judged.judgement.causes),
        gates=_gates(judged),
        history=history,
        base_url=base_url,
    )


def _gates(judged: Judged) -> dict[str, float]:
    """The limits on the figures that this run can tell; the newest run's profile says them."""
    said = max(judged.run.metas, key=lambda m: m.started).gates
    policy = judged.run.policy
    alone = policy.provider_count == 1 or len(policy.providers or ()) == 1
    seen = figures(judged.run)
    return {
        name: said.get(name, limit)
        for name, (_, limit) in GATES.items()
        if name in seen and not _is_known(judged, name) and not (name == "effective_providers" and alone)
    }


def _is_known(judged: Judged, figure: str) -> bool:
    """Whether a fault that is accepted for now explains the figure: what does not fail the run does not close the gate."""
    verdicts = {v.name: v for v in judged.judgement.verdicts}
    return any(verdicts[name].accepted for name in _SAME_QUESTION.get(figure, ()))


def environments(run: Run) -> tuple[Environment, ...]:
    """One for each target and browser among the runs, with what the newest of these runs says of itself."""
    found: dict[tuple[str, str], Environment] = {}
    counts: dict[tuple[str, str], int] = {}
    for meta in sorted(run.metas, key=lambda m: m.started):
        key = (meta.target, meta.browser)
        counts[key] = counts.get(key, 0) + 1
        facts = {"target": meta.target, "url": meta.url, **meta.environment}
        if counts[key] > 1:
            facts["runs"] = str(counts[key])
        found[key] = Environment(*key, {name: value for name, value in facts.items() if value})
    return tuple(found.values())


def write_metrics(results: Path, run: Run) -> None:
    """``run-perf.json``: the key figures as Allure reads metrics, a bare array."""
    began = min(meta.started for meta in run.metas)
    ended = max(meta.finished or meta.started for meta in run.metas)
    samples = [
        {"id": f"{run.metas[0].run_id}-{key}", "key": key, "value": value, "start": int(1000 * began), "stop": int(1000 * ended)}
        for key, value in figures(run).items()
    ]  # fmt: skip
    (results / "run-perf.json").write_text(json.dumps(samples), encoding="utf-8")


def forget_point(history: Path, name: str) -> None:
    """Take a point out of Allure's history: the same run reported twice is no second night."""
    if name:
        _keep_points(history, lambda other: other != name)


def forget_run(history: Path, run_id: str) -> None:
    """Take every point of a run out of Allure's history."""
    _keep_points(history, lambda name: run_id not in name.split())


def _keep_points(history: Path, wanted: Callable[[str], bool]) -> None:
    if not history.is_file():
        return
    lines = history.read_text(encoding="utf-8").splitlines()
    names = [_point_name(line) for line in lines]
    kept = [line for line, name in zip(lines, names, strict=True) if name is not None and wanted(name)]
    if len(kept) != len(lines):
        replace_file(history, "".join(f"{line}\n" for line in kept))


def _point_name(line: str) -> str | None:
    """The name of a point; None for a line that cannot be read: a history that was cut off loses its last night only."""
    try:
        return str(json.loads(line).get("name", ""))
    except (ValueError, AttributeError):
        return None


def labels(environment: Sequence[Environment]) -> list[dict[str, str]]:
    """The labels by which results are told apart, for a result that is made here."""
    return [
        {"name": name, "value": value}
        for one in environment[:1]
        for name, value in (("target", one.target), ("browser", one.browser))
        if value
    ]
