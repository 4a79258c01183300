"""Does every new chat get its own session? Deterministic: one repeated ID fails, without a threshold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from e2e.analysis.checks.consistency import no_store, one_id_per_chat, sent_equals_stored
from e2e.analysis.facts import secondary_requests
from e2e.analysis.facts.freshness import (
    Freshness,
    Layer,
    contexts,
    freshness,
    holders,
    ids_of_chats,
)
from e2e.analysis.model.check import SESSIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow
from e2e.analysis.model.verdict import ChatKey, Number, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
    key_of,
    lane_name,
    no_chats,
    no_id,
    not_seen,
    payloads_unseen,
    plural,
    short,
    store_unseen,
)
from e2e.analysis.stats import significance

__all__ = ["one_id_per_chat", "sent_equals_stored", "sent_id_is_fresh", "stored_id_is_fresh"]


@check(
    "rotation.stored_id_is_fresh",
    title="Does New Chat leave a fresh session ID in the store?",
    layer="session store",
    group=SESSIONS,
    story="New Chat stores a fresh ID",
    detection_limit=clean_limit(20, "transition", "reuse"),
    position=20,
)
def stored_id_is_fresh(run: Run) -> Verdict:
    """After New Chat the store holds an ID that no earlier chat of any lane had."""
    name = "rotation.stored_id_is_fresh"
    if not run.policy.sends_id:
        return no_chats(name, run) or no_id(name, run)
    if run.policy.store == "none":
        return no_chats(name, run) or no_store(name, run)
    return no_chats(name, run) or _fresh(run, name, "stored")


@check(
    "rotation.sent_id_is_fresh",
    title="Do the payloads of a new chat carry a fresh session ID?",
    layer="session in the frontend's state",
    group=SESSIONS,
    story="New Chat sends a fresh ID",
    detection_limit=clean_limit(20, "transition", "reuse"),
    position=30,
)
def sent_id_is_fresh(run: Run) -> Verdict:
    """The payloads of a new chat, by every wire rule, carry an ID that no earlier chat had."""
    name = "rotation.sent_id_is_fresh"
    if not run.policy.sends_id:
        return no_chats(name, run) or no_id(name, run)
    return no_chats(name, run) or _fresh(run, name, "sent")


_EXPECTED = {
    "stored": "a fresh ID in the store when a new chat sends its first payload",
    "sent": "a fresh ID in the payloads after each New Chat",
}
_OLD = {"stored": "kept an old session ID in the store", "sent": "kept sending an old session ID"}
_NONE = {"stored": "left no session ID in the store", "sent": "sent no session ID"}


def _fresh(run: Run, name: str, layer: Layer) -> Verdict:
    found = freshness(run, layer)
    new = [f for f in found if f.after_new_chat]
    judged = [f for f in new if f.seen]
    reused = [f for f in judged if f.repeated]
    without = [f for f in judged if f.none and not f.repeated]
    shared = [f for f in found if not f.after_new_chat and f.repeated]
    others = secondary_requests.old_payloads(run) if layer == "sent" else {}
    beside = {f.key: others[f.key] for f in found if f.key in others}
    only = [f for f in found if f.key in beside and not (f.seen and f.bad)]
    bad = len(reused) + len(without) + len(only)
    numbers: dict[str, Number] = {
        "reused": len(reused),
        "without_id": len(without),
        "shared_first": len(shared),
        "transitions": len(judged),
        **({"other_requests": len(beside)} if layer == "sent" else {}),
        "not_seen": len(new) - len(judged),
        "bound95": round(significance.upper_bound(bad, len(judged)), 4),
    }
    if bad or shared:
        of = f"of {plural(len(judged), 'new chat')}"
        parts = [f"{len(reused)} {of} {_OLD[layer]}"] if reused else []
        if without:
            parts.append(f"{len(without)} {of if not reused else ''} {_NONE[layer]}".replace("  ", " "))
        if shared:
            parts.append(f"{plural(len(shared), 'first chat')} began with another browser's session ID")
        if only:
            what = secondary_requests.names(p for f in only for p in beside[f.key])
            parts.append(f"{plural(len(only), 'chat')} sent an old session ID in the {what}")
        return Verdict(
            name,
            "fail",
            ", ".join(parts),
            expected=_EXPECTED[layer],
            actual=capped(
                [*_lines(run, layer, [*reused, *without, *shared]), *secondary_requests.lines(run, beside)]
            ),
            numbers=numbers,
            chats=tuple(f.key for f in found if (f.seen and f.bad) or f.key in beside),
            evidence=run.evidence,
        )
    if not judged:
        why = "no New Chat was seen between two observed chats"
        if new and layer == "sent":
            why = payloads_unseen(run, "no payload of a new chat could be read")
        elif new:
            why = store_unseen(run, "the store of no new chat could be read")
        return not_seen(name, run, why, "needs at least 2 observed chats in one lane", **numbers)
    limit = clean_limit(len(judged), "transition", "reuse")
    if len(new) > len(judged):
        limit += f"; {plural(len(new) - len(judged), 'more new chat')} could not be judged"
    verb = "stored" if layer == "stored" else "sent"
    headline = f"{len(judged)} of {plural(len(judged), 'new chat')} {verb} a fresh session ID"
    return Verdict(
        name,
        "pass",
        headline,
        _EXPECTED[layer],
        numbers=numbers,
        detection_limit=limit,
        evidence=run.evidence,
    )


def _lines(run: Run, layer: Layer, bad: Sequence[Freshness]) -> list[str]:
    """One line per lane and ID: the chats that had it, and what the store held at that time."""
    ids = ids_of_chats(run, layer)
    chats_of = {key_of(c): c for c in run.every(ChatRow)}
    groups: dict[tuple[str, int, str | None], list[ChatKey]] = defaultdict(list)
    for finding in sorted(bad, key=lambda f: f.key):
        for session in finding.repeated or (None,):
            groups[finding.key.run_id, finding.key.lane, session].append(finding.key)
    holding: dict[tuple[str, int, str | None], list[int]] = defaultdict(list)
    for key, mine in ids.items():
        for session in mine:
            if (key.run_id, key.lane, session) in groups:
                holding[key.run_id, key.lane, session].append(key.chat)
    lines: list[str] = []
    for (run_id, lane, session), chats in groups.items():
        verb = "sent" if layer == "sent" else "stored"
        where = lane_name(run, run_id, lane)
        if session is None:
            lines.append(f"{where}: no ID {verb} in {chats_text(c.chat for c in chats)}")
            continue
        had = holding.get((run_id, lane, session), [])
        line = f"{where}: {session} {verb} in {chats_text(had or [k.chat for k in chats])}"
        others = [
            p
            for p in holders(run, layer).get((chats_of[chats[0]].mask_key, session), {})
            if p != contexts(run)[chats[0]]
        ]
        if others:
            lanes = sorted({lane_name(run, p[0], p[1]) for p in others})
            line += f", also in {', '.join(lanes[:4])}{' …' if len(lanes) > 4 else ''}"
        if layer == "sent" and run.policy.store != "none":
            line += _stored_meanwhile([chats_of[ChatKey(run_id, lane, number)] for number in sorted(had)])
        lines.append(line)
    return lines


def _stored_meanwhile(chats: Sequence[ChatRow]) -> str:
    values: list[str] = []
    for chat in chats:
        if chat.stored_seen and (not values or values[-1] != short(chat.stored)):
            values.append(short(chat.stored))
    return f" (stored: {', then '.join(values[:3])}{', …' if len(values) > 3 else ''})" if values else ""
