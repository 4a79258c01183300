"""The state machine: Hypothesis draws what is done next, and looks for the shortest sequence that breaks something."""

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
from e2e.explore.random_test.user import Person
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
"""What can be done -> how often it is drawn."""
ACTIONS = tuple(WEIGHTS)
PER_WALK = 16
"""Draws of one walk, at most. Each is one thing to do, mostly with a message after it: without one nothing can be seen."""
_SAYS = 0.75
_DRAWN = tuple(name for name, weight in WEIGHTS.items() for _ in range(weight))


class Broken(AssertionError):
    """A walk broke something."""


class Memory:
    """Keeps a walk's records in memory: what `EvidenceWriter` writes to a folder."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.chats: list[Chat] = []

    def event(self, event: Event) -> None:
        self.events.append(event)

    def chat(self, chat: Chat) -> None:
        self.chats.append(chat)

    def flush(self) -> None:
        """Nothing is held back."""


@dataclass(slots=True)
class Walker:
    """Walks until something breaks or the budget is spent."""

    run_context: RunContext
    redactor: Redactor
    meta: RunMeta
    steps: int
    """In all walks together, while something is looked for."""
    search: float
    """Seconds to look for a break."""
    shorten: float
    """Seconds to shorten it."""
    seed: int | None = None
    home: Path | None = None
    """Where Hypothesis may keep what it wants to keep."""
    taken: int = 0
    """Steps until the first break, or in all."""
    walks: int = 0
    shortest: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """The shortest sequence that broke something, and what it broke."""
    unseen: list[HarnessError] = field(default_factory=list)
    """What kept walks from their end."""
    _known: set[str] = field(default_factory=set)
    _until: float = 0.0

    def walk(self) -> None:
        """Look for a break, then for the shortest way to it."""
        if self.home is not None:
            set_hypothesis_home_dir(self.home)
        self._until = time.monotonic() + self.search
        machine = _machine(self)
        number = random.SystemRandom().randrange(2**32) if self.seed is None else self.seed
        try:
            run_state_machine_as_test(
                with_seed(number)(machine),
                settings=settings(
                    max_examples=max(1, self.steps // 4),
                    stateful_step_count=PER_WALK,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    report_multiple_bugs=False,
                    phases=(Phase.generate,),
                    verbosity=Verbosity.quiet,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except (Broken, HypothesisException):
            if self.shortest is None:
                raise
        self._until = time.monotonic() + self.shorten
        self._shorten()

    def _shorten(self) -> None:
        """Leave out whatever the break does not need: large parts first, single steps last (Zeller's delta debugging).

        Hypothesis could do it too, in some hundred walks; that these steps are independent makes it a dozen.
        """
        size = len(self.shortest[0]) // 2 if self.shortest else 0
        while size and self.shortest is not None and not self._late:
            sequence = self.shortest[0]
            for start in range(0, len(sequence), size):
                with suppress(Broken):
                    self.replay((*sequence[:start], *sequence[start + size :]))
                if len(self.shortest[0]) < len(sequence) or self._late:
                    break
            else:
                size //= 2
                continue
            size = min(size, max(1, len(self.shortest[0]) // 2))

    def replay(self, sequence: Sequence[str]) -> None:
        """Do exactly this. Raises `Broken` when it breaks something."""
        walk = self.begin()
        for name in sequence:
            walk.do(name)
        self.finish(walk)

    @property
    def _late(self) -> bool:
        return time.monotonic() > self._until

    @property
    def spent(self) -> bool:
        """Nothing more is to be tried: further draws do nothing."""
        return self._late or self.shortest is not None or self.taken >= self.steps

    def begin(self) -> Walk:
        """A fresh browser."""
        memory = Memory()
        journal = Journal(self.meta.run_id, memory)
        return Walk(Person(self.run_context, journal, self.redactor), memory)

    def finish(self, walk: Walk) -> None:
        """Judge a walk. Raises `Broken` when it broke something."""
        stuck, sequence = walk.stuck, tuple(walk.done)
        broken: tuple[str, ...] = ()
        try:
            if stuck is None:
                walk.person.finish()
        except HarnessError as error:
            stuck = error
        finally:
            walk.person.close()
        if stuck is not None:
            if not (isinstance(stuck, CaptureIncomplete) and "steps.new_chat" in stuck.where):
                self.unseen.append(stuck)
                return
            broken = (f"New Chat could not be clicked: {stuck.what}",)
        self.walks += 1
        judged = judge(replace(self.meta, code={}), walk.memory.events, walk.memory.chats, self._known)
        broken += judged.broken
        self._known |= judged.ids
        if not broken:
            return
        best = self.shortest
        if best is None or len(sequence) < len(best[0]):
            self.shortest = (sequence, broken)
        raise Broken("; ".join(broken))


@dataclass(slots=True)
class Walk:
    """One walk in a fresh browser."""

    person: Person
    memory: Memory
    done: list[str] = field(default_factory=list)
    stuck: HarnessError | None = None
    """Why it could not go on."""

    def do(self, name: str) -> None:
        """One step; what cannot be done now is no step."""
        if self.stuck is None and name in self.person.can:
            self.done.append(name)
            try:
                self.person.do(name)
            except HarnessError as error:
                self.stuck = error


def _machine(walker: Walker) -> type[RuleBasedStateMachine]:
    """The machine's class, bound to a walker."""

    class AnyOrder(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.walk: Walk | None = None

        @rule(number=st.integers(0, 2**32 - 1))
        def step(self, number: int) -> None:
            if walker.spent:
                return
            self.walk = self.walk or walker.begin()
            before = len(self.walk.done)
            # Hypothesis likes small numbers and repeats itself; here every sequence is to be as likely as its weights say.
            drawn = random.Random(f"{number}.{before}")
            name, says = drawn.choice(_DRAWN), drawn.random() < _SAYS
            self.walk.do(name)
            if says and name not in ("rapid", "begin", "send"):
                self.walk.do("send")
            walker.taken += len(self.walk.done) - before

        def teardown(self) -> None:
            if self.walk is not None:
                walker.finish(self.walk)

    return AnyOrder
