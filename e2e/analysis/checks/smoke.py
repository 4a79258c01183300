"""Does one chat round trip work at all?"""

from __future__ import annotations

from collections.abc import Sequence

from e2e.analysis.facts.id_history import carries, given_by_reply
from e2e.analysis.facts.lost_messages import lines, lost_messages
from e2e.analysis.model.check import SESSIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    key_of,
    lane_name,
    no_chats,
    not_seen,
    payloads_unseen,
    plural,
    store_unseen,
)

_EXPECTED = "a chat with a reply, and its session ID stored and sent"
_EXPECTED_WITHOUT_ID = "a chat with a reply"


@check(
    "smoke",
    title="Does a chat round trip work at all?",
    layer="New Chat on the page",
    group=SESSIONS,
    story="A chat round trip works",
    detection_limit="no frontend that never gets a reply, or never sends a session ID",
    position=10,
)
def smoke(run: Run) -> Verdict:
    """At least one chat got a reply, and its session ID was stored and sent."""
    plain = run.plain
    lost = {key: messages for key, messages in lost_messages(run).items() if messages[0].scenario == "plain"}
    if lost:
        headline = f"{len(lost)} of {plural(len(plain), 'chat')} lost a message that the page had accepted"
        return Verdict(
            "smoke",
            "fail",
            headline,
            expected="every message that the page accepts is sent",
            actual=capped(lines(run, lost)),
            numbers={"lost": len(lost), "chats": len(plain)},
            chats=tuple(sorted(lost)),
            evidence=run.evidence,
        )
    nothing = no_chats("smoke", run)
    if nothing:
        return nothing
    if not run.policy.sends_id:
        return _without_id(run)
    needs_store = run.policy.store != "none"
    messages = list(run.observed_messages)
    first = _first_with_id(run, messages)
    if messages and not first:
        why = "the ID comes with the first reply, and no chat was observed that sent another message after it"
        return not_seen("smoke", run, why, "needs at least 1 chat with 2 messages")
    replied = [m for m in first if m.outcome == "ok"]
    with_sent = [m for m in replied if m.sent is not None]
    whole = [m for m in replied if _whole(run, m)]
    numbers = {
        "observed": len(run.observed),
        "replied": len(replied),
        "with_sent_id": len(with_sent),
        "with_stored_id": sum(m.stored is not None for m in replied),
    }
    if whole:
        where = "in store and payload" if needs_store else "in the payload"
        return Verdict(
            "smoke",
            "pass",
            f"{len(whole)} of {plural(len(first), 'chat')} got a reply, with a session ID {where}",
            expected=_EXPECTED,
            numbers=numbers,
            detection_limit="a chat round trip works; the other checks judge whether sessions rotate",
            evidence=run.evidence,
        )
    if not replied:
        return not_seen("smoke", run, "no chat got a reply", "needs at least 1 chat with a reply", **numbers)
    if any(not m.sent_seen or (needs_store and not m.stored_seen) for m in replied):
        payload = any(not m.sent_seen for m in replied)
        what, reason = ("payload", payloads_unseen) if payload else ("store", store_unseen)
        why = reason(run, f"messages got replies, but no {what} could be read")
        return not_seen(
            "smoke", run, why, f"needs a profile that names where the ID in the {what} is", **numbers
        )
    lacks = "session ID in the store" if with_sent else "session ID in the payload"
    without = [f"{lane_name(run, m.run_id, m.lane)}: {chats_text([m.chat])} had no {lacks}" for m in first]
    return Verdict(
        "smoke",
        "fail",
        f"none of {plural(len(first), 'chat')} had a {lacks}",
        expected=_EXPECTED,
        actual=capped(without),
        numbers=numbers,
        chats=tuple(key_of(m) for m in first),
        evidence=run.evidence,
    )


def _without_id(run: Run) -> Verdict:
    """Of a chat that sends no session ID: a reply is all that a round trip shows."""
    chats = run.observed
    first = [
        m
        for m in run.every(MessageRow)
        if m.chat_status == "observed" and m.scenario == "plain" and m.number == 0
    ]
    replied = [m for m in first if m.outcome == "ok"]
    numbers = {"observed": len(chats), "replied": len(replied)}
    if not replied:
        return not_seen("smoke", run, "no chat got a reply", "needs at least 1 chat with a reply", **numbers)
    return Verdict(
        "smoke",
        "pass",
        f"{len(replied)} of {plural(len(first), 'chat')} got a reply; this chat sends no session ID",
        expected=_EXPECTED_WITHOUT_ID,
        numbers=numbers,
        detection_limit="a chat round trip works; the other checks judge what the chats contain",
        evidence=run.evidence,
    )


def _first_with_id(run: Run, messages: Sequence[MessageRow]) -> list[MessageRow]:
    """The message of each chat that should show both its IDs."""
    found: dict[ChatKey, MessageRow] = {}
    for m in messages:
        known = found.get(key_of(m))
        # A first message may carry an ID that is stored with its reply: then the second one shows both.
        late = known is not None and known.number == 0 and given_by_reply(run) and not _whole(run, known)
        if carries(run, m) and (known is None or late):
            found[key_of(m)] = m
    return list(found.values())


def _whole(run: Run, message: MessageRow) -> bool:
    stored = message.stored is not None or run.policy.store == "none"
    return message.outcome == "ok" and message.sent is not None and stored
