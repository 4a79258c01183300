"""How findings are put into words: counts, percentages, chats grouped by lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from e2e.analysis.model.plurals import plural
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow, OfChat, SightingRow
from e2e.analysis.model.sightings import ELSEWHERE
from e2e.analysis.model.verdict import NO_ID, ChatKey, Number, Verdict
from e2e.analysis.stats import significance

__all__ = [
    "LINES",
    "capped",
    "chats_text",
    "clean_limit",
    "key_of",
    "lane_name",
    "no_chats",
    "not_seen",
    "payloads_unseen",
    "percent",
    "plural",
    "probability",
    "short",
    "spans",
    "store_unseen",
]

LINES = 8


def percent(share: float) -> str:
    """``13.9 %``; small shares keep two digits."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 99.95 else f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def probability(p: float) -> str:
    """``4.4e-05``, ``0.031``."""
    return f"{p:.1e}" if p < 1e-3 else f"{p:.2g}"


def spans(numbers: Iterable[int]) -> str:
    """``1-5, 7``."""
    out: list[list[int]] = []
    for n in sorted(set(numbers)):
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def chats_text(numbers: Iterable[int]) -> str:
    """``chat 3`` or ``chats 1-5, 7``."""
    found = list(numbers)
    return f"chat{'s' if len(set(found)) > 1 else ''} {spans(found)}"


def short(session: str | None) -> str:
    """The tail of a reference, enough to tell one from another in a line that has named it in full."""
    if session is None:
        return "nothing"
    return session.rsplit("…", 1)[-1][:12] if "…" in session else session


def lane_name(run: Run, run_id: str, lane: int) -> str:
    """``lane 0``, and the run's name when several are pooled."""
    return f"{run_id} lane {lane}" if run.pooled else f"lane {lane}"


def capped(lines: Sequence[str], limit: int = LINES) -> tuple[str, ...]:
    """At most ``limit`` lines, the last one saying how many more there are."""
    if len(lines) <= limit:
        return tuple(lines)
    return (*lines[: limit - 1], f"… and {len(lines) - limit + 1} more")


def clean_limit(n: int, unit: str, rate: str) -> str:
    """The detection limit of ``n`` clean trials, and how many the next tighter bound takes."""
    bound = significance.upper_bound(0, n)
    units = "replies" if unit == "reply" else f"{unit}s"
    verb = "bounds" if n == 1 else "bound"
    text = (
        f"{plural(n, 'clean ' + unit, 'clean ' + units)} {verb} the {rate} rate by {percent(bound)} at 95 %"
    )
    for tighter in (0.05, 0.02, 0.01):
        if bound > tighter:
            return f"{text}; {significance.clean_needed(tighter)} are needed for {100 * tighter:.0f} %"
    return text


def not_seen(name: str, run: Run, why: str, needs: str, **numbers: Number) -> Verdict:
    """Inconclusive: ``why`` it could not be judged, and what it ``needs``."""
    return Verdict(name, "inconclusive", why, needs=needs, numbers=numbers, evidence=run.evidence)


def no_chats(name: str, run: Run) -> Verdict | None:
    """The verdict when no chat was seen to the end of its first reply; None when one was."""
    if len(run.observed):
        return None
    why = "no chat was observed"
    if run.partial_reasons:
        why += f" ({run.partial_reasons[0]})"
    return not_seen(name, run, why, "needs at least 1 observed chat", chats=0)


def not_requested(name: str, run: Run, why: str, needs: str) -> Verdict:
    """Inconclusive because the profile does not ask for it: no verdict is missing, and no run is the worse for it."""
    return Verdict(name, "inconclusive", why, needs=needs, evidence=run.evidence, requested=False)


def no_id(name: str, run: Run, also: str = "", **numbers: Number) -> Verdict:
    """Inconclusive: the check needs a session ID, and the profile says that the chat sends none."""
    needs = (
        "needs nothing: chat.remembers and chat.forgets judge its sessions"
        if run.policy.has_memory
        else "needs [memory] in the profile, which tests the sessions by their content"
    )
    return not_seen(name, run, NO_ID + also, needs, **numbers)


def payloads_unseen(run: Run, otherwise: str, *, scenario: str = "") -> str:
    """The most frequent reason among the messages (of one scenario) whose payload shows no ID; ``otherwise``, where none is known."""
    messages = [m for m in run.every(MessageRow) if not scenario or m.scenario == scenario]
    why = Counter(m.unreadable for m in messages if not m.sent_seen and m.unreadable)
    if not why:
        return otherwise
    [(reason, n)] = why.most_common(1)
    if reason.startswith(ELSEWHERE):
        return reason
    return f"the payloads of {plural(n, 'message')} could not be decoded: {reason}"


def store_unseen(run: Run, otherwise: str) -> str:
    """Where the stored ID is, when that is not where the profile says; else ``otherwise``."""
    found = [s.place for s in run.every(SightingRow) if s.layer == "stored" and s.place]
    return f"{ELSEWHERE}{found[0]}, and the profile's store names another place" if found else otherwise


class _InChat(Protocol):
    @property
    def run_id(self) -> str: ...

    @property
    def lane(self) -> int: ...

    @property
    def chat(self) -> int | None: ...


_NO_CHAT = -1


def key_of(row: _InChat) -> ChatKey:
    """The chat of a frame's row; one with a negative number for an event outside of any chat."""
    if isinstance(row, OfChat):
        return row.key
    return ChatKey(row.run_id, row.lane, _NO_CHAT if row.chat is None else row.chat)
