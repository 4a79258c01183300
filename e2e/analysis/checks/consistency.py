"""Is the session ID the same in store and payload, and in all messages of a chat?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from e2e.analysis.facts.id_history import carries
from e2e.analysis.facts.ownership import own_stored
from e2e.analysis.facts.secondary_requests import unusual_payloads
from e2e.analysis.model.check import SESSIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
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
    if not run.policy.sends_id:
        return no_chats(name, run) or no_id(name, run)
    if run.policy.store == "none":
        return no_chats(name, run) or no_store(name, run)
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    judged = [
        m
        for m in _plain_messages(run)
        if m.sent_seen and m.stored_seen and not (m.sent is None and m.stored is None) and carries(run, m)
    ]
    chats = len({m.key for m in judged})
    wrong = [m for m in judged if (m.sent or "") != (m.stored or "")]
    wrong_chats = tuple(dict.fromkeys(m.key for m in wrong))
    numbers = {
        "different": len(wrong),
        "messages": len(judged),
        "chats_different": len(wrong_chats),
        "chats": chats,
        "bound95": round(significance.upper_bound(len(wrong_chats), chats), 4),
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
            detection_limit=clean_limit(chats, "chat", "mismatch"),
            evidence=run.evidence,
        )
    groups: dict[tuple[str, int, str | None], list[MessageRow]] = defaultdict(list)
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
    if nothing is None and not run.policy.sends_id:
        nothing = no_id(name, run)
    if nothing:
        return nothing
    several = {c.key for c in run.plain if c.messages > 1}
    compared: dict[ChatKey, list[str | None]] = defaultdict(list)
    for m in _until_a_reload(run):
        if m.key in several and carries(run, m):
            compared[m.key].append(m.sent)
    ids = {key: mine for key, mine in compared.items() if len(mine) > 1 and any(i is not None for i in mine)}
    # No ID in some messages is a change too.
    wrong: dict[ChatKey, Sequence[str | None]] = {
        key: mine for key, mine in ids.items() if len(set(mine)) > 1
    }
    kept = {key: mine for key, mine in own_stored(run).items() if key in several and key not in wrong}
    stored = {key: mine for key, mine in kept.items() if len(mine) > 1}
    judged = len(ids) + sum(key not in ids for key in kept)
    bad = tuple(sorted({*wrong, *stored}))
    numbers = {
        "chats_with_several": len(bad),
        "chats": judged,
        "bound95": round(significance.upper_bound(len(bad), judged), 4),
    }
    expected = "one session ID in all messages of a chat"
    if not judged:
        comparable = sum(n > 1 for n in Counter(m.key for m in _until_a_reload(run)).values())
        why = (
            f"no payload of {plural(comparable, 'chat')} with several messages carried a session ID to compare"
            if comparable
            else payloads_unseen(run, "no chat with two readable payloads was observed")
        )
        return not_seen(name, run, why, "needs at least 1 chat with 2 messages", **numbers)
    if not bad:
        headline = f"{judged} of {plural(judged, 'chat')} with several messages kept one session ID"
        limit = clean_limit(judged, "chat", "change")
        return Verdict(
            name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
        )
    lines = [
        f"{lane_name(run, key.run_id, key.lane)}: chat {key.chat} {'stored' if key in stored else 'sent'} "
        + ", then ".join(str(i or "no ID") for n, i in enumerate(mine) if n == 0 or i != mine[n - 1])
        for key, mine in sorted({**wrong, **stored}.items())
    ]
    verb = "stored or sent" if wrong and stored else "stored" if stored else "sent"
    return Verdict(
        name,
        "fail",
        f"{len(bad)} of {plural(judged, 'chat')} {verb} more than one session ID",
        expected,
        capped(lines),
        numbers,
        chats=bad,
        evidence=run.evidence,
    )


def _forms(run: Run, messages: Iterable[MessageRow]) -> str:
    """The encodings in which sent and stored IDs differ: `` (percent-encoded in the payload)``, or ``""``."""
    encoded = [p for p in unusual_payloads(run) if p.form]
    if not encoded:
        return ""
    requests = {(m.run_id, m.lane, m.request) for m in messages}
    found = dict.fromkeys(p.form or "" for p in encoded if (p.run_id, p.lane, p.request) in requests)
    return f" ({'; '.join(found)})" if found else ""


def _plain_messages(run: Run) -> Iterator[MessageRow]:
    """Those of the observed plain chats."""
    return (m for m in run.observed_messages if m.scenario == "plain")


def _until_a_reload(run: Run) -> Iterator[MessageRow]:
    """Those of them whose payload was seen, and that came before the page was loaded anew."""
    return (m for m in _plain_messages(run) if m.sent_seen and not m.after_reload)


def no_store(name: str, run: Run) -> Verdict:
    """Inconclusive: the profile has no store."""
    why = "the profile has store = none: the session ID is only in memory, and there is no store to judge"
    return not_seen(name, run, why, "needs nothing: rotation.sent_id_is_fresh judges the sent ID")
