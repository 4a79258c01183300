"""How many lanes completed a scenario, and why the others did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from e2e.analysis.facts.lost_messages import lost_messages
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, RecallRow, ScenarioRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of, plural

_NOT_BEGUN = "not started: the lane or the run had ended"


@dataclass(frozen=True, slots=True)
class Plays:
    """One scenario over all lanes of a run. A lane runs it once."""

    scenario: str
    planned: int
    unseen: tuple[str, ...]
    """Why, for each lane that did not complete it."""

    @property
    def seen(self) -> int:
        return self.planned - len(self.unseen)

    @property
    def mostly_unseen(self) -> bool:
        return 2 * len(self.unseen) > self.planned

    @property
    def note(self) -> str:
        """``2 of 4 lanes did not complete it: the button was disabled``, or ``""``."""
        if not self.unseen:
            return ""
        why = "; ".join(
            reason if n == 1 or len(self.unseen) == n else f"{reason} ({n} times)"
            for reason, n in Counter(self.unseen).most_common()
        )
        return f"{len(self.unseen)} of {plural(self.planned, 'lane')} did not complete it: {why}"


def plays_of(run: Run, scenario: str) -> Plays:
    """The lanes of ``scenario``. That a lane started it is known by its event, or by its chats."""
    events = [e for e in run.every(ScenarioRow) if e.scenario == scenario]
    chats = [c for c in run.every(ChatRow) if c.scenario == scenario]
    lost = lost_messages(run)
    begun = dict.fromkeys([(e.run_id, e.lane) for e in events] + [(c.run_id, c.lane) for c in chats])
    why: dict[tuple[str, int], str] = {}
    for e in events:
        if e.what is not None:
            why.setdefault((e.run_id, e.lane), _reason(e))
    for c in chats:
        if c.status != "observed" and key_of(c) not in lost:
            why.setdefault((c.run_id, c.lane), c.reason or "no reason given")
    planned = max(sum(meta.scenarios.get(scenario, 0) for meta in run.metas), len(begun))
    missing = planned - len(begun)
    return Plays(
        scenario,
        planned,
        (*(why[lane] for lane in begun if lane in why), *[_NOT_BEGUN] * missing),
    )


def recalls_of(run: Run) -> Mapping[ChatKey, tuple[RecallRow, ...]]:
    """The questions for code words of each chat, in their order."""

    def collect() -> dict[ChatKey, tuple[RecallRow, ...]]:
        found: dict[ChatKey, tuple[RecallRow, ...]] = {}
        for r in run.every(RecallRow):
            found[key_of(r)] = (*found.get(key_of(r), ()), r)
        return found

    return run.once("recalls", collect)


def _reason(event: ScenarioRow) -> str:
    """What blocked it, and at which step of the profile."""
    where = event.where or ""
    step = f" ({where})" if where.startswith(("steps.", "where.")) else ""
    return f"{event.what}{step}"
