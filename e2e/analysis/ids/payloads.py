"""The payloads of a run: what is read of all of them at once, and those of the chats' messages. None is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow, PayloadRow, Stack
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of


@dataclass(slots=True)
class Payloads:
    """What is read of all payloads at once: each look at them all takes 3 s for 100,000 chats."""

    unusual: Sequence[PayloadRow] = ()
    addresses: bool = False
    """Some page's address held what looks like an ID."""
    with_history: set[str] = field(default_factory=set)
    """Runs whose payloads name earlier messages."""
    retried: set[ChatKey] = field(default_factory=set)
    """Chats with a message that the page sent again by itself."""
    first: dict[ChatKey, FirstPayload] = field(default_factory=dict)
    """The first payload of each chat's messages, without attempts that came to nothing."""


_READ = ("address", "history", "retry", "form", "request", "stack")


def payloads_at_once(run: Run) -> Payloads:
    """Read once."""

    def collect() -> Payloads:
        messages, found, chats = message_requests(run), Payloads(), run.chat_of
        first, at = found.first, dict[ChatKey, int]()

        def keep(p: PayloadRow) -> bool:
            found.addresses = found.addresses or p.address is not None
            if p.history is not None:
                found.with_history.add(p.run_id)
            if p.retry is True and p.chat is not None:
                found.retried.add(key_of(p))
            if (p.run_id, p.lane, p.request) not in messages:
                return True
            if p.request is not None:
                _note_first(p, chats, first, at)
            return bool(p.form)

        places = {(p.run_id, p.lane, p.seq) for p in run.those(PayloadRow, keep, only=_READ)}
        if places:
            found.unusual = run.those(PayloadRow, lambda p: (p.run_id, p.lane, p.seq) in places)
        return found

    return run.once("payloads at once", collect)


class FirstPayload(NamedTuple):
    """When the first payload of a chat's messages left, and from where."""

    t: float
    stack: Stack | None


def first_payloads(run: Run) -> Mapping[ChatKey, FirstPayload]:
    """The first payload of each chat's messages, with the attempts that came to nothing before the page sent a message again."""

    def collect() -> dict[ChatKey, FirstPayload]:
        if not payloads_at_once(run).retried:
            return payloads_at_once(run).first
        found: dict[ChatKey, FirstPayload] = {}
        at: dict[ChatKey, int] = {}
        chats = run.chat_of
        for p in own_payloads(run, only=("request", "message", "rule", "retry", "stack")):
            _note_first(p, chats, found, at)
        return found

    return run.once("first_payloads", collect)


def _note_first(
    p: PayloadRow,
    chats: Mapping[ChatKey, ChatRow],
    first: dict[ChatKey, FirstPayload],
    at: dict[ChatKey, int],
) -> None:
    """Keep the payload if it is its chat's first so far; ``at`` are the numbers of those that are kept."""
    chat = chats.get((p.run_id, p.lane, p.chat))  # type: ignore[call-overload]
    if chat is None:
        return
    known = first.get(chat.key)
    if known is None or (p.t, p.seq) < (known.t, at[chat.key]):
        first[chat.key], at[chat.key] = FirstPayload(p.t, p.stack), p.seq


def own_payloads(run: Run, only: Collection[str] | None = None) -> Iterator[PayloadRow]:
    """The payloads of the chats' messages, with the attempts before a message was sent again; not kept, run by run."""
    requests = message_requests(run)
    kinds = set[tuple[ChatKey, int | None, str]]()
    if payloads_at_once(run).retried:
        again = (
            p for p in run.each(PayloadRow, only=("retry", "request", "message", "rule")) if p.retry is True
        )
        kinds = {(key_of(p), p.message, p.rule) for p in again if (p.run_id, p.lane, p.request) in requests}
    for p in run.each(PayloadRow, only=only):
        of_message = p.request is not None and (p.run_id, p.lane, p.request) in requests
        if of_message or (kinds and (key_of(p), p.message, p.rule) in kinds):
            yield p


def message_requests(run: Run) -> _Requests:
    """The requests of messages. Not kept: 300 bytes a chat."""
    found = _Requests()
    for m in run.every(MessageRow):
        found.add(m)
    return found


class _Requests:
    """Requests of messages: ``(run, lane, request) in requests``."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], set[str | None]] = defaultdict(set)

    def add(self, m: MessageRow) -> None:
        self._found[m.run_id, m.lane].add(m.request)

    def __contains__(self, at: tuple[str, int, str | None]) -> bool:
        return at[2] in self._found.get(at[:2], ())
