"""Who stored, sent or was issued which session ID, and who first. IDs of two runs are comparable under one mask key only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, IssuedRow, MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of

Layer = Literal["sent", "stored"]
Place = tuple[str, int, int]
"""One browser context: run, lane, number of the context."""
MaskedId = tuple[str, str]
"""Mask key and session ID."""
Sent = tuple[ChatKey, int]
"""Chat, and number of the message."""
_CHAT = ["run_id", "mask_key", "lane", "chat"]
_ID = ["mask_key", "session"]


@dataclass(frozen=True, slots=True)
class Claim:
    """The first time that a chat sent an ID, or was issued it."""

    t: float
    key: ChatKey
    issued: bool
    """A reply to the chat's message brought it; else the chat's payload did."""


@dataclass(frozen=True, slots=True)
class IdHistory:
    """Which chat had which ID, in the store, in a payload, in a reply."""

    ids: Mapping[Layer, Mapping[ChatKey, tuple[str, ...]]]
    """The distinct IDs of each chat, in order of their appearance; for every chat of the run."""
    holders: Mapping[Layer, Mapping[MaskedId, Mapping[Place, int]]]
    """The browser contexts that had an ID, each with the order of its first chat that did."""
    owners: Mapping[MaskedId, Claim]
    """The chat that sent an ID first, or was issued it first."""
    first: Mapping[MaskedId, tuple[float, ChatKey]]
    """When a message first carried an ID, the store held it at a message, or a reply issued it; and in which chat."""


def id_history(run: Run) -> IdHistory:
    """The history of all IDs of ``run``, computed once."""
    return run.once("id_history", lambda: _history(run))


def contexts(run: Run) -> Mapping[ChatKey, Place]:
    """The browser context of each chat."""
    return run.once(
        "contexts", lambda: {key_of(c): (c.run_id, c.lane, c.context) for c in run.every(ChatRow)}
    )


def given_by_reply(run: Run) -> bool:
    """The backend makes the ID and gives it with the first reply: a chat's first message carries none."""
    return run.policy.rotation == "on_first_reply"


def carries(run: Run, message: MessageRow) -> bool:
    """Whether a message carried an ID that counts, or should have.

    A first message needs none where the reply issues it, and no message does where the chat sends no ID.
    """
    if not run.policy.sends_id:
        return False
    if not given_by_reply(run):
        return True
    if (key_of(message), message.number) in provisional(run):
        return False
    return bool(message.number) or message.sent is not None


def carrying(run: Run, messages: pd.DataFrame) -> pd.DataFrame:
    """Those of ``messages`` that `carries` holds for."""
    if not given_by_reply(run):
        return messages
    found = messages[(messages["number"] != 0) | messages["sent"].notna()]
    placed = found.set_index(["run_id", "lane", "chat", "number"]).index
    return found[~placed.isin([(*key, number) for key, number in provisional(run)])]


def provisional(run: Run) -> frozenset[Sent]:
    """The first messages that carried an ID which the page made itself, until the backend's ID replaced it.

    No reply issued such an ID, and only first messages carry it (each its own, or all the same placeholder). The reply issued
    another one, with which the chat went on.
    """
    return run.once("provisional", lambda: frozenset(_provisional(run)))


def _provisional(run: Run) -> set[Sent]:
    if not given_by_reply(run):
        return set()
    given = issued_to(run)
    replaced: dict[MaskedId, list[Sent]] = defaultdict(list)
    kept = {(i.mask_key, i.session) for i in run.every(IssuedRow) if i.session is not None}
    by_chat: dict[ChatKey, list[MessageRow]] = defaultdict(list)
    for m in run.every(MessageRow):
        if m.sent_seen:
            by_chat[key_of(m)].append(m)
    certain = set[MaskedId]()
    for key, messages in by_chat.items():
        for n, m in enumerate(messages):
            if m.sent is None:
                continue
            at = (m.mask_key, m.sent)
            if m.number and not m.loaded:
                kept.add(at)
                continue
            following = messages[n + 1].sent if n + 1 < len(messages) else None
            if following is None and n + 1 < len(messages):
                continue  # the chat went on without the ID that the reply issued
            if following is None or following in given[key]:
                replaced[at].append((key, m.number))
            if given[key] - {m.sent}:
                certain.add(at)
    return {place for at in certain - kept for place in replaced[at]}


def issued_to(run: Run) -> dict[ChatKey, set[str]]:
    """The IDs that the replies to each chat's messages issued."""
    found: dict[ChatKey, set[str]] = defaultdict(set)
    for i in run.every(IssuedRow):
        if i.session is not None and i.chat is not None:
            found[key_of(i)].add(i.session)
    return found


def _history(run: Run) -> IdHistory:
    uses, shared = _uses(run), _Shared(contexts(run))
    ids: dict[Layer, Mapping[ChatKey, tuple[str, ...]]] = {}
    holders: dict[Layer, Mapping[MaskedId, Mapping[Place, int]]] = {}
    for layer in ("stored", "sent"):
        of_layer = uses[uses["layer"].isin((layer, f"{layer} at begin"))]
        in_order = of_layer.sort_values(["order", "message"], kind="stable")
        ids[layer], holders[layer] = _by_chat(
            run, in_order, shared, provisional(run) if layer == "sent" else frozenset()
        )
    timed = uses[uses["t"].notna()]
    claims = timed[timed["layer"].isin(("sent", "issued")) & timed["chat"].notna()]
    claims = claims.sort_values("t", kind="stable").drop_duplicates(_ID)
    anywhere = timed[timed["layer"] != "stored at begin"].sort_values(["t", "run_id", "lane", "chat"])
    anywhere = anywhere.drop_duplicates(_ID)
    return IdHistory(
        ids=ids,
        holders=holders,
        owners={
            masked: Claim(t, key, issued)
            for masked, key, t, issued in zip(
                shared.ids(claims),
                shared.chats(claims),
                claims["t"].tolist(),
                (claims["layer"] == "issued").tolist(),
                strict=True,
            )
        },
        first=dict(
            zip(
                shared.ids(anywhere),
                zip(anywhere["t"].tolist(), shared.chats(anywhere), strict=True),
                strict=True,
            )
        ),
    )


def _uses(run: Run) -> pd.DataFrame:
    """One row for each time that an ID was seen in a chat; sent ones before issued ones, where both are of one moment."""
    chats, messages, issued = run.chats, run.messages, run.issued
    own = messages["stored_seen"].fillna(value=False)
    parts = [
        _part(messages[messages["sent_seen"].fillna(value=False)], "sent", "sent", "sent_at"),
        _part(issued, "issued", "session", "t"),
        _part(messages, "issued in reply", "issued", "ended_at"),
    ]
    if given_by_reply(run):
        # What the store held before the backend gave the new ID is nobody's.
        parts.append(_part(messages[own & (messages["number"] != 0)], "stored", "stored", "sent_at"))
    else:
        begun = chats[chats["stored_seen"].fillna(value=False)]
        parts += [
            _part(begun.assign(number=-1), "stored at begin", "stored", "began"),
            _part(messages[own], "stored", "stored", "sent_at"),
        ]
    return pd.concat(parts, ignore_index=True)


def _part(frame: pd.DataFrame, layer: str, session: str, t: str) -> pd.DataFrame:
    found = frame[frame[session].notna()]
    number = "number" if "number" in found.columns else "message"
    return pd.DataFrame(
        {name: found[name] for name in _CHAT}
        | {
            "session": found[session],
            "t": found[t],
            "message": found[number].astype("Int64"),
            "order": found["order"] if "order" in found.columns else pd.Series(pd.NA, found.index, "Int64"),
            "layer": pd.Series(layer, found.index, "string"),
        }
    )


def _by_chat(
    run: Run, uses: pd.DataFrame, shared: _Shared, left_out: frozenset[Sent]
) -> tuple[Mapping[ChatKey, tuple[str, ...]], Mapping[MaskedId, Mapping[Place, int]]]:
    places = contexts(run)
    ids: dict[ChatKey, dict[str, None]] = {key: {} for key in places}
    holders: dict[MaskedId, dict[Place, int] | _Holder] = {}
    columns = (shared.ids(uses), shared.chats(uses), uses["message"].tolist(), uses["order"].tolist())
    for masked, key, message, order in zip(*columns, strict=True):
        if (key, message) in left_out:
            continue  # a placeholder of the ID that the reply issued
        ids[key][masked[1]] = None
        place, known = places[key], holders.get(masked)
        if known is None:
            holders[masked] = _Holder(place, order)
        elif place not in known:
            holders[masked] = {**known, place: order}
    return {key: tuple(mine) for key, mine in ids.items()}, holders


class _Holder(Mapping[Place, int]):
    """The one context that had an ID: nearly all IDs have one, and a dictionary takes 184 bytes more."""

    __slots__ = ("_order", "_place")

    def __init__(self, place: Place, order: int) -> None:
        self._place, self._order = place, order

    def __getitem__(self, place: Place) -> int:
        if place != self._place:
            raise KeyError(place)
        return self._order

    def __iter__(self) -> Iterator[Place]:
        yield self._place

    def __len__(self) -> int:
        return 1


class _Shared:
    """Gives equal keys as one object. A frame makes new texts of each value: 1.1 kB a chat, over the four mappings."""

    def __init__(self, keys: Iterable[ChatKey]) -> None:
        self._keys = {key: key for key in keys}
        self._ids: dict[MaskedId, MaskedId] = {}

    def ids(self, uses: pd.DataFrame) -> list[MaskedId]:
        """The masked ID of each row."""
        pairs = zip(uses["mask_key"].tolist(), uses["session"].tolist(), strict=True)
        return [self._ids.setdefault(pair, pair) for pair in pairs]

    def chats(self, uses: pd.DataFrame) -> list[ChatKey]:
        """The chat of each row."""
        numbers = uses["chat"].fillna(-1).tolist()
        keys = map(ChatKey, uses["run_id"].tolist(), uses["lane"].tolist(), numbers)
        return [self._keys.setdefault(key, key) for key in keys]
