"""One chat over the five layers, in the order in which things were seen."""

from __future__ import annotations

from typing import Any, NamedTuple

from e2e.analysis.columns import rows
from e2e.analysis.frames import Run
from e2e.analysis.freshness import given_by_reply
from e2e.analysis.verdict import ChatKey

LAYERS = (
    "stored ID",
    "sent ID",
    "provider in the reply",
    "provider at the backend",
    "provider on the screen",
)
STORED, SENT, REPLY, BACKEND, SCREEN = range(5)


class Point(NamedTuple):
    """One thing seen of a chat."""

    seconds: float
    """Since the chat began; before it, for what the chat before did last."""
    layer: int
    """Index into `LAYERS`."""
    text: str
    """``…3f9a``, a provider's name, ``removed``, ``nothing``."""
    odd: bool
    """It is what it should not be."""
    said: str
    """The same as a sentence."""


class Flow(NamedTuple):
    """A chat and what was seen of it, in order of time."""

    key: ChatKey
    began_by: str
    """``New Chat`` or ``page load``."""
    points: tuple[Point, ...]


def flow_of(run: Run, key: ChatKey) -> Flow | None:
    """The chat from its beginning to its last reply, with the last payload of the chat before; None when it is not known."""
    return run.once(f"flow.{'/'.join(map(str, key))}", lambda: _flow(run, key))


def failing_chat(run: Run) -> ChatKey | None:
    """The chat to show: one that a cause rests on, of the first failed check that names chats; a plain one before a scenario's."""
    named = [key for v in run.judgement.verdicts if v.outcome == "fail" for key in v.chats]
    plain = {(c.run_id, c.lane, c.chat) for c in rows(run.plain)}
    return next((key for key in named if tuple(key) in plain), named[0] if named else None)


def _flow(run: Run, key: ChatKey) -> Flow | None:
    chat = next((c for c in rows(run.chats) if (c.run_id, c.lane, c.chat) == tuple(key)), None)
    if chat is None:
        return None
    began_by = "New Chat" if chat.via == "new_chat" else "page load"
    return Flow(key, began_by, tuple(sorted(_points(run, key, chat))))


def _points(run: Run, key: ChatKey, chat: Any) -> list[Point]:
    lane = (key.run_id, key.lane)
    points: list[Point] = []
    mine = [m for m in rows(run.messages) if (m.run_id, m.lane, m.chat) == tuple(key)]
    before = [
        m for m in rows(run.messages) if (m.run_id, m.lane) == lane and m.chat == key.chat - 1 and m.sent_at
    ]
    last_sent = before[-1].sent if before else None
    if before:
        text = tail(last_sent)
        said = f"the chat before sent its last message with {text}"
        points.append(Point(before[-1].sent_at - chat.began, SENT, text, False, said))
    for w in rows(run.storage):
        if (w.run_id, w.lane) == lane and w.chat == key.chat and not w.same_value:
            text = "removed" if w.session is None else tail(w.session)
            said = "the stored ID was removed" if w.session is None else f"{text} was stored"
            points.append(Point(w.t - chat.began, STORED, text, False, said))
    for m in mine:
        points += _of_message(m, chat, last_sent, wants_id=m.number > 0 or not given_by_reply(run))
    return points + _backend_points(run, key, chat, mine)


def _of_message(m: Any, chat: Any, last_sent: str | None, *, wants_id: bool) -> list[Point]:
    points = []
    if m.sent_at is not None:
        old = m.sent is not None and m.sent == last_sent
        none = m.sent is None and m.sent_seen and wants_id
        other = (m.sent is not None or none) and m.stored_seen and m.sent != m.stored
        why = ", the ID of the chat before" if old else ""
        why += f", while the store held {tail(m.stored)}" if other else ""
        said = f"message {m.number + 1} was sent with {tail(m.sent) if m.sent else 'no ID'}{why}"
        points.append(Point(m.sent_at - chat.began, SENT, tail(m.sent), old or other or none, said))
    if m.reply_provider is not None and m.first_chunk_at is not None:
        said = f"{m.reply_provider} began to answer"
        points.append(Point(m.first_chunk_at - chat.began, REPLY, m.reply_provider, False, said))
    if m.label_provider is not None and m.ended_at is not None:
        untrue = m.label_provider != m.reply_provider
        said = f"the screen named {m.label_provider}"
        points.append(Point(m.ended_at - chat.began, SCREEN, m.label_provider, untrue, said))
    return points


def _backend_points(run: Run, key: ChatKey, chat: Any, mine: list[Any]) -> list[Point]:
    """What the backend answered when asked for the chat's session; at the reply's end when only the answer was recorded."""
    replied = {m.reply_provider for m in mine} - {None}
    answers = [
        (b.t, b.provider)
        for b in rows(run.backend)
        if (b.run_id, b.lane, b.chat) == tuple(key) and b.provider is not None
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
