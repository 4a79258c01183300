"""Which requests of a HAR file carry messages, and where one chat ends: from the traffic alone, so with little certainty."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from e2e.capture.network.bodies.parsing import payload_of
from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.request import url_pattern
from e2e.explore.discover.observed import Turn
from e2e.explore.discover.values import id_likeness, last_name, leaves
from e2e.explore.discover.watcher import Payload, Watcher
from e2e.explore.record.shown import nonce_of

_TEXT = re.compile(
    r"message|content|text|prompt|query|question|input|msg|utterance|body|parts?$", re.IGNORECASE
)
_INDEX = re.compile(r"\[\d+\]")


@dataclass(slots=True)
class _SentText:
    """A payload, the text in it that looks like a message, and how many earlier messages it repeats."""

    payload: Payload
    text: str
    earlier: int


def turns_in_traffic(watcher: Watcher) -> tuple[list[Turn], list[str]]:
    """``(messages, open questions)``. The messages are those of two chats with two messages each, where the traffic shows them."""
    kinds: dict[tuple[str, str, str], list[_SentText]] = defaultdict(list)
    for payload in sorted(watcher.payloads, key=lambda p: p.t):
        if payload.method in ("GET", "HEAD", "OPTIONS") or name_patterns.TELEMETRY.search(payload.url):
            continue
        one = _sent_text(payload)
        if one is not None:
            kinds[payload.transport, payload.method, url_pattern([payload.url])].append(one)
    rated = sorted(((_rate(found), found) for found in kinds.values()), key=lambda r: -r[0])
    if not rated or rated[0][0] <= 0:
        return [], ["which request carries a message? No POST and no frame has a text that looks like one."]
    sent = rated[0][1]
    chats = _by_history(sent)
    if len(chats) < 2:
        return _turns([sent[:2]]), [
            "where does a new chat begin? The recording shows no New Chat: no list of earlier messages begins anew.",
        ]  # fmt: skip
    for first, second in pairwise(chats):
        if len(first) > 1 and len(second) > 1:
            return _turns([first[:2], second[:2]]), []
    return _turns([chats[0][:2], chats[1][:2]]), [
        "where is the session ID? Two messages in each of two chats show it, and the recording has fewer."
    ]


def _sent_text(payload: Payload) -> _SentText | None:
    """The text of a payload that a user may have typed: the last one of a list, else the longest under such a name."""
    value = _value(payload)
    found = [
        (path, str(leaf))
        for path, leaf in leaves(value)
        if isinstance(leaf, str) and _TEXT.search(last_name(path)) and _is_prose(leaf)
    ]
    if not found:
        return None
    outside = [one for one in found if "[" not in one[0]]
    listed = [one for one in found if "[" in one[0]]
    text = max(outside, key=lambda one: len(one[1]))[1] if outside else listed[-1][1]
    lists: dict[str, set[str]] = defaultdict(set)
    for path, _ in listed:
        index = _INDEX.search(path)
        if index is not None:
            lists[path[: index.start()]].add(index.group())
    earlier = max((len(items) for items in lists.values()), default=0)
    return _SentText(payload, text, earlier)


def _value(payload: Payload) -> Any:
    if payload.transport == "http":
        return payload_of(payload.body, payload.headers.get("content-type", ""))
    try:
        return json.loads(payload.text.lstrip("0123456789/,"))
    except ValueError:
        return None


def _is_prose(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2}", text)) and id_likeness(text) < 0.5 and len(text) < 4000


def _rate(sent: Sequence[_SentText]) -> float:
    texts = {one.text for one in sent}
    if len(sent) < 2 or len(texts) < 2:
        return 0.0
    chat = 1.0 if name_patterns.CHAT_URL.search(urlsplit(sent[0].payload.url).path) else 0.0
    return len(texts) / 10 + chat + (0.5 if any(one.earlier for one in sent) else 0.0)


def _by_history(sent: Sequence[_SentText]) -> list[list[_SentText]]:
    """Divided where the list of earlier messages begins anew; one chat, where there is no such list."""
    if not any(one.earlier > 1 for one in sent):
        return [list(sent)]
    chats: list[list[_SentText]] = []
    before: _SentText | None = None
    for one in sent:
        anew = before is None or (
            one.earlier <= before.earlier and one.earlier <= 2 and one.text != before.text
        )
        if anew:
            chats.append([])
        chats[-1].append(one)
        before = one
    return chats


def _turns(chats: Sequence[Sequence[_SentText]]) -> list[Turn]:
    found: list[Turn] = []
    for chat, sent in enumerate(chats):
        for one in sent:
            nonce = nonce_of(one.text, [turn.text for turn in found]) or one.text
            if found:
                found[-1].ended_at = one.payload.t - 0.1
            found.append(Turn(nonce, one.text, one.payload.t, one.payload.t + 60, chat=chat))
    return found
