"""Messages are typed and sent, their replies waited for, and looked for on the screen."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import find, words
from e2e.explore.discover.find import Element
from e2e.explore.discover.said import Turn
from e2e.explore.discover.scene import Scene

_MESSAGES = Path(__file__).with_name("messages.js").read_text(encoding="utf-8")
_QUIET = 1.0  # seconds without traffic and without a change on the screen after which a reply is over
_LONGEST = 40.0
_OPENERS = ("Hello", "And again", "Something else", "One more")


def first_message(scene: Scene, box: Element) -> None:
    """Say something, and find out how: by Enter, or by which button. Raises `Blocked` or `CaptureIncomplete`."""
    turn = _typed(scene, 0, box)
    scene.page.keyboard.press("Enter")
    if _left(scene, turn, 2.5):
        scene.said.send_reasons = ["Enter sent the message"]
    else:
        _by_button(scene, turn, box)
    _reply(scene, turn)


def message(scene: Scene, number: int) -> None:
    """Say something, as the first message was sent. Raises `Blocked` or `CaptureIncomplete`."""
    turn = _typed(scene, number, _current_box(scene))
    if scene.said.send:
        try:
            scene.locator(scene.said.send[0]).click(timeout=4000)
        except Error:
            scene.page.keyboard.press("Enter")
    else:
        scene.page.keyboard.press("Enter")
    if not _left(scene, turn, 8):
        scene.refused()
        raise CaptureIncomplete(f"message {number + 1} did not leave the page", hint="`--headed` shows why")
    _reply(scene, turn)


def see_messages(scene: Scene) -> None:
    """Where the messages stand on the screen, and which texts beside them."""
    first, second = (turn.nonce for turn in scene.said.turns[:2])
    seen = scene.frame.evaluate(_MESSAGES, [first, second])
    if seen is not None:
        scene.said.messages, scene.said.message_count = seen["spec"], seen["count"]
        scene.said.labels = [(one["spec"], one["texts"]) for one in seen["labels"]]


def _by_button(scene: Scene, turn: Turn, box: Element) -> None:
    for candidate in find.send_buttons(box)[:3]:
        candidate.spec = find.describe(candidate.element)
        _refill(scene, box, turn.text)
        try:
            candidate.element.locator.click(timeout=3000)
        except Error:
            continue
        if _left(scene, turn, 4):
            scene.said.send = [candidate.spec]
            scene.said.send_reasons = ["Enter sent nothing, and a click on this did", *candidate.reasons]
            scene.say(f"send: {candidate.spec}")
            return
    scene.refused()
    raise CaptureIncomplete(
        "the message could not be sent: neither Enter nor a button beside the box made a request with its text",
        hint="`--headed` shows it; write the profile by hand from e2e/docs/profiles.md",
    )


def _current_box(scene: Scene) -> Element:
    boxes = find.message_boxes(scene.page)
    if not boxes:
        raise CaptureIncomplete("the message box is gone", hint="`--headed` shows why")
    element = boxes[0].element
    if scene.said.second_box is None and scene.locator(scene.said.box).count() != 1:
        scene.said.second_box = find.describe(element)
    return element


def _typed(scene: Scene, number: int, box: Element) -> Turn:
    nonce = secrets.token_hex(4)
    turn = Turn(nonce, f"{_OPENERS[number % len(_OPENERS)]} {nonce}", time.time(), before=scene.stores())
    scene.said.turns.append(turn)
    _refill(scene, box, turn.text)
    turn.sent_at = time.time()
    return turn


def _refill(scene: Scene, box: Element, text: str) -> None:
    try:
        box.locator.click(timeout=5000)
    except Error:
        scene.dismiss()
        box.locator.click(timeout=5000, force=True)
    scene.page.keyboard.press("ControlOrMeta+A")
    scene.page.keyboard.press("Delete")
    scene.page.keyboard.insert_text(text)


def _left(scene: Scene, turn: Turn, seconds: float) -> bool:
    """Whether a payload with the typed text leaves the page."""
    payloads = scene.watcher.payloads
    return scene.heard(lambda: any(turn.nonce in p.text or turn.nonce in p.url for p in payloads), seconds)


def _reply(scene: Scene, turn: Turn) -> None:
    """Wait until the reply is over, watching which buttons come and go meanwhile."""
    said = scene.said
    text = scene.text()
    started = changed = time.monotonic()
    while True:
        now = scene.text_after(text, 0.1)
        if now != text:
            text, changed = now, time.monotonic()
        if said.stop is None and time.monotonic() - started < 6:
            _see_stop(scene)
        idle = time.monotonic() - max(changed, scene.watcher.last)
        waited = time.monotonic() - started
        answered = len(text) > 0 and turn.nonce in text
        if (
            (idle > _QUIET and answered and waited > 1.2)
            or (time.monotonic() - changed > 4 and waited > 5)
            or waited > _LONGEST
        ):
            break
    turn.ended_at = time.time()
    turn.after = scene.stores()
    turn.shown = text
    if said.stop is not None and scene.locator(said.stop).first.is_visible():
        said.stop = None  # it is always there: it tells no end


def _see_stop(scene: Scene) -> None:
    for element in find.elements(scene.frame):
        if element.raw["clickable"] and element.raw["visible"] and words.STOP.search(element.wording):
            scene.said.stop = find.describe(element)
            return
