"""Does every new chat get its own session? Deterministic: one repeated ID fails, without a threshold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from e2e.analysis.facts import secondary_requests
from e2e.analysis.facts.freshness import (
    Freshness,
    Layer,
    carries,
    contexts,
    freshness,
    holders,
    ids_of_chats,
)
from e2e.analysis.facts.ownership import own_stored
from e2e.analysis.facts.unseen import payloads_unseen, store_unseen
from e2e.analysis.model.check import SESSIONS, check
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey, Number, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
    key_of,
    lane_name,
    no_chats,
    not_seen,
    plural,
    short,
)
from e2e.analysis.stats import significance


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
    if run.policy.store == "none":
        return no_chats(name, run) or _no_store(name, run)
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
    keys = {key_of(c): c.mask_key for c in rows(run.chats)}
    groups: dict[tuple[str, int, str | None], list[ChatKey]] = defaultdict(list)
    for finding in sorted(bad, key=lambda f: f.key):
        for session in finding.repeated or (None,):
            groups[finding.key.run_id, finding.key.lane, session].append(finding.key)
    lines: list[str] = []
    for (run_id, lane, session), chats in groups.items():
        verb = "sent" if layer == "sent" else "stored"
        where = lane_name(run, run_id, lane)
        if session is None:
            lines.append(f"{where}: no ID {verb} in {chats_text(c.chat for c in chats)}")
            continue
        had = [k.chat for k, mine in ids.items() if (k.run_id, k.lane) == (run_id, lane) and session in mine]
        line = f"{where}: {session} {verb} in {chats_text(had or [k.chat for k in chats])}"
        others = [
            p for p in holders(run, layer).get((keys[chats[0]], session), {}) if p != contexts(run)[chats[0]]
        ]
        if others:
            lanes = sorted({lane_name(run, p[0], p[1]) for p in others})
            line += f", also in {', '.join(lanes[:4])}{' …' if len(lanes) > 4 else ''}"
        if layer == "sent" and run.policy.store != "none":
            line += _stored_meanwhile(run, run_id, lane, had)
        lines.append(line)
    return lines


def _stored_meanwhile(run: Run, run_id: str, lane: int, chats: Sequence[int]) -> str:
    here = run.chats[(run.chats["run_id"] == run_id) & (run.chats["lane"] == lane)]
    values: list[str] = []
    for chat in rows(here.sort_values("chat")):
        if chat.chat in chats and chat.stored_seen and (not values or values[-1] != short(chat.stored)):
            values.append(short(chat.stored))
    return f" (stored: {', then '.join(values[:3])}{', …' if len(values) > 3 else ''})" if values else ""


@check(
    "rotation.sent_equals_stored",
    title="Is the sent ID the stored ID?",
    layer="session in the frontend's state",
    group=SESSIONS,
    story="The sent ID is the stored ID",
    detection_limit=clean_limit(20, "chat", "mismatch"),
    position=40,
)
def sent_equals_stored(run: Run) -> Verdict:
    """A payload carries the ID that the store holds at that moment."""
    name = "rotation.sent_equals_stored"
    if run.policy.store == "none":
        return no_chats(name, run) or _no_store(name, run)
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    judged = [m for m in _observed_messages(run) if m.sent_seen and m.stored_seen and (m.sent or m.stored)]
    judged = [m for m in judged if carries(run, m)]
    wrong = [m for m in judged if m.sent != m.stored]
    chats, wrong_chats = _distinct(judged), _distinct(wrong)
    numbers = {
        "different": len(wrong),
        "messages": len(judged),
        "chats_different": len(wrong_chats),
        "chats": len(chats),
        "bound95": round(significance.upper_bound(len(wrong_chats), len(chats)), 4),
    }
    expected = "every payload carries the ID that the store holds"
    if not judged:
        return not_seen(
            name,
            run,
            payloads_unseen(
                run, store_unseen(run, "no message was seen with both its stored and its sent ID")
            ),
            "needs at least 1 message with both",
            **numbers,
        )
    if not wrong:
        return Verdict(
            name,
            "pass",
            f"{len(judged)} of {plural(len(judged), 'message')} carried the stored session ID{_forms(run, judged)}",
            expected,
            numbers=numbers,
            detection_limit=clean_limit(len(chats), "chat", "mismatch"),
            evidence=run.evidence,
        )
    groups: dict[tuple[str, int, str | None], list[Any]] = defaultdict(list)
    for m in wrong:
        groups[m.run_id, m.lane, m.sent].append(m)
    lines = [
        f"{lane_name(run, run_id, lane)}: {sent or 'no ID'} sent in {chats_text(m.chat for m in found)} while the store held "
        + " or ".join(dict.fromkeys(short(m.stored) for m in found[:3]))
        for (run_id, lane, sent), found in sorted(groups.items(), key=lambda g: (g[0][0], g[0][1]))
    ]
    return Verdict(
        name,
        "fail",
        f"{len(wrong)} of {plural(len(judged), 'message')} in {plural(len(wrong_chats), 'chat')} "
        "did not carry the stored session ID",
        expected,
        capped(lines),
        numbers,
        chats=wrong_chats,
        evidence=run.evidence,
    )


@check(
    "rotation.one_id_per_chat",
    title="Do all messages of a chat carry one session ID?",
    layer="session in the frontend's state",
    group=SESSIONS,
    story="One chat, one ID",
    detection_limit=clean_limit(20, "chat", "change"),
    position=50,
)
def one_id_per_chat(run: Run) -> Verdict:
    """All messages of a chat carry one ID. Messages after a reload belong to `rotation.reload`."""
    name = "rotation.one_id_per_chat"
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    by_chat: dict[ChatKey, list[str | None]] = defaultdict(list)
    for m in _observed_messages(run):
        if m.sent_seen and not m.after_reload and carries(run, m):
            by_chat[key_of(m)].append(m.sent)
    judged = {key: ids for key, ids in by_chat.items() if len(ids) > 1 and any(ids)}
    wrong = {key: ids for key, ids in judged.items() if len(set(ids)) > 1}
    long = {key_of(c) for c in rows(run.plain) if c.messages > 1}
    kept = {key: ids for key, ids in own_stored(run).items() if key in long and key not in wrong}
    stored = {key: ids for key, ids in kept.items() if len(ids) > 1}
    judged |= {key: list(ids) for key, ids in kept.items() if key not in judged}
    bad = tuple(sorted({*wrong, *stored}))
    numbers = {
        "chats_with_several": len(bad),
        "chats": len(judged),
        "bound95": round(significance.upper_bound(len(bad), len(judged)), 4),
    }
    expected = "one session ID in all messages of a chat"
    if not judged:
        seen = Counter(key_of(m) for m in _observed_messages(run) if m.sent_seen and not m.after_reload)
        several = sum(n > 1 for n in seen.values())
        why = (
            f"no payload of {plural(several, 'chat')} with several messages carried a session ID to compare"
            if several
            else payloads_unseen(run, "no chat with two readable payloads was observed")
        )
        return not_seen(name, run, why, "needs at least 1 chat with 2 messages", **numbers)
    if not bad:
        headline = f"{len(judged)} of {plural(len(judged), 'chat')} with several messages kept one session ID"
        limit = clean_limit(len(judged), "chat", "change")
        return Verdict(
            name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
        )
    lines = [
        f"{lane_name(run, key.run_id, key.lane)}: chat {key.chat} {'stored' if key in stored else 'sent'} "
        + ", then ".join(str(i or "no ID") for n, i in enumerate(ids) if n == 0 or i != ids[n - 1])
        for key, ids in sorted({**wrong, **stored}.items())
    ]
    verb = "stored or sent" if wrong and stored else "stored" if stored else "sent"
    return Verdict(
        name,
        "fail",
        f"{len(bad)} of {plural(len(judged), 'chat')} {verb} more than one session ID",
        expected,
        capped(lines),
        numbers,
        chats=bad,
        evidence=run.evidence,
    )


def _forms(run: Run, messages: Sequence[Any]) -> str:
    """The encodings in which sent and stored IDs differ: `` (percent-encoded in the payload)``, or ``""``."""
    wanted = {(m.run_id, m.lane, m.request) for m in messages}
    payloads = rows(run.payloads[run.payloads["form"].fillna("") != ""])
    found = dict.fromkeys(p.form for p in payloads if (p.run_id, p.lane, p.request) in wanted)
    return f" ({'; '.join(found)})" if found else ""


def _observed_messages(run: Run) -> list[Any]:
    """Those of the plain chats."""
    seen = (run.messages["chat_status"] == "observed") & (run.messages["scenario"] == "plain")
    return list(rows(run.messages[seen]))


def _distinct(messages: Sequence[Any]) -> tuple[ChatKey, ...]:
    return tuple(dict.fromkeys(key_of(m) for m in messages))


def _no_store(name: str, run: Run) -> Verdict:
    why = "the profile has store = none: the session ID is only in memory, and there is no store to judge"
    return not_seen(name, run, why, "needs nothing: rotation.sent_id_is_fresh judges the sent ID")
