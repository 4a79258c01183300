"""What all lanes of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from e2e.capture.lane.network_service import NetworkService
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scenarios.habits import Habits
from e2e.capture.scheduling.pace import Pace
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.target.backend_client import BackendClient
from e2e.errors import HarnessError
from e2e.profile.profile import Profile


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all lanes of a run share."""

    profile: Profile
    url: str
    browser: Browser
    context_args: Mapping[str, Any]
    rules: tuple[Rule, ...]
    waiter: EventWaiter
    pace: Pace
    backend: BackendClient | None
    folder: Path | None
    """Where traces and pictures go; None when nothing is recorded."""
    trace: bool
    full: bool
    goes_on: bool
    problem: Callable[[HarnessError, str], None]
    stopped: Callable[[], str]
    """Why the whole run must end, or ``""``."""
    crashed: Callable[[str], None]
    enough: Callable[[], bool] = lambda: False
    """No further plain chat is needed."""
    habits: Habits = field(default_factory=Habits)
    wire: str = "cdp"
    """The source of the wire: ``cdp`` or ``in-page``."""
    open_contexts: list[BrowserContext] = field(default_factory=list)
    """Those of the run, so that all can be closed when a page of them answers no more."""
    traceparent: Callable[[int, int], str] | None = None
    """Lane and chat -> the header that their requests get; None: they get none."""
    wraps_workers: bool = False
    """In-page: the target's policy allows a worker that begins with the suite's script."""
    network_service: NetworkService | None = None
    """The browser's, which all lanes share."""
