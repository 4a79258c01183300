"""Observations from a trace or a HAR file that somebody else recorded. What it does not show stays open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast
from urllib.parse import unquote

from playwright.sync_api import Page

from e2e.capture.network.har.archive import Archive
from e2e.capture.network.har.playback import RecordedChannel
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Candidate, Element, Spec, Step
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.watcher import Payload, Watcher
from e2e.explore.record.har_turns import turns_in_traffic
from e2e.explore.record.selectors import frames_and_rest, is_lasting, locator_of
from e2e.explore.record.shown import nonce_of
from e2e.explore.record.trace import TracedAct, acts_of

_AFTER = 10.0  # seconds after an action within which its request leaves
_NAMED = 0.9  # confidence of clicks between two chats whose name means New Chat
_UNNAMED = 0.5


class RecordedTraffic(Watcher):
    """A watcher of what was recorded. It has no page and no stores."""

    def __init__(self, channel: RecordedChannel) -> None:
        self._channel = channel
        super().__init__(cast(Page, None), cast(EventWaiter, _Still()))
        channel.play()

    def _start(self) -> Callable[[], None]:
        self._attach(self._channel)
        return lambda: None


class _Still:
    def wake(self) -> None:
        """Nobody waits for a recording."""


def observe_recording(archive: Archive, url: str | None) -> tuple[Watcher, Observed, list[str]]:
    """``(traffic, observations, open questions)`` of a recording."""
    watcher = RecordedTraffic(RecordedChannel(archive.entries))
    address = url or next((e.url for e in archive.entries if e.kind == "Document" and e.status < 400), "")
    observed = Observed(address, "")
    if archive.kind == "har":
        turns, notes = turns_in_traffic(watcher)
        observed.turns = turns
        notes = [
            "which elements are the message box, Send and New Chat? A HAR file records no clicks (`record` in a window does).",
            *notes,
        ]
        return watcher, observed, notes
    return watcher, observed, _of_trace(archive, watcher, observed)


def _of_trace(archive: Archive, watcher: Watcher, observed: Observed) -> list[str]:
    acts = acts_of(archive.events)
    sent = _sent(acts, watcher.payloads)
    notes: list[str] = []
    if not sent:
        return ["which action sends a message? No text that the script typed is in a request."]
    first_address = next((a.value for a in acts if a.verb == "goto" and a.value), "")
    observed.url = observed.url or first_address
    if any(a.is_secret for a in acts):
        notes.append("how does a lane sign in? The recording types a password: `make login` saves a state.")
    chats = _chats(acts, sent)
    chosen = _two_chats(chats)
    for number, chat in enumerate(chosen):
        for turn in chat.turns:
            turn.chat = number
    turns = [turn for chat in chosen for turn in chat.turns[:2]]
    for one, following in zip(turns, [*turns[1:], None], strict=True):
        one.ended_at = following.sent_at - 0.1 if following is not None else one.sent_at + 60
    observed.turns = turns
    typed = [t.text for t in turns]
    _locators(observed, acts, chosen, typed, notes)
    if len(turns) < 4:
        notes.append(
            f"where is the session ID? The recording has {len(chats)} chats with {', '.join(str(len(c.turns)) for c in chats)}"
            " messages; two messages in each of two chats show it."
        )
    return notes


class _Chat:
    """Messages between two New Chats, and what was done before the first one."""

    def __init__(self, before: list[TracedAct]) -> None:
        self.before = before
        self.turns: list[Turn] = []
        self.senders: list[TracedAct] = []
        self.boxes: list[str] = []


def _sent(acts: Sequence[TracedAct], payloads: Sequence[Payload]) -> list[tuple[int, str, str, str]]:
    """``(index of the sending action, text, nonce, selector of the field)`` of each message."""
    found: list[tuple[int, str, str, str]] = []
    texts: list[str] = []
    pending: tuple[str, str] | None = None
    for number, act in enumerate(acts):
        if act.verb == "fill":
            pending = (act.value, act.selector)
        elif act.verb == "type":
            selector = act.selector or (pending[1] if pending else _focused(acts[:number]))
            typed = pending[0] if pending is not None and pending[1] == selector else ""
            pending = (typed + act.value, selector)
        elif pending is not None and act.verb in ("press", "click"):
            nonce = nonce_of(pending[0], texts)
            until = acts[number + 1].t + 0.3 if number + 1 < len(acts) else act.t + _AFTER
            if nonce is not None and _carried(payloads, nonce, act.t - 0.3, max(until, act.t + 1.0)):
                found.append((number, pending[0], nonce, pending[1]))
                texts.append(pending[0])
                pending = None
    return found


def _focused(acts: Sequence[TracedAct]) -> str:
    return next((a.selector for a in reversed(acts) if a.verb == "click"), "")


def _carried(payloads: Sequence[Payload], nonce: str, since: float, until: float) -> bool:
    return any(since <= p.t <= until and nonce in unquote(p.url) + p.text for p in payloads)


def _chats(acts: Sequence[TracedAct], sent: Sequence[tuple[int, str, str, str]]) -> list[_Chat]:
    """The messages, divided where something was clicked or pressed between two of them."""
    chats: list[_Chat] = []
    last = -1
    for number, text, nonce, box in sent:
        between = [a for a in acts[last + 1 : number] if _is_step(a, box)]
        if not chats or between:
            chats.append(_Chat(between))
        chats[-1].turns.append(Turn(nonce, text, acts[number].t))
        chats[-1].senders.append(acts[number])
        chats[-1].boxes.append(box)
        last = number
    return chats


def _is_step(act: TracedAct, box: str) -> bool:
    return act.verb in ("click", "hover", "press", "goto", "reload") and act.selector != box


def _two_chats(chats: Sequence[_Chat]) -> list[_Chat]:
    """Two chats in a row with two messages each; else as many as there are."""
    for one, two in pairwise(chats):
        if len(one.turns) > 1 and len(two.turns) > 1:
            return [one, two]
    return list(chats[:2])


def _locators(
    observed: Observed,
    acts: Sequence[TracedAct],
    chats: Sequence[_Chat],
    typed: Sequence[str],
    notes: list[str],
) -> None:
    box_frames, box = _spec(chats[0].boxes[0], typed)
    observed.frame = box_frames
    if box is None:
        notes.append("where is a message typed? The script's locator has no form in a profile.")
    else:
        observed.box = box
        observed.box_candidates = [_candidate(box, 0.9, "the script typed the messages there")]
    sender = chats[0].senders[0]
    if sender.verb == "press":
        observed.send_reasons = [f"the script pressed {sender.value}, and the text left"]
        if sender.value != "Enter":
            notes.append(f"how is a message sent? The script pressed {sender.value}.")
    else:
        frames, spec = _spec(sender.selector, typed)
        if spec is None:
            notes.append("which button sends a message? The script's locator has no form in a profile.")
        else:
            observed.send = [{"click": _in_frame(spec, frames, box_frames)}]
            observed.send_reasons = ["the script clicked it, and the text left"]
    loaded = max((a.t for a in acts if a.verb in ("goto", "reload") and a.t < sender.t), default=0.0)
    opening = [a for a in chats[0].before if a.t >= loaded and a.verb == "click"]
    found = [_spec(a.selector, typed) for a in opening]
    observed.open = [{"click": _in_frame(spec, frames, box_frames)} for frames, spec in found if spec]
    observed.open_reasons = ["the script did it between the page load and the first message"]
    if observed.open:
        observed.ready = observed.open[0]["click"]
    if len(chats) > 1:
        _new_chat(observed, chats[1].before, typed, box_frames, notes)


def _new_chat(
    observed: Observed,
    acts: Sequence[TracedAct],
    typed: Sequence[str],
    box_frames: tuple[str, ...],
    notes: list[str],
) -> None:
    steps: list[Step] = []
    for act in acts:
        frames, spec = _spec(act.selector, typed)
        if act.verb == "press":
            steps.append({"press": act.value})
        elif act.verb in ("click", "hover") and spec is not None:
            steps.append({act.verb: _in_frame(spec, frames, box_frames)})
        else:
            notes.append(
                f"how is a new chat started? The script did it by {act.verb}, which a profile's step cannot do so."
            )
            return
    specs = [value for step in steps for value in step.values() if isinstance(value, dict)]
    names = " ".join(str(value) for spec in specs for value in spec.values())
    named = bool(name_patterns.NEW_CHAT.search(names) or name_patterns.RESET.search(names))
    reason = "the script did this between two chats"
    if not named:
        notes.append(
            "does this start a new chat? The script did it between two messages, and no name means New Chat."
        )
    observed.new_chat = steps
    observed.new_chat_reasons = [reason]
    last = specs[-1] if specs else {}
    observed.new_chat_candidates = [_candidate(last, _NAMED if named else _UNNAMED, reason)]


def _spec(selector: str, typed: Sequence[str]) -> tuple[tuple[str, ...], Spec | None]:
    """The frames and the locator of a script's selector; None when a profile has none for it, or it holds a message's text."""
    frames, parts = frames_and_rest(selector)
    spec = locator_of(parts)
    return frames, spec if spec is not None and is_lasting(spec, typed) else None


def _in_frame(spec: Spec, frames: tuple[str, ...], chat: tuple[str, ...]) -> Spec:
    return spec if frames == chat else {**spec, "frame": list(frames)}


def _candidate(spec: Spec, score: float, reason: str) -> Candidate:
    return Candidate(Element(cast(Any, None), {}), score, [reason], spec)
