"""The scenarios that a lane plays after its plain chats, and when a profile makes one meaningless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from e2e.capture.records import Scenario as Name
from e2e.capture.scenarios.cast import Cast
from e2e.capture.scenarios.chats import empty_chat, return_to_chat
from e2e.capture.scenarios.navigation import back_forward, reload
from e2e.capture.scenarios.races import double_click, mid_stream, rapid_send
from e2e.capture.scenarios.tabs import two_tabs
from e2e.pages.waits import Steps
from fixtures.targets.profile import Profile


@dataclass(frozen=True, slots=True)
class Scenario:
    """``messages`` is how many messages it sends at most."""

    name: Name
    messages: int
    play: Callable[[Cast], Steps]
    lacks: Callable[[Profile], str] = lambda _: ""
    """What the profile must say for it, or ``""``."""


def _no_way_back(profile: Profile) -> str:
    return "" if profile.steps.return_to_chat else "steps.return_to_chat"


SCENARIOS = (
    Scenario("rapid-send", 2, rapid_send),
    Scenario("double-click", 2, double_click),
    Scenario("mid-stream", 3, mid_stream),
    Scenario("reload", 3, reload),
    Scenario("two-tabs", 6, two_tabs),
    Scenario("back-forward", 3, back_forward),
    Scenario("empty-chat", 1, empty_chat),
    Scenario("return-to-chat", 3, return_to_chat, _no_way_back),
)


def playable(profile: Profile, wanted: tuple[str, ...]) -> tuple[Scenario, ...]:
    """Those of ``wanted`` for which the profile says enough."""
    return tuple(s for s in SCENARIOS if s.name in wanted and not s.lacks(profile))
