"""Charts: counts, frames, descriptions, a text for each mark, and the numbers as a table."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from scipy import stats

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Policy
from e2e.selftest.unit.builders import judge_run, make_run, with_chats
from reports.charts import charts, drawing, timeline
from reports.charts.charts import band, chart_set, chat_timeline, lanes_strip, provider_distribution
from reports.charts.drawing import ALARM, Chart, initials

RUN_ID = "2026-11-22T0215Z-2f9c"


def drawn(chart: Chart | None) -> Chart:
    assert chart is not None
    ET.fromstring(chart.svg)
    return chart


def framed(chart: Chart) -> int:
    return chart.svg.decode().count(f"stroke: {ALARM}")


@pytest.mark.parametrize("n", [1, 5, 20, 400])
@pytest.mark.parametrize("share", [0.05, 1 / 9, 0.5, 0.9, 1.0])
def test_the_band_is_the_binomial_interval(n: int, share: float) -> None:
    assert band(n, share) == tuple(float(stats.binom.ppf(q, n, share)) for q in (0.025, 0.975))


def test_the_distribution_counts_sessions_not_chats() -> None:
    stuck = drawn(provider_distribution(judge_run("session-not-ended")))
    assert stuck.title.startswith("4 new sessions on ")
    assert drawn(provider_distribution(judge_run())).title.startswith("20 new sessions on ")


def test_an_expected_provider_without_a_session_is_shown() -> None:
    chart = drawn(provider_distribution(judge_run("provider-pinned")))
    assert chart.title == "20 new sessions on 1 provider of 9"
    assert "Big hat 20" in chart.alt
    assert "Tin drum 0" in chart.alt


def test_no_band_without_expected_shares() -> None:
    assert b"line: expected" in drawn(provider_distribution(judge_run())).svg
    assert b"line: expected" not in drawn(provider_distribution(judge_run(policy=Policy()))).svg


def test_title_and_description_are_in_the_svg() -> None:
    run = judge_run("stale-state")
    for chart in (provider_distribution(run), lanes_strip(run), chat_timeline(run, ChatKey(RUN_ID, 0, 1))):
        root = ET.fromstring(drawn(chart).svg)
        assert root.get("role") == "img"
        assert chart is not None
        assert [e.text for e in root if e.tag.endswith("}title")] == [chart.title]
        assert [e.text for e in root if e.tag.endswith("}desc")] == [chart.alt]


def test_reused_sessions_are_framed_and_fresh_ones_are_not() -> None:
    assert framed(drawn(lanes_strip(judge_run()))) == 0
    assert framed(drawn(lanes_strip(judge_run("stale-state")))) == 16
    shared = judge_run(id_pattern="browserBased")
    assert framed(drawn(lanes_strip(shared))) == 19  # all but the very first


def test_a_session_of_an_earlier_chat_is_framed_too() -> None:
    assert framed(drawn(lanes_strip(judge_run("id-collision")))) > 0


def test_a_long_lane_continues_in_the_next_row_and_a_cut_is_in_the_title(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chart = drawn(lanes_strip(judge_run(chats=160, lanes=1, backend=False)))
    assert "first" not in chart.title
    assert "from 150" in chart.svg.decode()
    cut = drawn(lanes_strip(judge_run(chats=280, lanes=8, backend=False)))
    assert cut.title.endswith("each lane")
    monkeypatch.setattr(charts, "_ROWS", 8)
    cut = drawn(lanes_strip(judge_run(chats=280, lanes=8, seed=2, backend=False)))
    assert cut.title.endswith("(first 30 of 35 chats)")


def test_the_strip_has_a_legend_of_short_names() -> None:
    svg = drawn(lanes_strip(judge_run())).svg.decode()
    assert "DW Dry well" in svg


def test_short_names_are_unique() -> None:
    short = initials(["Big hat", "Blue hen", "Tin drum", "solo", "-"])
    assert short == {"Big hat": "BH1", "Blue hen": "BH2", "Tin drum": "TD", "solo": "S", "-": "?"}


def test_nine_providers_have_nine_colours() -> None:
    run = judge_run(chats=60, backend=False)
    svg = drawn(lanes_strip(run)).svg.decode()
    cells = [part.split("stroke")[0] for part in svg.split('style="fill: #')[1:]]
    assert len({cell[:6] for cell in cells}) >= 9


def test_the_timeline_marks_the_stale_payload_only() -> None:
    stale = drawn(chat_timeline(judge_run("stale-state"), ChatKey(RUN_ID, 0, 1)))
    healthy = drawn(chat_timeline(judge_run(), ChatKey(RUN_ID, 0, 1)))
    assert ALARM in stale.svg.decode()
    assert ALARM not in healthy.svg.decode()
    assert "stored ID removed" in stale.alt


def test_the_timeline_shows_all_five_layers() -> None:
    alt = drawn(chat_timeline(judge_run(), ChatKey(RUN_ID, 0, 1))).alt
    for layer in (
        "stored ID",
        "sent ID",
        "provider in the reply",
        "provider at the backend",
        "provider on the screen",
    ):
        assert layer in alt


def test_the_timeline_marks_a_wrong_label() -> None:
    run = judge_run("label-stale")
    wrong = next(v for v in judge(run).verdicts if v.outcome == "fail").chats[0]
    assert ALARM in drawn(chat_timeline(run, wrong)).svg.decode()


def test_there_is_no_chart_without_data() -> None:
    empty = assemble([with_chats(make_run(backend=False), lambda chat: None)])
    assert provider_distribution(empty) is None
    assert lanes_strip(empty) is None
    assert chat_timeline(judge_run(), ChatKey(RUN_ID, 9, 9)) is None


def test_a_lost_chat_is_shown_as_a_gap() -> None:
    records = make_run(chats=8, lanes=2)
    run = assemble(
        [
            with_chats(
                records,
                lambda c: replace(c, status="lost", reason="gone", messages=()) if c.chat == 1 else c,
            )
        ]
    )
    assert "–" not in drawn(lanes_strip(judge_run(chats=8, lanes=2))).svg.decode()
    assert "–" in drawn(lanes_strip(run)).svg.decode()


def test_a_provider_name_cannot_inject_markup_into_the_svg() -> None:
    name = "</desc><script>alert(1)</script>"
    run = judge_run(providers=(name, "Tin drum"), policy=Policy())
    chart = drawn(provider_distribution(run))
    assert b"<script" not in chart.svg


def test_every_mark_has_a_text_with_its_numbers() -> None:
    run = judge_run("stale-state")
    texts = {
        chart.kind: re.findall(r'class="mark"[^>]*><title>([^<]+)</title>', chart.svg.decode())
        for chart in map(drawn, chart_set(run, Path(tempfile.mkdtemp())))
    }
    assert len(texts["lanes-strip"]) == len(run.chats)
    assert "lane 0, chat 1: sent" in texts["lanes-strip"][1]
    assert ", sent before; provider " in texts["lanes-strip"][1]
    assert "95 % of healthy runs: " in texts["provider-distribution"][0]
    assert any(text.endswith("(wrong)") for text in texts["timeline"])


def test_the_table_holds_the_numbers_of_the_chart() -> None:
    chart = drawn(provider_distribution(judge_run()))
    assert chart.head == ("provider", "new sessions", "expected", "95 % of healthy runs")
    assert sum(int(row[1]) for row in chart.rows) == 20


def test_equal_runs_give_equal_bytes() -> None:
    first, second = (drawn(lanes_strip(judge_run("stale-state"))) for _ in range(2))
    assert first.svg == second.svg
    assert first.png.startswith(b"\x89PNG")
    assert first.png == second.png


def test_a_chart_is_drawn_once_per_run() -> None:
    run = judge_run()
    assert lanes_strip(run) is lanes_strip(run)
    assert provider_distribution(run) is provider_distribution(run)


def test_the_set_replaces_the_charts_of_the_run_before(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "timeline-9-9.svg").write_text("old")
    chart_set(judge_run("stale-state"), tmp_path)
    names = {p.name for p in (tmp_path / "charts").iterdir()}
    stems = ("provider-distribution", "lanes-strip", "timeline-0-1")
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("svg", "png")}
    (tmp_path / "charts" / "charts.html").write_text("of the run before", encoding="utf-8")
    chart_set(judge_run(), tmp_path)
    assert [p.name for p in (tmp_path / "charts").glob("timeline-*.svg")] == ["timeline-0-0.svg"]
    assert not list((tmp_path / "charts").glob("*.html"))


def test_the_whole_set_draws_each_chart_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is what costs time, 0.2 s for a chart: counted, and not measured, for a machine may be busy."""
    drawn: list[str] = []
    finish = drawing.finish

    def counted(figure: Any, axes: Any, name: str, *texts: Any, **more: Any) -> Any:
        drawn.append(name)
        return finish(figure, axes, name, *texts, **more)

    for module in (charts, timeline):
        monkeypatch.setattr(module, "finish", counted)
    run = judge_run("stale-state")
    chart_set(run, tmp_path)
    chart_set(run, tmp_path)
    assert sorted(drawn) == ["lanes-strip", "provider-distribution", "timeline-0-1"]


def test_importing_the_charts_does_not_import_matplotlib() -> None:
    code = "import sys, reports.charts.charts, reports.__main__\n"
    code += "print([m for m in ('matplotlib', 'scipy.stats', 'playwright') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_the_numbers_of_the_axes_have_the_colour_of_text() -> None:
    _, axes = drawing.new_figure(2, 1)
    assert {label.get_color() for label in axes.get_xticklabels()} == {drawing.INK}
