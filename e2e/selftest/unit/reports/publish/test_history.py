"""The history: nothing that was complete is lost, and it tells since when something is wrong."""

from __future__ import annotations

import json
import math
import multiprocessing
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.cli import main as cli
from e2e.errors import HarnessError
from e2e.selftest.unit.builders import make_run
from reports.history import store as store_module
from reports.history.alarm import UNCHANGED, alarms, changes, level, since_when, steps
from reports.history.chart import history_chart
from reports.history.entry import CHANGES, COLUMNS, HistoryEntry, entry_of
from reports.history.show import as_json, print_history, series_of
from reports.history.store import History, Store, Unread
from reports.summary.aggregate import Judged
from reports.summary.summary import summarise

NAMES = ("Big hat", "Tin drum", "Red kite")
SHARES = dict.fromkeys(NAMES, 1 / 3)
BUDGET = 0.02
"""Alarms per year."""
SENT = "rotation.sent_id_is_fresh"


def entry(n: int, counts: dict[str, int] | None = None, **more: Any) -> HistoryEntry:
    """The ``n``-th run of a series, one a day."""
    fields = {
        "target": "reference",
        "browser": "chromium",
        "outcome": "pass",
        "headline": "all is well",
        "run_ids": (f"run-{n:03}",),
        "providers": counts if counts is not None else {},
        "shares": SHARES,
    }
    return HistoryEntry(run_id=f"run-{n:03}", began=1_790_000_000.0 + 86_400 * n, **(fields | more))


def drawn(draw: random.Random, sessions: int = 20, pinned: bool = False) -> dict[str, int]:
    found = ["Big hat"] * sessions if pinned else draw.choices(NAMES, k=sessions)
    return {name: found.count(name) for name in NAMES}


def judged(*faults: str, **fields: Any) -> Judged:
    run = assemble([make_run(*faults, **fields)])
    return Judged(run, judge(run), summarise(run, judge(run)), ())


class TestEntry:
    def test_it_comes_back_from_its_rows(self) -> None:
        one = entry_of(judged("stale-state"))
        assert HistoryEntry.from_rows(one.rows()) == one
        assert one.outcome == "fail"
        assert one.causes == {"stale-state": 16}
        assert one.where["stale-state"].startswith("src/")
        assert set(one.figures) >= {"reuse_bound", "effective_providers"}

    def test_it_holds_no_id_of_a_session(self) -> None:
        run = judged("stale-state")
        text = json.dumps(entry_of(run).rows())
        assert not any(ref in text for ref in run.run.chats["sent"].dropna())

    def test_rows_of_two_runs_are_refused(self) -> None:
        with pytest.raises(ValueError, match="expected the rows of one run"):
            HistoryEntry.from_rows([*entry(1).rows(), *entry(2).rows()])


class TestStore:
    def test_entries_are_read_in_order_and_as_a_table(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "history")
        for n in (2, 1, 3):
            store.add(entry(n, {"Big hat": n}))
        (tmp_path / "history" / store_module.ALLURE).write_text('{"name": "run-001"}', encoding="utf-8")
        assert [one.run_id for one in store.read().entries] == ["run-001", "run-002", "run-003"]
        table = pd.read_parquet(tmp_path / "history")
        assert tuple(table.columns) == COLUMNS
        assert table[table["kind"] == "provider"]["number"].tolist() == [1, 2, 3]

    def test_the_same_run_again_replaces_its_entry(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.add(entry(1))
        store.add(entry(1, outcome="fail"))
        assert [one.outcome for one in store.read().entries] == ["fail"]

    def test_a_truncated_file_costs_its_own_entry_and_is_named(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for n in (1, 2, 3):
            store.add(entry(n))
        torn = tmp_path / "run-002.parquet"
        torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
        history = store.read()
        assert [one.run_id for one in history.entries] == ["run-001", "run-003"]
        assert [one.name for one in history.unread] == ["run-002.parquet"]
        assert as_json(history, 0.02)["unread"][0]["name"] == "run-002.parquet"

    def test_concurrent_writers_lose_no_entry(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_write, args=(str(tmp_path), n)) for n in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        assert len(Store(tmp_path).read().entries) == 4
        assert [p.name for p in tmp_path.iterdir() if p.suffix != ".parquet"] == []

    def test_a_full_disk_loses_nothing_and_names_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path)
        store.add(entry(1, outcome="pass"))

        def full(path: Path, data: bytes) -> None:
            (path.parent / "half").write_bytes(data[:10])
            (path.parent / "half").unlink()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(store_module, "replace_file", full)
        with pytest.raises(HarnessError, match="No space left") as raised:
            store.add(entry(1, outcome="fail"))
        assert "free disk space" in raised.value.hint
        assert [one.outcome for one in store.read().entries] == ["pass"]

    def test_the_oldest_beyond_the_limit_go_and_those_of_others_stay(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.add(entry(0, target="another"))
        for n in (1, 2, 3, 4):
            store.add(entry(n), keep=3)
        assert [one.run_id for one in store.read().entries] == ["run-000", "run-002", "run-003", "run-004"]

    def test_object_storage_works_the_same(self) -> None:
        store = Store("memory://chats/history")
        store.add(entry(1))
        store.add(entry(2))
        store.forget("run-001")
        assert [one.run_id for one in store.read().entries] == ["run-002"]
        store.forget("run-002")

    def test_an_address_of_an_unknown_kind_names_what_to_install(self) -> None:
        with pytest.raises(HarnessError, match="cannot be reached") as raised:
            Store("nosuch://bucket/history")
        assert "fsspec" in raised.value.hint

    @pytest.mark.parametrize("name", ["run-009", "../run-001"])
    def test_what_is_not_there_cannot_be_forgotten(self, tmp_path: Path, name: str) -> None:
        Store(tmp_path).add(entry(1))
        with pytest.raises(HarnessError, match=r"no run|not a run ID"):
            Store(tmp_path).forget(name)
        assert len(Store(tmp_path).read().entries) == 1


def _write(folder: str, n: int) -> None:
    Store(folder).add(entry(n))


class TestAlarm:
    def test_a_pin_raises_an_alarm_within_two_runs_and_dates_it(self) -> None:
        for seed in range(20):
            draw = random.Random(seed)
            entries = [entry(n, drawn(draw, pinned=n >= 21)) for n in range(1, 31)]
            first = next(n for n in range(1, 31) if alarms(entries[:n], BUDGET))
            assert first in (21, 22)
            (alarm,) = alarms(entries, BUDGET)
            assert alarm.since.run_id == "run-021"
            assert alarm.before is not None
            assert alarm.before.run_id == "run-020"

    def test_healthy_histories_raise_no_alarm(self) -> None:
        for seed in range(200):
            draw = random.Random(seed)
            entries = [entry(n, drawn(draw)) for n in range(1, 31)]
            assert not any(step.alarms for step in steps(entries, BUDGET))

    def test_the_limit_follows_from_the_budget(self) -> None:
        assert level(0.02) == pytest.approx(0.02 / 365)

    def test_other_expected_shares_begin_the_evidence_anew(self) -> None:
        draw = random.Random(1)
        entries = [entry(n, drawn(draw)) for n in (1, 2)]
        other = replace(entry(3, drawn(draw)), shares={"Big hat": 0.5, "Tin drum": 0.25, "Red kite": 0.25})
        found = steps([*entries, other], BUDGET)
        assert [s.evidence.nights for s in found if s.evidence] == [1, 2, 1]

    def test_a_run_without_providers_is_skipped(self) -> None:
        draw = random.Random(2)
        found = steps([entry(1, drawn(draw)), entry(2), entry(3, drawn(draw))], BUDGET)
        assert [s.evidence and s.evidence.nights for s in found] == [1, None, 2]

    def test_a_failing_check_is_wrong_since_its_streak_began(self) -> None:
        verdicts = ["pass", "fail", "pass", "fail", "inconclusive", "fail"]
        entries = [
            entry(n, checks={"rotation.sent_id_is_fresh": verdict}, causes={"stale-state": 3}, facts={"commit": "a" if n < 3 else "b"})
            for n, verdict in enumerate(verdicts)
        ]  # fmt: skip
        (alarm,) = alarms(entries, BUDGET)
        assert (alarm.since.run_id, alarm.runs) == ("run-003", 2)
        assert alarm.before is not None
        assert alarm.before.run_id == "run-002"
        assert "stale-state" in alarm.text
        assert alarms(entries[:3], BUDGET) == []

    def test_what_was_accepted_for_a_time_is_wrong_since_it_began(self) -> None:
        verdicts = ["pass", "accepted", "accepted", "fail"]
        entries = [
            entry(n, checks={"rotation.sent_id_is_fresh": verdict}) for n, verdict in enumerate(verdicts)
        ]
        (alarm,) = alarms(entries, BUDGET)
        assert (alarm.since.run_id, alarm.runs) == ("run-001", 3)
        assert alarm.before is not None
        assert alarm.before.run_id == "run-000"
        assert alarms(entries[:3], BUDGET) == []

    def test_changes_are_listed_for_facts_known_in_both_runs(self) -> None:
        before = entry(1, facts={"browser": "chromium 155", "profile": "aa", "commit": "1"})
        since = entry(2, facts={"browser": "chromium 156", "profile": "aa", "target_version": "7"})
        assert changes(before, since) == ("browser: chromium 155 -> chromium 156",)
        assert changes(None, since) == ()

    def test_alarms_are_listed_by_the_run_that_they_began_with(self) -> None:
        """Checks that fail since the same run are one alarm; the latest alarm comes last."""
        old = {SENT: "fail", "chat.starts_empty": "pass", "smoke": "pass", "reply.is_live": "pass"}
        new = {"smoke": "fail", "chat.starts_empty": "fail", SENT: "fail", "reply.is_live": "inconclusive"}
        found = alarms(
            [entry(1, checks=dict.fromkeys(old, "pass")), entry(2, checks=old), entry(3, checks=new)], BUDGET
        )
        assert [(a.what, a.since.run_id, a.runs) for a in found] == [
            (SENT, "run-002", 2),
            ("smoke, chat.starts_empty", "run-003", 1),
        ]
        assert [a.before.run_id for a in found if a.before] == ["run-001", "run-002"]
        assert found[1].text == "smoke, chat.starts_empty fail"

    def test_an_alarm_names_three_checks_and_counts_the_others(self) -> None:
        for n, text in ((3, "c0, c1, c2 fail"), (4, "c0, c1, c2 and 1 more fail")):
            names = [f"c{i}" for i in range(n)]
            (alarm,) = alarms([entry(1, checks=dict.fromkeys(names, "fail"))], BUDGET)
            assert (alarm.text, alarm.before) == (text, None)

    def test_a_pin_since_the_first_run_has_no_run_before_it(self) -> None:
        entries = [entry(n, {"Big hat": 20}) for n in (1, 2)]
        (alarm,) = alarms(entries, BUDGET)
        assert (alarm.what, alarm.since.run_id, alarm.before, alarm.runs) == ("providers", "run-001", None, 2)
        assert alarm.text.endswith(f"alarm from {math.log10(365 / BUDGET):.1f} on")

    def test_runs_without_providers_do_not_shift_the_date_of_a_pin(self) -> None:
        draw = random.Random(4)
        good = [entry(n, drawn(draw)) for n in range(1, 8)]
        bad = [entry(9, {"Big hat": 20}), entry(11, {"Big hat": 20})]
        (alarm,) = alarms([*good, entry(8), bad[0], entry(10), bad[1], entry(12)], BUDGET)
        assert (alarm.since.run_id, alarm.runs) == ("run-009", 2)
        assert alarm.before == good[-1]

    def test_the_sentence_shows_since_when_and_what_changed(self) -> None:
        good, bad = {SENT: "pass"}, {SENT: "fail"}
        entries = [
            entry(1, checks=good, facts={"commit": "a"}),
            entry(2, checks=bad, causes={"stale-state": 3}, facts={"commit": "b"}),
        ]
        (sentence,) = since_when(entries, BUDGET)
        assert sentence.startswith(f"since {entries[1].date} (run-002): {SENT} fails (stale-state); ")
        assert sentence.endswith(
            f"last run without it: {entries[0].date}; changed since: {CHANGES['commit']}: a -> b"
        )
        assert since_when([entry(1, checks=good), entry(2, checks=bad)], BUDGET)[0].endswith(UNCHANGED)
        assert since_when([entry(1, checks=bad), entry(2, checks=bad)], BUDGET)[0].endswith(
            "; the history begins with it"
        )
        assert since_when([entry(1, checks=bad)], BUDGET) == ()


class TestShown:
    """What ``python -m e2e history`` prints, its JSON, and the chart."""

    @staticmethod
    def pinned(facts: dict[str, str] | None = None) -> list[HistoryEntry]:
        draw = random.Random(5)
        good = [entry(n, drawn(draw), figures={"reuse_bound": 13.9}) for n in (1, 2, 3)]
        bad = {"outcome": "fail", "causes": {"provider-pinned": 9}, "facts": facts or {}}
        return [*good, *(entry(n, {"Big hat": 20}, **bad) for n in (4, 5)), entry(6, outcome="broken")]

    def test_series_that_alternate_in_time_are_kept_whole(self) -> None:
        entries = [entry(n, target="ab"[n % 2], browser="xy"[n // 2 % 2]) for n in range(8)]
        found = series_of(History(tuple(entries)))
        assert {key: [e.run_id for e in mine] for key, mine in found.items()} == {
            ("a", "x"): ["run-000", "run-004"],
            ("a", "y"): ["run-002", "run-006"],
            ("b", "x"): ["run-001", "run-005"],
            ("b", "y"): ["run-003", "run-007"],
        }

    def test_the_table_has_the_evidence_the_limit_and_the_alarm(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        entries = self.pinned()
        evidence = [s.evidence for s in steps(entries, BUDGET)]
        print_history(History(tuple(entries), (Unread("x.parquet", "it is cut"),)), BUDGET)
        lines = capsys.readouterr().out.splitlines()
        rows = {
            n: next(line for line in lines if f"run-{n:03}" in line and "since" not in line)
            for n in range(1, 7)
        }
        for n, one in enumerate(evidence, 1):
            shown = "" if one is None else f"{one.cusum / math.log(10):.1f}"
            assert rows[n].rstrip().endswith(f"{shown} !" if n in (4, 5) else shown)
        assert "13.9 %" in rows[1]
        assert "13.9 %" not in rows[4]
        assert "provider-pinned" in rows[4]
        printed = "\n".join(lines)
        assert "alarm (!) from 4.3 on" in printed
        assert f"since {entries[3].date} (run-004, 2 runs)" in printed
        assert f"last run without it: {entries[2].date}; changed since: {UNCHANGED}" in " ".join(
            printed.split()
        )
        assert "cannot be read: x.parquet: it is cut" in printed

    def test_the_json_has_the_same_numbers(self) -> None:
        entries = self.pinned()
        (series,) = as_json(History(tuple(entries)), BUDGET)["series"]
        assert (series["target"], series["browser"]) == ("reference", "chromium")
        for step, shown in zip(steps(entries, BUDGET), series["runs"], strict=True):
            one = step.evidence
            assert (shown["run_id"], shown["date"], shown["outcome"]) == (
                step.entry.run_id,
                step.entry.date,
                step.entry.outcome,
            )
            assert (shown["product"], shown["cusum"]) == (
                (None, None)
                if one is None
                else (round(one.product / math.log(10), 3), round(one.cusum / math.log(10), 3))
            )
            assert shown["alarms"] == list(step.alarms)
        (alarm,) = series["alarms"]
        assert (alarm["what"], alarm["since"], alarm["before"], alarm["runs"]) == (
            "providers",
            "run-004",
            "run-003",
            2,
        )
        assert alarm["since_date"] == entries[3].date

    def test_the_chart_names_failed_runs_and_those_beyond_the_limit(self) -> None:
        entries = self.pinned()
        chart = history_chart(entries, BUDGET)
        assert chart is not None
        dates = [e.date[:10] for e in entries]
        assert f"runs with failures: 3, from {dates[3]} to {dates[5]}" in chart.alt
        assert f"beyond the limit of 4.3: {dates[3]} and {dates[4]}" in chart.alt
        assert "Key figures of 6 runs: reference, chromium" in chart.alt
        assert [row[5] for row in chart.rows] == [
            "",
            "",
            "",
            "beyond the limit",
            "beyond the limit",
            "",
        ]
        assert history_chart([], BUDGET) is None

    def test_figures_that_are_all_zero_or_missing_are_drawn(self) -> None:
        zero = {"reuse_bound": 0.0, "latency_p95": 0.0}
        chart = history_chart([entry(1, figures=zero), entry(2), entry(3, figures=zero)], BUDGET)
        assert chart is not None
        assert b"reuse bound" in chart.svg
        assert b"effective" not in chart.svg
        assert b"alarm from 4.3" in chart.svg


class TestCommands:
    def test_history_shows_and_forget_removes(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        draw = random.Random(3)
        for n in (1, 2):
            Store(tmp_path / "history").add(entry(n, drawn(draw), figures={"log10_e": -1.0}))
        assert cli.main(["history", "--out", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert "run-001" in printed
        assert "run-002" in printed
        allure = tmp_path / "history" / store_module.ALLURE
        allure.write_text('{"name": "Chat, run-001"}\n{"name": "Chat, run-002"}\n', encoding="utf-8")
        assert cli.main(["forget", "run-001", "--out", str(tmp_path)]) == 0
        assert allure.read_text(encoding="utf-8") == '{"name": "Chat, run-002"}\n'
        capsys.readouterr()
        assert cli.main(["history", "--json", "--out", str(tmp_path)]) == 0
        (series,) = json.loads(capsys.readouterr().out)["series"]
        assert [one["run_id"] for one in series["runs"]] == ["run-002"]
        assert series["limit"] == pytest.approx(math.log10(365 / 0.02), abs=0.001)

    def test_forget_removes_the_run_from_allures_history_below_out_too(self, tmp_path: Path) -> None:
        Store(tmp_path / "elsewhere").add(entry(1))
        for folder in ("elsewhere", "history"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / store_module.ALLURE).write_text(
                '{"name": "Chat, run-001"}\n', encoding="utf-8"
            )
        command = ["forget", "run-001", "--out", str(tmp_path), "--history", str(tmp_path / "elsewhere")]
        assert cli.main(command) == 0
        assert not Store(tmp_path / "elsewhere").read().entries
        for folder in ("elsewhere", "history"):
            assert (tmp_path / folder / store_module.ALLURE).read_text(encoding="utf-8") == ""

    def test_forgetting_what_is_not_there_states_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["forget", "run-001", "--out", str(tmp_path)]) == 2
        assert "there is no run run-001" in capsys.readouterr().err

    def test_an_empty_history_is_stated_to_be_one(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["history", "--out", str(tmp_path)]) == 0
        assert "the history is empty" in capsys.readouterr().out
