"""The run history to the letter: each file, each error, each line of the table, each mark of the chart."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from e2e.errors import HarnessError
from reports.charts.drawing import ALARM, Chart
from reports.history import chart as chart_module
from reports.history import show
from reports.history.alarm import alarms, changes, level, steps
from reports.history.chart import history_chart
from reports.history.entry import COLUMNS, HistoryEntry
from reports.history.show import alarm_lines, as_json, print_history
from reports.history.store import KEEP, History, Store, Unread

BUDGET = 0.02
NAMES = ("Big hat", "Tin drum")
SHARES = dict.fromkeys(NAMES, 0.5)


def entry(n: int, big: int | None = None, **more: Any) -> HistoryEntry:
    """The run of day ``n``; ``big`` of its 20 sessions reached Big hat."""
    known: dict[str, Any] = {"target": "acme", "browser": "chromium", "outcome": "pass", "headline": "well"}
    if big is not None:
        known |= {"providers": {"Big hat": big, "Tin drum": 20 - big}, "shares": SHARES}
    return HistoryEntry(f"run-{n}", 1_790_000_000.0 + 86_400 * n, **(known | more))


FULL = entry(
    3,
    7,
    run_ids=("run-3", "run-4"),
    facts={"title": "Acme", "commit": "a1"},
    checks={"smoke": "pass", "reply.is_live": "accepted"},
    causes={"stale-state": 4, "id-shared": 1},
    where={"stale-state": "src/a.ts:1 f"},
    figures={"reuse_bound": 13.9},
)


class TestEntry:
    def test_its_rows_are_a_table(self) -> None:
        rows = FULL.rows()
        assert {tuple(row) for row in rows} == {COLUMNS}
        assert {(row["run_id"], row["began"], row["target"], row["browser"]) for row in rows} == {
            ("run-3", FULL.began, "acme", "chromium")
        }
        assert [(row["kind"], row["name"], row["text"], row["number"]) for row in rows] == [
            ("entry", "outcome", "pass", None),
            ("entry", "headline", "well", None),
            ("run", "run-3", None, None),
            ("run", "run-4", None, None),
            ("fact", "title", "Acme", None),
            ("fact", "commit", "a1", None),
            ("check", "smoke", "pass", None),
            ("check", "reply.is_live", "accepted", None),
            ("cause", "stale-state", "src/a.ts:1 f", 4.0),
            ("cause", "id-shared", None, 1.0),
            ("figure", "reuse_bound", None, 13.9),
            ("provider", "Big hat", None, 7.0),
            ("provider", "Tin drum", None, 13.0),
            ("share", "Big hat", None, 0.5),
            ("share", "Tin drum", None, 0.5),
        ]
        assert HistoryEntry.from_rows(rows) == FULL
        assert (FULL.state, FULL.series) == (("pass", ("id-shared", "stale-state")), ("acme", "chromium"))
        assert FULL.date == "2026-09-24 14:13"

    def test_entries_of_earlier_versions_are_read(self) -> None:
        old = [row | {"kind": "night" if row["kind"] == "entry" else row["kind"]} for row in FULL.rows()]
        assert HistoryEntry.from_rows(old) == FULL

    @pytest.mark.parametrize("kinds", [(), ("run",), ("entry",)])
    def test_rows_without_an_outcome_are_no_entry(self, kinds: tuple[str, ...]) -> None:
        rows = [row for row in FULL.rows() if row["kind"] in kinds and row["name"] != "outcome"]
        with pytest.raises(ValueError, match="expected the rows of one run"):
            HistoryEntry.from_rows(rows)


class TestStore:
    def test_a_figure_that_is_infinite_has_the_same_columns(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.add(FULL)
        endless = entry(5, figures={"log10_e": math.inf})
        store.add(endless)
        assert store.read().entries == (FULL, endless)
        plain, other = (
            pq.ParquetFile(io.BytesIO((tmp_path / f"run-{n}.parquet").read_bytes())).schema_arrow
            for n in (3, 5)
        )
        assert plain.equals(other)
        assert [str(t) for t in plain.types] == ["string", "double", *["string"] * 5, "double"]

    def test_dropping_returns_the_oldest_of_the_series(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.add(entry(0, target="other"))
        assert [store.add(entry(n), keep=2) for n in (4, 2, 3, 5)] == [[], [], ["run-2"], ["run-3"]]
        assert [e.run_id for e in store.read().entries] == ["run-0", "run-4", "run-5"]
        assert KEEP == 400

    def test_runs_that_began_together_are_ordered_by_name(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for name in ("b", "a"):
            store.add(HistoryEntry(name, 1.0, "acme", "chromium", "pass", ""))
        assert [e.run_id for e in store.read().entries] == ["a", "b"]

    def test_the_order_is_that_of_time_and_not_of_names(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for name, began in (("a", 2.0), ("b", 1.0)):
            store.add(HistoryEntry(name, began, "acme", "chromium", "pass", ""))
        assert [e.run_id for e in store.read().entries] == ["b", "a"]

    def test_one_series_is_that_of_target_and_browser(self) -> None:
        unread = (Unread("x", "y"),)
        both = (entry(1), entry(2, browser="firefox"), entry(3, target="basic"))
        assert History(both, unread).of("acme", "firefox") == History((both[1],), unread)

    def test_a_name_with_colons_is_a_file(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.add(HistoryEntry("2026:1", 1.0, "acme", "chromium", "pass", ""))
        assert [path.name for path in tmp_path.iterdir()] == ["2026-1.parquet"]
        store.forget("2026:1")
        assert store.read() == History(())

    @pytest.mark.parametrize(
        ("run_id", "what"),
        [
            ("run-9", "there is no run run-9 in the history"),
            ("../run-1", "'../run-1' is not a run ID"),
            ("", "'' is not a run ID"),
        ],
    )
    def test_an_unknown_run_is_an_error_that_says_how_to_list_them(
        self, tmp_path: Path, run_id: str, what: str
    ) -> None:
        with pytest.raises(HarnessError) as error:
            Store(tmp_path).forget(run_id)
        assert (error.value.what, error.value.hint) == (what, "`python -m e2e history` lists them")

    def test_why_a_file_cannot_be_read_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.parquet").write_bytes(b"no\nfile")
        (one,) = Store(tmp_path).read().unread
        assert (one.name, "\n" in one.why, one.why != "") == ("a.parquet", False, True)

    def test_a_place_that_fails_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = Store(tmp_path)
        (tmp_path / "_told.json").write_text("{}")

        def refuse(*_: Any, **__: Any) -> Any:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(store._fs, "ls", refuse)
        monkeypatch.setattr(store._fs, "cat_file", refuse)
        monkeypatch.setattr(store._fs, "makedirs", refuse)
        denied = "[Errno 13] Permission denied"
        for call, what in (
            (store.read, f"the history cannot be read: {denied}"),
            (store.notified, f"the history cannot be read: {denied}"),
            (lambda: store.add(entry(1)), f"the run run-1 could not be added to the history: {denied}"),
            (lambda: store.set_notified({}), f"the states sent to the webhook could not be saved: {denied}"),
        ):
            with pytest.raises(HarnessError) as error:
                call()
            assert (error.value.what, error.value.where) == (what, str(tmp_path))

    @pytest.mark.parametrize("text", ["{half", "[1]", "7"])
    def test_states_that_cannot_be_read_are_none(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "_told.json").write_text(text)
        assert Store(tmp_path).notified() == {}

    def test_the_states_sent_come_back(self, tmp_path: Path) -> None:
        for store in (Store(tmp_path / "new"), Store("memory://states/new")):
            assert store.notified() == {}
            store.set_notified({"a": {"outcome": "fail"}})
            assert store.notified() == {"a": {"outcome": "fail"}}
            assert store.read() == History(())


class TestAlarm:
    def test_a_pin_is_dated_and_says_how_strong_the_evidence_is(self) -> None:
        entries = [entry(1, 10), entry(2, 9), entry(3, 20), entry(4, 20)]
        (alarm,) = alarms(entries, BUDGET)
        last = steps(entries, BUDGET)[-1].evidence
        assert last is not None
        reached = max(last.cusum, last.highest) / math.log(10)
        assert alarm.text == (
            f"the sessions do not fit the expected shares: log10 E = {reached:.1f}, alarm from 4.3 on"
        )
        assert (alarm.since, alarm.before, alarm.runs) == (entries[2], entries[1], 2)

    def test_the_last_run_before_checks_of_one_streak_is_the_latest_that_is_known(self) -> None:
        verdicts = [{"a": "pass", "b": "pass"}, {"a": "pass"}, {"a": "fail", "b": "fail"}]
        (alarm,) = alarms([entry(n, checks=c) for n, c in enumerate(verdicts)], BUDGET)
        assert (alarm.what, alarm.since.run_id, alarm.runs, alarm.text) == ("a, b", "run-2", 1, "a, b fail")
        assert alarm.before == entry(1, checks=verdicts[1])

    def test_only_known_facts_can_have_changed(self) -> None:
        before = entry(1, facts={"profile": "p", "commit": "a", "title": "A", "target_version": "1"})
        since = entry(2, facts={"profile": "q", "commit": "a", "title": "B", "target_version": "2"})
        assert changes(before, since) == ("target version: 1 -> 2", "profile: p -> q")

    def test_an_empty_history_has_none(self) -> None:
        assert alarms([], BUDGET) == []
        assert level(365.0) == 1.0


PINNED = [entry(1, 10, figures={"reuse_bound": 13.94}), entry(2, 10), entry(3, 20), entry(4, 20)]


class TestShown:
    def test_an_alarm_has_two_lines(self) -> None:
        fails: dict[str, Any] = {"checks": {"smoke": "fail"}, "causes": {"[x]": 1}}
        entries = [
            entry(1, checks={"smoke": "pass"}, facts={"commit": "a"}),
            entry(2, facts={"commit": "b"}, **fails),
        ]
        assert alarm_lines(entries, BUDGET) == (
            f"[bold red]since {entries[1].date}[/] (run-2, 1 run): smoke fails (\\[x])",
            f"[dim]  last run without it: {entries[0].date}; changed since: suite: a -> b[/]",
        )
        assert alarm_lines(entries[1:], BUDGET)[1] == "[dim]  the history begins with it[/]"

    def test_the_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        known = PINNED[1].figures
        assert known == {}
        more = {"reuse_bound": 13.94, "effective_providers": 2.46, "log10_e": -1.26}
        entries = [
            entry(1, 10, figures=more, outcome="fail", causes={"b": 1, "a": 2}),
            entry(2, target="basic[1]", outcome="odd"),
        ]
        print_history(History(tuple(entries), (Unread("x[1]", "it is [cut]"),)), BUDGET)
        evidence = steps(entries, BUDGET)[0].evidence
        assert evidence is not None
        shown = f"{evidence.cusum / math.log(10):.1f}"
        lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]
        assert [line.split() for line in lines[:3]] == [
            ["acme", "chromium"],
            ["date", "run", "outcome", "causes", "reuse", "bound", "providers", "log10", "E", "sum"],
            [*entries[0].date.split(), "run-1", "fail", "b,", "a", "13.9", "%", "2.5", "-1.3", shown],
        ]
        assert lines[3] == "sum: evidence against the expected shares; alarm (!) from 4.3 on"
        assert lines[4] == "basic[1] chromium"
        assert lines[6].split() == [*entries[1].date.split(), "run-2", "odd"]
        assert lines[8:] == [
            "cannot be read: x[1]: it is [cut]",
            "hint: remove the file, or write it again with `make report` on the evidence of that run",
        ]

    def test_an_empty_history_states_it_and_has_no_hint(self, capsys: pytest.CaptureFixture[str]) -> None:
        print_history(History(()), BUDGET)
        assert capsys.readouterr().out == "the history is empty\n"

    def test_the_json(self) -> None:
        found = as_json(History((entry(1, 10, figures={"x": 1.0}, causes={"a": 2}),)), BUDGET)
        evidence = steps([entry(1, 10)], BUDGET)[0].evidence
        assert evidence is not None
        assert found == {
            "series": [
                {
                    "target": "acme",
                    "browser": "chromium",
                    "limit": round(math.log10(365 / BUDGET), 3),
                    "runs": [
                        {
                            "run_id": "run-1",
                            "date": entry(1).date,
                            "outcome": "pass",
                            "headline": "well",
                            "causes": {"a": 2},
                            "figures": {"x": 1.0},
                            "product": round(evidence.product / math.log(10), 3),
                            "cusum": round(evidence.cusum / math.log(10), 3),
                            "alarms": [],
                        }
                    ],
                    "alarms": [],
                }
            ],
            "unread": [],
        }
        broken = History((entry(1, checks={"smoke": "fail"}),), (Unread("x", "y"),))
        found = as_json(broken, BUDGET)
        assert found["series"][0]["alarms"] == [
            {
                "what": "smoke",
                "since": "run-1",
                "since_date": entry(1).date,
                "before": None,
                "runs": 1,
                "text": "smoke fails",
                "changed": [],
            }
        ]
        assert found["unread"] == [{"name": "x", "why": "y"}]

    def test_a_terminal_that_is_none_has_room_for_the_table(self) -> None:
        assert (show._console().width, show._console().is_terminal) == (160, False)


class TestChart:
    @pytest.fixture(autouse=True)
    def not_rendered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.marks: dict[str, str] = {}
        self.panels: list[Any] = []

        def finish(figure: Any, axes: Any, name: str, title: str, alt: str, **more: Any) -> Chart:
            assert axes is figure.axes[0]
            self.marks, self.panels = more["marks"], figure.axes
            assert more["head"] == ("date", "run", "outcome", "causes", "evidence, log10", "alarm")
            return Chart(name, title, alt, b"", (), tuple(more["rows"]), figure)

        monkeypatch.setattr(chart_module, "finish", finish)

    def drawn(self, entries: list[HistoryEntry]) -> Chart:
        chart = history_chart(entries, BUDGET)
        assert chart is not None
        return chart

    def test_its_words(self) -> None:
        entries = [
            entry(1, 10, figures={"reuse_bound": 13.94, "chat_latency_p95": 120.0}),
            entry(2, outcome="fail", causes={"b": 1, "a": 1}),
            entry(3, 20, outcome="broken"),
            entry(4, 20),
        ]
        chart = self.drawn(entries)
        sums = [s.evidence and f"{s.evidence.cusum / math.log(10):.1f}" for s in steps(entries, BUDGET)]
        assert (chart.name, chart.title) == ("history", "Key figures of 4 runs: acme, chromium")
        days = [e.date[:10] for e in entries]
        assert chart.alt == (
            f"{chart.title}; runs with failures: {days[1]} and {days[2]};"
            f" beyond the limit of 4.3: {days[2]} and {days[3]}"
        )
        date = [e.date for e in entries]
        assert self.marks == {
            "run-0": f"{date[0]}, run-1: pass; evidence {sums[0]}; reuse bound of IDs, %: 13.94; latency p95, ms: 120",
            "run-1": f"{date[1]}, run-2: fail (b, a); ",
            "run-2": f"{date[2]}, run-3: broken; evidence {sums[2]} (beyond the limit)",
            "run-3": f"{date[3]}, run-4: pass; evidence {sums[3]} (beyond the limit)",
        }
        assert chart.rows == (
            (date[0], "run-1", "pass", "", sums[0], ""),
            (date[1], "run-2", "fail", "b, a", "", ""),
            (date[2], "run-3", "broken", "", sums[2], "beyond the limit"),
            (date[3], "run-4", "pass", "", sums[3], "beyond the limit"),
        )

    def test_its_lines(self) -> None:
        entries = [
            entry(1, 10, figures={"reuse_bound": 20.0}),
            entry(2, outcome="fail", figures={"reuse_bound": 40.0}),
            entry(3, 20),
            entry(4, 20, outcome="broken"),
        ]
        chart = self.drawn(entries)
        evidence, bound = self.panels
        limit, series, rings = evidence.lines
        sums = [s.evidence.cusum / math.log(10) if s.evidence else math.nan for s in steps(entries, BUDGET)]
        assert list(limit.get_ydata()) == [math.log10(365 / BUDGET)] * 2
        assert list(series.get_xdata()) == [0, 1, 2, 3]
        assert list(series.get_ydata()) == pytest.approx(sums, nan_ok=True)
        assert (list(rings.get_xdata()), list(rings.get_ydata())) == ([2, 3], sums[2:])
        assert rings.get_markeredgecolor() == ALARM
        assert evidence.get_xlim() == (-0.5, 3.5)
        values, crosses = bound.lines
        assert list(values.get_ydata()) == pytest.approx([20.0, 40.0, math.nan, math.nan], nan_ok=True)
        assert list(crosses.get_xdata()) == [1, 3]
        assert list(crosses.get_ydata()) == pytest.approx([40.0, math.nan], nan_ok=True)
        assert (crosses.get_marker(), bound.get_ylim()) == ("x", (0.0, pytest.approx(46.0)))
        assert bound.get_ylabel() == "reuse bound\nof IDs, %"
        assert [text.get_text() for text in evidence.texts] == ["alarm from 4.3"]
        assert [label.get_text() for label in bound.get_xticklabels()] == [e.date[5:10] for e in entries]
        assert tuple(chart._figure.get_size_inches()) == pytest.approx((7.0, 4.1))
        assert len(evidence.patches) == 4

    def test_a_long_history_shows_sixty_runs_and_ten_dates(self) -> None:
        entries = [entry(n, figures={"reuse_bound": 0.0}) for n in range(61)]
        chart = self.drawn(entries)
        assert chart.title == "Key figures of 60 runs: acme, chromium"
        assert len(chart.rows) == 61
        assert [t.get_text() for t in self.panels[-1].get_xticklabels()] == [
            e.date[5:10] for e in entries[1::6]
        ]
        assert tuple(chart._figure.get_size_inches()) == pytest.approx((14.0, 4.1))
        assert self.panels[1].get_ylim() == (0.0, 1.0)

    @pytest.mark.parametrize(
        ("dates", "text"),
        [
            ([], "none"),
            (["a"], "a"),
            (["a", "b"], "a and b"),
            (["a", "b", "c"], "3, from a to c"),
        ],
    )
    def test_dates_in_words(self, dates: list[str], text: str) -> None:
        assert chart_module._dates(dates) == text
