"""Discovery's conversation: two short messages in each of two chats, with everything watched. Sends nothing more."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from e2e.explore.discover.messages import first_message, message, see_messages
from e2e.explore.discover.new_chat import new_chat
from e2e.explore.discover.opening import find_box, open_page
from e2e.explore.discover.said import Said
from e2e.explore.discover.scene import Scene
from e2e.explore.discover.watch import Watcher


def talk(page: Page, watcher: Watcher, url: str, timeout: float, say: Callable[[str], None]) -> Said:
    """Open ``url`` and talk; ``say`` is told each step, ``timeout`` is seconds until the page must be usable.

    Raises `TargetNotReady`, `Blocked` or `CaptureIncomplete` when it cannot go on.
    """
    scene = Scene(page, watcher, say)
    open_page(scene, url, timeout)
    box = find_box(scene, timeout)
    scene.said.start = scene.stores()
    first_message(scene, box)
    message(scene, 1)
    see_messages(scene)
    new_chat(scene)
    message(scene, 2)
    message(scene, 3)
    return scene.said
