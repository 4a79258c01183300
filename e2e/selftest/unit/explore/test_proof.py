"""A failed check of the proof run that hangs on a guess is reported as the guess's failure first."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from e2e.explore.discover.infer.findings import Findings, Guess
from e2e.explore.discover.observed import Observed
from e2e.explore.proof import (
    Outcome,
    Weak,
    behind,
    confirm_provider,
    print_outcome,
    weak_guesses,
    with_maybe,
)

STORE = Guess({"store": "localStorage", "key": "sid"}, 0.95, "its value was sent")
DOUBT = Weak("session", "wire[0].session", 0.62, "the same in each message of a chat")


def weak_of(session: float, store: Guess = STORE) -> list[Weak]:
    found = Findings(session=Guess("id", session, "why"), store=store)
    return weak_guesses(found, Observed("", ""))


def printed(outcome: Outcome, weak: list[Weak]) -> tuple[int, str]:
    out = io.StringIO()
    code = print_outcome(Console(file=out, width=200), outcome, weak)
    return code, out.getvalue()


@pytest.mark.parametrize(("confidence", "parts"), [(0.79, ["session"]), (0.8, [])])
def test_a_guess_below_the_limit_is_weak(confidence: float, parts: list[str]) -> None:
    assert [w.part for w in weak_of(confidence)] == parts


def test_no_store_is_no_doubt_where_the_sent_id_is_certain() -> None:
    none = Guess({"store": "none"}, 0.6, "no sent value was found in a store")
    assert weak_of(0.9, none) == []
    assert [w.part for w in weak_of(0.7, none)] == ["store", "session"]


@pytest.mark.parametrize(
    ("check", "hangs"),
    [
        ("rotation.sent_id_is_fresh", True),
        ("provider.persists", True),
        ("reply.is_live", False),
        ("smoke", False),
    ],
)
def test_checks_hang_on_the_parts_that_they_judge(check: str, hangs: bool) -> None:
    assert bool(behind(check, [DOUBT])) is hangs


def test_a_failed_check_on_a_weak_guess_is_the_guess_s_failure_first() -> None:
    code, text = printed(Outcome(("rotation.sent_id_is_fresh",), ("id-constant",)), [DOUBT])
    assert code == 1
    assert "the guess for wire[0].session (0.62: the same in each message of a chat) may be wrong" in text
    assert text.index("may be wrong") < text.index("rotation.sent_id_is_fresh")
    assert "finding about the chat" not in text


def test_a_failed_check_without_a_weak_guess_is_a_finding() -> None:
    code, text = printed(Outcome(("rotation.sent_id_is_fresh",), ("stale-state",)), [])
    assert code == 0
    assert "a failed check is a finding about the chat: rotation.sent_id_is_fresh (stale-state)" in text


def test_passed_checks_do_not_answer_an_open_question() -> None:
    code, text = printed(Outcome((), ()), [DOUBT])
    assert code == 1
    assert "not proven" in text
    assert printed(Outcome((), ()), [])[0] == 0


@pytest.mark.parametrize(
    ("seen", "confirmed"), [({"Oak"}, False), ({"Oak", "Elm"}, True), ({"Elm"}, True), (set(), False)]
)
def test_a_value_that_both_chats_shared_is_the_provider_where_the_proof_run_brings_another(
    seen: set[str], confirmed: bool
) -> None:
    maybe = Guess("model", 0.5, "its value: Oak", ["Oak"])
    found = Findings(
        provider_maybe=maybe, questions=["where is the provider? Is it model (Oak)?", "and what else?"]
    )
    assert with_maybe(found).provider is maybe
    assert confirm_provider(found, seen) is confirmed
    assert (found.provider is not None) is confirmed
    assert found.questions == (
        ["and what else?"] if confirmed else ["where is the provider? Is it model (Oak)?", "and what else?"]
    )
