"""The site to the letter: its pages, what is kept on it, and the end of a nightly run. Reports and judging are stood in for."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.errors import HarnessError
from e2e.selftest.unit.builders import judge_run, make_run, with_meta
from e2e.selftest.unit.report_samples import write_run
from reports.history.entry import HistoryEntry
from reports.history.store import History, Store, Unread
from reports.publish import nightly as nightly_module
from reports.publish import pages, site
from reports.publish.nightly import Judgement, judge_series, nightly, write_job_summary
from reports.publish.pages import index_page, run_page
from reports.publish.site import publish, write_index
from reports.summary.aggregate import Judged
from reports.summary.summary import summarise

BUDGET = 0.02
STALE = judge_run("stale-state", chats=6, lanes=2, backend=False)
JUDGED = Judged(STALE, judge(STALE), summarise(STALE, judge(STALE)), ())


def entry(n: int, outcome: str = "pass", **more: Any) -> HistoryEntry:
    fields = {"target": "acme", "browser": "chromium", "headline": f"line {n}"} | more
    return HistoryEntry(f"run-{n}", 1_790_000_000.0 + 86_400 * n, outcome=outcome, **fields)


@pytest.fixture(autouse=True)
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time, and has tests of its own."""
    monkeypatch.setattr(pages, "history_chart", lambda entries, budget: None)


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr id=.*?</tr>", html, re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]  # fmt: skip


class TestIndex:
    def test_the_newest_run_comes_first_and_a_change_of_state_is_marked(self) -> None:
        outcomes = ["pass", "fail", "fail", "broken", "inconclusive", "pass"]
        entries = [entry(n, outcome) for n, outcome in enumerate(outcomes)]
        entries[2] = replace(entries[2], causes={"a": 1, "b": 2}, where={"a": "x.ts:1"})
        found = cells(index_page(History(tuple(entries)), {"run-5"}, BUDGET))
        words = ["✔ passed", "– inconclusive", "! broken: the suite could not look", "✘ failed", "✘ failed"]
        assert [row[1] for row in found] == [*(f"{word} (changed)" for word in words), "✔ passed"]
        assert [row[0] for row in found] == [e.date for e in reversed(entries)]
        assert [row[2] for row in found] == ["", "", "", "a, bx.ts:1", "", ""]
        assert [row[3] for row in found] == [f"line {n}" for n in (5, 4, 3, 2, 1, 0)]
        assert [row[4] for row in found] == ["Allure", *["dropped"] * 5]

    def test_only_a_report_that_is_there_has_links(self) -> None:
        html = index_page(History((entry(1), entry(2))), {"run-2"}, BUDGET)
        assert re.findall(r'href="(runs/[^"]+)"', html) == [
            "runs/run-2/index.html",
            "runs/run-2/allure-report/awesome/index.html",
        ]

    def test_a_series_has_the_title_of_its_newest_run(self) -> None:
        entries = [entry(1, facts={"title": "Old"}), entry(2, facts={"title": "New"}), entry(3, target="b")]
        html = index_page(History(tuple(entries)), (), BUDGET)
        assert re.findall("<h2>(.*?)</h2>", html) == ["New, chromium", "b, chromium"]

    def test_alarms_and_unread_files_are_reported(self) -> None:
        failing = [entry(1, checks={"smoke": "pass"}), entry(2, "fail", checks={"smoke": "fail"})]
        html = index_page(History(tuple(failing), (Unread("x.parquet", "it is cut"),)), (), BUDGET)
        text = " ".join(re.sub(r"<[^>]+>", "", html).split())
        assert f"Since {failing[1].date} (1 run): smoke fails. Last run without it: {failing[0].date}" in text
        assert (
            "changed since: neither target version, profile, browser nor suite, as far as they are known."
            in text
        )
        assert "x.parquet of the history cannot be read: it is cut" in text
        assert "No run is published yet." in index_page(History(()), (), BUDGET)
        assert "No run is published yet." not in html


class TestRun:
    def test_its_tables_are_numbered_and_its_charts_fit_the_page(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / f"{name}.svg").write_text(f'<?xml?>\n<svg id="{name}"><svg id="in"/></svg>')
        summary = "# Title\n\n|a|\n|-|\n|1|\n\ntext\n\n|b|\n|-|\n|2|\n\n```\ncode\n```\n\n<b>no</b>\n"
        html = run_page(JUDGED, summary, [tmp_path / "a.svg", tmp_path / "b.svg"])
        assert re.search("<title>(.*?)</title>", html)[1] == "Reference chat: failed"  # type: ignore[index]
        assert re.findall(r'aria-label="(Table \d+|Chart \d+)"', html) == [
            "Table 1",
            "Table 2",
            "Chart 1",
            "Chart 2",
        ]
        assert html.count('<div class="wide"') == html.count("</table></div>") + 2 == 4
        assert '<pre tabindex="0">' in html
        assert "&lt;b&gt;no&lt;/b&gt;" in html
        assert '<svg style="max-width:100%;height:auto" id="a"><svg id="in"/></svg>' in html
        assert "<?xml" not in html


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stands in for judging and building: the calls, and a report on disk."""
    calls: list[dict[str, Any]] = []

    def build(out: Path, history: Path, **more: Any) -> Any:
        calls.append({"out": out, "history": history, **more})
        one = entry(len(calls))
        Store(history).add(one, more["keep"])
        for name in ("charts", "allure-report", "evidence"):
            (out / name).mkdir(parents=True, exist_ok=True)
            (out / name / "x.svg").write_text("<svg ></svg>")
        for name in ("summary.md", "summary.json", "session.json"):
            (out / name).write_text(name)
        return SimpleNamespace(entry=one)

    monkeypatch.setattr(site, "judge_last", lambda out: JUDGED)
    monkeypatch.setattr(site, "build", build)
    return calls


class TestSite:
    def test_a_run_is_put_there_with_its_report_and_nothing_else(
        self, tmp_path: Path, built: list[dict[str, Any]]
    ) -> None:
        place = tmp_path / "site"
        found, page = publish(tmp_path / "out", place, url="https://r.example.org//", keep=7)
        assert (found.entry.run_id, page) == ("run-1", place / "runs" / "run-1" / "index.html")
        (call,) = built
        assert call == {
            "out": tmp_path / "out",
            "history": place / "history",
            "judged": JUDGED,
            "allure_history": place / "history" / "_allure.jsonl",
            "keep": 7,
            "base_url": "https://r.example.org/runs/{run}/allure-report",
        }
        assert sorted(p.name for p in page.parent.iterdir()) == [
            "allure-report", "charts", "index.html", "summary.json", "summary.md"
        ]  # fmt: skip
        assert sorted(p.name for p in place.iterdir()) == [".nojekyll", "history", "index.html", "runs"]
        assert "summary.md" in page.read_text(encoding="utf-8")
        publish(tmp_path / "out", place)
        assert built[1]["base_url"] == ""

    def test_the_newest_reports_are_kept_and_drafts_of_interrupted_writes_go(self, tmp_path: Path) -> None:
        store, runs = Store(tmp_path / "history"), tmp_path / "runs"
        for n in (1, 2, 3):
            store.add(entry(n))
        for name in ("run-1", "run-2", "run-3", "unknown", ".run-3-12345678"):
            (runs / name).mkdir(parents=True)
        (runs / "note.txt").touch()
        write_index(tmp_path, BUDGET, keep_reports=2)
        assert sorted(p.name for p in runs.iterdir()) == ["note.txt", "run-2", "run-3", "unknown"]
        html = (tmp_path / "index.html").read_text(encoding="utf-8")
        assert [row[4] for row in cells(html)] == ["Allure", "Allure", "dropped"]
        assert (tmp_path / ".nojekyll").read_text() == ""

    def test_runs_in_the_clear_are_named_with_what_to_do(
        self, tmp_path: Path, built: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        metas = [replace(STALE.metas[0], run_id=f"run-{n}", masked=n == 2) for n in (1, 2, 3)]
        shown = replace(JUDGED, run=replace(STALE, metas=tuple(metas)))
        monkeypatch.setattr(site, "judge_last", lambda out: shown)
        with pytest.raises(HarnessError) as error:
            publish(tmp_path, tmp_path / "site")
        assert error.value.what == (
            "run-1, run-3 shows session IDs in the clear (--show-ids); only masked runs can be published"
        )
        assert (error.value.where, error.value.hint) == (str(tmp_path), "record it again without --show-ids")
        assert built == []

    def test_an_interrupted_write_leaves_no_draft(
        self, tmp_path: Path, built: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(site, "run_page", full)
        with pytest.raises(HarnessError) as error:
            publish(tmp_path / "out", tmp_path / "site")
        assert error.value.what == (
            "the run could not be put on the site: [Errno 28] No space left on device"
        )
        assert error.value.where == str(tmp_path / "site" / "runs")
        assert error.value.hint == "free disk space, then publish again; run and site are kept"
        assert list((tmp_path / "site" / "runs").iterdir()) == []

    @pytest.mark.parametrize(("there", "names"), [((), ["runs"]), (("runs",), ["nights", "runs"])])
    def test_the_old_folder_is_renamed_unless_the_new_one_is_there(
        self, tmp_path: Path, there: tuple[str, ...], names: list[str]
    ) -> None:
        for name in ("nights", *there):
            (tmp_path / name).mkdir()
        site._move_old_folder(tmp_path)
        assert sorted(p.name for p in tmp_path.iterdir()) == names
        site._move_old_folder(tmp_path / "nowhere")


class TestNightly:
    @pytest.fixture
    def incoming(self, tmp_path: Path) -> Path:
        for name, target, browser in (
            ("one", "acme", "chromium 1"),
            ("two", "acme", "firefox 2"),
            ("three", "basic", "chromium 1"),
        ):
            records = with_meta(
                make_run(run_id=name, chats=1, lanes=1), target=target, environment={"browser": browser}
            )
            write_run(tmp_path / "incoming" / name, records)
        return tmp_path / "incoming"

    @pytest.fixture
    def suite(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
        """Stands in for the sessions that judge, and for what is published; it has their calls."""
        found = SimpleNamespace(judged=[], published=[], codes={}, lost={}, refuses="")

        def series(folders: Any, out: Path, options: Any) -> int:
            found.judged.append(([f.name for f in folders], out.name, tuple(options)))
            out.mkdir(parents=True)
            (out / "summary.md").write_text(f"# {out.name}")
            code: int = found.codes.get(out.name, 0)
            return code

        def put(out: Path, place: Path, *, url: str) -> Any:
            found.published.append((out.name, place, url))
            if out.name == found.refuses:
                raise HarnessError("it cannot be published")
            built = SimpleNamespace(
                summary=JUDGED.summary,
                entry=SimpleNamespace(headline="a line"),
                lost=found.lost.get(out.name),
            )
            return built, place / "runs" / out.name

        monkeypatch.setattr(nightly_module, "judge_series", series)
        monkeypatch.setattr(nightly_module, "publish", put)
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
        return found

    def test_each_series_is_judged_and_published(
        self, tmp_path: Path, incoming: Path, suite: SimpleNamespace
    ) -> None:
        suite.codes = {"acme-chromium": 1}
        place = tmp_path / "site"
        ended = nightly(incoming, place, tmp_path / "out", url="https://r", options=["-x"])
        names = ["acme-chromium", "acme-firefox", "basic-chromium"]
        assert suite.judged == [
            ([n], name, ("-x",)) for n, name in zip(("one", "two", "three"), names, strict=True)
        ]
        assert suite.published == [(name, place, "https://r") for name in names]
        assert ended.wrong == ()
        assert ended.judged == tuple(
            Judgement(
                name.partition("-")[0], name.partition("-")[2], "fail", "a line", place / "runs" / name, code
            )
            for name, code in zip(names, (1, 0, 0), strict=True)
        )
        job = (tmp_path / "job.md").read_text(encoding="utf-8")
        assert job.startswith(
            "# acme-chromium\n# acme-firefox\n# basic-chromium\n## acme: verdict by browser\n\n| check |"
        )
        assert "## basic" not in job

    def test_each_error_is_named_with_its_series(
        self, tmp_path: Path, incoming: Path, suite: SimpleNamespace
    ) -> None:
        suite.codes, suite.refuses = {"acme-chromium": 3}, "acme-firefox"
        suite.lost = {"basic-chromium": HarnessError("the history is full")}
        ended = nightly(incoming, tmp_path / "site", tmp_path / "out")
        assert [one.target for one in ended.judged] == ["basic"]
        assert ended.wrong == (
            "acme, chromium: its evidence could not be judged: pytest ended with 3, see above",
            "acme, firefox: it cannot be published",
            "basic, chromium: the history is full",
        )

    def test_without_evidence_it_names_where_to_look(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError) as error:
            nightly(tmp_path, tmp_path / "site", tmp_path / "out")
        assert (error.value.what, error.value.where) == ("no shard recorded evidence", str(tmp_path))
        assert error.value.hint == "see the logs of the shards: none of them recorded a run"

    def test_the_session_that_judges(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        called: list[Any] = []

        def run(command: list[str], **more: Any) -> Any:
            called.append((command, more))
            return SimpleNamespace(returncode=5)

        monkeypatch.setattr(subprocess, "run", run)
        ours = ("SHARD", "EVIDENCE_TO", "FROM_EVIDENCE")
        theirs = ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", *(f"CHAT_E2E_{name}" for name in ours))
        for name in theirs:
            monkeypatch.setenv(name, "1")
        out = tmp_path / "out"
        assert judge_series([tmp_path / "a"], out, ["-x"]) == 5
        ((command, more),) = called
        assert command == [
            sys.executable, "-m", "pytest", "e2e/specs", "-q", "--from-evidence", str(tmp_path / "a"),
            "--out", str(out), f"--junit-xml={out / 'junit.xml'}", "-x",
        ]  # fmt: skip
        assert (more["cwd"] / "e2e" / "specs").is_dir()
        assert more["check"] is False
        assert not set(theirs) & set(more["env"])

    @pytest.mark.parametrize(
        ("named", "there", "text"),
        [(True, True, "before\n# x\n"), (True, False, "before\n"), (False, True, "before\n")],
    )
    def test_the_page_of_a_job_gets_the_summary_at_its_end(
        self, tmp_path: Path, named: bool, there: bool, text: str
    ) -> None:
        page, summary = tmp_path / "job.md", tmp_path / "summary.md"
        page.write_text("before\n")
        if there:
            summary.write_text("# x")
        write_job_summary(summary, {"GITHUB_STEP_SUMMARY": str(page)} if named else {})
        assert page.read_text() == text
