"""From what a user showed to the observations from which discovery infers a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playwright.sync_api import Error, Frame

from e2e.explore.discover.candidates import Candidate, Element, Spec, Step
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.page.elements import frame_path
from e2e.explore.record.guide import Recording
from e2e.explore.record.inputs import Act
from e2e.explore.record.shown import Shown

_NOT_SEEN = 0.45  # of clicks after which nothing showed a new chat
_REOPENED = 5.0  # seconds for a launcher to appear after New Chat has closed the chat
_BY_USER = 0.97
"""Confidence of a locator of what the user clicked."""


def observe(recording: Recording, shown: Shown) -> Observed:
    """The observations of a recording. Looks at the page once more: for the messages on it, and for what needs a hover."""
    observed = recording.observed
    if not shown.turns:
        return observed
    typed = [turn.text for turn in shown.turns]
    observed.url, observed.title = shown.address, _title(recording)
    _boxes(observed, shown, typed)
    _send(observed, shown, typed)
    _open(recording, shown, typed)
    _new_chat(recording, shown, typed)
    return observed


def _title(recording: Recording) -> str:
    try:
        return recording.page.title()
    except Error:
        return ""


def _path(frame: Frame) -> tuple[str, ...]:
    try:
        return frame_path(frame)
    except Error:  # the frame is gone
        return ()


def _candidate(frame: Frame, spec: Spec, reason: str) -> Candidate:
    return Candidate(Element(frame, {}), _BY_USER, [reason], spec)


def _boxes(observed: Observed, shown: Shown, typed: Sequence[str]) -> None:
    """The box of an empty chat, and that of a running one where it differs."""
    specs = [act.box.found.spec(typed) for act in shown.sent_by if act.box is not None]
    observed.box = specs[0]
    if len(specs) > 2 and specs[2] != specs[0]:
        observed.box = _common(shown, typed) or specs[0]
    observed.box_candidates = [
        _candidate(shown.sent_by[0].frame, observed.box, "the user typed the messages there")
    ]
    if len(specs) > 1 and specs[1] != specs[0] and observed.box == specs[0]:
        observed.second_box = specs[1]


def _common(shown: Shown, typed: Sequence[str]) -> Spec | None:
    """A locator that fits the box of both chats, where Playwright proposes another one for each."""
    boxes = [act.box.found for act in (shown.sent_by[0], shown.sent_by[2]) if act.box is not None]
    css = {box.css for box in boxes}
    if len(css) == 1:
        return {"css": css.pop()}
    roles = {str(box.spec(typed).get("role")) for box in boxes}
    return {"role": roles.pop()} if len(roles) == 1 and "None" not in roles else None


def _send(observed: Observed, shown: Shown, typed: Sequence[str]) -> None:
    first = shown.sent_by[0]
    if first.kind == "key" and first.key == "Enter":
        observed.send_reasons = ["the user pressed Enter, and the text left the box"]
        return
    observed.send = [_step(first, typed, observed.frame)]
    observed.send_reasons = [f"the user sent the messages so: {first}"]


def _open(recording: Recording, shown: Shown, typed: Sequence[str]) -> None:
    """What the user did between the page load and the first message, so that it can be played after each load."""
    observed = recording.observed
    sender = shown.sent_by[0]
    loaded = max((t for t in shown.loads if t < sender.t), default=0.0)
    acts = _once([a for a in shown.acts if loaded <= a.t < sender.t and a.kind == "click"])
    for act in acts:
        step = _step(act, typed, observed.frame)
        observed.open.append({"dismiss": step["click"]} if act.accepts else step)
        observed.open_reasons.append(f"the user did it before the first message: {act}")
    needed = next((step["click"] for step in observed.open if "click" in step), None)
    if needed is not None:
        observed.ready = needed


def _new_chat(recording: Recording, shown: Shown, typed: Sequence[str]) -> None:
    observed = recording.observed
    acts = _once([a for a in shown.new_chat if not _is_a_message(a)])
    opening = _opening(shown)
    steps: list[Step] = []
    starting = _starting(shown, acts)
    for number, act in enumerate(acts):
        step = _step(act, typed, observed.frame)
        if number > starting and "click" in step:
            # A profile's new chat starts at the last click: what only opens it again is no click of its own, and steps.open is
            # played again where New Chat has closed the chat.
            if _key(act) not in opening:
                steps.append({"dismiss": step["click"], "timeout": _REOPENED})
            continue
        if number == 0 and act.kind == "click":
            hover = _hover_before(recording, act, step["click"], typed)
            if hover is not None:
                steps.append({"hover": hover})
        steps.append(step)
    observed.new_chat, observed.clicked = steps, shown.clicked
    observed.loaded_by_new_chat = shown.new_chat_loaded
    reasons = [f"the user started the new chat so: {', '.join(map(str, acts))}"]
    if shown.reported_started:
        reasons.append("the user reported that a new chat had started")
    observed.new_chat_reasons = reasons
    if shown.not_seen:
        reasons.append("but the conversation stayed on the page")
    if steps:
        last: Spec = next((step["click"] for step in reversed(steps) if "click" in step), {})
        score = _NOT_SEEN if shown.not_seen else _BY_USER
        observed.new_chat_candidates = [replace(_candidate(acts[-1].frame, last, reasons[0]), score=score)]


def _starting(shown: Shown, acts: Sequence[Act]) -> int:
    """Index of the act that started the new chat. Those after it opened it again: they came later, or opened the first chat too."""
    opening = _opening(shown)
    seen = shown.new_chat[: shown.started]
    for number in range(len(acts) - 1, 0, -1):
        later = bool(seen) and acts[number] not in seen
        if acts[number].kind != "click" or not (later or _key(acts[number]) in opening):
            return number
    return 0


def _opening(shown: Shown) -> set[tuple[str, str]]:
    """What was clicked before the first message."""
    return {_key(a) for a in shown.acts if a.t < shown.sent_by[0].t and a.kind == "click"}


def _key(act: Act) -> tuple[str, str]:
    return (act.found.selector, act.found.css) if act.found is not None else ("", "")


def _is_a_message(act: Act) -> bool:
    return act.kind == "key" and act.key == "Enter" and act.box is not None and act.box.value != ""


def _hover_before(recording: Recording, act: Act, spec: Spec, typed: Sequence[str]) -> Spec | None:
    """Where the pointer must rest first, so that the clicked element is visible."""
    try:
        recording.page.mouse.move(0, 0)
        if act.found is None or not act.hovered or recording.locator(spec).first.is_visible():
            return None
        for found in reversed(act.hovered):
            over = found.spec(typed)
            if over != spec and recording.locator(over).first.is_visible():
                return _in_frame(over, act.frame, recording.observed.frame)
    except Error:
        return None
    return None


def _once(acts: Sequence[Act]) -> list[Act]:
    """Acts without the repeats of an impatient user: one click after another on the same element."""
    found: list[Act] = []
    for act in acts:
        last = found[-1] if found else None
        same = (
            last is not None
            and last.found is not None
            and act.found is not None
            and _key(last) == _key(act)
            and act.t - last.t < 1.0
        )
        if not same:
            found.append(act)
    return found


def _step(act: Act, typed: Sequence[str], frame: tuple[str, ...]) -> Step:
    """One action of a profile."""
    if act.kind == "key":
        return {"press": act.key}
    assert act.found is not None
    return {"click": _in_frame(act.found.spec(typed), act.frame, frame)}


def _in_frame(spec: Spec, frame: Frame, chat: tuple[str, ...]) -> Spec:
    """The locator; with its frames where they are not the chat's."""
    path = _path(frame)
    return spec if path == chat else {**spec, "frame": list(path)}
