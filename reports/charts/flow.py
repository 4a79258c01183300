"""One chat over the five layers: its events in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from e2e.analysis.facts.freshness import carries
from e2e.analysis.facts.ownership import owners
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import BackendRow, ChatRow, MessageRow, StorageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of, lane_name

LAYERS = (
    "stored ID",
    "sent ID",
    "provider in the reply",
    "provider at the backend",
    "provider on the screen",
)
STORED, SENT, REPLY, BACKEND, SCREEN = range(5)


class Point(NamedTuple):
    """One event of a chat."""

    seconds: float
    """Since the chat began; negative for the last payload of the chat before."""
    layer: int
    """Index into `LAYERS`."""
    text: str
    """``…3f9a``, a provider's name, ``removed``, ``nothing``."""
    wrong: bool
    """A healthy chat does not show this."""
    sentence: str
    """The event as a sentence."""


class Flow(NamedTuple):
    """A chat and its events in order of time."""

    key: ChatKey
    began_by: str
    """``New Chat`` or ``page load``."""
    points: tuple[Point, ...]


def flow_of(run: Run, key: ChatKey) -> Flow | None:
    """The chat from its beginning to its last reply, with the last payload of the chat before; None for an unknown chat."""
    return run.once(f"flow.{'/'.join(map(str, key))}", lambda: _flow(run, key))


def failing_chat(run: Run) -> ChatKey | None:
    """The chat to show: the first plain chat that a failed check names, else its first chat of a scenario."""
    named = [key for v in judge(run).verdicts if v.outcome == "fail" for key in v.chats]
    plain = {key_of(c) for c in run.every(ChatRow) if c.scenario == "plain"}
    return next((key for key in named if key in plain), named[0] if named else None)


def _flow(run: Run, key: ChatKey) -> Flow | None:
    chat = next((c for c in run.every(ChatRow) if key_of(c) == key), None)
    if chat is None:
        return None
    began_by = "New Chat" if chat.via == "new_chat" else "page load"
    return Flow(key, began_by, tuple(sorted(_points(run, key, chat))))


def _points(run: Run, key: ChatKey, chat: ChatRow) -> list[Point]:
    points: list[Point] = []
    mine = [m for m in run.every(MessageRow) if key_of(m) == key]
    before = ChatKey(key.run_id, key.lane, key.chat - 1)
    sent_before = [(m.sent_at, m) for m in run.every(MessageRow) if key_of(m) == before and m.sent_at]
    for sent_at, m in sent_before[-1:]:
        if m.sent_seen:
            sentence = f"the chat before sent its last message with {tail(m.sent) if m.sent else 'no ID'}"
            points.append(Point(sent_at - chat.began, SENT, tail(m.sent), False, sentence))
    for w in run.of_chat(StorageRow, *key):
        if w.own and w.tab == chat.tab:
            points += _of_write(w, chat)
    for m in mine:
        points += _of_message(run, m, chat)
    return points + _backend_points(run, key, chat, mine)


def _of_write(w: StorageRow, chat: ChatRow) -> list[Point]:
    """A write to the session's own key. A page load writes nothing: it reads what the store holds."""
    at, held = w.t - chat.began, tail(w.session)
    if w.op == "start":
        return [Point(at, STORED, held, False, f"the page loaded; the store held {held}")]
    if w.same_value:
        return []
    if w.session is None:
        return [Point(at, STORED, "removed", False, "the stored ID was removed")]
    return [Point(at, STORED, held, False, f"{held} was stored")]


def _owner_text(run: Run, m: MessageRow, chat: ChatRow) -> str:
    """The other chat that owns the message's ID; ``""`` for an ID of its own, and where tabs share one by design."""
    owner = owners(run).get((m.mask_key, m.sent)) if m.sent else None
    if owner is None or owner.key == key_of(m):
        return ""
    if chat.via == "load" and chat.tab > 0 and run.policy.tabs == "share":
        return ""
    if (owner.key.run_id, owner.key.lane) != (m.run_id, m.lane):
        return f"{lane_name(run, owner.key.run_id, owner.key.lane)} chat {owner.key.chat}"
    return "the chat before" if owner.key.chat == m.chat - 1 else f"chat {owner.key.chat}"


def _of_message(run: Run, m: MessageRow, chat: ChatRow) -> list[Point]:
    points = []
    if m.sent_at is not None and m.sent_seen:
        whose = _owner_text(run, m, chat)
        none = m.sent is None and carries(run, m)
        other = carries(run, m) and m.stored_seen and m.sent != m.stored
        why = f", the ID of {whose}" if whose else ""
        why += f", while the store held {tail(m.stored)}" if other else ""
        sentence = f"message {m.number} was sent with {tail(m.sent) if m.sent else 'no ID'}{why}"
        points.append(
            Point(m.sent_at - chat.began, SENT, tail(m.sent), bool(whose) or other or none, sentence)
        )
    if m.reply_provider is not None and m.first_chunk_at is not None:
        sentence = f"{m.reply_provider} began its reply"
        points.append(Point(m.first_chunk_at - chat.began, REPLY, m.reply_provider, False, sentence))
    if m.label_provider is not None and m.ended_at is not None:
        truth = m.reply_provider if m.reply_provider is not None else m.backend_provider
        untrue = truth is not None and m.label_provider != truth
        sentence = f"the screen named {m.label_provider}"
        points.append(Point(m.ended_at - chat.began, SCREEN, m.label_provider, untrue, sentence))
    return points


def _backend_points(run: Run, key: ChatKey, chat: ChatRow, mine: Sequence[MessageRow]) -> list[Point]:
    """The provider by the backend's API; timed at the end of the reply when only the result was recorded."""
    replied = {m.reply_provider for m in mine} - {None}
    answers = [
        (b.t, b.provider)
        for b in sorted(run.of_chat(BackendRow, *key), key=attrgetter("t", "seq"))
        if b.provider is not None
    ] or [
        (m.ended_at, m.backend_provider)
        for m in mine
        if m.backend_provider is not None and m.ended_at is not None
    ]
    return [
        Point(
            t - chat.began, BACKEND, name, bool(replied - {name}), f"the backend named {name} for the session"
        )
        for t, name in answers
    ]


def tail(reference: str | None) -> str:
    """``…3f9a``, or ``nothing``."""
    return "nothing" if reference is None else "…" + reference[-4:]


def short(reference: str) -> str:
    """``session_…3f9a``: prefix and last four characters, enough to tell the chats of a run apart."""
    prefix, dots, digest = reference.rpartition("…")
    return f"{prefix}…{digest[-4:]}" if dots else reference
