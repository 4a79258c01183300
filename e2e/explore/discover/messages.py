"""Types and sends messages, waits for their replies, and locates them on the page."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import elements, name_patterns
from e2e.explore.discover.elements import Element
from e2e.explore.discover.inspector import Inspector
from e2e.explore.discover.observed import Turn
from e2e.profile.profile import toml_value

_MESSAGES = Path(__file__).with_name("messages.js").read_text(encoding="utf-8")
_QUIET = 1.0  # seconds without traffic and without a change of the page after which a reply is complete
_LONGEST = 40.0  # seconds for a reply
_OPENERS = ("Hello", "And again", "Something else", "One more")


def first_message(inspector: Inspector, box: Element) -> None:
    """Send a message, and find out how: with Enter, or with which button. Raises `Blocked` or `CaptureIncomplete`."""
    turn = _type(inspector, 0, box)
    inspector.page.keyboard.press("Enter")
    if _sent(inspector, turn, 2.5):
        inspector.observed.send_reasons = ["Enter sent the message"]
    else:
        _by_button(inspector, turn, box)
    _reply(inspector, turn)


def next_message(inspector: Inspector, number: int) -> None:
    """Send a message in the same way as the first. Raises `Blocked` or `CaptureIncomplete`."""
    turn = _type(inspector, number, _current_box(inspector))
    if inspector.observed.send:
        try:
            inspector.locator(inspector.observed.send[0]).click(timeout=4000)
        except Error:
            inspector.page.keyboard.press("Enter")
    else:
        inspector.page.keyboard.press("Enter")
    if not _sent(inspector, turn, 8):
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


def _by_button(inspector: Inspector, turn: Turn, box: Element) -> None:
    for candidate in elements.send_buttons(box)[:3]:
        candidate.spec = elements.describe(candidate.element)
        _refill(inspector, box, turn.text)
        try:
            candidate.element.locator.click(timeout=3000)
        except Error:
            continue
        if _sent(inspector, turn, 4):
            inspector.observed.send = [candidate.spec]
            inspector.observed.send_reasons = [
                "Enter did not send the message, a click on this did",
                *candidate.reasons,
            ]
            inspector.report(f"send: {toml_value(candidate.spec)}")
            return
    inspector.check_refusal()
    raise CaptureIncomplete(
        "the message could not be sent: neither Enter nor a button beside the box caused a request with its text",
        hint="watch with --headed, or write the profile by hand (e2e/docs/profiles.md)",
    )


def _current_box(inspector: Inspector) -> Element:
    boxes = elements.message_boxes(inspector.page)
    if not boxes:
        raise CaptureIncomplete("the message box is gone", hint="watch with --headed")
    element = boxes[0].element
    if inspector.observed.second_box is None and inspector.locator(inspector.observed.box).count() != 1:
        inspector.observed.second_box = elements.describe(element)
    return element


def _type(inspector: Inspector, number: int, box: Element) -> Turn:
    nonce = secrets.token_hex(4)
    turn = Turn(nonce, f"{_OPENERS[number % len(_OPENERS)]} {nonce}", time.time(), before=inspector.stores())
    inspector.observed.turns.append(turn)
    _refill(inspector, box, turn.text)
    turn.sent_at = time.time()
    return turn


def _refill(inspector: Inspector, box: Element, text: str) -> None:
    try:
        box.locator.click(timeout=5000)
    except Error:
        inspector.dismiss()
        box.locator.click(timeout=5000, force=True)
    inspector.page.keyboard.press("ControlOrMeta+A")
    inspector.page.keyboard.press("Delete")
    inspector.page.keyboard.insert_text(text)


def _sent(inspector: Inspector, turn: Turn, seconds: float) -> bool:
    """Whether a payload with the text leaves the page within ``seconds``."""
    payloads = inspector.watcher.payloads
    return inspector.wait_for_traffic(
        lambda: any(turn.nonce in p.text or turn.nonce in p.url for p in payloads), seconds
    )


def _reply(inspector: Inspector, turn: Turn) -> None:
    """Wait until the reply is complete; note a Stop button that is there only meanwhile."""
    observed = inspector.observed
    text = inspector.text()
    started = changed = time.monotonic()
    while True:
        now = inspector.text_after(text, 0.1)
        if now != text:
            text, changed = now, time.monotonic()
        if observed.stop is None and time.monotonic() - started < 6:
            _find_stop(inspector)
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
