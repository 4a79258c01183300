"""The checks of the scenarios: what the policy allows, what it does not, and what cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks import scenarios
from e2e.analysis.checks.registry import SCENARIO_OF
from e2e.analysis.diagnosis.claims import claimed
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import Verdict
from e2e.records.records import Chat, Message, Policy
from e2e.selftest.unit.builders import START, make_run, with_meta

Turn = tuple[str, str | None, str | None]
"""What happened before a message, the ID that it sent, and the one that was stored."""


def message(number: int, turns: Turn, t: float, **changes: Any) -> Message:
    after, sent, stored = turns
    return Message(
        number=number, after_reload=after == "reload", after=after, sent_at=t, ended_at=t + 0.1,  # type: ignore[arg-type]
        first_chunk_at=t, stored_seen=True, stored=stored, sent_seen=True, sent=sent, reply_provider="Big hat",
        backend_provider=None, label_provider=None, status=200, outcome="ok", chunks=3, bleeds_from=None,
        seen_on_screen=False, **changes,
    )  # fmt: skip


def chat(scenario: Any, number: int, turns: Sequence[Turn], **changes: Any) -> Chat:
    t = START + 100 + number
    fields: dict[str, Any] = {
        "run_id": "2026-11-22T0215Z-2f9c", "lane": 0, "chat": number, "scenario": scenario, "via": "new_chat", "context": 0,
        "status": "observed", "reason": "", "began": t, "ended": t + 0.9, "stored_before": None, "stored_seen": True,
        "stored": turns[0][2] if turns else None, "screen_messages": None,
        "messages": tuple(message(n, one, t + 0.1 * (n + 1)) for n, one in enumerate(turns)),
    }  # fmt: skip
    return Chat(**fields | changes)


def run_with(*chats: Chat, **policy: Any) -> Run:
    records = make_run(chats=4, lanes=1)
    records = with_meta(records, scenarios={"reload": 1}, left_out={"two-tabs": "not asked for"})
    records = replace(records, meta=replace(records.meta, policy=replace(records.meta.policy, **policy)))
    return assemble([replace(records, chats=(*records.chats, *chats))])


def refused(chat: Chat) -> Chat:
    """The same, with no message that the backend took."""
    return replace(chat, messages=tuple(replace(m, outcome="http_error", status=404) for m in chat.messages))


FINE = ("", "s…a", "s…a")

CASES: list[tuple[str, list[Chat], dict[str, Any], str]] = [
    ("rapid-send", [chat("rapid-send", 10, [FINE, FINE])], {}, ""),
    (
        "rapid-send",
        [chat("rapid-send", 10, [FINE, ("", "s…b", "s…b")])],
        {},
        "message 1 sent s…b, instead of a",
    ),
    ("double-click", [chat("double-click", 10, [("", "s…a", "s…b")])], {}, "while the store held b"),
    ("double-click", [chat("double-click", 10, [("", "s…a", "s…b")])], {"store": "none"}, ""),
    (
        "empty-chat",
        [chat("empty-chat", 10, [FINE]), chat("empty-chat", 11, [FINE])],
        {},
        "sent s…a, which chat 10 had sent before",
    ),
    # Of the chat before nothing was taken by the backend: a page that counts it as empty goes on with its session.
    (
        "empty-chat",
        [refused(chat("empty-chat", 10, [FINE])), chat("empty-chat", 11, [FINE])],
        {},
        "",
    ),
    ("reload", [chat("reload", 10, [FINE, ("reload", "s…a", "s…a")])], {}, ""),
    (
        "reload",
        [chat("reload", 10, [FINE, ("reload", "s…b", "s…b")])],
        {},
        "message 1 after a reload sent s…b",
    ),
    ("reload", [chat("reload", 10, [FINE, ("reload", "s…b", "s…b")])], {"reload_keeps": False}, ""),
    (
        "reload",
        [chat("reload", 10, [FINE, ("reload", "s…a", "s…a")])],
        {"reload_keeps": False},
        "a reload must start a new session",
    ),
    # The other tab's New Chat may change the shared store, and not what this tab sends.
    ("two-tabs", [chat("two-tabs", 10, [FINE, ("other-tab", "s…a", "s…b")])], {}, ""),
    (
        "two-tabs",
        [
            chat("two-tabs", 11, [("", "s…b", "s…b")], tab=1),
            chat("two-tabs", 10, [FINE, ("other-tab", "s…b", "s…b")], ended=START + 120, began=START + 112),
        ],
        {},
        "after New Chat in the other tab sent s…b",
    ),
    # A second tab may go on with the browser's session, where the policy says so.
    ("two-tabs", [chat("two-tabs", 10, [FINE]), chat("two-tabs", 11, [FINE], tab=1, via="load")], {}, ""),
    (
        "two-tabs",
        [chat("two-tabs", 10, [FINE]), chat("two-tabs", 11, [FINE], tab=1, via="load")],
        {"tabs": "own"},
        "which chat 10 had sent before",
    ),
    ("return-to-chat", [chat("return-to-chat", 10, [FINE, ("return", "s…a", "s…z")])], {}, ""),
    (
        "return-to-chat",
        [chat("return-to-chat", 10, [FINE, ("return", "s…z", "s…z")])],
        {},
        "message 1 after returning to the chat sent s…z",
    ),
    ("mid-stream", [chat("mid-stream", 10, [FINE], cut=True)], {}, ""),
    (
        "mid-stream",
        [chat("mid-stream", 10, [FINE], cut=True, shows_from=9)],
        {},
        "showed text of a reply to chat 9",
    ),
    ("back-forward", [chat("back-forward", 10, [("back", "s…a", "s…a")])], {}, ""),
]


@pytest.mark.parametrize(("scenario", "chats", "policy", "turns"), CASES)
def test_the_policy_decides_what_is_right_in_a_scenario(
    scenario: str, chats: list[Chat], policy: dict[str, Any], turns: str
) -> None:
    name = next(n for n, s in SCENARIO_OF.items() if s == scenario)
    verdict = judge(run_with(*chats, **policy)).verdict(name)
    assert verdict.outcome == ("fail" if turns else "pass"), verdict
    assert turns in " ".join(verdict.actual)


def test_a_reply_that_ends_at_once_cannot_be_left_behind() -> None:
    verdict = scenarios.mid_stream(run_with(chat("mid-stream", 10, [FINE])))
    assert verdict.outcome == "inconclusive"
    assert "steps.long_request" in verdict.needs


def test_a_reply_whose_text_could_not_be_read_is_not_recognised() -> None:
    fine = chat("mid-stream", 10, [FINE], cut=True, reply_followed=False)
    verdict = scenarios.mid_stream(run_with(fine))
    assert verdict.outcome == "inconclusive"
    assert "the text of 1 interrupted reply could not be read" in verdict.headline
    wrong = chat("mid-stream", 11, [("", "s…a", "s…a")])
    assert scenarios.mid_stream(run_with(fine, wrong)).outcome == "fail"  # what was seen is seen


def test_a_scenario_that_was_not_run_has_its_reason() -> None:
    verdict = scenarios.two_tabs(run_with())
    assert (verdict.outcome, verdict.headline) == (
        "inconclusive",
        "scenario two-tabs was not run: not asked for",
    )
    lost = chat("reload", 10, [], status="lost", reason="the page was gone")
    assert "the page was gone" in scenarios.reload(run_with(lost)).headline


def test_a_shared_session_that_the_other_tab_ended_is_counted_and_no_fault() -> None:
    going_on = chat("two-tabs", 10, [FINE, ("other-tab", "s…a", "s…b")])
    ended = replace(going_on.messages[1], outcome="http_error", status=410, ended_elsewhere=True)
    refused_there = replace(going_on, messages=(going_on.messages[0], ended))
    verdict = scenarios.two_tabs(run_with(refused_there, tabs="share"))
    assert verdict.outcome == "pass"
    assert (
        "1 running chat was refused after New Chat in the other tab had ended the session" in verdict.headline
    )
    assert "refused" not in scenarios.two_tabs(run_with(going_on, tabs="share")).headline


def test_scenarios_are_no_plain_chats() -> None:
    run = run_with(chat("reload", 10, [("", "s…a", "s…b")]))
    assert len(run.plain) == len(run.observed) == 4
    assert judge(run).verdict("rotation.sent_equals_stored").outcome == "pass"


def failed(name: str, **numbers: Any) -> Verdict:
    return Verdict(name, "fail", "it failed", numbers={"sessions": 20, "providers": 4, **numbers})


def passed(name: str) -> Verdict:
    return Verdict(name, "pass", "fine", numbers={"sessions": 20, "providers": 4})


INDEPENDENT = "provider.independent"


@pytest.mark.parametrize(
    ("verdicts", "causes"),
    [
        (
            [failed("provider.varies", providers=1), failed("backend.assigns", providers=1)],
            ["provider-pinned"],
        ),
        ([failed("provider.varies", providers=1), passed("backend.assigns")], ["provider-sticky"]),
        ([failed("provider.balanced"), passed("backend.assigns")], ["provider-skewed"]),
        ([failed(INDEPENDENT, depends_on="order", repeats=0, repeats_expected=2.0)], ["provider-cycles"]),
        (
            [
                failed(INDEPENDENT, depends_on="before, order, lane", repeats=16, repeats_expected=2.0),
                failed("provider.balanced"),
            ],
            ["provider-sticky"],
        ),
        (
            [
                failed(INDEPENDENT, depends_on="lane", repeats=16, repeats_expected=2.0),
                failed("provider.balanced"),
                failed("backend.assigns"),
            ],
            ["provider-sticky", "provider-skewed"],
        ),
        ([failed(INDEPENDENT, depends_on="hour", repeats=2, repeats_expected=2.0)], []),
        ([failed("provider.balanced", unexpected=1)], []),
        ([failed("backend.cleans_up", still_there=1), passed("smoke")], ["session-leaked"]),
        ([failed("session_ids.pattern", guessable=1)], ["id-guessable"]),
    ],
)
def test_what_shows_in_the_run_as_a_whole(verdicts: list[Verdict], causes: list[str]) -> None:
    assert [claim.cause.name for claim in claimed(verdicts)] == causes


def test_the_policy_survives_its_record() -> None:
    policy = Policy(tabs="own", empty_chat="reuses")
    assert Policy.from_json(policy.to_json()) == policy


def test_a_store_that_rotates_after_the_payload_is_late_also_with_a_single_message() -> None:
    records = make_run(chats=3, lanes=1, continue_last=False)
    old = {c.chat: c.stored_before for c in records.chats}

    def late(c: Chat) -> Chat:
        if c.chat == 0:
            return c
        first = replace(c.messages[0], sent=old[c.chat], stored=old[c.chat])
        return replace(c, stored=old[c.chat], messages=(first,), ended=c.ended + 1)

    def moved(e: Any) -> Any:
        if e.chat == 0:
            return e
        if e.kind == "payload":
            return replace(e, data={**e.data, "session": old[e.chat]})
        changes = e.kind == "storage" and e.data["session"] != e.data["previous"]
        return replace(e, t=e.t + 0.3) if changes else e

    touches = [e for e in records.events if not (e.kind == "storage" and e.data["same_value"] and e.chat)]
    # The next chat begins with what the store held at its click: the ID that came too late.
    chats = [replace(c, began=c.began + c.chat, ended=c.ended + c.chat) for c in map(late, records.chats)]
    events = [replace(e, t=e.t + (e.chat or 0)) for e in map(moved, touches)]
    run = assemble([replace(records, chats=tuple(chats), events=tuple(events))])
    assert [(c.name, c.confidence) for c in judge(run).causes] == [("late-rotation", 1.0)]
