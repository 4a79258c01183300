"""Everything that acts in one window: the page, its recorder, its wire, and what they share with the other lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from e2e.capture.network.events.wire import Wire
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scenarios.habits import Habits
from e2e.capture.scheduling.pace import Pace
from e2e.capture.target.backend_client import BackendClient
from e2e.errors import Blocked, CaptureIncomplete, HarnessError
from e2e.pages.chat_page import ChatPage
from e2e.pages.waits import Steps
from e2e.profile.profile import Profile
from e2e.profile.values.bounded import Pattern


def _no_tabs() -> LaneContext:
    raise CaptureIncomplete("this page cannot open another tab")


@dataclass(slots=True)
class LaneContext:
    """Everything that acts in a lane."""

    profile: Profile
    page: ChatPage
    recorder: LaneRecorder
    wire: Wire
    backend: BackendClient | None
    pace: Pace
    waits_for_rotation: bool = True
    """New Chat is to write a new ID to the store at the click, and writes are watched."""
    watches: bool = True
    """False when nothing is recorded: the benchmark without capture."""
    habits: Habits = field(default_factory=Habits)
    """What the run has learned of this target's times."""
    loads: int = 0
    """How often the page was loaded when New Chat was clicked last."""
    acted_at: float = 0.0
    """When New Chat was last clicked, or the page loaded (monotonic)."""
    rotations: int = 0
    """How many rotations that is to bring: two clicks may bring two."""

    rejected: Callable[[Blocked], None] = lambda _: None
    """Told of a message that the backend did not take, while the chat goes on."""
    windows: Callable[[], int] = lambda: 0
    """How many windows the page has opened by itself."""
    open_tab: Callable[[], LaneContext] = _no_tabs
    """Opens another tab of the same browser; its recorder shares the lane's chats."""
    close: Callable[[], None] = lambda: None
    """Closes this tab."""

    def network(self, latency: float) -> None:
        """Let every answer take at least ``latency`` seconds longer; 0 ends it."""
        self.recorder.note("network", latency_ms=round(latency * 1000))
        self.wire.delay(latency)

    def refusal(self) -> Blocked | None:
        """The profile's sign of a refusal that the page shows now, if any."""
        for sign in self.profile.blocked:
            if sign.screen is not None and self.page.shows(sign.screen):
                return refused(sign.kind, f"the page shows {sign.screen}")
            if sign.url is not None and Pattern(sign.url, f"blocked {sign.kind!r}: url").search(
                self.page.address
            ):
                return refused(sign.kind, "the page's address is that of a refusal")
        return None


def look_for_late_text(context: LaneContext) -> Steps:
    """Search the conversation on the screen for late text of the replies to earlier chats."""
    shown = yield from context.page.conversing()
    if shown is not None:
        context.recorder.shows(shown)


def refused(condition: str, what: str, advice: str = "") -> Blocked:
    """The error for a refusal of that kind."""
    return Blocked(
        what,
        hint=advice or ADVICE.get(condition, "look at the screenshot beside the evidence"),
        condition=condition,
    )


ADVICE = {
    "rate-limited": "the target limits requests: limits.requests_per_minute in the profile, or fewer lanes",
    "daily-limit": "the target limits messages per browser: limits.messages_per_context in the profile",
    "login-wall": "the target wants a login: `make login TARGET=…`, and login in the profile",
    "captcha": "the target shows a captcha: its owner may allow test accounts without one",
    "backend-down": "look at the backend's log",
}


def unreadable(what: str) -> Callable[[], HarnessError]:
    """What a wait raises when the page does not show something."""
    return lambda: CaptureIncomplete(f"{what} could not be read")
