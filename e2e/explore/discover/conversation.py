"""The conversation of discovery: two short messages in each of two chats. It sends nothing else."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from e2e.explore.discover.inspector import Inspector
from e2e.explore.discover.messages import first_message, locate_messages, next_message
from e2e.explore.discover.new_chat import new_chat
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.opening import find_box, open_page
from e2e.explore.discover.watcher import Watcher


def run_conversation(
    page: Page, watcher: Watcher, url: str, timeout: float, report: Callable[[str], None]
) -> Observed:
    """Open ``url`` and hold the conversation; ``report`` gets one line for each step.

    ``timeout`` is in seconds, until the page must be usable. Raises `TargetNotReady`, `Blocked` or `CaptureIncomplete`.
    """
    inspector = Inspector(page, watcher, report)
    open_page(inspector, url, timeout)
    box = find_box(inspector, timeout)
    inspector.observed.start = inspector.stores()
    first_message(inspector, box)
    next_message(inspector, 1)
    locate_messages(inspector)
    new_chat(inspector)
    next_message(inspector, 2)
    next_message(inspector, 3)
    return inspector.observed
