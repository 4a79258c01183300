"""The conversation of discovery: two short messages in each of two chats, and one after a reload. It sends nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from playwright.sync_api import Error, Page

from e2e.errors import CaptureIncomplete, HarnessError, InvalidProfile, TargetNotReady
from e2e.explore.discover.given import Given
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.page.inspector import Inspector
from e2e.explore.discover.page.messages import first_message, locate_messages, next_message
from e2e.explore.discover.page.new_chat import new_chat
from e2e.explore.discover.page.opening import boxes_on, find_box, open_page
from e2e.explore.discover.watcher import Watcher


def run_conversation(
    page: Page,
    watcher: Watcher,
    url: str,
    timeout: float,
    report: Callable[[str], None],
    given: Given | None = None,
    ambiguous: Callable[[Observed], bool] = lambda _: True,
    guard: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Observed:
    """Open ``url`` and hold the conversation; ``report`` gets one line for each step.

    ``timeout`` is in seconds, until the page must be usable. ``ambiguous`` is called after the second chat: whether the message
    after a reload is needed. ``guard`` ends calls to the page that do not return. What ends the conversation early is in
    ``problem`` of the result, so that nothing found is lost. Raises `TargetNotReady` where the page cannot be opened, and
    `InvalidProfile` for a wrong option of the user.
    """
    inspector = Inspector(page, watcher, report, given, timeout)
    observed = inspector.observed
    with guard():
        open_page(inspector, url)
    try:
        with guard():
            _converse(inspector, ambiguous)
    except HarnessError as error:
        if isinstance(error, TargetNotReady) or (isinstance(error, InvalidProfile) and not observed.turns):
            raise
        observed.problem = error
    except Error as error:
        observed.problem = CaptureIncomplete(
            f"the browser could not go on: {error.message.splitlines()[0]}", hint="watch with --headed"
        )
    return observed


def _converse(inspector: Inspector, ambiguous: Callable[[Observed], bool]) -> None:
    observed = inspector.observed
    box = find_box(inspector)
    observed.start = inspector.stores()
    first_message(inspector, box)
    next_message(inspector, 1, chat=0)
    locate_messages(inspector)
    new_chat(inspector)
    next_message(inspector, 2, chat=1)
    next_message(inspector, 3, chat=1)
    if ambiguous(observed):
        _after_reload(inspector)


def _after_reload(inspector: Inspector) -> None:
    """One more message after a reload: IDs of the page load change there, those of users and most sessions do not."""
    page = inspector.page
    try:
        page.reload(wait_until="domcontentloaded", timeout=inspector.timeout * 1000)
        inspector.settle()
        if not boxes_on(inspector):
            for step in inspector.observed.open:
                inspector.perform(step)
            inspector.settle(0.3, 2.0)
        inspector.observed.kept_by_reload = inspector.observed.turns[-1].nonce in inspector.text()
        if boxes_on(inspector):
            next_message(inspector, 4, chat=1, reloaded=True)
    except (HarnessError, Error) as error:
        # The four messages before it are enough for a proposal.
        inspector.report(f"no message after a reload: {str(error).splitlines()[0]}")
