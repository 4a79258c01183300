"""Which lane plays which scenario: the longest first, each lane another one, and none is left behind by a lane that ends."""

from __future__ import annotations

from e2e.capture.lane.plays import LanePlays, PlayQueue
from e2e.capture.scenarios.catalogue import SCENARIOS, Scenario


def play_out(plays: list[Scenario], lanes: int) -> dict[int, list[Scenario]]:
    """Each lane takes the next one as soon as it has played for as long as a scenario takes."""
    queue = PlayQueue(plays)
    free_at = dict.fromkeys(range(lanes), 0)
    played: dict[int, list[Scenario]] = {lane: [] for lane in free_at}
    while free_at:
        lane = min(free_at, key=lambda n: free_at[n])
        mine = LanePlays(queue, lane)
        if mine.next is None:
            del free_at[lane]
            continue
        free_at[lane] += mine.next.length
        played[lane].append(mine.begin())
    return played


def test_all_are_played_by_as_many_lanes_as_they_have_plays() -> None:
    played = play_out([*SCENARIOS, *SCENARIOS], 4)
    for scenario in SCENARIOS:
        assert sum(scenario in mine for mine in played.values()) == 2


def test_lanes_end_at_nearly_the_same_time() -> None:
    played = play_out([*SCENARIOS, *SCENARIOS], 4)
    lengths = [sum(scenario.length for scenario in mine) for mine in played.values()]
    assert max(lengths) - min(lengths) <= 3
    longest = max(scenario.length for scenario in SCENARIOS)
    assert all(mine[0].length >= longest - 1 for mine in played.values()), "the longest come first"


def test_what_a_lane_has_only_looked_at_is_played_by_another() -> None:
    queue = PlayQueue(SCENARIOS[:1])
    lanes = [LanePlays(queue, lane) for lane in range(3)]
    assert [lane.next for lane in lanes] == [SCENARIOS[0], None, None]
    lanes[0].end()
    assert lanes[1].begin() is SCENARIOS[0]
    lanes[1].end()
    assert lanes[2].next is None
