"""What Allure gets of a run, and what is made of its output: without Allure."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.errors import HarnessError
from e2e.records.records import Policy
from e2e.selftest.unit.builders import make_run, with_meta
from reports.allure import build
from reports.allure.build import build_allure, quality_gate
from reports.allure.config import (
    GATES,
    AllureCause,
    AllureRun,
    Environment,
    allure_run,
    allure_run_of,
    environments,
    forget_point,
    forget_run,
    labels,
    metrics,
    results_of_tests,
)
from reports.charts.figures import FIGURES, GROUPS, figures
from reports.summary.aggregate import Judged
from reports.summary.summary import summarise
from reports.summary.verdict import verdict_line

SMALL = make_run(chats=6, lanes=2)


def judged(*records: Any) -> Judged:
    run = assemble(list(records) or [SMALL])
    return Judged(run, judge(run), summarise(run, judge(run)), ())


class TestConfiguration:
    def test_the_json_that_allure_reads(self, tmp_path: Path) -> None:
        run = AllureRun(
            name="Chat, r1",
            verdict="fail",
            environments=(Environment("my chat", "firefox", {"a": "b"}), Environment("x", "")),
            causes=(AllureCause("c", "layer", "a.ts:1", "do it"), AllureCause("d", "other")),
            gates={"reuse_bound": 30.0, "effective_providers": 1.5},
            history=tmp_path / "h.jsonl",
            base_url="https://r",
        )
        found = run.to_json()
        assert (found["name"], found["verdict"], found["historyLimit"]) == ("fail · Chat, r1", "fail", 400)
        assert (found["historyPath"], found["historyBaseUrl"]) == (str(tmp_path / "h.jsonl"), "https://r")
        assert found["environments"] == [
            {
                "id": "my-chat-firefox",
                "name": "my chat, firefox",
                "target": "my chat",
                "browser": "firefox",
                "variables": {"a": "b"},
            },
            {"id": "x", "name": "x", "target": "x", "browser": "", "variables": {}},
        ]
        assert found["causes"] == [
            {"name": "c", "layer": "layer", "where": "a.ts:1", "hint": "do it"},
            {"name": "d", "layer": "other", "where": "", "hint": ""},
        ]
        assert found["gates"] == [
            {"metricMax": {"key": "reuse_bound", "value": 30.0, "unit": FIGURES["reuse_bound"].unit}},
            {
                "metricMin": {
                    "key": "effective_providers",
                    "value": 1.5,
                    "unit": FIGURES["effective_providers"].unit,
                }
            },
        ]
        known = found["performance"]
        assert known["groups"] == {key: {"title": title} for key, title in GROUPS.items()}
        assert set(known["metrics"]) == set(FIGURES)
        one = FIGURES["reuse_bound"]
        assert known["metrics"]["reuse_bound"] == {
            "title": one.title,
            "unit": one.unit,
            "better": one.better,
            "group": one.group,
        }
        empty = AllureRun().to_json()
        assert (empty["name"], empty["historyPath"], empty["historyBaseUrl"], empty["gates"]) == (
            "",
            None,
            None,
            [],
        )

    def test_a_run_has_its_verdict_its_causes_and_its_gates(self, tmp_path: Path) -> None:
        one = judged(make_run("stale-state", chats=6, lanes=2, run_id="r1"))
        run = allure_run(one, tmp_path / "h", "https://r")
        assert (run.name, run.verdict) == ("Reference chat, r1", verdict_line(one.summary, with_hint=True))
        assert (run.history, run.base_url) == (tmp_path / "h", "https://r")
        (cause,) = one.summary.causes
        assert run.causes == (AllureCause(cause.name, cause.layer, cause.where[0], cause.advice),)
        assert run.gates == {name: limit for name, (_, limit) in GATES.items() if name in figures(one.run)}
        bare = one.summary.model_copy(update={"causes": [cause.model_copy(update={"where": []})]})
        assert allure_run_of((one,), bare).causes[0].where == ""

    def test_three_runs_are_named(self) -> None:
        records = [make_run(chats=2, lanes=1, run_id=f"r{n}", seed=n) for n in range(4)]
        assert allure_run(judged(*records)).name == "Reference chat, r0 r1 r2"

    def test_the_profile_of_the_newest_run_sets_the_limits(self) -> None:
        old = with_meta(make_run(chats=4, lanes=2, run_id="a"), started=5.0, gates={"reuse_bound": 1.0})
        new = with_meta(
            make_run(chats=4, lanes=2, run_id="b", seed=8), started=9.0, gates={"reuse_bound": 7.0}
        )
        assert allure_run(judged(new, old)).gates["reuse_bound"] == 7.0

    def test_of_two_browsers_the_strictest_limit_counts(self) -> None:
        def one(low: float, high: float) -> Judged:
            return judged(
                with_meta(make_run(chats=20), gates={"reuse_bound": high, "effective_providers": low})
            )

        both = (one(2.0, 9.0), one(3.0, 5.0))
        gates = allure_run_of(both, both[0].summary).gates
        assert (gates["effective_providers"], gates["reuse_bound"]) == (3.0, 5.0)
        more = Environment("reference", "webkit")
        run = allure_run_of(both, both[0].summary, more=(more,))
        assert [e.browser for e in run.environments] == ["chromium", "chromium", "webkit"]

    @pytest.mark.parametrize(
        ("policy", "gated"),
        [
            ({"provider_count": 1}, False),
            ({"providers": ("Big hat",)}, False),
            ({"provider_count": 2}, True),
            ({}, True),
        ],
    )
    def test_a_single_provider_needs_no_variety(self, policy: dict[str, Any], gated: bool) -> None:
        records = with_meta(make_run(chats=20), policy=replace(Policy(has_backend=True), **policy))
        assert ("effective_providers" in allure_run(judged(records)).gates) is gated

    def test_a_known_issue_closes_no_gate(self) -> None:
        one = judged(make_run("stale-state", chats=6, lanes=2))
        name = "rotation.sent_id_is_fresh"
        verdicts = tuple(
            replace(v, accepted="known") if v.name == name else v for v in one.judgement.verdicts
        )
        accepted = replace(one, judgement=replace(one.judgement, verdicts=verdicts))
        assert "reuse_bound" in allure_run(one).gates
        assert "reuse_bound" not in allure_run(accepted).gates


class TestFiles:
    def test_key_figures_are_the_worst_of_the_browsers(self) -> None:
        runs = [
            assemble([r])
            for r in (make_run(chats=20, run_id="a"), make_run("provider-pinned", chats=20, run_id="b"))
        ]
        samples = {s["key"]: s for s in json.loads(metrics(*runs))}
        for key, one in samples.items():
            values = [figures(run)[key] for run in runs if key in figures(run)]
            assert one["value"] == (min if FIGURES[key].better == "higher" else max)(values)
            assert one["id"] == f"a-{key}"
        metas = [run.metas[0] for run in runs]
        assert {s["start"] for s in samples.values()} == {int(1000 * min(m.started for m in metas))}
        assert {s["stop"] for s in samples.values()} == {int(1000 * max(m.finished or 0 for m in metas))}
        killed = assemble([with_meta(SMALL, finished=None)])
        assert {s["stop"] for s in json.loads(metrics(killed))} == {int(1000 * killed.metas[0].started)}

    def test_environments_have_the_newest_facts_and_the_number_of_runs(self) -> None:
        def run(name: str, t: float, **facts: str) -> Any:
            return with_meta(
                make_run(chats=2, lanes=1, run_id=name),
                started=t,
                environment={"browser": "chromium 1", **facts},
            )

        found = environments(assemble([run("b", 9.0, commit="new"), run("a", 5.0, commit="old", gone="x")]))
        (one,) = found
        assert (one.target, one.browser) == ("reference", "chromium")
        assert (one.facts["commit"], one.facts["runs"], "gone" in one.facts) == ("new", "2", False)

    def test_labels_are_those_of_the_first_environment(self) -> None:
        both = [Environment("a", "x"), Environment("b", "y")]
        assert labels(both) == [{"name": "target", "value": "a"}, {"name": "browser", "value": "x"}]
        assert labels([Environment("a", "")]) == [{"name": "target", "value": "a"}]
        assert labels([]) == []

    def test_only_results_of_tests_are_counted(self, tmp_path: Path) -> None:
        for name in ("a-result.json", "run-result.json", "b-result.txt", "c-container.json"):
            (tmp_path / name).touch()
        assert results_of_tests(tmp_path) == 1

    def test_points_of_the_history_are_forgotten_by_name_or_run(self, tmp_path: Path) -> None:
        history = tmp_path / "h.jsonl"
        points = ["pass · Chat, r1 r2", "Chat, r1 r2", "fail · Chat, r3", "Chat, r33"]
        text = "".join(f"{json.dumps({'name': p})}\n" for p in points)

        def left() -> list[str]:
            return [json.loads(line)["name"] for line in history.read_text().splitlines()]

        history.write_text(text)
        forget_point(history, "")
        assert history.read_text() == text
        forget_point(history, "Chat, r1 r2")
        assert left() == points[2:]
        forget_run(history, "r3")
        assert left() == ["Chat, r33"]
        history.write_text(text + '{"half\n[1]\n')
        forget_run(history, "nobody")
        assert left() == points
        forget_point(tmp_path / "none", "x")
        assert not (tmp_path / "none").exists()


class Allure:
    """Stands in for Allure's command line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[list[str], dict[str, Any], dict[str, Any]]] = []
        self.code, self.out, self.err = 0, "", ""
        self.history: str | None = None
        monkeypatch.setattr(build, "allure_command", lambda: ["allure"])
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command: list[str], **more: Any) -> Any:
        settings = json.loads(Path(more["env"]["CHAT_E2E_ALLURE"]).read_text())
        self.calls.append((command, more, settings))
        if settings["historyPath"]:
            self.history = Path(settings["historyPath"]).read_text()
        if "--output" in command:
            for page in ("awesome", "dashboard"):
                folder = Path(command[command.index("--output") + 1]) / page
                folder.mkdir(parents=True)
                (folder / "index.html").write_text(
                    '<html><script async src="https://www.googletagmanager.com/x"></script>\n<script>gtag("a")</script>  <p>'
                )
        return SimpleNamespace(returncode=self.code, stdout=self.out, stderr=self.err)


@pytest.fixture
def allure(monkeypatch: pytest.MonkeyPatch) -> Allure:
    return Allure(monkeypatch)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "allure-results"
    folder.mkdir()
    (folder / "a-result.json").write_text("{}")
    return folder


class TestBuild:
    def test_the_command_and_its_environment(
        self, allure: Allure, results: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("KEPT", "1")
        (results / "environment.properties").touch()
        report = results.parent / "new" / "report"
        assert build_allure(results, report) == report / "index.html"
        ((command, more, _),) = allure.calls
        assert command[:4] == ["allure", "generate", "--config", str(build.CONFIG)]
        assert command[4] == "--output"
        assert command[6:] == ["--cwd", str(results), "."]
        env = more["env"]
        assert (env["CI"], env["NO_COLOR"], env["KEPT"], "FORCE_COLOR" in env) == ("true", "1", "1", False)
        assert env["HOME"] == env["USERPROFILE"] == str(more["cwd"])
        assert more["timeout"] == 300
        assert not (results / "environment.properties").exists()
        assert (report / "awesome" / "index.html").read_text() == "<html><p>"
        assert 'url=awesome/index.html"' in (report / "index.html").read_text()

    def test_what_allure_says_in_the_end_is_shown(self, allure: Allure, results: Path) -> None:
        allure.code, allure.out = 2, "".join(f"line {n}\n\n" for n in range(20))
        allure.err = "    at stack\nCheck logs for more\nlast"
        with pytest.raises(HarnessError) as error:
            build_allure(results, results.parent / "report")
        shown = [f"  line {n}" for n in range(6, 20)]
        assert error.value.what.splitlines() == ["Allure could not build the report:", *shown, "  last"]
        assert error.value.where == str(results)
        assert error.value.hint == "reinstall it with `make setup`, then `make report`; the results are kept"

    @pytest.mark.parametrize(
        ("content", "seen"),
        [([], ""), (["{half"], ": none of 1 can be read"), (["{half", "[]"], ": none of 2 can be read")],
    )
    def test_no_result_is_no_report(
        self, allure: Allure, tmp_path: Path, content: list[str], seen: str
    ) -> None:
        for n, text in enumerate(content):
            (tmp_path / f"{n}-result.json").write_text(text)
        with pytest.raises(HarnessError) as error:
            build_allure(tmp_path, tmp_path / "report")
        assert error.value.what == f"there is no test result to report{seen}"
        assert error.value.hint == "record a run with `make e2e`"

    def test_unreadable_results_are_listed(self, allure: Allure, results: Path) -> None:
        (results / "b-result.json").write_text("{half")
        build_allure(results, results.parent / "report")
        listed = json.loads((results / "unread-globals.json").read_text())
        message = "1 of 2 results cannot be read and are missing here"
        assert listed == {"attachments": [], "errors": [{"message": message, "trace": "b-result.json"}]}
        (results / "b-result.json").unlink()
        build_allure(results, results.parent / "report")
        assert not (results / "unread-globals.json").exists()

    @pytest.mark.parametrize(
        ("code", "out", "err", "passed", "lines"),
        [
            (0, "fine", "", True, []),
            (1, "\x1b[31m too high \x1b[0m\n\n", "why\n", False, ["too high", "why"]),
        ],
    )
    def test_the_gate(
        self, allure: Allure, results: Path, code: int, out: str, err: str, passed: bool, lines: list[str]
    ) -> None:
        allure.code, allure.out, allure.err = code, out, err
        assert quality_gate(results, AllureRun()) == (passed, lines)
        assert allure.calls[0][0][1] == "quality-gate"

    @pytest.mark.parametrize(("code", "out"), [(1, ""), (2, "broken"), (-9, "x")])
    def test_a_gate_that_could_not_judge(self, allure: Allure, results: Path, code: int, out: str) -> None:
        allure.code, allure.out = code, out
        with pytest.raises(HarnessError, match="Allure could not judge the results") as error:
            quality_gate(results, AllureRun())
        assert (error.value.where, error.value.hint) == (str(results), "reinstall it with `make setup`")

    def test_the_gate_compares_with_the_runs_before_this_one(self, allure: Allure, results: Path) -> None:
        history = results.parent / "h.jsonl"
        text = '{"name": "Chat, r1"}\n{"name": "pass · Chat, r2"}\n'
        history.write_text(text)
        quality_gate(results, AllureRun(name="Chat, r2", history=history))
        assert allure.history == '{"name": "Chat, r1"}\n'
        assert history.read_text() == text
        quality_gate(results, AllureRun(name="Chat, r2", history=results.parent / "none"))
        assert allure.calls[1][2]["historyPath"] is None
