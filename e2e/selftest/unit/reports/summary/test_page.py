"""summary.md and the terminal: Markdown that renders, everything said once, nothing claimed that was not seen."""

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
from reports.summary.page import summary_page, worth_of
from reports.summary.summary import summarise
from reports.summary.terminal import terminal_summary


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
def test_blocks_stand_apart(faults: tuple[str, ...], meta: dict[str, Any]) -> None:
    """A table, list, heading or fence that touches the block before it is swallowed by it."""
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
    for item in ("- where: ", "- explains: ", "- confidence: ", "- **change needed:** ", "- `evidence/two`"):
        assert f"\n{item}" in text


def test_a_failure_is_told_with_place_advice_and_code() -> None:
    text = page(judge_run("stale-state"))
    assert text.startswith("# Reference chat: stale-state: 3 of 25 checks failed\n")
    assert "## Root cause: stale-state (frontend state)" in text
    assert "`src/lib/session.ts:97 endSession`" in text
    assert ">   97    // endSession" in text
    assert "16 of 16" in text


def test_a_partial_run_says_so_at_the_top() -> None:
    run = assemble([with_meta(make_run(chats=8, lanes=2), finished=None, planned_chats=20)])
    assert "**Partial:** the run did not end" in page(run)[:600]
    assert "partial: the run did not end" in terminal(run)
    assert "artial" not in page(judge_run())
    assert "partial" not in terminal(judge_run())


def test_a_problem_is_shown_with_its_hint() -> None:
    run = assemble([with_meta(make_run(), problems=(PROBLEM, PROBLEM))])
    for text in (page(run), terminal(run)):
        assert "the chat answered 429" in text
        assert "Blocked (2 times)" in text
        assert "wait an hour" in text


def test_a_pipe_does_not_break_the_table() -> None:
    providers = ("Big | hat", "Tin drum")
    policy = replace(make_run().meta.policy, providers=providers)
    text = page(judge_run(providers=providers, policy=policy))
    assert "| Big \\| hat |" in text
    cells = {len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| Big")}
    assert cells == {6}


def test_what_green_is_worth_is_said_of_green_checks_only() -> None:
    run = judge_run("stale-state")
    summary = summarise(run, judge(run))
    green = {c.name for c in summary.checks if c.verdict == "pass"}
    said = [name for names in worth_of(summary).values() for name in names]
    assert said
    assert set(said) <= green
    assert len(said) == len(set(said))


@pytest.mark.parametrize(("masked", "told"), [(True, True), (False, False)])
def test_the_trace_is_said_to_be_left_out_only_when_it_is(masked: bool, told: bool) -> None:
    run = assemble([with_meta(make_run("stale-state"), trace="trace-lane-0.zip", masked=masked)])
    text = page(run)
    assert "`evidence/one/trace-lane-0.zip`" in text
    assert ("not part of the report" in text) is told


def test_no_provider_seen_is_said() -> None:
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


def test_the_terminal_shows_verdicts_causes_providers_and_worth() -> None:
    text = terminal(judge_run("stale-state"))
    assert re.search(r"rotation\.sent_id_is_fresh +fail +16 of 16", text)
    assert "cause stale-state (frontend state)" in text
    assert "at src/lib/session.ts:97 endSession" in text
    assert "advice: " in text
    assert re.search(r"Far hill +\d+ +█+", text)
    assert "what green is worth" in text


def test_the_bars_follow_the_counts() -> None:
    text = terminal(judge_run(seed=3))
    bars = {int(n): len(bar) for n, bar in re.findall(r" (\d+) +(█+)", text)}
    assert len(bars) > 1
    assert [bars[n] for n in sorted(bars)] == sorted(bars.values())
    assert bars[max(bars)] == 30
