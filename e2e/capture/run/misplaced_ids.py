"""At the end of a run: where the IDs are that no wire rule, or the session's store, has shown. A wrong profile is no wrong product."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from playwright.sync_api import Error

from e2e.capture.in_page import STORES
from e2e.capture.lane.lane import Lane
from e2e.capture.network.traffic import Seen
from e2e.capture.recording.sightings import Sighting, find_in_traffic, find_in_values
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import InvalidProfile
from e2e.pages.stored import store_texts
from e2e.profile.profile import Profile, WireRule
from e2e.profile.values.bounded import Pattern

_MOST_IDS = 12
_WHERE = ("localStorage", "sessionStorage", "cookie")


def look(profile: Profile, lanes: Sequence[Lane], redactor: Redactor) -> Iterator[InvalidProfile]:
    """What the profile gets wrong. Each ID that was looked for leaves a ``sighting`` event in its lane."""
    found: dict[str, bool] = {}
    for lane in lanes:
        for name, has in lane.recorder.chats.found.items():
            found[name] = found.get(name, False) or has
    stores = profile.id_store.store != "none" and any(lane.recorder.store.minted for lane in lanes)
    for rule in (r for r in profile.wire if found.get(r.name) is False and stores):
        for lane in lanes:
            ids = _stored(lane)
            if ids:
                yield from _in_traffic(rule, lane, ids, redactor)
    if not stores and profile.id_store.store != "none" and any(found.values()):
        for lane in lanes:
            yield from _in_stores(profile, lane, redactor)


def _stored(lane: Lane) -> list[str]:
    """The last IDs that the store held, the newest first."""
    return list(dict.fromkeys(raw for _, raw in reversed(lane.recorder.store.minted)))[:_MOST_IDS]


def _in_traffic(rule: WireRule, lane: Lane, ids: list[str], redactor: Redactor) -> Iterator[InvalidProfile]:
    requests = lane.recorder.chats.traffic.seen
    mine = [seen for seen in requests if _names(rule, seen)]
    others = [seen for seen in requests if not _names(rule, seen)]
    sighting = find_in_traffic(ids, mine)
    cookie = None if sighting else _in_cookies(lane, ids)
    own = sighting is not None or cookie is not None
    sighting = sighting or cookie or find_in_traffic(ids, others) or _in_address(lane, ids)
    unread = sum(seen.body is None or bool(seen.body.unreadable) for seen in requests)
    _report(lane, "sent", sighting, ids, redactor, rule=rule.name, searched=len(requests), unread=unread)
    if sighting is None:
        return
    at = redactor.url(sighting.url) if sighting.url else ""
    of = f" of {at}" if at and not own else ""
    form = f" ({sighting.form})" if sighting.form else ""
    hint = f"session = {sighting.toml}" if sighting.toml else "name the place of the ID in the rule's session"
    yield InvalidProfile(
        f"the session ID is in {sighting.place}{of}{form}, the profile says {_places(rule)}",
        where=f"[[wire]] {rule.name}: session",
        hint=hint
        if own
        else f"{hint}; in a rule that names that request, where it carries the chat's messages",
    )


def _in_cookies(lane: Lane, ids: list[str]) -> Sighting | None:
    """What the browser sends with the page's requests; no event of a request shows it."""
    try:
        cookies = lane.window.context.cookies() if lane.window is not None else []
    except Error:
        return None
    headers = {f"cookie {c.get('name')}": c.get("value") or "" for c in cookies}
    sighting = find_in_traffic(ids, [Seen("GET", "", headers)])
    if sighting is None:
        return None
    name = sighting.place.removeprefix("header cookie ")
    actual = next((c["name"] for c in cookies if c.get("name", "").lower() == name), name)
    return Sighting(
        sighting.session, f"cookie {actual}", f"{{ cookie = {json.dumps(actual)} }}", "", sighting.form
    )


def _in_address(lane: Lane, ids: list[str]) -> Sighting | None:
    page = lane.window.page if lane.window is not None else None
    address = page.page.url if page is not None else ""
    sighting = find_in_traffic(ids, [Seen("GET", address)]) if address else None
    if sighting is None:
        return None
    place = f"the page's address ({sighting.place})"
    return Sighting(sighting.session, place, sighting.toml.replace("{ path =", "{ page ="), "", sighting.form)


def _in_stores(profile: Profile, lane: Lane, redactor: Redactor) -> Iterator[InvalidProfile]:
    ids = lane.recorder.sent_ids[-_MOST_IDS:]
    sighting = find_in_values(ids, _values(lane)) if ids else None
    session = profile.id_store
    key = session.key or session.key_pattern
    named = f"{session.store} under {key!r}"
    if sighting is None or sighting.place == named or sighting.place.startswith(f"{named} at "):
        return  # where the profile says: it was not seen there, as in a page that reads its store by another frame's functions
    _report(lane, "stored", sighting, ids, redactor, rule="", searched=0, unread=0)
    yield InvalidProfile(
        f"the session ID that is sent is stored in {sighting.place}, the profile says {session.store}"
        + (f" {key!r}" if key else ""),
        where="[session]",
        hint=sighting.toml,
    )


def _values(lane: Lane) -> Mapping[str, Mapping[str, str]]:
    """What the frames of the lane's page store."""
    found: dict[str, dict[str, str]] = {}
    window = lane.window
    try:
        page = window.page if window is not None else None
        for frame in page.page.frames if page is not None else []:
            held = frame.evaluate(STORES)
            for store in _WHERE:
                found.setdefault(store, {}).update(store_texts(held, store))
        for cookie in window.context.cookies() if window is not None else []:
            found.setdefault("cookie", {})[cookie.get("name", "")] = cookie.get("value", "")
    except (Error, AttributeError):
        return found  # the page is gone: what was read until then is searched
    return found


def _report(
    lane: Lane, layer: str, sighting: Sighting | None, ids: Iterable[str], redactor: Redactor, **data: Any
) -> None:
    """``place`` is ``""`` where it was looked for and found nowhere."""
    session = sighting.session if sighting is not None else next(iter(ids))
    lane.recorder.note(
        "sighting",
        session=redactor.reference(session),
        place=sighting.place if sighting is not None else "",
        url=redactor.url(sighting.url) if sighting is not None else "",
        form=sighting.form if sighting is not None else "",
        layer=layer,
        **data,
    )


def _names(rule: WireRule, seen: Seen) -> bool:
    method = "SEND" if rule.transport == "websocket" else rule.verb
    return (
        method in (None, seen.method)
        and Pattern(rule.url, f"wire {rule.name!r}: url").search(seen.url) is not None
    )


def _places(rule: WireRule) -> str:
    fields = rule.session.model_dump(by_alias=True, exclude_none=True) if rule.session else {}
    return ", ".join(f"{place} {value}" for place, value in fields.items())
