"""The random test: Hypothesis draws sequences of user actions; a failing sequence is then shortened."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from e2e.capture.lane.run_context import RunContext
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import CaptureIncomplete, HarnessError
from e2e.explore.random_test.judge import judge
from e2e.explore.random_test.user import User
from e2e.records.journal import Journal
from e2e.records.records import Chat, Event, RunMeta

WEIGHTS: Mapping[str, int] = {
    "new": 6,
    "tab": 7,
    "return": 3,
    "send": 2,
    "reload": 2,
    "back": 2,
    "rapid": 1,
    "begin": 1,
    "stop": 1,
    "forward": 1,
    "offline": 1,
    "online": 2,
    "resize": 1,
}
"""User action -> relative frequency."""
ACTIONS = tuple(WEIGHTS)
ACTIONS_PER_TRIAL = 16
"""Most actions of one trial. A message follows most of them: only a message shows which session is in use."""
_MESSAGE_PROBABILITY = 0.75
_DRAWN = tuple(name for name, weight in WEIGHTS.items() for _ in range(weight))


class InvariantBroken(AssertionError):
    """A trial broke an invariant."""


class RecordsInMemory:
    """Keeps the records of a trial in memory, where `EvidenceWriter` writes them to a folder."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.chats: list[Chat] = []

    def event(self, event: Event) -> None:
        self.events.append(event)

    def chat(self, chat: Chat) -> None:
        self.chats.append(chat)

    def flush(self) -> None:
        """Nothing to do: there is no buffer."""


@dataclass(slots=True)
class RandomTest:
    """Runs trials until an invariant breaks or the budget is used up."""

    run_context: RunContext
    redactor: Redactor
    meta: RunMeta
    steps: int
    """Budget: actions of all trials together, without those for shortening."""
    search_seconds: float
    """Budget for finding a failure."""
    shorten_seconds: float
    """Budget for shortening it."""
    seed: int | None = None
    hypothesis_folder: Path | None = None
    """Storage folder of Hypothesis."""
    steps_done: int = 0
    """Actions until the first failure, or in total."""
    trials: int = 0
    """Trials that were judged."""
    shortest_failure: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """The shortest failing sequence of actions, and the invariants that it broke."""
    incomplete: list[HarnessError] = field(default_factory=list)
    """Why trials could not be judged."""
    draw_seed: int = 0
    """The seed of this run: ``seed``, or a drawn one."""
    _known_ids: set[str] = field(default_factory=set)
    _deadline: float = 0.0

    def run(self) -> None:
        """Look for a failing sequence, then shorten it."""
        if self.hypothesis_folder is not None:
            set_hypothesis_home_dir(self.hypothesis_folder)
        self._deadline = time.monotonic() + self.search_seconds
        machine = _state_machine(self)
        self.draw_seed = random.SystemRandom().randrange(2**32) if self.seed is None else self.seed
        try:
            run_state_machine_as_test(
                with_seed(self.draw_seed)(machine),
                settings=settings(
                    max_examples=max(1, self.steps // 4),
                    stateful_step_count=ACTIONS_PER_TRIAL,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    report_multiple_bugs=False,
                    phases=(Phase.generate,),
                    verbosity=Verbosity.quiet,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except (InvariantBroken, HypothesisException):
            if self.shortest_failure is None:
                raise
        self._deadline = time.monotonic() + self.shorten_seconds
        self._shorten()

    def _shorten(self) -> None:
        """Remove actions that the failure does not need: large parts first, then single actions (delta debugging).

        Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002. Hypothesis shrinks too, but
        needs some hundred trials for it. These actions are independent of each other, so a dozen trials suffice.
        """
        size = len(self.shortest_failure[0]) // 2 if self.shortest_failure else 0
        while size and self.shortest_failure is not None and not self._out_of_time:
            sequence = self.shortest_failure[0]
            for start in range(0, len(sequence), size):
                with suppress(InvariantBroken):
                    self.replay((*sequence[:start], *sequence[start + size :]))
                if len(self.shortest_failure[0]) < len(sequence) or self._out_of_time:
                    break
            else:
                size //= 2
                continue
            size = min(size, max(1, len(self.shortest_failure[0]) // 2))

    def replay(self, sequence: Sequence[str]) -> None:
        """Perform exactly these actions. Raises `InvariantBroken`."""
        trial = self.begin_trial()
        for name in sequence:
            trial.perform(name)
        self.end_trial(trial)

    @property
    def _out_of_time(self) -> bool:
        return time.monotonic() > self._deadline

    @property
    def finished(self) -> bool:
        """Whether the search is over; Hypothesis cannot be stopped, so later actions do nothing."""
        return self._out_of_time or self.shortest_failure is not None or self.steps_done >= self.steps

    def begin_trial(self) -> Trial:
        """Open a fresh browser context."""
        records = RecordsInMemory()
        journal = Journal(self.meta.run_id, records)
        return Trial(User(self.run_context, journal, self.redactor), records)

    def end_trial(self, trial: Trial) -> None:
        """Close the browser and judge the trial. Raises `InvariantBroken`."""
        error, sequence = trial.error, tuple(trial.performed)
        broken: tuple[str, ...] = ()
        try:
            if error is None:
                trial.user.end_chats()
        except HarnessError as raised:
            error = raised
        finally:
            trial.user.close()
        if error is not None:
            if not (isinstance(error, CaptureIncomplete) and "steps.new_chat" in error.where):
                self.incomplete.append(error)
                return
            broken = (f"New Chat could not be clicked: {error.what}",)
        self.trials += 1
        result = judge(
            replace(self.meta, code={}), trial.records.events, trial.records.chats, self._known_ids
        )
        broken += result.broken
        self._known_ids |= result.ids
        if not broken:
            return
        best = self.shortest_failure
        if best is None or len(sequence) < len(best[0]):
            self.shortest_failure = (sequence, broken)
        raise InvariantBroken("; ".join(broken))


@dataclass(slots=True)
class Trial:
    """One sequence of actions in a fresh browser context."""

    user: User
    records: RecordsInMemory
    performed: list[str] = field(default_factory=list)
    error: HarnessError | None = None
    """Why the trial could not continue."""

    def perform(self, name: str) -> None:
        """Perform an action; skip it if it is not available now."""
        if self.error is None and name in self.user.available_actions:
            self.performed.append(name)
            try:
                self.user.perform(name)
            except HarnessError as error:
                self.error = error


def _state_machine(test: RandomTest) -> type[RuleBasedStateMachine]:
    """Hypothesis wants a class: one that belongs to ``test``."""

    class UserActions(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.trial: Trial | None = None

        @rule(number=st.integers(0, 2**32 - 1))
        def step(self, number: int) -> None:
            if test.finished:
                return
            self.trial = self.trial or test.begin_trial()
            before = len(self.trial.performed)
            # Hypothesis prefers small numbers and repeats them. The weights must decide, so its number is only a seed.
            # Its first trial has zeros only: without the run's own seed that trial was the same in each run.
            draws = random.Random(f"{test.draw_seed}.{number}.{before}")
            available = set(self.trial.user.available_actions)
            name = draws.choice([name for name in _DRAWN if name in available])
            with_message = draws.random() < _MESSAGE_PROBABILITY
            self.trial.perform(name)
            if with_message and name not in ("rapid", "begin", "send"):
                self.trial.perform("send")
            test.steps_done += len(self.trial.performed) - before

        def teardown(self) -> None:
            if self.trial is not None:
                test.end_trial(self.trial)

    return UserActions
