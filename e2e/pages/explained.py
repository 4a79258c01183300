"""Playwright's errors in the profile's words."""

from __future__ import annotations

import re

from playwright.sync_api import Error, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from e2e.errors import CaptureIncomplete
from e2e.profile.profile import Locate

_UNDER_WAY = (
    r"^(performing|attempting|scrolling|done scrolling|locator resolved to <)|visible, enabled and stable$"
)
"""Where Playwright stands when a page is busy: the element is there, and nothing was found against it."""


_NO_RESPONSE = "the page did not respond to it in time"
_SLOW_MS = 1000


def _is_slow(page: Page) -> bool:
    """Whether the page does not even find its root element soon: then nothing is known against another element."""
    try:
        page.locator(":root").wait_for(state="attached", timeout=_SLOW_MS)
    except PlaywrightTimeout:
        return True
    except Error:
        return False
    return False


class Explained:
    """Playwright's timeout on a locator, described in the profile's terms."""

    def __init__(self, what: str, key: str, locate: Locate, page: Page | None = None) -> None:
        """``page``: look whether it answers at all before anything is blamed on the element."""
        self._what, self._key, self._locate, self._page = what, key, locate, page

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PlaywrightTimeout) or (
            isinstance(error, Error) and "strict mode violation" in error.message
        ):
            reason = _NO_RESPONSE if self._page is not None and _is_slow(self._page) else _reason(error)
            raise CaptureIncomplete(
                f"{self._what}: {reason}",
                where=f"{self._key}: {self._locate}",
                hint="is the locator right, and is the element visible, enabled and not covered?",
            ) from error


def _reason(error: Error) -> str:
    """Why Playwright waited in vain: the last reason in its call log."""
    details = [line.strip(" -\t") for line in error.message.splitlines()[1:] if line.strip(" -\t")]
    reasons = [
        t
        for t in details
        if re.search(r"intercepts pointer events|not visible|not enabled|not stable|resolved to \d+", t)
    ]
    if not reasons and details and re.search(_UNDER_WAY, details[-1]):
        return _NO_RESPONSE
    return (reasons or details[-1:] or [first_line(error)])[-1]


def first_line(error: Error) -> str:
    """What Playwright says first, without its call log."""
    return error.message.splitlines()[0]
