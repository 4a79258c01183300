"""What to do about each cause: how urgent it is, what it costs users, a first aid, and how to see that it is gone.

The change that is needed stands with the cause itself (`Cause.advice`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from e2e.analysis.model.verdict import Cause

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")


class Recommendation(NamedTuple):
    """What a release manager wants to know of a cause."""

    priority: Priority
    impact: str
    immediate: str
    """What helps until the change is out."""
    verify: str
    """What must be seen afterwards."""


_RELOAD = "tell users that a reload begins a fresh session, and hold the release back"
_HOLD = "hold the release back, or go back to the last version that passed"
_FRESH_SENT = "every chat sends an ID that no chat before has sent"
_SHARED = "chats of different people or topics share one session: context and provider of one reach the other"
_STUCK = "users stay with one provider, and every new chat goes on in an old session with its context"

_RECOMMENDED: dict[str, Recommendation] = {
    "new-chat-unavailable": Recommendation(
        "critical", "nobody can begin a new chat", _HOLD, "New Chat can be clicked in every lane"
    ),
    "id-shared": Recommendation(
        "critical",
        _SHARED,
        "hold the release back; sessions that several browsers have used should be ended",
        "two browsers never send one ID",
    ),
    "id-collision": Recommendation(
        "high", "now and then a new chat lands in an older chat's session", _HOLD, _FRESH_SENT
    ),
    "id-constant": Recommendation(
        "critical", _STUCK, "clearing the site's data does not help; " + _HOLD, _FRESH_SENT
    ),
    "id-guessable": Recommendation(
        "high",
        "who guesses a session ID can read or go on with somebody else's chat",
        "let the backend bind sessions to the signed-in user",
        "session_ids.pattern passes, with 64 bits or more in the form of the ID",
    ),
    "session-restored": Recommendation("critical", _STUCK, _HOLD, "the removed ID is not written again"),
    "session-not-ended": Recommendation(
        "critical",
        _STUCK,
        "tell users to clear the site's data for a fresh session, and hold the release back",
        "New Chat changes the stored ID",
    ),
    "late-rotation": Recommendation(
        "medium",
        "who types quickly after New Chat has the first message answered in the old session",
        "hold sending back until the new chat is there",
        "rotation.rapid_send passes, on a slow network too",
    ),
    "stale-closure": Recommendation(
        "critical",
        "every message is answered in the session of the chat before: contexts are one chat off",
        _RELOAD,
        _FRESH_SENT,
    ),
    "stale-state": Recommendation("critical", _STUCK, _RELOAD, _FRESH_SENT),
    "over-rotation": Recommendation(
        "high",
        "a chat loses its context and may change its provider between two messages",
        _HOLD,
        "rotation.one_id_per_chat passes",
    ),
    "split-session": Recommendation(
        "high",
        "what is stored names another session than the one that was used: after a reload the chat is lost",
        _HOLD,
        "rotation.sent_equals_stored passes",
    ),
    "history-bleed": Recommendation(
        "critical",
        "text of one chat is sent along with another: private content reaches a chat where it does not belong",
        _HOLD,
        "chat.starts_empty passes",
    ),
    "tab-bleed": Recommendation(
        "high",
        "with two tabs open, messages land in the other tab's session",
        "tell users to keep to one tab",
        "rotation.two_tabs passes",
    ),
    "session-unbound": Recommendation(
        "high",
        "going on with an older chat answers out of the newest one's context",
        "tell users to begin a new chat instead of going on with an old one",
        "rotation.return_to_chat passes",
    ),
    "id-never-sent": Recommendation(
        "critical",
        "the backend cannot tell chats apart: each message may begin a session of its own, or all share one",
        _HOLD,
        "the payloads of a chat carry the ID that the store holds",
    ),
    "message-lost": Recommendation(
        "high",
        "users wait for a reply to a message that nobody has got",
        "tell users to send the message again when no reply comes",
        "every message that the page accepts is sent",
    ),
    "ended-on-leave": Recommendation(
        "high",
        "a reload, or a look at another page, loses the conversation",
        "tell users not to reload the page inside a chat",
        "a reload goes on with the chat's own ID",
    ),
    "restored-on-load": Recommendation(
        "high",
        "after a reload a message lands in a session that had been ended",
        "end sessions at the backend too when New Chat is clicked",
        "rotation.reload and rotation.back_forward pass",
    ),
    "late-stream": Recommendation(
        "high",
        "the reply to an old chat shows up in the new one",
        "keep New Chat disabled while a reply streams",
        "rotation.mid_stream passes",
    ),
    "cached-reply": Recommendation(
        "high",
        "users read an answer that was given to another message, and the backend knows nothing of it",
        "unregister the service worker, or purge the cache",
        "reply.is_live passes",
    ),
    "provider-sticky": Recommendation(
        "high",
        "a user keeps one provider through all chats, and load follows users instead of sessions",
        "switch affinity off in the load balancer",
        "provider.independent passes, with another user agent and another user too",
    ),
    "provider-cycles": Recommendation(
        "medium",
        "the next provider can be foreseen, and load moves in step",
        "none is needed when order does no harm; say so in the profile by leaving the check out",
        "provider.independent passes",
    ),
    "provider-pinned": Recommendation(
        "critical",
        "all sessions go to one provider: the others idle, and it carries the whole load",
        "look whether the other providers are up; restart the assignment",
        "provider.varies passes",
    ),
    "provider-skewed": Recommendation(
        "medium",
        "some providers carry more than they are meant to",
        "compare the weights in use with those intended",
        "provider.balanced passes",
    ),
    "provider-flaps": Recommendation(
        "high",
        "a chat changes its provider between messages and loses what the other one knew",
        "route by session ID in front of the backend",
        "provider.persists and backend.persists pass",
    ),
    "session-leaked": Recommendation(
        "medium",
        "ended sessions stay at the backend: content is kept longer than promised, and figures are off",
        "remove ended sessions by a job",
        "backend.cleans_up passes",
    ),
    "label-stale": Recommendation(
        "low",
        "the screen names a provider that did not answer",
        "hide the label",
        "provider.label_is_true passes",
    ),
}
_UNKNOWN = Recommendation(
    "high",
    "not known: what was seen fits none of the causes that the suite can tell",
    "hold the release back until somebody has looked at the evidence",
    "the failed checks pass",
)


def recommendation(cause: str) -> Recommendation:
    """The row of a cause; for one that is not in the table, and for ``unexplained``, what holds whatever it is."""
    return _RECOMMENDED.get(cause, _UNKNOWN)


def most_urgent(causes: Sequence[Cause]) -> list[Cause]:
    """The causes, the most urgent first."""
    return sorted(causes, key=lambda c: PRIORITIES.index(recommendation(c.name).priority))
