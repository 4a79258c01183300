"""Why payloads that left, or the store, show no session ID that could be judged: a body that cannot be decoded, a wrong profile."""

from __future__ import annotations

from collections import Counter

from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.sightings import ELSEWHERE
from e2e.analysis.model.wording import plural


def payloads_unseen(run: Run, otherwise: str, *, scenario: str = "") -> str:
    """The most frequent reason among the messages (of one scenario) whose payload shows no ID; ``otherwise``, where none is known."""
    messages = run.messages[run.messages["scenario"] == scenario] if scenario else run.messages
    why = Counter(str(m.unreadable) for m in rows(messages) if not m.sent_seen and m.unreadable)
    if not why:
        return otherwise
    [(reason, n)] = why.most_common(1)
    if reason.startswith(ELSEWHERE):
        return reason
    return f"the payloads of {plural(n, 'message')} could not be decoded: {reason}"


def store_unseen(run: Run, otherwise: str) -> str:
    """Where the stored ID is, when that is not where the profile says; else ``otherwise``."""
    found = [s.place for s in rows(run.sightings) if s.layer == "stored" and s.place]
    return f"{ELSEWHERE}{found[0]}, and the profile's store names another place" if found else otherwise
