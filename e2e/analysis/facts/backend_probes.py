"""The responses of the backend's API: those of the suite's own probes, and which of its sessions are the suite's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from e2e.analysis.model.columns import columns_of
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import BackendRow, MessageRow
from e2e.analysis.model.verdict import Verdict
from e2e.analysis.model.wording import not_seen


def probe_rows(run: Run) -> Sequence[BackendRow]:
    """The responses to the suite's own probes, for sessions that no chat sent, and with a distribution, in order of time.

    Nearly all of a run are of no such kind.
    """

    def collect() -> Sequence[BackendRow]:
        used = _used(run)
        return run.those(
            BackendRow,
            lambda r: (
                r.distribution is not None
                or bool(r.probe and r.probe != _IN_A_CHAT)
                or r.session not in used.get(r.run_id, ())
            ),
            only=tuple(columns_of(BackendRow)),
        )

    return run.once("probe rows", collect)


_IN_A_CHAT = "chat"
"""The look-up of a chat's session while the chat goes on."""


def _used(run: Run) -> Mapping[str, AbstractSet[str]]:
    """Run -> the sessions that its chats sent."""

    def collect() -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for m in run.every(MessageRow):
            if m.sent is not None:
                found[m.run_id].add(m.sent)
        return found

    return run.once("used sessions", collect)


def answers_by_session(run: Run) -> list[list[BackendRow]]:
    """The responses for each probed session, from one removal to the next."""
    used = _used(run)  # a fixed ID that the browser uses too may be ended by any New Chat in between
    answers: dict[tuple[str, str, int], list[BackendRow]] = defaultdict(list)
    removals: Counter[tuple[str, str]] = Counter()
    for r in probe_rows(run):
        if r.session is None or r.session in used.get(r.run_id, ()):
            continue
        if r.question == "remove":
            removals[r.run_id, r.session] += 1
        elif r.question in ("assign", "lookup") and r.provider is not None and r.probe != "removed":
            answers[r.run_id, r.session, removals[r.run_id, r.session]].append(r)
    return list(answers.values())


def probed_before(run: Run, state: BackendRow) -> Counter[str]:
    """The suite's own sessions among those of ``state``, by provider: earlier versions read the state after their probes.

    48 sessions that the probes spread would hide that all others are on one provider.
    """
    used = _used(run)
    alive: dict[str, str] = {}
    for r in probe_rows(run):
        if r.run_id != state.run_id or r.seq >= state.seq or r.session is None or not r.probe:
            continue
        if r.question == "remove":
            alive.pop(r.session, None)
        elif r.question == "assign" and r.provider is not None and r.session not in used.get(r.run_id, ()):
            alive[r.session] = r.provider
    return Counter(alive.values())


def not_probed(name: str, run: Run, probe: str) -> Verdict | None:
    """The inconclusive verdict of a run without responses to ``probe``; None when there are some."""
    if probes(run, probe):
        return None
    if not run.policy.has_backend:
        why = "the profile names no backend API"
        return not_seen(name, run, why, "needs a [backend] section in the profile")
    return not_seen(
        name, run, "the backend was not probed in this run", "needs a run that reaches the backend probes"
    )


def probes(run: Run, probe: str) -> list[BackendRow]:
    """The responses to one of the suite's probes: ``fresh``, ``pattern``, ``same``, ``removed``, ``state``."""
    return [r for r in probe_rows(run) if r.probe == probe]


def statuses(responses: Iterable[BackendRow]) -> str:
    """``3 times HTTP 500, no response``."""
    counts = Counter("no response" if r.status is None else f"HTTP {r.status}" for r in responses)
    return ", ".join(f"{n} times {status}" if n > 1 else status for status, n in counts.most_common(4))
