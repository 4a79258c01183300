"""Infers further requests of a message that carry the session too, such as one for the chat's title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from e2e.explore.discover.infer.fields import Field, fields
from e2e.explore.discover.infer.findings import Findings, Guess, SentMessages
from e2e.explore.discover.infer.request import Carrier
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.watcher import Watcher

_PLACES = ("body", "url", "header")


def find_other_requests(
    found: Findings, watcher: Watcher, observed: Observed, carriers: Sequence[Carrier]
) -> None:
    """Add a wire rule for each other request with a message's text and, in the first chat, the session ID.

    What it carries in the second chat is not compared: an old ID there is what such a rule finds.
    """
    if found.sent is None or found.session is None:
        return
    session = _values(found.session.value, found.sent, watcher, observed)
    for carrier in carriers:
        sent = carrier.sent
        if sent.transport != "http" or (sent.method, sent.url) == (found.sent.method, found.sent.url):
            continue
        same = [f for f in fields(watcher, sent, observed) if _is_session(f, sent, session, observed)]
        if same:
            field = min(same, key=lambda f: (f.extract != found.session.value, _PLACES.index(f.place)))  # type: ignore[union-attr]
            alike = field.extract == found.session.value
            reason = f"{carrier.reason.partition(';')[0]}, and in the first chat the session ID"
            found.also.append(Guess(_rule(sent, field), 0.85 if alike else 0.7, reason))


def _values(extract: Any, sent: SentMessages, watcher: Watcher, observed: Observed) -> dict[int, str | None]:
    """Message -> session ID."""
    for field in fields(watcher, sent, observed):
        if field.extract == extract:
            return dict(zip(sent.numbers, field.values, strict=True))
    return {}


def _is_session(field: Field, sent: SentMessages, session: dict[int, str | None], observed: Observed) -> bool:
    if field.place not in _PLACES:
        return False
    first = [
        (value, session.get(number))
        for number, value in zip(sent.numbers, field.values, strict=True)
        if observed.turns[number].chat == 0
    ]
    return any(value is not None for value, _ in first) and all(value == own for value, own in first)


def _rule(sent: SentMessages, field: Field) -> dict[str, Any]:
    words = re.findall(r"[a-z]+", sent.url.lower().replace("\\", ""))
    method = {} if sent.method == "POST" else {"method": sent.method}
    return {"name": words[-1] if words else "other", "url": sent.url, **method, "session": field.extract}
