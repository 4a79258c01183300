"""Opens the chat, and finds its message box."""

from __future__ import annotations

import time

from playwright.sync_api import Error

from e2e.errors import Blocked, CaptureIncomplete, TargetNotReady
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Candidate, Element
from e2e.explore.discover.given import not_found
from e2e.explore.discover.page import elements, launchers
from e2e.explore.discover.page.covers import dismiss, uncover
from e2e.explore.discover.page.inspector import Inspector
from e2e.profile.profile import toml_value

_PATIENCE = 2.0  # seconds for a box to appear by itself, before something is clicked


def open_page(inspector: Inspector, url: str) -> None:
    """Load ``url``, and wait until the page no longer changes. Raises `TargetNotReady`."""
    try:
        response = inspector.page.goto(url, wait_until="domcontentloaded", timeout=inspector.timeout * 1000)
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
    inspector.url = url
    inspector.observed.url, inspector.observed.title = inspector.page.url, inspector.page.title()


def find_box(inspector: Inspector) -> Element:
    """Find the message box; opens the chat and closes what covers the box.

    Raises `Blocked`, `CaptureIncomplete` or, for an option of the user, `InvalidProfile`.
    """
    observed = inspector.observed
    if inspector.given.open:
        _open_as_given(inspector)
    boxes = _shown_boxes(inspector)
    if not boxes:
        boxes = launchers.open_chat(inspector)
    if not boxes:
        boxes = _shown_boxes(inspector, inspector.timeout)
    if not boxes:
        _raise_reason(inspector)
    box = boxes[0]
    inspector.frame = box.element.frame
    observed.frame = elements.frame_path(inspector.frame)
    launchers.place_in_frames(observed)
    uncover(inspector, box.element)
    dismiss(inspector)
    observed.box_candidates = boxes[:3]
    observed.box = inspector.given.message_box or elements.describe(box.element)
    box.spec = observed.box
    for other in boxes[1:3]:
        other.spec = elements.describe(other.element)
    inspector.report(f"message box: {toml_value(observed.box)}")
    return box.element


def boxes_on(inspector: Inspector) -> list[Candidate]:
    """The candidates for the message box; the one that the user names, where there is one."""
    boxes = elements.message_boxes(inspector.page)
    spec = inspector.given.message_box
    if spec is None:
        return [b for b in boxes if b.score >= 0.4]
    for frame in inspector.page.frames:
        inspector.observed.frame = elements.frame_path(frame)
        named = inspector.locator(spec)
        count = named.count()
        if count > 1:
            raise not_found("--message-box", spec, count)
        if count == 1 and named.is_visible():
            mine = elements.marked(frame, named)
            return [Candidate(mine, 0.99, ["named by --message-box"])] if mine is not None else []
    return []


def _shown_boxes(inspector: Inspector, seconds: float = _PATIENCE) -> list[Candidate]:
    """The boxes, as soon as there is one; banners that hide them are closed."""
    deadline = time.monotonic() + seconds
    while not (boxes := boxes_on(inspector)):
        if time.monotonic() > deadline:
            return []
        dismiss(inspector)
        inspector.settle(0.3, 1.0)
    return boxes


def _open_as_given(inspector: Inspector) -> None:
    for step in inspector.given.open:
        spec = next((step[verb] for verb in ("click", "hover", "dismiss") if verb in step), None)
        try:
            inspector.perform(step, inspector.timeout)
        except Error as error:
            if spec is None:
                raise CaptureIncomplete(f"--open: {error.message.splitlines()[0]}") from None
            raise not_found("--open", spec, inspector.locator(spec).count()) from None
        if inspector.observed.ready is None and spec is not None:
            inspector.observed.ready = spec
        inspector.observed.open.append(step)
        inspector.settle()
    inspector.observed.open_reasons.append("named by --open")


def _raise_reason(inspector: Inspector) -> None:
    if inspector.given.message_box is not None:
        raise not_found("--message-box", inspector.given.message_box, 0)
    inspector.check_refusal()
    if name_patterns.LOGIN.search(inspector.text()):
        raise Blocked(
            "the page needs a login",
            condition="login-wall",
            hint="sign in first: --storage-state FILE (`make login` makes one)",
        )
    raise CaptureIncomplete(
        "no message box found",
        hint="--open LOCATOR for what opens the chat, or --message-box LOCATOR; --headed shows the page",
    )
