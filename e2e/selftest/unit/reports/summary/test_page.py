"""summary.md and the terminal: valid Markdown, the executive summary, no repetition, no claim without evidence."""

from __future__ import annotations

import io
import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.records.records import Problem
from e2e.selftest.unit.builders import judge_run, make_run, with_meta
from reports.summary.page import headline, release_note, summary_page
from reports.summary.summary import summarise
from reports.summary.terminal import terminal_summary
from reports.summary.verdict import detection_limits, executive_summary, verdict_line


def page(run: Run, *, places: list[str] | None = None) -> str:
    judgement = judge(run)
    return summary_page(run, judgement, summarise(run, judgement), places or ["evidence/one"])


def terminal(run: Run) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(terminal_summary(summarise(run, judge(run))))
    return out.getvalue()


PROBLEM = Problem("Blocked", "the chat answered 429", "lane 2", "wait an hour")


@pytest.mark.parametrize(
    ("faults", "meta"),
    [
        ((), {}),
        (("stale-state",), {}),
        (("provider-flaps",), {"trace": "trace-lane-0.zip"}),
        ((), {"finished": None, "planned_chats": 40, "problems": (PROBLEM,)}),
    ],
    ids=["healthy", "stale", "flaps", "broken"],
)
def test_markdown_blocks_are_separated_by_blank_lines(faults: tuple[str, ...], meta: dict[str, Any]) -> None:
    """A table, list, heading or fence that touches the block before it is rendered as part of it."""
    lines = page(assemble([with_meta(make_run(*faults), **meta)])).splitlines()
    fenced = False
    for before, line in itertools.pairwise(lines):
        if line.startswith("~~~"):
            assert fenced or before == "", (before, line)
            fenced = not fenced
        if fenced:
            continue
        for block in ("#", "|", "- "):
            if line.startswith(block):
                assert before == "" or (before.startswith(block) and block != "#"), (before, line)
            elif before.startswith(block):
                assert line == "", (before, line)


def test_each_list_item_is_on_a_line_of_its_own() -> None:
    runs = [make_run("stale-state"), make_run("stale-state", run_id="another", seed=8)]
    text = page(assemble(runs), places=["evidence/one", "evidence/two"])
    for item in (
        "- code location: ",
        "- failed checks: ",
        "- confidence: ",
        "- **change needed:** ",
        "- `evidence/two`",
    ):
        assert f"\n{item}" in text


def test_a_failure_has_code_location_hint_and_code() -> None:
    text = page(judge_run("stale-state"))
    assert text.startswith("# Reference chat: stale-state: 3 of 25 checks failed\n")
    assert "## Root cause: stale-state (frontend state)" in text
    assert "`src/lib/session.ts:97 endSession`" in text
    assert ">   97    // endSession" in text
    assert "16 of 16" in text


def test_a_partial_run_is_marked_at_the_top() -> None:
    run = assemble([with_meta(make_run(chats=8, lanes=2), finished=None, planned_chats=20)])
    assert "**Partial run:** the run did not finish" in page(run)[:900]
    assert "partial run: the run did not finish" in terminal(run)
    assert "artial" not in page(judge_run())
    assert "partial" not in terminal(judge_run())


@pytest.mark.parametrize(
    ("faults", "decision"), [((), "✔ OK to release"), (("stale-state",), "✘ not OK to release")]
)
def test_the_comment_of_a_pull_request_has_decision_summary_layers_and_link(
    faults: tuple[str, ...], decision: str
) -> None:
    run = judge_run(*faults, chats=8, lanes=2)
    summary = summarise(run, judge(run))
    lines = release_note(run, summary, "https://reports.example.org/1").splitlines()
    assert lines[0] == f"### Chat sessions: {decision} ({headline(summary)})"
    assert lines[2] == " ".join(executive_summary(summary))
    statuses = [line.split(" | ")[1] for line in lines if line.startswith("| ")][1:]
    assert len(statuses) == 7
    assert ("does not work" in statuses) is bool(faults)
    assert lines[-1] == (
        f"8 of 8 chats observed; runs {run.metas[0].run_id}. [Report](https://reports.example.org/1)"
    )
    assert "[Report]" not in release_note(run, summary)


def test_the_terminal_keeps_names_in_brackets() -> None:
    run = judge_run()
    summary = summarise(run, judge(run))
    checks = [check.model_copy(update={"needs": "see [backend] in the profile"}) for check in summary.checks]
    out = io.StringIO()
    Console(file=out, width=120).print(terminal_summary(summary.model_copy(update={"checks": checks})))
    assert "[backend]" in out.getvalue()


def test_a_problem_is_shown_with_its_hint() -> None:
    run = assemble([with_meta(make_run(), problems=(PROBLEM, PROBLEM))])
    for text in (page(run), terminal(run)):
        assert "the chat answered 429" in text
        assert "Blocked (2 times)" in text
        assert "wait an hour" in text


def test_the_executive_summary_of_a_failure_has_verdict_cause_layer_location_and_hint() -> None:
    run = judge_run("stale-state")
    text = " ".join(executive_summary(summarise(run, judge(run))))
    assert text.startswith("The run failed: 3 of 25 checks failed; 20 of 20 planned chats were observed.")
    assert "The cause is stale-state, in the layer frontend state: " in text
    assert "The code location is `src/lib/session.ts:97 endSession`." in text
    assert "Hint: " in text
    assert text.endswith("Not OK to release, priority **critical**.")
    assert text in page(run)
    assert "The cause is stale-state" in terminal(run)


def test_the_executive_summary_claims_no_cause_without_a_failure() -> None:
    broken = assemble(
        [with_meta(make_run(chats=8, lanes=2), finished=None, planned_chats=40, problems=(PROBLEM,))]
    )
    for run, begin, end in (
        (judge_run(), "The run passed: 16 of 25 checks passed", "OK to release."),
        (broken, "The run is broken: only 8 of 40 planned chats", "No decision about a release."),
    ):
        text = " ".join(executive_summary(summarise(run, judge(run))))
        assert text.startswith(begin)
        assert text.endswith(end)
        assert "cause" not in text
    assert "Blocked: the chat answered 429. Hint: wait an hour." in " ".join(
        executive_summary(summarise(broken, judge(broken)))
    )


def test_the_verdict_line_names_cause_layer_and_code_location() -> None:
    run = judge_run("stale-state")
    line = verdict_line(summarise(run, judge(run)))
    assert line == "Failed: stale-state (frontend state) at src/lib/session.ts:97 endSession"
    assert verdict_line(summarise(judge_run(), judge(judge_run()))).startswith("Passed: every new chat used")


def test_a_pipe_does_not_break_the_table() -> None:
    providers = ("Big | hat", "Tin drum")
    policy = replace(make_run().meta.policy, providers=providers)
    text = page(judge_run(providers=providers, policy=policy))
    assert "| Big \\| hat |" in text
    cells = {len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| Big")}
    assert cells == {6}


def test_only_passed_checks_have_a_detection_limit() -> None:
    run = judge_run("stale-state")
    summary = summarise(run, judge(run))
    green = {c.name for c in summary.checks if c.verdict == "pass"}
    named = [name for names in detection_limits(summary).values() for name in names]
    assert named
    assert set(named) <= green
    assert len(named) == len(set(named))


@pytest.mark.parametrize(("masked", "noted"), [(True, True), (False, False)])
def test_the_trace_of_a_masked_run_is_noted_as_left_out(masked: bool, noted: bool) -> None:
    run = assemble([with_meta(make_run("stale-state"), trace="trace-lane-0.zip", masked=masked)])
    text = page(run)
    assert "`evidence/one/trace-lane-0.zip`" in text
    assert ("not part of the report" in text) is noted


def test_a_run_without_providers_states_so() -> None:
    records = make_run(chats=4, lanes=2, backend=False)
    chats = tuple(
        replace(
            c,
            messages=tuple(
                replace(m, reply_provider=None, backend_provider=None, label_provider=None)
                for m in c.messages
            ),
        )
        for c in records.chats
    )
    run = assemble([replace(records, chats=chats)])
    assert "No provider was seen." in page(run)


def test_the_terminal_shows_verdicts_causes_providers_and_limits() -> None:
    text = terminal(judge_run("stale-state"))
    assert re.search(r"rotation\.sent_id_is_fresh +fail +16 of 16", text)
    assert "cause stale-state (frontend state)" in text
    assert "at src/lib/session.ts:97 endSession" in text
    assert "hint: " in text
    assert re.search(r"Far hill +\d+ +█+", text)
    assert "detection limits" in text


def test_bar_lengths_are_proportional_to_counts() -> None:
    text = terminal(judge_run(seed=3))
    bars = {int(n): len(bar) for n, bar in re.findall(r" (\d+) +(█+)", text)}
    assert len(bars) > 1
    assert [bars[n] for n in sorted(bars)] == sorted(bars.values())
    assert bars[max(bars)] == 30
