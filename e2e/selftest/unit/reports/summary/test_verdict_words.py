"""The outcome of a run in words, to the letter, from summaries that are written down here."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.analysis.model.verdict import NO_ID
from e2e.selftest.unit.reports.summary import test_exact
from e2e.selftest.unit.reports.summary.test_exact import check, summary
from reports.summary.schema import Summary
from reports.summary.verdict import (
    blind_to_providers,
    blind_to_sessions,
    conclusion,
    detection_limits,
    executive_summary,
    headline,
    verdict_line,
)

FRESH, FORGETS, VARIES = "rotation.sent_id_is_fresh", "chat.forgets", "provider.varies"
OK, NO, NONE = "OK to release.", "Not OK to release, priority **high**.", "No decision about a release."


def cause(name: str, **more: Any) -> dict[str, Any]:
    return test_exact.cause(name, **{"explanation": "it is so", "advice": "change it", **more})


def checks(**verdicts: str) -> list[dict[str, Any]]:
    return [check(name.replace("__", "."), verdict) for name, verdict in verdicts.items()]


def with_browsers(**outcomes: str) -> Summary:
    known = summary(checks=checks(smoke="fail"), outcome="fail", causes=[cause("a")]).model_dump(
        by_alias=True
    )
    browsers = []
    for name, outcome in outcomes.items():
        one = {
            key: known[key]
            for key in ("run_ids", "partial", "partial_reasons", "chats", "checks", "causes", "providers", "session_ids", "problems")
        }  # fmt: skip
        browsers.append(one | {"browser": name, "outcome": outcome})
    return Summary.model_validate(known | {"browsers": browsers})


class TestConclusion:
    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({}, f"{OK} No check failed."),
            ({"checks": checks(smoke="pass", a="inconclusive", b="inconclusive")}, f"{OK} No check failed. Not judged: a, b."),
            ({"checks": checks(smoke="inconclusive", a="pass")}, f"{NONE} No check failed. Not judged: smoke."),
            ({"outcome": "fail", "checks": checks(smoke="pass", a="fail", b="fail")}, f"{NO} 2 of 3 checks failed."),
            (
                {"outcome": "broken"},
                f"{NONE} The suite could not look at everything, and found no failure in the rest.",
            ),
            (
                {"outcome": "inconclusive", "checks": checks(a="inconclusive", b="pass")},
                f"{NONE} Not judged: a.",
            ),
            (
                {"outcome": "inconclusive", "checks": checks(**dict.fromkeys("abcdef", "inconclusive"))},
                f"{NONE} Not judged: a, b, c, d and 2 more.",
            ),
            (
                {"checks": [check("smoke"), check("a", "fail", accepted="issue 1"), check("b", "fail", accepted="issue 1"),
                            check("c", "fail", accepted="issue 2")]},
                f"{OK} All failures are known issues: issue 1; issue 2.",
            ),
        ],
    )  # fmt: skip
    def test_the_decision_with_its_reason(self, fields: dict[str, Any], text: str) -> None:
        assert conclusion(summary(**fields)) == text

    @pytest.mark.parametrize(
        ("causes", "priority"),
        [
            ([], "high"),
            ([cause("a", checks=["b"], priority="critical", impact="x")], "high"),
            ([cause("a", priority="medium", impact="x")], "medium"),
            (
                [cause("a", priority="medium", impact="x"), cause("b", priority="critical", impact="x")],
                "critical",
            ),
        ],
    )
    def test_the_most_urgent_cause_of_a_failed_check_decides(self, causes: list[Any], priority: str) -> None:
        found = summary(outcome="fail", checks=checks(smoke="fail"), causes=causes)
        assert executive_summary(found)[-1] == f"Not OK to release, priority **{priority}**."


class TestHeadline:
    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({}, "no check that could be judged failed"),
            ({"outcome": "broken"}, "the suite could not look at everything"),
            ({"outcome": "inconclusive"}, "too few observations for a verdict"),
            (
                {"checks": checks(smoke="pass", a="inconclusive")},
                "no check that could be judged failed (1 of 2 checks inconclusive)",
            ),
            (
                {"outcome": "broken", "checks": checks(a="inconclusive")},
                "the suite could not look at everything",
            ),
            (
                {"checks": [check("smoke"), check("a", "inconclusive", requested=False)]},
                "no check that could be judged failed",
            ),
            (
                {"checks": [check("smoke"), check("a", "fail", accepted="issue 1")]},
                "no check that could be judged failed (1 failed by known issues, accepted for now)",
            ),
            (
                {
                    "outcome": "fail",
                    "checks": checks(smoke="fail", a="pass"),
                    "causes": [cause("x"), cause("y")],
                },
                "x, y: 1 of 2 checks failed",
            ),
        ],
    )
    def test_in_one_line(self, fields: dict[str, Any], text: str) -> None:
        assert headline(summary(**fields)) == text

    def test_a_failure_in_some_browsers_names_them(self) -> None:
        assert headline(with_browsers(chromium="pass", firefox="fail")) == "a: 1 of 1 check failed in firefox"
        assert headline(with_browsers(chromium="fail", firefox="fail")) == "a: 1 of 1 check failed"

    def test_each_browsers_outcome_is_a_sentence(self) -> None:
        found = executive_summary(with_browsers(chromium="pass", firefox="fail", webkit="pass"))
        assert "By browser: pass in chromium, webkit; fail in firefox." in found

    @pytest.mark.parametrize(
        ("causes", "line"),
        [
            ([], "Failed: : 1 of 1 check failed"),
            ([cause("a", where=[])], "Failed: a (a layer)"),
            ([cause("a")], "Failed: a (a layer) at a.ts:1 f"),
            (
                [cause("a"), cause("b"), cause("c", checks=["other"])],
                "Failed: a (a layer) at a.ts:1 f, and 1 more cause",
            ),
        ],
    )
    def test_the_verdict_line_of_a_failure(self, causes: list[Any], line: str) -> None:
        found = summary(outcome="fail", checks=checks(smoke="fail"), causes=causes)
        assert verdict_line(found) == line
        assert verdict_line(found, with_hint=True) == (f"{line}. Hint: change it" if causes else line)


class TestSummary:
    def text(self, **fields: Any) -> str:
        return " ".join(executive_summary(summary(**fields)))

    def test_a_run_that_passed(self) -> None:
        assert self.text() == (
            "The run passed: 1 of 1 check passed; 8 of 9 planned chats were observed. "
            f"No check that could be judged failed. {OK}"
        )
        found = self.text(checks=checks(smoke="pass", a="inconclusive", b="inconclusive"))
        assert "2 checks are inconclusive: a, b." in found
        assert "1 check is inconclusive: a." in self.text(checks=checks(smoke="pass", a="inconclusive"))

    def test_a_run_that_is_inconclusive(self) -> None:
        found = self.text(outcome="inconclusive", checks=checks(smoke="inconclusive"))
        assert found == (
            f"The run is inconclusive: 1 of 1 check had too few observations; 8 of 9 planned chats were observed. {NONE}"
        )

    @pytest.mark.parametrize(("hint", "reported"), [("wait", " Hint: wait."), ("", "")])
    def test_a_run_that_is_broken_has_its_first_problem(self, hint: str, reported: str) -> None:
        problems = [
            {"kind": "Blocked", "what": what, "where": "", "way_out": hint, "times": 1}
            for what in ("first", "second")
        ]
        assert self.text(outcome="broken", problems=problems) == (
            f"The run is broken: only 8 of 9 planned chats were observed. Blocked: first.{reported} {NONE}"
        )

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ([], None),
            (["b"], "Another cause was found: b."),
            (["b", "c"], "Other causes were found: b, c."),
        ],
    )
    def test_a_failure_has_its_cause_and_names_the_others(
        self, more: list[str], sentence: str | None
    ) -> None:
        found = executive_summary(
            summary(
                outcome="fail", checks=checks(smoke="fail"), causes=[cause(name) for name in ("a", *more)]
            )
        )
        assert found[:4] == [
            "The run failed: 1 of 1 check failed; 8 of 9 planned chats were observed.",
            "The cause is a, in the layer a layer: it is so.",
            "The code location is `a.ts:1 f`.",
            "Hint: change it.",
        ]
        assert found[4:-1] == ([sentence] if sentence else [])

    def test_a_failure_that_no_cause_explains(self) -> None:
        found = summary(outcome="fail", checks=checks(smoke="fail"), causes=[cause("unexplained", where=[])])
        assert executive_summary(found)[1:3] == ["No known cause explains the failure.", "Hint: change it."]


class TestBlind:
    @pytest.mark.parametrize(
        ("fresh", "message", "forgets", "blind"),
        [
            ("inconclusive", f"{NO_ID}, so", None, True),
            ("inconclusive", f"{NO_ID}, so", "inconclusive", True),
            ("inconclusive", f"{NO_ID}, so", "pass", False),
            ("inconclusive", "too few", None, False),
            ("pass", f"{NO_ID}, so", None, False),
            (None, "", None, False),
        ],
    )
    def test_to_sessions(self, fresh: str | None, message: str, forgets: str | None, blind: bool) -> None:
        some = [check("smoke")]
        some += [check(FRESH, fresh, message=message)] if fresh else []
        some += [check(FORGETS, forgets)] if forgets else []
        found = summary(checks=some)
        assert blind_to_sessions(found) is blind
        assert ("session faults cannot be seen" in headline(found)) is blind
        assert any(s.startswith("Session faults cannot be seen: ") for s in executive_summary(found)) is blind

    @pytest.mark.parametrize(
        ("judged", "observed", "providers", "blind"),
        [(True, 8, {}, True), (False, 8, {}, False), (True, 0, {}, False), (True, 8, {"Big hat": 8}, False)],
    )
    def test_to_providers(self, judged: bool, observed: int, providers: dict[str, int], blind: bool) -> None:
        chats = {"planned": 9, "observed": observed, "blocked": 0, "lost": 0}
        some = [check("smoke"), *([check(VARIES, "inconclusive")] if judged else [])]
        found = summary(checks=some, chats=chats, providers=providers)
        assert blind_to_providers(found) is blind
        assert ("provider faults cannot be seen" in headline(found)) is blind
        assert (
            any(s.startswith("Provider faults cannot be seen: ") for s in executive_summary(found)) is blind
        )


def test_limits_are_those_of_passed_checks() -> None:
    some = [
        check("a", worth="5 %"), check("b", worth="5 %"), check("c", worth="9 %"), check("d"), check("e", "fail", worth="5 %"),
    ]  # fmt: skip
    assert detection_limits(summary(checks=some)) == {"5 %": ["a", "b"], "9 %": ["c"]}
