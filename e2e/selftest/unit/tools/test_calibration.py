"""make calibrate: simulated campaigns, counts of alarms, files, exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from e2e.cli.main import main
from e2e.selftest.tools.calibration import measure, write
from e2e.selftest.tools.calibration.campaigns import FAULTS, LANES, healthy
from e2e.selftest.tools.calibration.command import run_calibration
from e2e.selftest.tools.calibration.measure import (
    CHECKS,
    LEVELS,
    Cell,
    Rate,
    beyond,
    cells,
    interval,
    measure_cell,
)

HEALTHY = Rate("provider.varies", 3, 20, 1e-2, None, 20_000, 100, 0.005, 0.004, 0.006)


def draw(fault: str, k: int = 3, n: int = 40, times: int = 4000) -> np.ndarray:
    return FAULTS[fault](np.random.default_rng(1), times, k, n)


# -- the campaigns


def test_healthy_campaign_has_equal_shares() -> None:
    found = healthy(np.random.default_rng(1), 4000, 5, 20)
    assert found.shape == (4000, 20)
    assert np.bincount(found.ravel()) / found.size == pytest.approx([0.2] * 5, abs=0.01)


def test_pinned_campaign_has_one_provider() -> None:
    found = draw("pinned")
    assert (found == found[:, :1]).all()
    assert len(np.unique(found)) == 3


def test_sticky_campaign_keeps_half_of_the_providers_of_a_lane() -> None:
    found = draw("sticky 50 %")
    assert (found[:, LANES:] == found[:, :-LANES]).mean() == pytest.approx(0.5 + 0.5 / 3, abs=0.01)
    assert (found[:, 1:LANES] == found[:, : LANES - 1]).mean() == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("k", [2, 3, 9])
def test_cycle_repeats_in_each_lane(k: int) -> None:
    found = draw("cycle", k=k, n=8 * LANES)
    for lane in range(LANES):
        assert (np.diff(found[:, lane::LANES].astype(int), axis=1) % k == 1).all()


def test_skewed_campaign_has_its_shares() -> None:
    assert np.bincount(draw("skewed 60/20/20").ravel()) / 160_000 == pytest.approx([0.6, 0.2, 0.2], abs=0.01)
    with pytest.raises(ValueError, match="3 shares for 9 providers"):
        draw("skewed 60/20/20", k=9)


# -- the counting


@pytest.mark.parametrize(
    ("alarms", "campaigns", "low", "high"),
    [
        (0, 20, 0.0, 0.1684),
        (20, 20, 0.8316, 1.0),
        (5, 10, 0.1871, 0.8129),
        (0, 20_000, 0.0, 1.844e-4),
    ],  # Clopper-Pearson
)
def test_interval_equals_published_tables(alarms: int, campaigns: int, low: float, high: float) -> None:
    assert interval(alarms, campaigns) == pytest.approx((low, high), rel=1e-3)


def test_cells_cover_every_number_of_providers_and_sessions() -> None:
    found = cells(20_000, 1)
    of = {(c.k, c.n) for c in found if c.fault is None}
    assert {k for k, _ in of} == {2, 3, 5, 9}
    assert {n for _, n in of} >= {20, 50, 100}
    assert {c.fault for c in found} == {None, *FAULTS}


def test_cell_is_judged_by_every_check_at_every_threshold() -> None:
    rates = measure_cell(Cell(3, 20, "pinned", 20, 1))
    assert [(r.check, r.alpha) for r in rates] == [(c, a) for c in CHECKS for a in LEVELS]
    found = {r.check: r.rate for r in rates if r.alpha == 1e-5}
    assert found == {"provider.varies": 1.0, "provider.balanced": 1.0, "provider.independent": 0.0}


def test_cell_is_reproducible_from_its_seed() -> None:
    cell = Cell(3, 20, None, 50, 5)
    assert measure_cell(cell) == measure_cell(cell)


def test_cycle_and_skew_are_detected_by_their_checks() -> None:
    for fault, k, n in (("cycle", 3, 40), ("skewed 80/10/10", 3, 50)):
        rates = {r.check: r.rate for r in measure_cell(Cell(k, n, fault, 40, 1)) if r.alpha == 1e-5}
        assert rates[write.made_for(fault)] > 0.9


def test_judging_equal_tables_once_changes_no_count() -> None:
    drawn = healthy(np.random.default_rng(2), 300, 4, 20)
    one_by_one = measure._by_counts(drawn, 4, measure._varies)
    assert measure._by_counts(drawn, 4, measure._varies, measure._spread_of) == one_by_one


@pytest.mark.parametrize(
    ("change", "above"),
    [
        ({"alarms": 200}, False),
        ({"alarms": 300}, True),
        ({"alarms": 300, "fault": "pinned"}, False),  # power, not a false alarm
        ({"alarms": 300, "fault": "skewed 60/20/20", "check": "provider.independent"}, True),
        ({"alarms": 1, "alpha": 1e-5}, False),
        ({"alarms": 4, "alpha": 1e-5}, True),
    ],
)
def test_only_significant_false_alarm_rates_are_reported(change: dict[str, object], above: bool) -> None:
    rate = replace(HEALTHY, **change)  # type: ignore[arg-type]
    assert beyond([rate]) == ([rate] if above else [])


# -- the command


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (measure, write):
        monkeypatch.setattr(module, "PROVIDERS", (3,))
        monkeypatch.setattr(module, "SESSIONS", (20, 30))


@pytest.mark.usefixtures("small")
def test_command_writes_page_chart_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_calibration(80, seed=3, workers=1, out=tmp_path) == 0
    found = json.loads((tmp_path / "calibration.json").read_text())
    assert (found["schema"], found["seed"], found["campaigns"]) == (1, 3, 80)
    assert set(found["versions"]) == {"python", "numpy", "scipy"}
    keys = "check k n alpha fault campaigns alarms rate low high".split()
    assert all(list(rate) == keys for rate in found["rates"])
    assert sum(rate["fault"] is None for rate in found["rates"]) == 2 * 3 * 3
    page = (tmp_path / "calibration.md").read_text()
    assert "| pinned | `provider.varies` | 100 % (100 %) | 100 % (100 %) |" in page
    assert "None of 36 rates is significantly above its threshold" in page
    svg = (tmp_path / "charts" / "calibration.svg").read_text()
    assert "<desc>False-alarm rates at alpha 1e-2: provider.varies at most" in svg
    assert (tmp_path / "charts" / "calibration.png").stat().st_size > 10_000
    assert "provider.balanced" in capsys.readouterr().out


@pytest.mark.usefixtures("small")
def test_a_false_alarm_rate_above_its_threshold_returns_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "_balanced", lambda counts: (max(counts) > 10,) * 3)
    assert run_calibration(80, seed=1, workers=1, out=tmp_path) == 1
    printed = capsys.readouterr().out
    assert "above its threshold: provider.balanced, 3 providers, 20 sessions, healthy: " in printed
    assert "are significantly above their threshold" in (tmp_path / "calibration.md").read_text()


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_an_invalid_number_of_campaigns_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", f"--campaigns={value}"]) == 2
    printed = capsys.readouterr().err
    assert "--campaigns" in printed
    assert value in printed
