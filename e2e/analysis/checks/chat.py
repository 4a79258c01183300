"""Does a new chat start empty, and does every reply come from the backend?"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from e2e.analysis.facts.unseen import payloads_unseen
from e2e.analysis.model.check import CONVERSATIONS, check
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
    key_of,
    lane_name,
    no_chats,
    not_seen,
    plural,
)
from e2e.analysis.stats import significance


@check(
    "chat.starts_empty",
    title="Does a new chat start without messages of an earlier one?",
    layer="conversation and delivery",
    group=CONVERSATIONS,
    story="A new chat starts empty",
    detection_limit=clean_limit(20, "transition", "bleed"),
    position=150,
)
def starts_empty(run: Run) -> Verdict:
    """A new chat shows and sends no text of an earlier chat."""
    name = "chat.starts_empty"
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    messages: dict[ChatKey, list[Any]] = defaultdict(list)
    for m in rows(run.messages):
        messages[key_of(m)].append(m)
    transitions = {key_of(t) for t in rows(run.plain_transitions)}
    new = [c for c in rows(run.observed) if key_of(c) in transitions]
    judged = [
        c for c in new if c.screen_messages is not None or any(m.sent_seen for m in messages[key_of(c)])
    ]
    full: list[ChatKey] = []
    bleeding: list[ChatKey] = []
    lines: list[str] = []
    for c in judged:
        key = key_of(c)
        where = f"{lane_name(run, c.run_id, c.lane)}: chat {c.chat}"
        if c.screen_compared is True:
            if c.screen_from is not None:
                full.append(key)
                lines.append(f"{where} showed text of chat {c.screen_from} before its first message")
        elif c.screen_messages:  # evidence from before texts were compared
            full.append(key)
            lines.append(f"{where} showed {plural(c.screen_messages, 'message')} before its first message")
        earlier = sorted({m.bleeds_from for m in messages[key] if m.bleeds_from is not None})
        if earlier:
            bleeding.append(key)
            lines.append(f"{where} sent text of chat {', '.join(map(str, earlier))}")
    bad = tuple(dict.fromkeys([*full, *bleeding]))
    numbers = {
        "shown": len(full),
        "sent": len(bleeding),
        "transitions": len(judged),
        "bound95": round(significance.upper_bound(len(bad), len(judged)), 4),
    }
    expected = "a screen and payloads without text of an earlier chat"
    if bad:
        headline = f"{len(bad)} of {plural(len(judged), 'new chat')} contained text of an earlier chat"
        return Verdict(
            name, "fail", headline, expected, capped(lines), numbers, chats=bad, evidence=run.evidence
        )
    if not judged:
        why = "no New Chat was seen between two observed chats"
        return not_seen(name, run, why, "needs at least 2 observed chats in one lane", **numbers)
    limit = clean_limit(len(judged), "transition", "bleed")
    unseen = sum(c.screen_messages is None for c in judged)
    if unseen:
        limit += f"; the screens of {unseen} of them were not compared"
    greeted = sum(c.screen_compared is True and bool(c.screen_messages) for c in judged)
    if greeted:
        limit += f"; {plural(greeted, 'chat')} showed a greeting that no earlier chat contains"
    headline = f"{len(judged)} of {plural(len(judged), 'new chat')} started without text of an earlier chat"
    return Verdict(
        name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
    )


@check(
    "reply.is_live",
    title="Does each reply come over the network, not from a cache?",
    layer="conversation and delivery",
    group=CONVERSATIONS,
    story="Replies are live",
    detection_limit=clean_limit(20, "reply", "cache"),
    position=160,
)
def is_live(run: Run) -> Verdict:
    """Every reply comes from the backend: none comes from a cache or a service worker."""
    name = "reply.is_live"
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    observed = list(rows(run.messages[run.messages["chat_status"] == "observed"]))
    judged = [m for m in observed if m.sent_seen and m.status is not None and m.status < 400]
    kept = [m for m in judged if m.served_by]
    numbers = {
        "cached": len(kept),
        "replies": len(judged),
        "bound95": round(significance.upper_bound(len(kept), len(judged)), 4),
    }
    expected = "every reply from the backend, over the network"
    if not judged:
        why = payloads_unseen(run, "no reply was seen on the network")
        return not_seen(
            name, run, why, "needs at least 1 reply to a message whose payload was seen", **numbers
        )
    if not kept:
        headline = f"{len(judged)} of {plural(len(judged), 'reply', 'replies')} came over the network"
        limit = clean_limit(len(judged), "reply", "cache")
        return Verdict(
            name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
        )
    groups: dict[tuple[str, int, str], list[Any]] = defaultdict(list)
    for m in kept:
        groups[m.run_id, m.lane, m.served_by].append(m)
    lines = [
        f"{lane_name(run, run_id, lane)}: a {source} replied in {chats_text(m.chat for m in found)}"
        for (run_id, lane, source), found in sorted(groups.items())
    ]
    return Verdict(
        name,
        "fail",
        f"{len(kept)} of {plural(len(judged), 'reply', 'replies')} did not come from the backend",
        expected,
        capped(lines),
        numbers,
        chats=tuple(dict.fromkeys(key_of(m) for m in kept)),
        evidence=run.evidence,
    )
