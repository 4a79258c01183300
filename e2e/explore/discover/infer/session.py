"""Where the payloads have the session ID, and when a new one begins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.fields import Field, fields
from e2e.explore.discover.infer.findings import Findings, Guess, SentMessages
from e2e.explore.discover.infer.id_classes import Change, change_of
from e2e.explore.discover.infer.store import changed_values, find_store, replaced_values, store_of
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.traces import form_inside
from e2e.explore.discover.values import id_likeness, masked, masked_if_id
from e2e.explore.discover.watcher import Watcher

SURE = 0.8
"""From this confidence on a guess is taken for right; below it, it is a question."""
_LEAST = 0.3
_PLACES = {"body": 0.0, "url": 0.0, "header": -0.01, "cookie": -0.02, "connection": -0.03, "page": -0.04}
"""Where several places have the same value: the one in the message itself comes first."""


@dataclass(slots=True)
class _Rated:
    score: float
    reason: str
    change: Change
    store: Guess | None
    field: Field
    stale: bool = False
    form: str = ""
    """How the stored ID is encoded there; ``""``: as it is, or it is not stored."""


def find_session(found: Findings, watcher: Watcher, sent: SentMessages, observed: Observed) -> None:
    """Infer the field of the session ID, its store, and its rotation."""
    turns = [observed.turns[n] for n in sent.numbers]
    stored = changed_values(observed)
    everything = fields(watcher, sent, observed)
    ranked = [_rate(field, turns, watcher, sent, observed, stored) for field in everything]
    ranked = sorted((r for r in ranked if r.score >= _LEAST), key=lambda r: -r.score)
    if not ranked:
        _only_stored(found, watcher, stored)
        _too_short(found, everything, turns)
        for place, one, two in replaced_values(observed)[:3]:
            found.questions.append(
                f"is {place} the session ID ({masked(one)}, {masked(two)})? Every reply replaced it, and no message has it."
                " If it is, the page never sends its session back."
            )
        store_of(found, [], observed)
        return
    best = _preferred(ranked)
    same = [r for r in ranked if r is not best and r.field.values == best.field.values]
    others = [r for r in ranked if r is not best and r not in same and r.score >= best.score - 0.1]
    shown = [f"{r.field.shown} ({min(r.score, 0.99):.2f}: {r.reason})" for r in others[:3]]
    confidence = round(min(best.score, 0.99), 2)
    equal = [r for r in others if r.score >= best.score - 0.02 and r.change.kind == best.change.kind]
    if equal:
        confidence = min(confidence, 0.75)
        found.questions.append(
            f"two fields are equally likely to be the session ID: {best.field.shown} and {shown[0]}. The first was taken."
        )
    elif confidence < SURE and best.change.kind in ("session", "issued"):
        found.questions.append(f"is {best.field.shown} the session ID? {best.reason}.")
    reason = best.reason + (f"; also in {same[0].field.shown}" if same else "")
    found.session = Guess(best.field.extract, confidence, reason, shown)
    found.store = best.store
    if best.change.kind == "constant":
        found.suspected_fault = (
            f"{best.field.shown} stayed the same after New Chat, although the value was no longer stored: "
            "the page seems to continue an ended session"
            if best.stale
            else f"{best.field.shown} was the same in both chats: "
            "New Chat does not start a new session, or it is no session ID (then leave session out: the chat is judged by its content)"
        )
    elif best.change.kind.startswith("one_chat"):
        found.questions.append(
            f"is {best.field.shown} the session ID? Only one chat was seen, so nothing shows whether it changes."
        )
    if best.form:
        reason = f"the stored ID is {best.form} in the payload: the two cannot be compared"
        found.store = Guess({"store": "none"}, 0.8, reason, [place for place, _, _ in stored[:3]])
    store_of(found, best.field.values, observed)
    _rotation(found, best, turns, observed)


def _preferred(ranked: list[_Rated]) -> _Rated:
    """The best one; of several places with the same value, the one that the message itself carries."""
    best = ranked[0]
    same = [r for r in ranked if r.field.values == best.field.values and r.score >= best.score - 0.16]
    return max(same, key=lambda r: (_PLACES[r.field.place], r.score))


def _rate(
    field: Field,
    turns: Sequence[Turn],
    watcher: Watcher,
    sent: SentMessages,
    observed: Observed,
    stored: Sequence[tuple[str, str, str]],
) -> _Rated:
    """How likely a field is the session ID."""
    change = change_of(field.values, turns)
    replaced = _replaced(field, turns, stored) if change.kind == "message" else None
    if replaced is not None:
        moments = {turn.chat: turn.after for turn in turns if not turn.reloaded}
        store = find_store([(replaced.first, moments[0]), (replaced.second, moments[1])])
        reason = "the first message of each chat has a temporary ID, the others the ID that is stored then"
        return _Rated(
            0.85, f"{reason} ({masked(replaced.first)}, {masked(replaced.second)})", replaced, store, field
        )
    nothing = _Rated(0.0, "", change, None, field)
    if change.kind in ("", "message"):
        return nothing
    name = 0.12 if name_patterns.SESSION_NAME.search(field.name) else 0.0
    other = name_patterns.OTHER_ID_NAME.search(field.name) is not None
    name -= 0.2 if other else 0.0
    looks = id_likeness(change.first)
    if any(turn.nonce in change.first for turn in turns):
        return nothing  # made of the first message: a title
    kept = find_store([(change.first, turns[0].after)])
    # A word that is stored, and sent under the name of a session, is a badly made ID.
    badly_made = len(change.first) >= 4 and kept is not None
    counted = change.kind in ("session", "issued")  # conversation 17, then 18
    if looks < 0.3 and not (name > 0 and (badly_made or counted)):
        return nothing
    match change.kind:
        case "session":
            return _rate_session(field, change, name, looks, turns, sent, observed, stored)
        case "issued":
            return _rate_issued(field, change, name, turns, watcher)
        case "constant":
            return nothing if other or name <= 0 else _rate_constant(field, change, name, looks, turns)
        case _:
            if other:
                return nothing
            score = 0.3 + name + 0.05 * looks + (0.1 if kept is not None else 0.0)
            return _Rated(
                score,
                "constant in the only chat that was seen" + (", and stored" if kept else ""),
                change,
                kept,
                field,
            )


def _replaced(field: Field, turns: Sequence[Turn], stored: Sequence[tuple[str, str, str]]) -> Change | None:
    """Temporary IDs of the page that the backend's replace: from the second message on a chat sends what is stored."""
    chats = [
        [v for v, turn in zip(field.values, turns, strict=True) if turn.chat == n and not turn.reloaded]
        for n in (0, 1)
    ]
    if any(len(chat) < 2 or chat[0] is None for chat in chats):
        return None
    for _, one, two in stored:
        if set(chats[0][1:]) == {one} and set(chats[1][1:]) == {two}:
            return Change("session", one, two)
    return None


def _rate_session(
    field: Field,
    change: Change,
    name: float,
    looks: float,
    turns: Sequence[Turn],
    sent: SentMessages,
    observed: Observed,
    stored: Sequence[tuple[str, str, str]],
) -> _Rated:
    moments = {turn.chat: turn.after for turn in turns if not turn.reloaded}
    store = find_store([(change.first, moments[0]), (change.second, moments[1])])
    form = "" if store is not None else _stored_form(change, stored)
    reason = f"the same in each message of a chat, different in the other chat ({masked(change.first)}, {masked(change.second)})"
    score = 0.6 + 0.1 * looks + name
    on_page = field.place == "page"
    if store is not None and not on_page:
        score += 0.25
        reason += ", and stored"
    elif form:
        score += 0.05
        reason += f"; the stored ID is {form} in it"
    if change.over_reload == "kept":
        score += 0.15
        reason += "; a reload keeps it"
    elif change.over_reload == "changed" and store is None:
        if observed.loaded_by_new_chat and observed.kept_by_reload is not False:
            score -= 0.35
            reason += "; it changes with every page load, and New Chat loads the page"
        elif observed.loaded_by_new_chat:
            reason += "; each page load has its own, and begins a new chat"
        else:
            reason += "; a reload changes it, as it does an ID that is kept in memory"
            score += 0.1
    elif observed.loaded_by_new_chat and store is None:
        score -= 0.1
        reason += "; New Chat loads the page: it may be the page load's ID"
    if store is None and sent.transport == "websocket" and field.place in ("url", "connection"):
        score -= 0.1  # it may be the connection's own ID
    if on_page:
        score -= 0.02
    return _Rated(score, reason, change, store, field, form=form)


def _stored_form(change: Change, stored: Sequence[tuple[str, str, str]]) -> str:
    """How a stored value that changed at New Chat is inside of the field's, or ``""``."""
    for _, one, two in stored:
        form = form_inside(change.first, one)
        if form is not None and form_inside(change.second, two) == form:
            return form or "inside a longer text"
    return ""


def _rate_issued(
    field: Field, change: Change, name: float, turns: Sequence[Turn], watcher: Watcher
) -> _Rated:
    seconds = [
        next(t for n, t in enumerate(turns) if t.chat == chat and n and turns[n - 1].chat == chat)
        for chat in (0, 1)
    ]
    store = find_store([(change.first, seconds[0].before), (change.second, seconds[1].before)])
    score = 0.6 + name + (0.2 if store is not None and field.place != "page" else 0.0)
    reason = "issued with the first reply: the first message of each chat has none"
    again = _arrives_again(watcher, change.first, seconds[0])
    if again:
        score += 0.1
        reason += "; the second reply has it too"
    elif store is None and field.place != "page":
        score -= 0.1
        reason += "; the second reply does not have it: it may be the ID of the first reply"
    if change.over_reload == "kept":
        score += 0.12
        reason += "; a reload keeps it"
    return _Rated(score, reason, change, store, field)


def _arrives_again(watcher: Watcher, value: str, turn: Turn) -> bool:
    """Whether what arrives after ``turn``'s message contains ``value``."""

    def within(t: float) -> bool:
        return turn.sent_at <= t <= turn.ended_at + 0.3

    return any(
        value in json.dumps(v, default=str) for p in watcher.payloads for t, _, v in p.values if within(t)
    ) or any(
        value in (f.data if isinstance(f.data, str) else f.data.decode(errors="replace"))
        for f in watcher.frames
        if within(f.t)
    )


def _rate_constant(field: Field, change: Change, name: float, looks: float, turns: Sequence[Turn]) -> _Rated:
    last = [turn for turn in turns if not turn.reloaded][-1]
    store = find_store([(change.first, turns[1].after)])
    if store is None:
        return _Rated(0.2 + name + 0.1 * looks, "the same value in both chats", change, None, field)
    if find_store([(change.first, last.before)]) is None:
        reason = f"stored before New Chat ({masked(change.first)}), and still sent after it"
        return _Rated(0.6 + name + 0.15 * looks, reason, change, store, field, stale=True)
    return _Rated(
        0.25 + name + 0.1 * looks, "the same value in both chats, and stored throughout", change, store, field
    )


def _too_short(found: Findings, everything: Sequence[Field], turns: Sequence[Turn]) -> None:
    """What changes with the chat as an ID would, and looks like none: not enough for a guess, too much for "no ID"."""
    for field in everything:
        change = change_of(field.values, turns)
        typed = any(turn.nonce in text for turn in turns for text in (change.first, change.second))
        if change.kind in ("session", "issued") and not typed:
            values = f"{masked_if_id(change.first)}, then {masked_if_id(change.second)}"
            found.questions.append(
                f"is {field.shown} the session ID ({values})? It changed with the chat, and looks like no ID."
            )


def _only_stored(found: Findings, watcher: Watcher, stored: Sequence[tuple[str, str, str]]) -> None:
    """What the stores changed at New Chat, where no payload with a message carries it: say where else it is."""
    for place, one, two in stored[:3]:
        homes = [
            p.url.split("?")[0]
            for p in watcher.payloads
            if any(
                form_inside(text, v) is not None
                for text in (p.url, p.text, *p.headers.values(), *p.cookies.values())
                for v in (one, two)
            )
        ]
        where = (
            f"it is in {', '.join(dict.fromkeys(homes[:3]))}"
            if homes
            else "no request or frame of the page carries it"
        )
        found.questions.append(
            f"is {place} the session ID ({masked(one)}, {masked(two)})? It changed at New Chat, but no message has it: {where}."
        )


def _rotation(found: Findings, best: _Rated, turns: Sequence[Turn], observed: Observed) -> None:
    change = best.change
    if change.kind == "issued":
        found.rotation = Guess(
            "on_first_reply", 0.9, "the first message of each chat had no ID, the second one had"
        )
    elif (
        change.kind == "session"
        and found.store is not None
        and found.store.value["store"] != "none"
        and observed.clicked is not None
    ):
        third = next(turn for turn in turns if turn.chat == 1)
        at_click = find_store([(change.second, observed.clicked)]) or find_store(
            [(change.second, third.before)]
        )
        if at_click is not None:
            found.rotation = Guess(
                "on_click", 0.95, "the new ID was stored after New Chat, before the first message"
            )
        else:
            found.rotation = Guess("on_first_message", 0.9, "the new ID was stored with the first message")
