"""Types and sends messages, waits for their replies, and locates them on the page."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Element
from e2e.explore.discover.given import not_found
from e2e.explore.discover.observed import Turn
from e2e.explore.discover.page import elements
from e2e.explore.discover.page.covers import uncover
from e2e.explore.discover.page.inspector import Inspector
from e2e.explore.discover.page.opening import boxes_on
from e2e.explore.discover.traces import carries
from e2e.profile.profile import toml_value

_MESSAGES = Path(__file__).with_name("messages.js").read_text(encoding="utf-8")
_QUIET = 1.0  # seconds without traffic and without a change of the page after which a reply is complete
_LONGEST = 40.0  # seconds for a reply
_ENTER = 2.5  # seconds for a request after Enter; less where the text is still in the box
_OPENERS = ("Hello", "And again", "Something else", "One more", "Still there", "The last one")


def first_message(inspector: Inspector, box: Element) -> None:
    """Send a message, and find out how: with Enter, or with which button. Raises `Blocked` or `CaptureIncomplete`."""
    turn = _type(inspector, 0, box, chat=0)
    mark = _mark(inspector)
    if inspector.given.send:
        _as_given(inspector, turn, mark)
    else:
        inspector.page.keyboard.press("Enter")
        if _sent_by_enter(inspector, turn, mark, box):
            inspector.observed.send_reasons = ["Enter sent the message"]
        else:
            _by_button(inspector, turn, box)
    _reply(inspector, turn)


def next_message(inspector: Inspector, number: int, *, chat: int, reloaded: bool = False) -> None:
    """Send a message in the same way as the first. Raises `Blocked` or `CaptureIncomplete`."""
    box = _current_box(inspector)
    turn = _type(inspector, number, box, chat=chat, reloaded=reloaded)
    mark = _mark(inspector)
    try:
        for step in inspector.observed.send or [{"press": "Enter"}]:
            inspector.perform(step, 4)
    except Error:
        inspector.page.keyboard.press("Enter")
    if not _sent(inspector, turn, mark, 8):
        inspector.observed.turns.remove(turn)
        inspector.check_refusal()
        raise CaptureIncomplete(
            f"message {number + 1}: no request or frame carried its text", hint="watch with --headed"
        )
    _reply(inspector, turn)


def locate_messages(inspector: Inspector) -> None:
    """Locate the messages on the page, and the short texts beside them."""
    first, second = (turn.nonce for turn in inspector.observed.turns[:2])
    found = inspector.frame.evaluate(_MESSAGES, [first, second])
    if found is not None:
        inspector.observed.messages, inspector.observed.message_count = found["spec"], found["count"]
        inspector.observed.labels = [(one["spec"], one["texts"]) for one in found["labels"]]


def _as_given(inspector: Inspector, turn: Turn, mark: int) -> None:
    for step in inspector.given.send:
        spec = step.get("click")
        try:
            inspector.perform(step, 4)
        except Error as error:
            inspector.observed.turns.remove(turn)
            if spec is None:
                raise CaptureIncomplete(f"--send: {error.message.splitlines()[0]}") from None
            raise not_found("--send", spec, inspector.locator(spec).count()) from None
    inspector.observed.send, inspector.observed.send_reasons = list(inspector.given.send), ["named by --send"]
    if not _sent(inspector, turn, mark, 8):
        inspector.observed.turns.remove(turn)
        inspector.check_refusal()
        raise CaptureIncomplete(
            "--send: no request or frame carried the text of the message", hint="watch with --headed"
        )


def _by_button(inspector: Inspector, turn: Turn, box: Element) -> None:
    for candidate in elements.send_buttons(box)[:3]:
        candidate.spec = elements.describe(candidate.element)
        _refill(inspector, box, turn.text)
        mark = _mark(inspector)
        try:
            candidate.element.locator.click(timeout=3000)
        except Error:
            continue
        if _sent(inspector, turn, mark, 4):
            inspector.observed.send = [{"click": candidate.spec}]
            inspector.observed.send_reasons = [
                "Enter did not send the message, a click on this did",
                *candidate.reasons,
            ]
            inspector.report(f"send: {toml_value(candidate.spec)}")
            return
    inspector.check_refusal()
    inspector.observed.turns.remove(turn)
    raise CaptureIncomplete(
        "the message could not be sent: neither Enter nor a button beside the box caused a request with its text",
        hint="--send LOCATOR for the button, or --message-box LOCATOR; --headed shows the page",
    )


def _current_box(inspector: Inspector) -> Element:
    boxes = boxes_on(inspector)
    if not boxes:
        raise CaptureIncomplete("the message box is gone", hint="watch with --headed")
    element = boxes[0].element
    if inspector.observed.second_box is None and inspector.locator(inspector.observed.box).count() != 1:
        inspector.observed.second_box = elements.describe(element)
    return element


def _type(inspector: Inspector, number: int, box: Element, *, chat: int, reloaded: bool = False) -> Turn:
    nonce = secrets.token_hex(4)
    turn = Turn(
        nonce,
        f"{_OPENERS[number % len(_OPENERS)]} {nonce}",
        time.time(),
        before=inspector.stores(),
        chat=chat,
        reloaded=reloaded,
    )
    inspector.observed.turns.append(turn)
    _refill(inspector, box, turn.text)
    turn.sent_at = time.time()
    return turn


def _refill(inspector: Inspector, box: Element, text: str) -> None:
    try:
        box.locator.click(timeout=2000)
    except Error:
        uncover(inspector, box)
        box.locator.click(timeout=5000, force=True)
    inspector.page.keyboard.press("ControlOrMeta+A")
    inspector.page.keyboard.press("Delete")
    inspector.page.keyboard.insert_text(text)


def _mark(inspector: Inspector) -> int:
    """Number of payloads until now: what was sent while typing does not send the message."""
    return len(inspector.watcher.payloads)


def _sent(inspector: Inspector, turn: Turn, mark: int, seconds: float) -> bool:
    """Whether a payload with the text leaves the page within ``seconds``, or any payload where typing sent the text already."""
    payloads = inspector.watcher.payloads

    def left() -> bool:
        if any(carries(p, turn.nonce) for p in payloads[mark:]):
            return True
        typed = any(carries(p, turn.nonce) for p in payloads[:mark])
        return typed and len(payloads) > mark and turn.nonce in inspector.text()

    return inspector.wait_for_traffic(left, seconds)


def _sent_by_enter(inspector: Inspector, turn: Turn, mark: int, box: Element) -> bool:
    if _sent(inspector, turn, mark, 0.5):
        return True
    try:
        held = box.locator.evaluate("(el) => el.value ?? el.innerText ?? ''", timeout=1000)
    except Error:
        held = ""
    return turn.nonce not in held and _sent(inspector, turn, mark, _ENTER - 0.5)


def _reply(inspector: Inspector, turn: Turn) -> None:
    """Wait until the reply is complete; note a Stop button that is there only meanwhile."""
    observed = inspector.observed
    text = inspector.text()
    started = changed = searched = time.monotonic()
    while True:
        now = inspector.text_after(text, 0.1)
        if now != text:
            text, changed = now, time.monotonic()
        if observed.stop is None and time.monotonic() - started < 6 and time.monotonic() - searched > 0.2:
            _find_stop(inspector)
            searched = time.monotonic()
        idle = time.monotonic() - max(changed, inspector.watcher.last)
        waited = time.monotonic() - started
        shown = len(text) > 0 and turn.nonce in text
        if (
            (idle > _QUIET and shown and waited > 1.2)
            or (time.monotonic() - changed > 4 and waited > 5)
            or waited > _LONGEST
        ):
            break
    turn.ended_at = time.time()
    turn.after = inspector.stores()
    turn.shown = text
    if observed.stop is not None and inspector.locator(observed.stop).first.is_visible():
        observed.stop = None  # always there, so it does not show the end of a reply


def _find_stop(inspector: Inspector) -> None:
    for element in elements.interactive_elements(inspector.frame):
        if (
            element.raw["clickable"]
            and element.raw["visible"]
            and name_patterns.STOP.search(element.all_names)
        ):
            inspector.observed.stop = elements.describe(element)
            return
