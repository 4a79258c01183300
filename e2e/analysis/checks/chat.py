"""Does a new chat start empty, and does every reply come from the backend?"""

from __future__ import annotations

from collections import defaultdict

from e2e.analysis.model.check import CONVERSATIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, TransitionRow
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
    key_of,
    lane_name,
    no_chats,
    not_seen,
    payloads_unseen,
    plural,
)
from e2e.analysis.stats import significance
from e2e.records.records import SERVED_UNSEEN


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
    judged = _judged(run)
    texts = _bleeding(run)
    full: list[ChatKey] = []
    bleeding: list[ChatKey] = []
    lines: list[str] = []
    for c in judged:
        key = key_of(c)
        where = f"{lane_name(run, c.run_id, c.lane)}: chat {c.chat}"
        if c.screen_compared and c.screen_from is not None:
            full.append(key)
            lines.append(f"{where} showed text of chat {c.screen_from} before its first message")
        elif not c.screen_compared and c.screen_messages:  # evidence from before texts were compared
            full.append(key)
            lines.append(f"{where} showed {plural(c.screen_messages, 'message')} before its first message")
        if key in texts:
            bleeding.append(key)
            lines.append(f"{where} sent text of chat {', '.join(map(str, texts[key]))}")
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
    greeted = sum(c.screen_compared and bool(c.screen_messages) for c in judged)
    if greeted:
        limit += f"; {plural(greeted, 'chat')} showed a greeting that no earlier chat contains"
    headline = f"{len(judged)} of {plural(len(judged), 'new chat')} started without text of an earlier chat"
    return Verdict(
        name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
    )


def _judged(run: Run) -> list[ChatRow]:
    """The chats after New Chat whose first screen, or a payload, was seen."""
    seen = {key_of(m) for m in run.every(MessageRow) if m.sent_seen}
    after = {key_of(t) for t in run.every(TransitionRow) if t.scenario == "plain"}
    observed = (c for c in run.every(ChatRow) if c.scenario == "plain" and c.status == "observed")
    return [
        c for c in observed if key_of(c) in after and (c.screen_messages is not None or key_of(c) in seen)
    ]


def _bleeding(run: Run) -> dict[ChatKey, list[int]]:
    """The chats whose messages contained text of earlier ones, with those."""
    found: dict[ChatKey, set[int]] = defaultdict(set)
    for m in run.every(MessageRow):
        if m.bleeds_from is not None:
            found[key_of(m)].add(m.bleeds_from)
    return {key: sorted(earlier) for key, earlier in found.items()}


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
    judged = [m for m in run.observed_messages if m.sent_seen and m.status is not None and m.status < 400]
    unseen = sum(m.served_by == SERVED_UNSEEN for m in judged)
    cached = [m for m in judged if m.served_by not in ("", SERVED_UNSEEN)]
    numbers = {
        "cached": len(cached),
        "replies": len(judged),
        "bound95": round(significance.upper_bound(len(cached), len(judged)), 4),
    }
    expected = "every reply from the backend, over the network"
    if not judged:
        why = payloads_unseen(run, "no reply was seen on the network")
        return not_seen(
            name, run, why, "needs at least 1 reply to a message whose payload was seen", **numbers
        )
    if not cached and unseen:
        replies = plural(len(judged), "reply", "replies")
        why = f"a service worker gave {unseen} of {replies}; from where was not seen"
        return not_seen(name, run, why, "needs --wire cdp, in Chromium", **numbers)
    if not cached:
        headline = f"{len(judged)} of {plural(len(judged), 'reply', 'replies')} came over the network"
        limit = clean_limit(len(judged), "reply", "cache")
        return Verdict(
            name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
        )
    groups: dict[tuple[str, int, str], list[MessageRow]] = defaultdict(list)
    for m in cached:
        groups[m.run_id, m.lane, m.served_by].append(m)
    lines = [
        f"{lane_name(run, run_id, lane)}: a {source} replied in {chats_text(m.chat for m in found)}"
        for (run_id, lane, source), found in sorted(groups.items())
    ]
    return Verdict(
        name,
        "fail",
        f"{len(cached)} of {plural(len(judged), 'reply', 'replies')} did not come from the backend",
        expected,
        capped(lines),
        numbers,
        chats=tuple(dict.fromkeys(key_of(m) for m in cached)),
        evidence=run.evidence,
    )
