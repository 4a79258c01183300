"""Opens the chat, and finds its message box."""

from __future__ import annotations

import time

from playwright.sync_api import Error

from e2e.errors import Blocked, CaptureIncomplete, TargetNotReady
from e2e.explore.discover import elements, name_patterns
from e2e.explore.discover.elements import Element
from e2e.explore.discover.inspector import Inspector
from e2e.profile.profile import toml_value


def open_page(inspector: Inspector, url: str, timeout: float) -> None:
    """Load ``url``, and wait until the page no longer changes. Raises `TargetNotReady`."""
    try:
        response = inspector.page.goto(url, wait_until="domcontentloaded", timeout=timeout * 1000)
    except Error as error:
        raise TargetNotReady(
            f"{url} could not be opened: {error.message.splitlines()[0]}",
            hint="is the address correct, and is the chat running?",
        ) from None
    if response is not None and response.status >= 400:
        raise TargetNotReady(
            f"{url} returned {response.status}",
            hint="is the address correct, and does the page need a login?",
        )
    inspector.settle()
    inspector.observed.url, inspector.observed.title = inspector.page.url, inspector.page.title()


def find_box(inspector: Inspector, timeout: float) -> Element:
    """Find the message box; closes banners that cover it. Raises `Blocked` or `CaptureIncomplete`."""
    observed = inspector.observed
    deadline = time.monotonic() + timeout
    while True:
        boxes = elements.message_boxes(inspector.page)
        if boxes and boxes[0].score >= 0.4:
            break
        if time.monotonic() > deadline:
            _raise_reason(inspector)
        inspector.dismiss()
        inspector.settle(0.3, 1.0)
    inspector.frame = boxes[0].element.frame
    inspector.dismiss()
    boxes = elements.message_boxes(inspector.page) or boxes
    observed.frame = elements.frame_path(boxes[0].element.frame)
    observed.box_candidates = boxes[:3]
    observed.box = boxes[0].spec = elements.describe(boxes[0].element)
    for other in boxes[1:3]:
        other.spec = elements.describe(other.element)
    inspector.report(f"message box: {toml_value(observed.box)}")
    return boxes[0].element


def _raise_reason(inspector: Inspector) -> None:
    inspector.check_refusal()
    if name_patterns.LOGIN.search(inspector.text()):
        raise Blocked(
            "the page needs a login",
            condition="login-wall",
            hint="sign in first: --storage-state FILE (`make login` makes one)",
        )
    raise CaptureIncomplete(
        "no message box found",
        hint="is this the page of the chat? watch with --headed",
    )
