"""The observations as tables: what is marked is what the checks found."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from e2e.analysis.model.run import assemble
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_messages
from reports.summary.tables import observations, observations_csv, observations_html, short


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("session_…3f9a1b2c", "session_…1b2c"),
        ("…3f9a1b2c", "…1b2c"),
        ("session_17_clear", "session_17_clear"),
    ],
)
def test_a_reference_is_shortened_and_nothing_else(reference: str, shown: str) -> None:
    assert short(reference) == shown


def test_one_row_per_chat_in_order_of_time() -> None:
    run = judge_run(chats=7, lanes=3)
    table = observations(run)
    assert [(r["lane"], r["chat"]) for r in table][:4] == [("0", "0"), ("1", "0"), ("2", "0"), ("0", "1")]
    assert len(table) == 7


@pytest.mark.parametrize(
    "fields", [{}, {"id_pattern": "uuid"}, {"chats": 1, "lanes": 1}], ids=["plain", "uuid", "one"]
)
def test_nothing_is_marked_in_a_healthy_run(fields: dict[str, object]) -> None:
    assert {r["notes"] for r in observations(judge_run(**fields))} == {""}


def test_old_and_missing_ids_are_marked() -> None:
    notes = [r["notes"] for r in observations(judge_run("stale-state"))]
    assert notes[:4] == ["", "", "", ""]
    assert set(notes[4:]) == {"stored: no ID; sent: old ID"}


def test_an_id_shared_by_two_browsers_is_marked() -> None:
    notes = [r["notes"] for r in observations(judge_run(id_pattern="browserBased"))]
    assert notes[0] == ""
    assert all("sent: old ID" in n for n in notes[1:])


def test_a_label_of_another_provider_is_marked() -> None:
    assert any("another provider" in r["notes"] for r in observations(judge_run("label-stale")))


def test_not_seen_is_not_nothing() -> None:
    unseen = assemble([with_messages(make_run(chats=2, lanes=2), sent_seen=False, sent=None)])
    assert {r["sent"] for r in observations(unseen)} == {"not seen"}
    empty = assemble([with_messages(make_run(chats=2, lanes=2), sent=None)])
    assert {r["sent"] for r in observations(empty)} == {"nothing"}


def test_a_lost_chat_names_the_reason() -> None:
    records = make_run(chats=2, lanes=2)
    lost = with_chats(records, lambda c: replace(c, status="lost", reason="the page <crashed>", messages=()))
    run = assemble([lost])
    assert observations(run)[0]["notes"].startswith("lost: the page <crashed>")
    assert "the page &lt;crashed&gt;" in observations_html(run)


def test_lanes_of_pooled_runs_are_distinguished() -> None:
    one = judge_run(chats=2, lanes=2)
    two = assemble([make_run(chats=2, lanes=2), make_run(chats=2, lanes=2, run_id="another", seed=8)])
    assert "<th>run</th>" not in observations_html(one)
    assert "<th>run</th>" in observations_html(two)
    assert "<td>another</td>" in observations_html(two)


def test_marked_rows_look_marked() -> None:
    assert observations_html(judge_run("stale-state")).count('class="bad"') == 16
    assert observations_html(judge_run()).count('class="bad"') == 0


def test_a_long_table_is_cut_and_states_it() -> None:
    run = judge_run(chats=520, lanes=2, backend=False)
    html = observations_html(run)
    assert html.count("<tr") == 501
    assert "20 more rows are in the evidence" in html
    assert len(list(csv.DictReader(io.StringIO(observations_csv(run))))) == 520


def test_the_csv_has_the_same_rows() -> None:
    run = judge_run("stale-state")
    assert list(csv.DictReader(io.StringIO(observations_csv(run)))) == observations(run)
