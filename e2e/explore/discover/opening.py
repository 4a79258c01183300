"""The chat is opened, and its message box found."""

from __future__ import annotations

import time

from playwright.sync_api import Error

from e2e.errors import Blocked, CaptureIncomplete, TargetNotReady
from e2e.explore.discover import find, words
from e2e.explore.discover.find import Element
from e2e.explore.discover.scene import Scene


def open_page(scene: Scene, url: str, timeout: float) -> None:
    """Go to ``url`` and wait until the page is at rest. Raises `TargetNotReady`."""
    try:
        response = scene.page.goto(url, wait_until="domcontentloaded", timeout=timeout * 1000)
    except Error as error:
        raise TargetNotReady(
            f"{url} could not be opened: {error.message.splitlines()[0]}",
            hint="is the address right, and is the chat up?",
        ) from None
    if response is not None and response.status >= 400:
        raise TargetNotReady(
            f"{url} answered {response.status}",
            hint="is the address right, and does the page need a login?",
        )
    scene.settle()
    scene.said.url, scene.said.title = scene.page.url, scene.page.title()


def find_box(scene: Scene, timeout: float) -> Element:
    """Find the message box, after taking away what covers it. Raises `Blocked` or `CaptureIncomplete`."""
    said = scene.said
    deadline = time.monotonic() + timeout
    while True:
        boxes = find.message_boxes(scene.page)
        if boxes and boxes[0].score >= 0.4:
            break
        if time.monotonic() > deadline:
            _give_up(scene)
        scene.dismiss()
        scene.settle(0.3, 1.0)
    scene.frame = boxes[0].element.frame
    scene.dismiss()
    boxes = find.message_boxes(scene.page) or boxes
    said.frame = find.frame_path(boxes[0].element.frame)
    said.box_candidates = boxes[:3]
    said.box = boxes[0].spec = find.describe(boxes[0].element)
    for other in boxes[1:3]:
        other.spec = find.describe(other.element)
    scene.say(f"message box: {said.box}")
    return boxes[0].element


def _give_up(scene: Scene) -> None:
    scene.refused()
    if words.LOGIN.search(scene.text()):
        raise Blocked(
            "the page wants a login",
            condition="login-wall",
            hint="sign in first: --storage-state FILE (`make login` makes one)",
        )
    raise CaptureIncomplete(
        "no message box was found",
        hint="is this the page of the chat? `--headed` shows what discovery sees",
    )
