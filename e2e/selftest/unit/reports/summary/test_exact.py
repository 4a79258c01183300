"""The terminal, the comparison and the table of observations to the letter, from summaries that are written down here."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from e2e.analysis.checks.registry import SCENARIO_OF
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import Outcome, Verdict
from e2e.records.records import Chat
from e2e.selftest.unit.builders import make_run, with_chats, with_messages
from reports.summary import compare, tables, terminal
from reports.summary.compare import Comparison, Row
from reports.summary.schema import Summary
from reports.summary.tables import observations, observations_csv, observations_html


def check(name: str, verdict: str = "pass", **more: Any) -> dict[str, Any]:
    texts: dict[str, Any] = {
        "cause": None,
        "numbers": {},
        "message": f"{name}!",
        "worth": "",
        "needs": "",
        "warning": "",
    }
    return {"name": name, "verdict": verdict, **texts, **more}


def cause(name: str, **more: Any) -> dict[str, Any]:
    known = {"layer": "a layer", "chats": 4, "confidence": 1.0, "where": ["a.ts:1 f", "b.ts:2 g"]}
    texts = {"explanation": "It is so.", "advice": "Change it.", "checks": ["smoke"]}
    return {"name": name, **known, **texts, **more}


def summary(**more: Any) -> Summary:
    known: dict[str, Any] = {
        "run_ids": ["r1"],
        "target": "acme",
        "outcome": "pass",
        "partial": False,
        "partial_reasons": [],
        "chats": {"planned": 9, "observed": 8, "blocked": 0, "lost": 0},
        "checks": [check("smoke")],
        "causes": [],
        "experiments": [],
        "providers": {},
        "session_ids": {"distinct_stored": 7, "distinct_sent": 8, "pattern": "uuid4", "supported_bits": 0.0},
        "problems": [],
    }
    return Summary.model_validate(known | more)


def printed(of: Summary) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=100).print(terminal.terminal_summary(of))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def colours(of: Summary) -> dict[str, str]:
    """Text -> its style, of all that has one."""
    console = Console(width=100, force_terminal=True, color_system="truecolor")
    segments = [s for line in console.render_lines(terminal.terminal_summary(of)) for s in line]
    return {
        s.text.strip(): str(s.style)
        for s in segments
        if s.style and str(s.style) != "none" and s.text.strip()
    }


class TestTerminal:
    def test_a_run_that_passed(self) -> None:
        lines = printed(summary())
        assert lines[1].startswith("pass  ")
        assert lines[2] == "acme: 8 of 9 chats observed"
        assert "check  verdict  result" in lines
        assert "smoke  pass     smoke!" in lines
        assert lines[-1] == "session IDs: 7 distinct stored, 8 sent, pattern uuid4"
        assert "detection limits" not in lines

    def test_all_that_is_not_as_planned_is_counted(self) -> None:
        counts = {"planned": 9, "observed": 5, "blocked": 1, "lost": 2, "saved": 3}
        ids = {"distinct_stored": 7, "distinct_sent": 8, "pattern": "uuid4", "supported_bits": 4.5}
        lines = printed(summary(partial=True, partial_reasons=["a", "b"], chats=counts, session_ids=ids))
        assert "acme: 5 of 9 chats observed, 1 blocked, 2 lost, 3 not needed" in lines
        assert "partial run: a; b" in lines
        assert lines[-1] == "session IDs: 7 distinct stored, 8 sent, pattern uuid4, 4.5 bits supported"

    def test_a_check_has_what_it_needs_and_its_warning(self) -> None:
        checks = [
            check("a", "inconclusive", needs="needs 3 more"),
            check("b", warning="near [it]"),
            check("c", "fail", needs="n", warning="w"),
        ]
        lines = printed(summary(checks=checks))
        assert "a      inconclusive  a!; needs 3 more" in lines
        assert "b      pass          b! (warning: near [it])" in lines
        assert "c      fail          c!; n (warning: w)" in lines

    def test_a_cause_has_its_places_its_consequences_and_a_hint(self) -> None:
        causes = [cause("one", consequences=["x", "y"]), cause("two", where=[])]
        lines = printed(summary(outcome="fail", causes=causes))
        at = lines.index("cause one (a layer)")
        assert lines[at - 1 : at + 6] == [
            "",
            "cause one (a layer)",
            "  It is so.",
            "  at a.ts:1 f",
            "  at b.ts:2 g",
            "  consequences: x, y",
            "  hint: Change it.",
        ]
        at = lines.index("cause two (a layer)")
        assert lines[at : at + 3] == ["cause two (a layer)", "  It is so.", "  hint: Change it."]

    def test_a_problem_has_where_it_was_and_a_hint(self) -> None:
        full = {"kind": "Blocked", "what": "no", "where": "lane 1", "way_out": "wait", "times": 2}
        bare = {"kind": "Lost", "what": "gone", "where": "", "way_out": "", "times": 1}
        lines = printed(summary(outcome="broken", problems=[full, bare]))
        at = lines.index("Blocked (2 times)")
        assert lines[at - 1 : at + 7] == [
            "", "Blocked (2 times)", "  no", "  where: lane 1", "  hint: wait", "", "Lost", "  gone",
        ]  # fmt: skip

    def test_providers_have_bars(self) -> None:
        lines = printed(summary(providers={"Big hat": 60, "[x]": 30, "Tin drum": 0}))
        at = lines.index("provider  chats")
        assert lines[at - 1] == ""
        assert lines[at + 1 : at + 4] == [
            f"Big hat   60     {'█' * 30}",
            f"[x]       30     {'█' * 15}",
            "Tin drum  0      █",
        ]

    def test_each_limit_is_named_once(self) -> None:
        checks = [
            check("a", worth="1 %"),
            check("b", worth="1 %"),
            check("c", worth="2 %"),
            check("d", worth="1 %"),
        ]
        lines = printed(summary(checks=checks))
        at = lines.index("detection limits")
        assert lines[at - 1] == ""
        assert [line.split() for line in lines[at + 1 :]] == [
            ["a", "and", "2", "more", "1", "%"],
            ["c", "2", "%"],
        ]

    def test_colours_tell_verdicts_apart(self) -> None:
        problem = {"kind": "Blocked", "what": "no", "where": "", "way_out": "", "times": 1}
        found = colours(
            summary(
                outcome="fail",
                partial=True,
                partial_reasons=["it ended"],
                checks=[check("a"), check("b", "fail"), check("c", "inconclusive")],
                causes=[cause("one")],
                problems=[problem],
                providers={"P": 1},
            )
        )
        expected = {
            "fail": "bold red", "pass": "green", "inconclusive": "yellow", "partial run: it ended": "magenta",
            "cause one": "bold red", "at a.ts:1 f": "cyan", "Blocked": "bold magenta", "check": "dim", "provider": "dim",
            "█" * 30: "blue",
        }  # fmt: skip
        assert {text: found.get(text) for text in expected} == expected

    def test_the_files_are_named_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        terminal.print_summary(summary(), ("report", tmp_path / "a" / "b.html"), ("log", Path("/else/x")))
        assert capsys.readouterr().out.splitlines()[-3:] == ["", "report   a/b.html", "log      /else/x"]


def verdict(outcome: Outcome, name: str = "smoke", **more: Any) -> Verdict:
    return Verdict(name, outcome, "", **more)


FAIL, PASS, OPEN = verdict("fail"), verdict("pass"), verdict("inconclusive")
KNOWN = verdict("fail", accepted="until then")


class TestCompare:
    @pytest.mark.parametrize(
        ("base", "head", "change"),
        [
            (PASS, FAIL, "regressed"), (OPEN, FAIL, "regressed"), (KNOWN, FAIL, "regressed"), (FAIL, FAIL, "still failing"),
            (FAIL, PASS, "fixed"), (FAIL, KNOWN, "fixed"), (FAIL, OPEN, "inconclusive now"),
            (PASS, PASS, "same"), (OPEN, OPEN, "same"), (KNOWN, KNOWN, "same"), (PASS, KNOWN, "same"), (KNOWN, PASS, "same"),
            (OPEN, PASS, "newly judged"), (OPEN, KNOWN, "newly judged"),
            (PASS, OPEN, "inconclusive now"), (KNOWN, OPEN, "inconclusive now"),
        ],
    )  # fmt: skip
    def test_each_pair_of_verdicts_has_its_word(self, base: Verdict, head: Verdict, change: str) -> None:
        assert compare._row(base, head) == Row("smoke", base, head, change, None, None)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("name", "numbers", "counts"),
        [
            ("rotation.sent_id_is_fresh", {"reused": 2, "without_id": 1, "transitions": 20}, (3, 20)),
            ("rotation.stored_id_is_fresh", {"reused": 15, "without_id": 15, "transitions": 20}, (20, 20)),
            ("rotation.sent_id_is_fresh", {"reused": 2, "transitions": 20}, None),
            ("rotation.sent_id_is_fresh", {"reused": 0, "without_id": 0, "transitions": 0}, None),
            ("rotation.sent_equals_stored", {"chats_different": 1, "chats": 4}, (1, 4)),
            ("rotation.one_id_per_chat", {"chats_with_several": 1, "chats": 4}, (1, 4)),
            ("reply.is_live", {"cached": 1, "replies": 4}, (1, 4)),
            ("provider.persists", {"sessions_with_several": 1, "sessions": 4}, (1, 4)),
            ("provider.label_is_true", {"untrue": 1, "labels": 4}, (1, 4)),
            (next(iter(SCENARIO_OF)), {"wrong": 1, "chats": 4}, (1, 4)),
            ("smoke", {"": 1}, (0, 1)),
            ("smoke", {"chats": 4}, None),
        ],
    )
    def test_failures_are_counted_of_what_there_was(
        self, name: str, numbers: dict[str, int], counts: tuple[int, int] | None
    ) -> None:
        assert compare._counts(verdict("pass", name, numbers=numbers)) == counts

    def test_rates_are_compared_exactly(self) -> None:
        def counted(bad: int, of: int) -> Verdict:
            return verdict("pass", "reply.is_live", numbers={"cached": bad, "replies": of})

        row = compare._row(counted(0, 10), counted(8, 10))
        assert row.rates == ("0 of 10", "8 of 10")
        assert row.p == pytest.approx(0.000714, rel=1e-3)
        assert compare._row(counted(0, 10), counted(0, 0)).rates is None

    def test_spreads_are_compared_by_chi_square_or_by_permutation(self) -> None:
        def p(base: dict[str, int], head: dict[str, int]) -> float | None:
            return compare._spread_alike(Counter(base), Counter(head))

        assert p({}, {"a": 1}) is p({"a": 1}, {}) is None
        assert p({"a": 3}, {"a": 9}) == 1.0
        # Pearson without correction: (20 - 30)^2 / 25 twice over both = 4.0 + ..., 1 degree of freedom
        assert p({"a": 30, "b": 20}, {"a": 20, "b": 30}) == pytest.approx(0.0455, abs=1e-4)
        small = p({"a": 4}, {"b": 4})
        assert small is not None
        assert 0.005 < small < 0.06  # 2 of 70 orders are as far apart
        assert small == p({"a": 4}, {"b": 4})

    def test_the_outcome_in_one_line(self) -> None:
        def of(*changes: Any) -> str:
            rows = tuple(Row("x", PASS, PASS, change) for change in changes)
            judged: Any = None
            return Comparison(judged, judged, rows, None, ()).text

        assert of("same") == of() == "no verdict changed"
        every = ("inconclusive now", "fixed", "fixed", "still failing", "newly judged", "regressed", "same")
        assert of(*every) == "1 regressed, 2 fixed, 1 still failing, 1 newly judged, 1 inconclusive now"


class TestObservations:
    def test_a_row(self) -> None:
        records = with_messages(
            make_run(chats=1, lanes=1), reply_provider="P", label_provider="Q", backend_provider="B"
        )
        run = assemble([records])
        (row,) = observations(run)
        known = run.chats.iloc[0]
        assert row | {"stored": "", "sent": ""} == {
            "run": records.meta.run_id, "lane": "0", "chat": "0", "stored before": "nothing", "stored": "", "sent": "",
            "reply": "P", "backend": "B", "screen": "Q", "status": "observed", "notes": "screen names another provider",
        }  # fmt: skip
        assert row["sent"].endswith(known["sent"][-4:])

    def test_what_was_not_there_is_no_value(self) -> None:
        def bare(chat: Chat) -> Chat:
            return replace(chat, messages=(), stored=None, stored_seen=False, status="lost", reason="gone")

        (row,) = observations(assemble([with_chats(make_run(chats=1, lanes=1), bare)]))
        assert (row["stored"], row["sent"], row["reply"], row["backend"], row["screen"]) == (
            "not seen", "not seen", "–", "–", "–",
        )  # fmt: skip
        assert row["notes"] == "lost: gone"

    @pytest.mark.parametrize(
        ("fields", "notes"),
        [
            ({"screen_compared": True, "screen_from": 0}, "began with text of chat 0"),
            ({"screen_compared": True, "screen_from": None, "screen_messages": 2}, ""),
            ({"screen_compared": False, "screen_messages": 1}, "began with 1 message on the screen"),
            ({"screen_compared": False, "screen_messages": 2}, "began with 2 messages on the screen"),
            ({"screen_compared": False, "screen_messages": 0}, ""),
            ({"scenario": "reload"}, "reload"),
        ],
    )
    def test_notes(self, fields: dict[str, Any], notes: str) -> None:
        records = with_chats(make_run(chats=2, lanes=1), lambda c: replace(c, **fields) if c.chat else c)
        assert [row["notes"] for row in observations(assemble([records]))] == ["", notes]

    def test_one_provider_alone_is_no_contradiction(self) -> None:
        for fields in (
            {"reply_provider": None},
            {"label_provider": None},
            {"reply_provider": "P", "label_provider": "P"},
        ):
            run = assemble([with_messages(make_run(chats=1, lanes=1), **fields)])
            assert observations(run)[0]["notes"] == ""

    def test_only_the_first_of_many_are_shown_on_the_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tables, "_MOST", 3)
        html = ""
        for chats, more in ((3, None), (4, "<p>1 more rows are in the evidence.</p>")):
            html = observations_html(assemble([make_run(chats=chats, lanes=1)]))
            assert html.count("<tr") == 4
            assert ("more rows" in html) == (more is not None)
            assert (more or "") in html
        head = "stored before</th><th>stored</th><th>sent</th><th>reply</th><th>backend</th><th>screen</th>"
        assert f"<tr><th>lane</th><th>chat</th><th>{head}<th>status</th><th>notes</th></tr>" in html
        assert html.count('<td class="id">') == 9
        pooled = assemble([make_run(chats=1, lanes=1, run_id=n) for n in ("<a>", "b")])
        assert "<th>run</th>" in observations_html(pooled)
        assert "<td>&lt;a&gt;</td>" in observations_html(pooled)

    def test_a_row_with_notes_looks_bad(self) -> None:
        html = observations_html(assemble([make_run("stale-state", chats=3, lanes=1)]))
        assert [html.count(f'<tr class="{kind}">') for kind in ("good", "bad")] == [1, 2]

    @pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
    def test_no_cell_is_a_formula(self, first: str) -> None:
        assert tables._as_data(f"{first}1") == f"'{first}1"
        assert tables._as_data(f"1{first}") == f"1{first}"

    def test_the_csv_begins_with_its_columns(self) -> None:
        text = observations_csv(assemble([make_run(chats=2, lanes=1)]))
        head = "run,lane,chat,stored before,stored,sent,reply,backend,screen,status,notes"
        assert text.startswith(f"{head}\n")
        assert [row["chat"] for row in csv.DictReader(io.StringIO(text))] == ["0", "1"]
