"""What a page sends besides its messages (a title request, a feedback call, an upload), and which of it carries an old session."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from urllib.parse import urlsplit

from e2e.analysis.facts.code_locations import Trail, trail
from e2e.analysis.facts.id_history import id_history
from e2e.analysis.ids.payloads import message_requests, own_payloads, payloads_at_once
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import IssuedRow, MessageRow, PayloadRow, StorageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import chats_text, key_of, lane_name
from e2e.records.records import NOT_TAKEN


@dataclass(frozen=True, slots=True)
class OldPayload:
    """A payload of a chat, none of its messages, that carries the ID of an earlier chat."""

    t: float
    what: str
    """``title request (POST /api/title)``."""
    session: str
    owner: ChatKey
    """The chat that had this ID first."""
    path: Trail
    """From where it was sent."""


def old_payloads(run: Run) -> Mapping[ChatKey, tuple[OldPayload, ...]]:
    """The payloads of every wire rule that carry an earlier chat's ID, which no message of their own chat carries.

    Where the messages carry it too, the checks of the messages say so. Evidence from before payloads had an owner is left out.
    """
    return run.once("old_payloads", lambda: _old_payloads(run))


def unusual_payloads(run: Run) -> Sequence[PayloadRow]:
    """Those with an encoded ID, and those of no message, in order of time. Nearly all of a run are neither."""
    return payloads_at_once(run).unusual


def _old_payloads(run: Run) -> dict[ChatKey, tuple[OldPayload, ...]]:
    besides = [p for p in unusual_payloads(run) if p.judged is True]
    if not besides:
        return {}
    chats, owners = run.chat_of, id_history(run).first
    own, refused, messages = _own_ids(run), _refused(run), message_requests(run)
    found: dict[ChatKey, list[OldPayload]] = defaultdict(list)
    for p in besides:
        if (p.run_id, p.lane, p.request) in messages:
            continue
        chat = chats.get(key_of(p))
        if p.session is None or chat is None or chat.status == "lost":
            continue
        since, owner = owners.get((p.mask_key, p.session), (p.t, key_of(p)))
        if owner == key_of(p) or owner in refused or since >= chat.began or p.session in own[key_of(p)]:
            continue
        if _may_be_late(run, p):
            continue
        found[key_of(p)].append(OldPayload(p.t, _what(p), p.session, owner, trail(run, p.run_id, p.stack)))
    return {key: tuple(payloads) for key, payloads in found.items()}


def old_retries(run: Run) -> Mapping[ChatKey, tuple[OldPayload, ...]]:
    """The page's own retries that carry an ID from before, where the first attempt of the message did not.

    That of an earlier chat, or one that the store held for a moment in this chat, as between the two clicks of a double click.
    """

    def collect() -> dict[ChatKey, tuple[OldPayload, ...]]:
        found: dict[ChatKey, tuple[OldPayload, ...]] = {}
        retried = payloads_at_once(run).retried
        if not retried:
            return found
        chats, owners = run.chat_of, id_history(run).first
        own: dict[ChatKey, list[PayloadRow]] = defaultdict(list)
        for p in sorted(own_payloads(run), key=attrgetter("t", "seq")):
            if key_of(p) in retried:
                own[key_of(p)].append(p)
        for key, payloads in own.items():
            first: dict[int | None, str | None] = {}
            for p in payloads:
                if (
                    first.setdefault(p.message, p.session) == p.session
                    or p.retry is not True
                    or p.session is None
                ):
                    continue
                since, owner = owners.get((p.mask_key, p.session), (p.t, key))
                earlier = owner != key and key in chats and since < chats[key].began
                if earlier or _let_go_of(run, p):
                    old = OldPayload(p.t, _what(p), p.session, owner, trail(run, p.run_id, p.stack))
                    found[key] = (*found.get(key, ()), old)
        return found

    return run.once("old_retries", collect)


def _let_go_of(run: Run, payload: PayloadRow) -> bool:
    """The store had held the payload's ID when it left, and held another one by then."""

    def collect() -> dict[tuple[str, int, int], _Held]:
        found: dict[tuple[str, int, int], _Held] = defaultdict(_Held)
        for w in run.every(StorageRow):
            if w.own and w.session is not None:
                found[w.run_id, w.lane, w.tab].add(w.t, w.session)
        return found

    held = run.once("own_writes", collect).get((payload.run_id, payload.lane, payload.tab))
    return held is not None and held.let_go_of(payload.session, payload.t)


class _Held:
    """What the store of a tab held, one after the other."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._sessions: list[str] = []
        self._first: dict[str, float] = {}

    def add(self, t: float, session: str) -> None:
        self._times.append(t)
        self._sessions.append(session)
        self._first.setdefault(session, t)

    def let_go_of(self, session: str | None, t: float) -> bool:
        """It had held ``session`` before ``t``, and held another one then."""
        n = bisect_left(self._times, t)
        held = session is not None and self._first.get(session, t) < t
        return held and self._sessions[n - 1] != session


def _what(p: PayloadRow) -> str:
    """The payload's rule and request, in words."""
    path = urlsplit(p.url or "").path or "/"
    attempt = "repeated " if p.retry is True else ""
    if p.transport == "websocket":
        return f"{attempt}{p.rule} frame ({path})"
    return f"{attempt}{p.rule} request ({p.method} {path})"


def _own_ids(run: Run) -> Mapping[ChatKey, set[str]]:
    """What each chat's messages carried, and what was issued to it."""
    found: dict[ChatKey, set[str]] = defaultdict(set)
    for m in run.every(MessageRow):
        found[key_of(m)] |= {i for i in (m.sent, m.issued) if i is not None}
    for issued in run.every(IssuedRow):
        if issued.session is not None:
            found[key_of(issued)].add(issued.session)
    return found


def _refused(run: Run) -> frozenset[ChatKey]:
    """Chats of which the backend took no message: the next one may go on with their session by design."""
    outcomes: dict[ChatKey, set[str]] = defaultdict(set)
    for m in run.every(MessageRow):
        outcomes[key_of(m)].add(m.outcome)
    return frozenset(key for key, seen in outcomes.items() if seen <= set(NOT_TAKEN))


# -- payloads that came late
#
# A read receipt, or an autosave, may leave some seconds after its reply, when two or three New Chats were clicked already. By its
# session it is the older chat's, by its time the newer one's. Only a number tells: a session that everything sticks to has more of
# them than its messages bring on this page.

_Kind = tuple[str, int, str]
"""Run, lane, wire rule."""


def _may_be_late(run: Run, payload: PayloadRow) -> bool:
    """It may belong to the older chat whose session it carries. Evidence that does not tell about texts excuses nothing."""
    if payload.by_text is not False:
        return False
    return (payload.run_id, payload.lane, payload.rule, payload.session) not in _in_excess(run)


def _in_excess(run: Run) -> frozenset[tuple[str, int, str, str]]:
    """Lane, rule and session of which more came than is usual for as many messages."""

    def collect() -> frozenset[tuple[str, int, str, str]]:
        messages = _messages_by_session(run)
        came: dict[_Kind, Counter[str]] = defaultdict(Counter)
        for p in run.every(PayloadRow):
            if p.by_text is False and p.session is not None:
                came[p.run_id, p.lane, p.rule][p.session] += 1
        found: set[tuple[str, int, str, str]] = set()
        for (run_id, lane, rule), counts in came.items():
            sent = messages[run_id, lane]
            ratios = sorted((counts[other] / m for other, m in sent.items()), reverse=True)
            for session, n in counts.items():
                own = n / sent[session] if session in sent else None
                if n > sent[session] * max(1.0, _usual_without(ratios, own)):
                    found.add((run_id, lane, rule, session))
        return frozenset(found)

    return run.once("payloads_in_excess", collect)


def _messages_by_session(run: Run) -> Mapping[tuple[str, int], Counter[str]]:
    """How many messages of a lane were of each session. One that carried no ID was of all that its chat had."""
    chats: dict[ChatKey, list[MessageRow]] = defaultdict(list)
    for m in run.every(MessageRow):
        chats[key_of(m)].append(m)
    found: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for key, messages in chats.items():
        own = [{i for i in (m.sent, m.issued) if i is not None} for m in messages]
        of_chat = set[str]().union(*own)
        for ids in own:
            found[key.run_id, key.lane].update(ids or of_chat)
    return found


def _usual_without(ratios: Sequence[float], own: float | None) -> float:
    """What three of four other sessions do not exceed: a few that all payloads stick to say nothing of what is usual.

    ``ratios`` are those of all sessions, the largest first; ``own`` is left out once.
    """
    others = len(ratios) - (own is not None)
    if not others:
        return 0.0
    at = others // 4
    return ratios[at + 1] if own is not None and own >= ratios[at] else ratios[at]


# -- in words -----------------------------------------------------------------------------------------------------------


def names(payloads: Iterable[OldPayload]) -> str:
    """``title request (POST /api/title), feedback request (POST /api/rate)``."""
    found = list(dict.fromkeys(p.what for p in payloads))
    return ", ".join(found[:2]) + (" and others" if len(found) > 2 else "")


def texts(payloads: Sequence[OldPayload]) -> list[str]:
    """One line per request and ID, for the chat that they are of."""
    return list(
        dict.fromkeys(f"sent {p.session}, the ID of chat {p.owner.chat}, in its {p.what}" for p in payloads)
    )


def lines(run: Run, found: Mapping[ChatKey, Sequence[OldPayload]]) -> list[str]:
    """One line per lane, request and ID."""
    groups: dict[tuple[str, int, str, str, int], list[int]] = defaultdict(list)
    for key, payloads in sorted(found.items()):
        for p in payloads:
            groups[key.run_id, key.lane, p.what, p.session, p.owner.chat].append(key.chat)
    return [
        f"{lane_name(run, run_id, lane)}: {what} of {chats_text(chats)} carried {session}, the ID of chat {owner}"
        for (run_id, lane, what, session, owner), chats in groups.items()
    ]
