"""Payloads that could not be read: whether they are the chat's at all, and what is reported of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from e2e.capture.network.bodies.encodings import looks_opaque
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.payloads import COOKIES_NOT_SEEN, NOT_IN_IT
from e2e.capture.recording.drafts import MessageDraft
from e2e.capture.recording.owners import nonce_of
from e2e.errors import CaptureIncomplete

_GRACE = 1.0
"""Seconds in which a payload that can be read may follow one that cannot, before that one is taken for the message."""
_ELSEWHERE = (
    'is the ID also in a header, a cookie or the URL? name that place: session = { header = "x-session-id" }; '
    "a body that the page encrypts cannot be judged"
)
_COOKIES = (
    "--wire cdp reports all cookies in Chromium, and --browser firefox does; a script in the page "
    "sees neither HttpOnly cookies nor those of a form"
)


@dataclass(slots=True)
class Unread:
    """The unreadable payloads of a lane, over all its tabs."""

    rules: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Rule -> why its first unreadable payload could not be read, and how many there were."""

    def look(self, exchange: Exchange) -> None:
        """A payload whose owner is known has left."""
        extras = exchange.extras
        mine = extras["own"] or (extras["draft"] is not None and extras["draft"].candidate is exchange)
        if mine and _hides_its_text(exchange):
            exchange.unreadable = NOT_IN_IT
        if exchange.unreadable and (mine or exchange.rule.judged):
            self.note(exchange)

    def note(self, exchange: Exchange) -> None:
        why, times = self.rules.get(exchange.rule.name, (exchange.unreadable, 0))
        self.rules[exchange.rule.name] = (why, times + 1)

    def problems(self) -> list[CaptureIncomplete]:
        """What the run says of them: one error for each rule."""
        return [
            CaptureIncomplete(
                f"payloads of the wire rule {name!r} could not be read, so their session ID is not known: {why}",
                where=f"[[wire]] {name} of the profile",
                hint=_COOKIES if why == COOKIES_NOT_SEEN else _ELSEWHERE,
            )
            for name, (why, _) in self.rules.items()
        ]


def holds_back(draft: MessageDraft | None, exchange: Exchange, text: str) -> bool:
    """``exchange`` may be none of the chat's payloads: it is kept with the message until nothing better has come.

    One that holds the message's ``text`` can be read, and its rule does not take it.
    """
    if not exchange.doubtful:
        return False
    free = draft is not None and draft.exchange is None and draft.doubtful is None
    if (
        draft is not None
        and free
        and exchange.sent_at >= draft.pressed_at
        and (_is_binary(exchange) or nonce_of(text) not in exchange.body)
    ):
        draft.doubtful = exchange
    return True


def due(draft: MessageDraft | None, now: float | None) -> Exchange | None:
    """The payload that was held back, once it is clear that it is the message's: ``now`` is None when nothing more will come."""
    held = draft.doubtful if draft is not None and draft.exchange is None else None
    if held is None or (now is not None and now - held.sent_at <= _GRACE):
        return None
    held.doubtful = False
    return held


def _is_binary(exchange: Exchange) -> bool:
    """A body that is no text: the message may well be in it, and its rule cannot tell."""
    return exchange.transport == "http" and exchange.unreadable not in ("", NOT_IN_IT)


def _hides_its_text(exchange: Exchange) -> bool:
    """No ID was found in the body, nor the message that it is to carry, but something that may hide both."""
    return (
        exchange.rule.session_in_body
        and exchange.session is None
        and not exchange.unreadable
        and not exchange.extras["by_text"]
        and looks_opaque(exchange.body)
    )
