"""Messages that the page accepted and never sent, while others of the run were sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow, PayloadRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of, lane_name


def lost_messages(run: Run) -> Mapping[ChatKey, tuple[MessageRow, ...]]:
    """Each chat that lost messages, with those. None where no message of the run was seen to leave: then it may be the profile.

    A message whose payload came after the wait for it was late, not lost.
    """

    def collect() -> dict[ChatKey, tuple[MessageRow, ...]]:
        unsent = [m for m in run.every(MessageRow) if m.outcome == "unsent" and m.accepted]
        if not unsent or not any(m.sent_seen for m in run.every(MessageRow)):
            return {}
        late = {(key_of(p), p.message) for p in run.every(PayloadRow) if p.message is not None}
        found: dict[ChatKey, list[MessageRow]] = defaultdict(list)
        for m in unsent:
            if (key_of(m), m.number) not in late:
                found[key_of(m)].append(m)
        return {key: tuple(messages) for key, messages in found.items()}

    return run.once("lost_messages", collect)


def describe(message: MessageRow) -> str:
    """The finding in words."""
    return f"the page accepted message {message.number} ({message.accepted}) and never sent it"


def lines(run: Run, lost: Mapping[ChatKey, tuple[MessageRow, ...]]) -> list[str]:
    """One line per chat."""
    return [
        f"{lane_name(run, key.run_id, key.lane)}: chat {key.chat}: {'; '.join(map(describe, messages))}"
        for key, messages in sorted(lost.items())
    ]
