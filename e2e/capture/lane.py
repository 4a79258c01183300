"""One lane: a browser context with everything that watches it, and the chats that the person in it has."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Error

from e2e.capture import scenarios
from e2e.capture.backend import BackendClient
from e2e.capture.cdp import CdpWire
from e2e.capture.recorder import LaneRecorder
from e2e.capture.scenarios import Cast
from e2e.capture.scheduler import Pulse
from e2e.capture.traces import TRACED_CHATS, Trace
from e2e.capture.wire import Rule
from e2e.errors import Blocked, CaptureIncomplete, HarnessError
from e2e.pages.chat_page import ChatPage
from e2e.pages.waits import Steps
from fixtures.targets.profile import Profile

_SCRIPT = Path(__file__).with_name("page_recorder.js").read_text(encoding="utf-8").strip()
_GIVE_UP_AFTER = 2  # chats of a lane in a row that the environment refused


@dataclass(frozen=True, slots=True)
class Stage:
    """What all lanes of a run share."""

    profile: Profile
    url: str
    browser: Browser
    context_args: Mapping[str, Any]
    rules: tuple[Rule, ...]
    pulse: Pulse
    backend: BackendClient | None
    folder: Path | None
    """Where traces and pictures go; None when nothing is recorded."""
    trace: bool
    full: bool
    continue_last: bool
    problem: Callable[[HarnessError, str], None]
    stopped: Callable[[], str]
    """Why the whole run must end, or ``""``."""
    crashed: Callable[[str], None]


class Lane:
    """Has ``chats`` chats, one after the other, each ending in one observation."""

    def __init__(self, number: int, chats: int, stage: Stage, recorder: LaneRecorder) -> None:
        self.number = number
        self._chats = chats
        self._stage = stage
        self._recorder = recorder
        self._context: BrowserContext | None = None
        self._page: ChatPage | None = None
        self._trace: Trace | None = None

    def steps(self) -> Steps:
        """The lane's life. Whatever the suite cannot see becomes a problem of the run; it never raises a `HarnessError`."""
        recorder = self._recorder
        try:
            cast = self._open_context()
            recorder.begin_chat("load")
            recorder.note("open")
            yield from cast.page.open()
            yield from self._all_chats(cast)
        except HarnessError as error:
            self._end_badly("lost", error)
        except Error as error:
            if self._stage.stopped():
                return
            said = error.message.splitlines()[0]
            self._end_badly(
                "lost",
                CaptureIncomplete(
                    f"the browser could not go on: {said}", way_out="run again; lower --lanes?"
                ),
            )
        finally:
            recorder.end_chat("lost", self._stage.stopped() or "the run ended")

    def close(self) -> None:
        """Write the trace and close the context; nothing is left to do when the browser is gone."""
        if self._trace is not None:
            self._trace.stop()
        if self._context is not None:
            try:
                self._context.close()
            except Error:
                self._context = None

    def _all_chats(self, cast: Cast) -> Steps:
        refused = 0
        for number in range(self._chats):
            if number:
                yield from scenarios.new_chat(cast)
            try:
                yield from self._chat(cast, last=number == self._chats - 1)
                refused = 0
            except Blocked as blocked:
                refused += 1
                self._end_badly("blocked", blocked)
                if refused >= _GIVE_UP_AFTER or isinstance(blocked, scenarios.NoReply):
                    return  # a backend that hangs would hang again
            if number + 1 == TRACED_CHATS and self._trace is not None:
                self._trace.stop()

    def _chat(self, cast: Cast, *, last: bool) -> Steps:
        chat = cast.recorder.chat
        assert chat is not None
        if chat.via == "new_chat":
            yield from scenarios.first_message(cast)
        else:
            yield from scenarios.message(cast)
        if last and self._stage.continue_last:
            yield from scenarios.message(cast)
            yield from scenarios.reload(cast)
            yield from scenarios.message(cast, after_reload=True)
        cast.recorder.end_chat()

    def _open_context(self) -> Cast:
        stage, recorder, profile = self._stage, self._recorder, self._stage.profile
        width, height = profile.where.viewport
        args: dict[str, Any] = {
            "viewport": {"width": width, "height": height},
            "reduced_motion": "reduce",  # endless animations would draw thousands of frames a second
            **({"locale": profile.where.locale} if profile.where.locale else {}),
            **({"extra_http_headers": profile.where.headers} if profile.where.headers else {}),
            **stage.context_args,
        }
        context = self._context = stage.browser.new_context(**args)
        if stage.trace and stage.folder is not None:
            self._trace = Trace(context, stage.folder, self.number)
        page = context.new_page()
        page.on(
            "crash", stage.pulse.guarded(lambda _: stage.crashed(f"the page of lane {self.number} crashed"))
        )
        if stage.full:
            page.on("pageerror", stage.pulse.guarded(lambda error: recorder.page_error(str(error))))
        binding, name = "binding_" + secrets.token_hex(4), "recorder_" + secrets.token_hex(4)
        session = context.new_cdp_session(page)

        def called(event: dict[str, Any]) -> None:
            if event["name"] == binding:
                recorder.on_signals(json.loads(event["payload"]))

        session.on("Runtime.bindingCalled", stage.pulse.guarded(called))
        session.send("Runtime.enable")  # without it no binding is made
        session.send("Runtime.addBinding", {"name": binding})
        wire = CdpWire(session, stage.rules, recorder, stage.pulse, reading=stage.full)
        config = {
            "binding": binding,
            "name": name,
            "store": profile.session.store,
            "key": profile.session.key,
            "keyPattern": profile.session.key_pattern,
            "urls": [rule.url for rule in profile.wire],
            "full": stage.full,
        }
        page.add_init_script(f"({_SCRIPT})({json.dumps(config)})")
        chat_page = self._page = ChatPage(page, profile, stage.url, name)
        on_click = profile.policy.rotation == "on_click" and profile.session.store != "none"
        return Cast(
            profile, chat_page, recorder, wire, stage.backend, waits_for_rotation=stage.full and on_click
        )

    def _end_badly(self, status: Literal["blocked", "lost"], error: HarnessError) -> None:
        chat = self._recorder.chat
        place = f"lane {self.number}" + (f", chat {chat.number}" if chat else "")
        self._stage.problem(error, place)
        self._picture(f"lane-{self.number}-chat-{chat.number if chat else 'none'}.png")
        self._recorder.end_chat(status, error.what)

    def _picture(self, name: str) -> None:
        """What the person saw when it went wrong, session IDs covered."""
        if self._page is None or self._stage.folder is None or self._stage.stopped():
            return
        try:
            (self._stage.folder / name).write_bytes(self._page.screenshot())
        except Error:
            return  # a page that cannot be drawn any more has already said why
