"""Does a session stay right when the user does more than one thing at a time? One check for each scenario."""

from __future__ import annotations

from e2e.analysis.facts.scenario_findings import findings
from e2e.analysis.facts.scenario_runs import Plays, plays_of
from e2e.analysis.facts.tabs import ended_for_both
from e2e.analysis.model.check import SCENARIOS, Check, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow
from e2e.analysis.model.verdict import Verdict
from e2e.analysis.model.wording import (
    capped,
    clean_limit,
    lane_name,
    no_id,
    not_seen,
    payloads_unseen,
    plural,
)
from e2e.analysis.stats import significance

_CONTENT = ("mid-stream",)
"""Scenarios that ask for the content of chats; the others ask for session IDs, and see a wrong content beside them."""
_LIMIT = clean_limit(20, "chat", "fault")


@check(
    "rotation.rapid_send",
    title="Does a message sent right after New Chat carry the new ID?",
    layer="session in the frontend's state",
    group=SCENARIOS,
    story="Sending right after New Chat",
    detection_limit=_LIMIT,
    scenario="rapid-send",
    position=60,
)
def rapid_send(run: Run) -> Verdict:
    """A message sent right after New Chat carries the new chat's ID."""
    return _judge(run, rapid_send, "a message sent right after New Chat carries the new chat's ID")


@check(
    "rotation.double_click",
    title="Does a double click on New Chat start one session?",
    layer="session in the frontend's state",
    group=SCENARIOS,
    story="A double click",
    detection_limit=_LIMIT,
    scenario="double-click",
    position=70,
)
def double_click(run: Run) -> Verdict:
    """One fresh ID, stored and sent, after a double click on New Chat."""
    return _judge(run, double_click, "one fresh ID, stored and sent, after a double click on New Chat")


@check(
    "rotation.mid_stream",
    title="Does a reply that still streams stay out of the new chat?",
    layer="conversation and delivery",
    group=SCENARIOS,
    story="New Chat while a reply streams",
    detection_limit=_LIMIT,
    scenario="mid-stream",
    position=80,
)
def mid_stream(run: Run) -> Verdict:
    """No text of the old chat's reply in the new chat, and a fresh ID for the new chat."""
    expected = "no text of the old chat's reply in the new chat"
    return _judge(
        run, mid_stream, expected + (", and a fresh ID for the new chat" if run.policy.sends_id else "")
    )


@check(
    "rotation.reload",
    title="Does a reload keep the chat's ID, and bring no ended one back?",
    layer="session store",
    group=SCENARIOS,
    story="A reload",
    detection_limit=_LIMIT,
    scenario="reload",
    position=90,
)
def reload(run: Run) -> Verdict:
    """A reload continues with the chat's own ID and brings no ended ID back."""
    return _judge(run, reload, "a reload continues with the chat's own ID and brings no ended ID back")


@check(
    "rotation.two_tabs",
    title="Does New Chat in one tab leave the other tab's chat alone?",
    layer="session store",
    group=SCENARIOS,
    story="Two tabs",
    detection_limit=_LIMIT,
    scenario="two-tabs",
    position=100,
)
def two_tabs(run: Run) -> Verdict:
    """New Chat in one tab gets a fresh ID and leaves the other tab's chat alone (its ID and its provider)."""
    return _judge(
        run,
        two_tabs,
        "New Chat in one tab gets a fresh ID and leaves the other tab's chat alone (its ID and its provider)",
    )


@check(
    "rotation.back_forward",
    title="Do Back and Forward keep the chat's ID, and bring no ended one back?",
    layer="session store",
    group=SCENARIOS,
    story="Back and Forward",
    detection_limit=_LIMIT,
    scenario="back-forward",
    position=110,
)
def back_forward(run: Run) -> Verdict:
    """Back and Forward continue with the chat's own ID and bring no ended ID back."""
    return _judge(
        run, back_forward, "Back and Forward continue with the chat's own ID and bring no ended ID back"
    )


@check(
    "rotation.empty_chat",
    title="Does New Chat on an empty chat lead to one fresh ID?",
    layer="session in the frontend's state",
    group=SCENARIOS,
    story="An empty chat",
    detection_limit=_LIMIT,
    scenario="empty-chat",
    position=120,
)
def empty_chat(run: Run) -> Verdict:
    """One fresh ID, stored and sent, after New Chat on an empty chat."""
    return _judge(run, empty_chat, "one fresh ID, stored and sent, after New Chat on an empty chat")


@check(
    "rotation.return_to_chat",
    title="Does an older chat continue with its own ID?",
    layer="session in the frontend's state",
    group=SCENARIOS,
    story="Returning to a chat",
    detection_limit=_LIMIT,
    scenario="return-to-chat",
    position=130,
)
def return_to_chat(run: Run) -> Verdict:
    """An older chat continues with its own ID when the user returns to it."""
    return _judge(run, return_to_chat, "an older chat continues with its own ID when the user returns to it")


def _judge(run: Run, check: Check, expected: str) -> Verdict:
    name, scenario = check.name, check.scenario
    wrong, judged = findings(run, scenario)
    played = plays_of(run, scenario)
    note = f"; {played.note}" if played.note else ""
    if scenario == "two-tabs" and (ended := ended_for_both(run)):
        note += f"; {ended}"
    numbers = {
        "wrong": len(wrong),
        "chats": len(judged),
        "plays": sum(meta.scenarios.get(scenario, 0) for meta in run.metas),
        "plays_seen": played.seen,
        "plays_unseen": len(played.unseen),
        "bound95": round(significance.upper_bound(len(wrong), len(judged)), 4),
    }
    if not judged:
        needs = (
            "needs one lane that completes it with readable payloads"
            if played.seen
            else "needs one lane that completes it"
        )
        return not_seen(name, run, _unplayed(run, played), needs, **numbers)
    if wrong:
        lines = [
            f"{lane_name(run, key.run_id, key.lane)}: chat {key.chat} {'; '.join(texts)}"
            for key, texts in sorted(wrong.items())
        ]
        headline = f"{len(wrong)} of {plural(len(judged), 'chat')} failed in scenario {scenario}{note}"
        return Verdict(
            name,
            "fail",
            headline,
            expected,
            capped(lines),
            numbers,
            chats=tuple(sorted(wrong)),
            evidence=run.evidence,
        )
    if played.mostly_unseen:
        return not_seen(name, run, played.note, "needs most lanes to complete it", **numbers)
    if not run.policy.sends_id and scenario not in _CONTENT:
        also = f"; {len(judged)} of {plural(len(judged), 'chat')} lost no message and mixed no texts"
        return no_id(name, run, also, **numbers)
    if scenario == "mid-stream" and not any(c.cut for c in run.every(ChatRow)):
        why = "every reply had ended before New Chat could be clicked"
        return not_seen(name, run, why, "needs a message with a longer reply (steps.long_request)", **numbers)
    if scenario == "mid-stream" and (unread := _unread(run)):
        why = (
            f"the text of {plural(unread, 'interrupted reply', 'interrupted replies')} could not be read, "
            "so it would go unnoticed in the new chat"
        )
        return not_seen(name, run, why, "needs a wire rule that names the reply's text", **numbers)
    return Verdict(
        name,
        "pass",
        f"{len(judged)} of {plural(len(judged), 'chat')} passed in scenario {scenario}{note}",
        expected,
        numbers=numbers,
        detection_limit=clean_limit(len(judged), "chat", "fault"),
        evidence=run.evidence,
    )


def _unread(run: Run) -> int:
    """Chats that were left while a reply streamed, without a readable text of that reply."""
    return sum(c.cut and not c.reply_followed for c in run.every(ChatRow))


def _unplayed(run: Run, played: Plays) -> str:
    scenario = played.scenario
    why = next((m.left_out[scenario] for m in run.metas if scenario in m.left_out), "")
    if why:
        return f"scenario {scenario} was not run: {why}"
    otherwise = f"scenario {scenario} was not completed" + (f" ({played.note})" if played.note else "")
    return (
        otherwise
        if len(played.unseen) == played.planned
        else payloads_unseen(run, otherwise, scenario=scenario)
    )
