"""The experiments in a browser: two chats in a fresh context, each time with one thing other than it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.capture.scenarios.races import SLOW
from e2e.pages.waits import Steps
from e2e.profile.profile import Profile

OTHER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MESSAGES = 2
"""Messages that each of these sends."""
_FROZEN = """(() => {
  const Real = Date, fixed = NOW;
  globalThis.Date = class Date extends Real {
    constructor(...args) { if (args.length) super(...args); else super(fixed); }
    static now() { return fixed; }
  };
})()"""


def _as_it_is(_: LaneContext) -> None:
    """Change nothing."""


def _lacks_nothing(_: Profile) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One thing changed, and two chats with it."""

    name: str
    question: str
    context: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the browser context."""
    other_user: bool = False
    before: Callable[[LaneContext], None] = _as_it_is
    """Done before the page is opened."""
    reloads: bool = False
    """The page is loaded again between New Chat and the second chat's message."""
    about_ids: bool = True
    """Its question is about session IDs: it says nothing of a chat that sends none."""
    lacks: Callable[[Profile], str] = _lacks_nothing
    """Why it cannot be made, or ``""``."""

    def play(self, context: LaneContext) -> Steps:
        """A chat, New Chat, another chat."""
        recorder = context.recorder
        self.before(context)
        recorder.begin_chat("load")
        yield from opening.open_page(context)
        yield from turns.message(context)
        if context.profile.policy.rotation == "on_first_reply":
            yield from turns.message(context)  # only from the second message on is the chat's ID sent
        recorder.end_chat()
        yield from opening.new_chat(context)
        if self.reloads:
            yield from opening.reload(context)
        yield from turns.message(context, after="reload" if self.reloads else "")
        recorder.end_chat()


def _freeze_clock(context: LaneContext) -> None:
    """Only what scripts ask the time of: timers, and the suite's own times, go on."""
    context.page.page.add_init_script(_FROZEN.replace("NOW", json.dumps(round(time.time() * 1000))))


def _switch_caches_off(context: LaneContext) -> None:
    context.wire.bypass_caches()


def _slow_down(context: LaneContext) -> None:
    context.network(SLOW)


def _one_user_only(profile: Profile) -> str:
    if profile.login is not None and len(profile.login.accounts) > 1:
        return ""
    return "the profile names no second account (login.accounts)"


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment("new-context", "does it happen in a browser that has never been here?"),
    Experiment("user-agent", "does it depend on the user agent?", context={"user_agent": OTHER_AGENT}),
    Experiment("user", "does it depend on the user?", other_user=True, lacks=_one_user_only),
    Experiment("frozen-clock", "is the ID made of the time?", before=_freeze_clock),
    Experiment("reload", "does a reload hide it?", reloads=True),
    Experiment("cache-off", "does a cache take part in it?", before=_switch_caches_off, about_ids=False),
    Experiment("slow-network", "does it depend on how fast the network is?", before=_slow_down),
)
