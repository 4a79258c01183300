"""The scenarios that are played after the plain chats, and when a profile makes one meaningless."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from e2e.capture.scenarios.chats import empty_chat, return_to_chat
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.capture.scenarios.memory import memory
from e2e.capture.scenarios.navigation import back_forward, reload
from e2e.capture.scenarios.races import double_click, mid_stream, rapid_send
from e2e.capture.scenarios.tabs import two_tabs
from e2e.pages.waits import Steps
from e2e.profile.profile import Profile
from e2e.records.records import Scenario as Name

PLAYS = 2
"""How often each scenario is played in a run, by as many lanes."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``messages`` is how many messages it sends at most, in one round."""

    name: Name
    messages: int
    play: Callable[[LaneContext], Steps]
    lacks: Callable[[Profile], str] = lambda _: ""
    """What the profile must say for it, or ``""``."""
    rounds: Callable[[Profile], int] = lambda _: 1
    """How often it repeats its messages by the profile."""
    longer: int = 0
    """Messages in whose time it loads pages, waits for a slow network or a long reply."""

    @property
    def length(self) -> int:
        """How long it takes beside the others, in messages."""
        return self.messages + self.longer

    def most(self, profile: Profile) -> int:
        """How many messages it sends at most for this profile."""
        return self.messages * self.rounds(profile)


def _no_way_back(profile: Profile) -> str:
    if profile.steps.return_to_chat:
        return ""
    return "the profile does not say how an older chat is gone back to (steps.return_to_chat)"


def _no_memory(profile: Profile) -> str:
    return "" if profile.memory is not None else "the profile has no [memory]"


SCENARIOS = (
    Scenario("rapid-send", 4, rapid_send, longer=6),
    Scenario("double-click", 2, double_click, longer=1),
    Scenario("mid-stream", 3, mid_stream, longer=3),
    Scenario("reload", 3, reload, longer=3),
    Scenario("two-tabs", 6, two_tabs, longer=3),
    Scenario("back-forward", 3, back_forward, longer=5),
    Scenario("empty-chat", 2, empty_chat, longer=1),
    Scenario("return-to-chat", 3, return_to_chat, _no_way_back, longer=2),
    Scenario("memory", 3, memory, _no_memory, lambda profile: profile.memory.chats if profile.memory else 1),
)
BY_NAME: Mapping[str, Scenario] = {s.name: s for s in SCENARIOS}


@dataclass(frozen=True, slots=True)
class Programme:
    """What is played, and what is left out and why."""

    plays: tuple[tuple[Scenario, ...], ...]
    """Dealt out to the lanes, so that each shard has its part; the lanes of one process take them from one queue (`PlayQueue`)."""
    left_out: Mapping[str, str]

    def of(self, has: Callable[[int], bool]) -> Programme:
        """The plays of the lanes of this shard; others belong to other shards."""
        return Programme(
            tuple(plays if has(lane) else () for lane, plays in enumerate(self.plays)), self.left_out
        )

    def times(self) -> dict[str, int]:
        """Scenario -> how often it is played."""
        found: dict[str, int] = {}
        for plays in self.plays:
            for scenario in plays:
                found[scenario.name] = found.get(scenario.name, 0) + 1
        return found


def programme(
    profile: Profile, wanted: Sequence[str], lanes: int, budget: int | None, times: int = PLAYS
) -> Programme:
    """Share the ``wanted`` scenarios out over the lanes, within a ``budget`` of messages (None: as many as it takes).

    Each is played that many ``times``, by as many lanes: by as many as there are, when those are fewer.
    """
    chosen: list[Scenario] = []
    left_out: dict[str, str] = {}
    per_context = profile.limits.messages_per_context
    for scenario in SCENARIOS:
        if scenario.name not in wanted:
            left_out[scenario.name] = "not requested"
        elif why := scenario.lacks(profile):
            left_out[scenario.name] = why
        elif per_context is not None and scenario.most(profile) + 1 > per_context:
            left_out[scenario.name] = (
                f"it takes {scenario.most(profile) + 1} messages in one browser, and limits.messages_per_context is {per_context}"
            )
        elif budget is not None and scenario.most(profile) > budget:
            left_out[scenario.name] = "the run's budget of messages is used up (limits.messages)"
        else:
            for _ in range(min(times, lanes)):
                if budget is None or scenario.most(profile) <= budget:
                    chosen.append(scenario)
                    budget = None if budget is None else budget - scenario.most(profile)
    return Programme(_dealt(chosen, lanes), left_out)


def _dealt(chosen: Sequence[Scenario], lanes: int) -> tuple[tuple[Scenario, ...], ...]:
    """The longest first, each to the lane that has least to do and does not play it yet."""
    plays: list[list[Scenario]] = [[] for _ in range(lanes)]
    for scenario in sorted(chosen, key=lambda one: -one.length):
        free = [lane for lane in plays if scenario not in lane]
        min(free, key=lambda lane: sum(one.length for one in lane)).append(scenario)
    return tuple(map(tuple, plays))
