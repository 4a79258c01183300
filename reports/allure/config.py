"""The configuration of Allure for one run: verdict, history, environments, categories, key figures and gates.

Allure's own configuration, ``allurerc.mjs``, is the same for all runs; the values of a run reach it as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.files import replace_file
from reports.charts.figures import FIGURES, GROUPS, figures

if TYPE_CHECKING:  # they load pandas, which the build of a report that is composed already does not need
    from e2e.analysis.model.run import Run
    from reports.summary.aggregate import Judged
    from reports.summary.schema import Summary

VARIABLE = "CHAT_E2E_ALLURE"
"""Environment variable that names the JSON file."""
WHOLE = "run-result.json"
"""The result in place of missing ones: of a killed session, or of evidence alone."""
HISTORY_LIMIT = 400  # runs
_SEPARATOR = " · "  # between verdict and name in the report's heading

GATES: Mapping[str, tuple[str, float]] = {
    "reuse_bound": ("metricMax", 30),
    "effective_providers": ("metricMin", 1.5),
    "log10_e": ("metricMax", 4.26),
    "chat_latency_p95": ("metricMaxDeltaPercent", 300),
}
"""Key figure -> Allure's rule, and the limit of the release gate unless the profile sets another (``[gates]``)."""

_SAME_PROPERTY: Mapping[str, tuple[str, ...]] = {
    "reuse_bound": ("rotation.sent_id_is_fresh",),
    "effective_providers": ("provider.varies", "provider.balanced"),
    "log10_e": ("provider.varies", "provider.balanced"),
}
"""Key figure -> the checks that judge the same property."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A target in a browser. Results are assigned to it by labels: of several environment files Allure keeps the last only."""

    target: str
    browser: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name shown in the report."""
        return f"{self.target}, {self.browser}" if self.browser else self.target

    @property
    def id(self) -> str:
        """The ID for Allure: letters, digits, dashes and underscores."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{self.target}-{self.browser}").strip("-")


@dataclass(frozen=True, slots=True)
class AllureCause:
    """A cause as the report's category shows it."""

    name: str
    layer: str
    where: str = ""
    """The first code location."""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class AllureRun:
    """The configuration of one report."""

    name: str = ""
    """Title and run IDs. It names the point in Allure's history: building a report again replaces it."""
    verdict: str = ""
    """Overall verdict, cause, layer, code location and hint: the heading of report and dashboard."""
    environments: tuple[Environment, ...] = ()
    causes: tuple[AllureCause, ...] = ()
    gates: Mapping[str, float] = field(default_factory=dict)
    """Key figures of the release gate, and their limits."""
    history: Path | None = None
    base_url: str = ""
    """Address of the published report, for links of the history."""

    def to_json(self) -> dict[str, Any]:
        """The JSON that ``allurerc.mjs`` reads."""
        return {
            "name": _SEPARATOR.join(part for part in (self.verdict, self.name) if part),
            "verdict": self.verdict,
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
            "causes": [asdict(cause) for cause in self.causes],
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
    return allure_run_of((judged,), judged.summary, history, base_url)


def allure_run_of(
    judged: Sequence[Judged],
    summary: Summary,
    history: Path | None = None,
    base_url: str = "",
    more: Sequence[Environment] = (),
) -> AllureRun:
    """The configuration for the report of judged runs, each of one browser; ``more`` are environments without a run.

    A key figure has the limit of the gate that is the strictest of its runs; the figure is the worst of them (`metrics`).
    """
    from reports.summary.verdict import verdict_line

    gates: dict[str, float] = {}
    for one in judged:
        for name, limit in _gates(one).items():
            strict = max if "Min" in GATES[name][0] else min
            gates[name] = strict(gates.get(name, limit), limit)
    return AllureRun(
        name=f"{judged[0].run.metas[0].title}, {' '.join(summary.run_ids[:3])}",
        environments=(*(e for one in judged for e in environments(one.run)), *more),
        verdict=verdict_line(summary, with_hint=True),
        causes=tuple(
            AllureCause(c.name, c.layer, c.where[0] if c.where else "", c.advice) for c in summary.causes
        ),
        gates=gates,
        history=history,
        base_url=base_url,
    )


def _gates(judged: Judged) -> dict[str, float]:
    """The limits on the figures of this run, by the profile of the newest run."""
    limits = max(judged.run.metas, key=lambda m: m.started).gates
    policy = judged.run.policy
    single = policy.provider_count == 1 or len(policy.providers or ()) == 1
    seen = figures(judged.run)
    return {
        name: limits.get(name, limit)
        for name, (_, limit) in GATES.items()
        if name in seen and not _is_known(judged, name) and not (name == "effective_providers" and single)
    }


def _is_known(judged: Judged, figure: str) -> bool:
    """Whether a known issue explains the figure: a failure that does not fail the run does not close the gate."""
    verdicts = {v.name: v for v in judged.judgement.verdicts}
    return any(verdicts[name].accepted for name in _SAME_PROPERTY.get(figure, ()))


def environments(run: Run) -> tuple[Environment, ...]:
    """One for each target and browser of the runs, with the facts of the newest of these runs."""
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


def metrics(*runs: Run) -> str:
    """The text of ``run-perf.json``: the key figures in Allure's format for metrics, a bare array.

    Of several runs, each of one browser, it has the worst of each figure: a gate must not close on the better one only.
    """
    metas = [meta for run in runs for meta in run.metas]
    began = min(meta.started for meta in metas)
    ended = max(meta.finished or meta.started for meta in metas)
    found: dict[str, float] = {}
    for run in runs:
        for key, value in figures(run).items():
            worst = min if FIGURES[key].better == "higher" else max
            found[key] = worst(found.get(key, value), value)
    samples = [
        {"id": f"{metas[0].run_id}-{key}", "key": key, "value": value, "start": int(1000 * began), "stop": int(1000 * ended)}
        for key, value in found.items()
    ]  # fmt: skip
    return json.dumps(samples)


def results_of_tests(results: Path) -> int:
    """How many tests left a result in this folder."""
    return sum(path.name != WHOLE for path in results.glob("*-result.json"))


def forget_point(history: Path, name: str) -> None:
    """Remove a point from Allure's history: building a report again must not count as another run."""
    if name:
        _keep_points(history, lambda other: other.rpartition(_SEPARATOR)[2] != name)


def forget_run(history: Path, run_id: str) -> None:
    """Remove all points of a run from Allure's history."""
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
    """The name of a point; None for an unreadable line, so that a truncated history loses its last point only."""
    try:
        return str(json.loads(line).get("name", ""))
    except (ValueError, AttributeError):
        return None


def labels(environment: Sequence[Environment]) -> list[dict[str, str]]:
    """The labels of the environment, for a result that is created here."""
    return [
        {"name": name, "value": value}
        for one in environment[:1]
        for name, value in (("target", one.target), ("browser", one.browser))
        if value
    ]
