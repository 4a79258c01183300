"""What a run is to do: how many chats in which lanes, which scenarios, within what the target allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2e.capture.lane.lane import GOES_ON, messages_each
from e2e.capture.run.shards import WHOLE, Shard
from e2e.capture.scenarios.catalogue import PLAYS, Programme, programme
from e2e.capture.scheduling.pace import affordable
from e2e.profile.profile import Profile


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do."""

    profile: Profile
    url: str
    chats: int
    lanes: int
    out: Path
    show_ids: bool = False
    alarms_per_year: float = 0.02
    continue_last: bool = True
    """One plain chat of each lane goes on with a second message."""
    scenarios: tuple[str, ...] = ()
    """Names of the scenarios that are played after the plain chats."""
    plays: int = PLAYS
    """How often each of them is played, by as many lanes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    invocation: Mapping[str, str] = field(default_factory=dict)
    """Variables of ``make e2e`` that lead to the same target again."""
    trace: bool = True
    shard: Shard = WHOLE
    """Which part of the run this process plays; the plan is that of the whole run."""
    shared_run: str = ""
    """Name of the run that several machines share."""
    traceparent: bool = False
    """The page's chat requests get the trace context of their chat."""
    source_maps: Path | None = None
    """A folder with source maps that are built but not published."""
    wire: str = "auto"
    """``--wire``: which source reports the requests, replies and frames."""
    full: bool = True
    """False only in the benchmark: drive and wait as always, but record nothing."""

    @property
    def used_lanes(self) -> int:
        return max(1, min(self.lanes, self.affordable_chats))

    @property
    def affordable_chats(self) -> int:
        """``chats``, or as many as the profile's budget of messages allows."""
        more = GOES_ON if self.continue_last else 0
        return affordable(
            self.chats, self.lanes, self.profile.limits, each=messages_each(self.profile), more=more
        )

    def programme(self) -> Programme:
        """Which lane plays which scenario, within what the plain chats leave of the budget of messages."""
        limit = self.profile.limits.messages
        spent = self.affordable_chats * messages_each(self.profile)
        spent += (GOES_ON if self.continue_last else 0) * self.used_lanes
        whole = programme(
            self.profile,
            self.scenarios,
            self.used_lanes,
            None if limit is None else max(0, limit - spent),
            self.plays,
        )
        return whole.of(self.shard.has)

    @property
    def own_lanes(self) -> list[int]:
        """The numbers of the lanes of this shard."""
        return [lane for lane in range(self.used_lanes) if self.shard.has(lane)]

    @property
    def own_chats(self) -> int:
        """How many plain chats this shard plays."""
        return sum(map(self.share, self.own_lanes))

    def share(self, lane: int) -> int:
        """How many chats this lane has."""
        every, more = divmod(self.affordable_chats, self.used_lanes)
        return every + (lane < more)
