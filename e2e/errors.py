"""The suite could not look: errors that are not the product's fault.

Each of them ends a test as *broken* in Allure, never as failed or passed (an ``AssertionError`` is for the product).
"""

from __future__ import annotations


class HarnessError(Exception):
    """The suite could not do its work.

    Parameters
    ----------
    what : one sentence that says what went wrong.
    where : the place (file and key, URL, lane and chat), or ``""``.
    hint : what the reader can do about it, or ``""``.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        lines = [what]
        if where:
            lines.append(f"  where: {where}")
        if hint:
            lines.append(f"  hint: {hint}")
        super().__init__("\n".join(lines))


class TargetNotReady(HarnessError):
    """The chat frontend cannot be reached, or its page never became ready."""


class CaptureIncomplete(HarnessError):
    """Something that had to be seen was not seen: a reply's end, a payload, a locator, a crashed browser."""


class MessageLost(CaptureIncomplete):
    """The page took a message, and nothing of it ever left: seen, and for a check to judge."""


class InvalidProfile(HarnessError):
    """A profile or an option does not say what it must: shown before any browser starts, or by what was seen in a run."""


class Blocked(HarnessError):
    """The environment refused: a limit, a login wall, a server that answers with errors or not at all.

    ``condition`` is its name (``rate-limited``, ``daily-limit``, ``login-wall``, ``captcha``, ``backend-down``, …), or ``""``.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "", condition: str = "") -> None:
        self.condition = condition
        super().__init__(f"{condition}: {what}" if condition else what, where=where, hint=hint)
