"""One run: opens the lanes, plays the chats, queries the backend and writes the evidence."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Playwright

from e2e.capture.code import source_maps
from e2e.capture.code.libraries import infrastructure
from e2e.capture.code.local_maps import LocalMaps
from e2e.capture.experiments.runner import ExperimentRunner
from e2e.capture.lane.lane import Lane
from e2e.capture.lane.network_service import NetworkService
from e2e.capture.lane.plays import PlayQueue
from e2e.capture.lane.run_context import RunContext
from e2e.capture.network.in_page.policy import wraps_workers
from e2e.capture.network.sources import IN_PAGE, source_for
from e2e.capture.network.wire_rules import Rule
from e2e.capture.recording.code_words import CodeWord
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.run import misplaced_ids
from e2e.capture.run.plan import Plan
from e2e.capture.scenarios.habits import Habits
from e2e.capture.scheduling.pace import Pace
from e2e.capture.scheduling.scheduler import EventWaiter, run_lanes
from e2e.capture.session_ids.redaction import Redactor
from e2e.capture.target.backend_client import Answer, BackendClient, probe
from e2e.capture.target.policy import policy_of
from e2e.errors import Blocked, CaptureIncomplete, HarnessError
from e2e.pages.waits import Steps
from e2e.profile.environment import variables_of
from e2e.records.evidence import EvidenceWriter, compact, read_for_judging
from e2e.records.journal import Journal
from e2e.records.records import Chat, CodePlace, Problem, RunMeta, RunRecords
from e2e.records.selection import of_kind
from e2e.records.trace_ids import traceparent


class Runner:
    """Runs a `Plan` in a browser. ``watchers`` get each finished chat."""

    def __init__(
        self, plan: Plan, playwright: Playwright, browser: Browser, context_args: Mapping[str, Any],
        watchers: tuple[Callable[[Chat], None], ...] = (), *, probes: bool = True,
        curious: Callable[[RunRecords], Sequence[str]] | None = None,
        enough: Callable[[], bool] = lambda: False, waiter: EventWaiter | None = None,
    ) -> None:  # fmt: skip
        """``curious`` gets the records of the run and returns the names of the experiments to run.

        ``enough`` is called between chats: True when no further plain chat is needed. ``waiter`` is given where
        several runs go on side by side in one thread (`side_by_side.run_side_by_side`).
        """
        self._enough = enough
        self.plan = plan
        self._curious = curious
        self._left_out: dict[str, str] = {}
        self._probes = probes
        self._browser = browser
        self._context_args = dict(context_args)
        self._waiter = waiter or EventWaiter(playwright)
        self._redactor = Redactor(show=plan.show_ids)
        for name in variables_of(plan.profile):
            self._redactor.hide(os.environ.get(name, ""))
        self.run_id = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(4)
        self.folder = plan.out / "evidence" / self.run_id
        self._rules = tuple(Rule(r) for r in plan.profile.wire)
        self._wire = source_for(plan.wire, browser.browser_type.name)
        verify = not plan.profile.where.ignore_https_errors
        self._wraps_workers = self._wire == IN_PAGE and wraps_workers(plan.url, verify=verify)
        self._habits = Habits()
        self._words: list[CodeWord] = []
        self._pace = Pace(plan.profile.limits, shards=plan.shard.of)
        self._programme = plan.programme()
        self._plays = PlayQueue(chain.from_iterable(self._programme.plays))
        self._problems: list[Problem] = []
        device = self._context_args.get("user_agent")  # what the page reads, where a device is emulated
        self._user_agent = device or plan.profile.where.user_agent or _user_agent(browser)
        self._stop = ""
        self._looked = False
        self._lanes: list[Lane] = []
        self._open_contexts: list[BrowserContext] = []
        self._network_service = NetworkService(browser)
        times = plan.profile.timeouts
        self._patience = times.ready + times.action + times.reply
        """Seconds after which a page that answers nothing has stopped: longer than any wait for it."""
        self._writer = EvidenceWriter(self.folder, self._meta()) if plan.full else None
        self._journal = Journal(self.run_id, self._writer)
        self._journal.watchers.extend(watchers)

    # -- the run ------------------------------------------------------------------------------------------------------

    def run(self) -> Path:
        """Do it all. Returns the evidence folder.

        What the suite could not see is in the run's ``problems``. Raises ``KeyboardInterrupt`` after Ctrl-C, when
        what was seen has been written.
        """
        with self.going() as lanes:
            run_lanes(lanes, self._waiter, stop=lambda: self.stopped, guard=self.guard)
        return self.folder

    def guard(self) -> AbstractContextManager[None]:
        """Ends the run when a call to a page does not return."""
        return self._waiter.at_most(self._patience, self._stuck)

    @property
    def stopped(self) -> bool:
        """The whole run must end: Ctrl-C, or a browser that is gone."""
        return self._stop != ""

    @contextmanager
    def going(self) -> Iterator[dict[int, Steps]]:
        """Give the lanes, by number, to be advanced by the caller; afterwards do what is done once per run, and write it."""
        plan = self.plan
        backend = (
            BackendClient(plan.profile.backend, plan.url, self._waiter.wake_from_thread)
            if plan.profile.backend and plan.full
            else None
        )
        gone = self._waiter.guarded(self._browser_gone)
        self._browser.on("disconnected", gone)
        forget = self._waiter.when_driver_ends(
            lambda: self._crashed("the browser's driver was gone in the middle of the run")
        )
        interrupted = False
        try:
            with _ctrl_c(self._interrupt):
                self._lanes = [self._lane(n, backend) for n in plan.own_lanes]
                yield {lane.number: lane.steps() for lane in self._lanes}
                self._look_for_ids()
                if backend is not None and self._probes and not self._stop:
                    self._probe(backend)
                if self._curious is not None and self._writer is not None and not self._stop:
                    self._explore(self._curious, backend)
                interrupted = self._stop == "Ctrl-C"
        finally:
            self._browser.remove_listener("disconnected", gone)
            forget()
            if backend is not None:
                backend.close()
            self._end()
        if interrupted:
            raise KeyboardInterrupt

    def _look_for_ids(self) -> None:
        """Once, when all chats are over: is an ID that no rule found anywhere else?"""
        if self._writer is None or self._looked:
            return
        self._looked = True
        with self._unless_gone(), self.guard():
            for error in misplaced_ids.look(self.plan.profile, self._lanes, self._redactor):
                self._problem(error)

    def _explore(self, curious: Callable[[RunRecords], Sequence[str]], backend: BackendClient | None) -> None:
        """Make the experiments that the records ask for."""
        assert self._writer is not None
        self._writer.flush()
        wanted = curious(read_for_judging(self.folder))
        if not wanted:
            return
        limit = self.plan.profile.limits.messages
        sent = sum(lane.sent_messages for lane in self._lanes)
        request = next((r for lane in reversed(self._lanes) if (r := lane.request) is not None), None)
        experiment_runner = ExperimentRunner(
            self._run_context(backend),
            self._journal,
            self._redactor,
            request,
            None if limit is None else max(0, limit - sent),
            self._waiter.wake_from_thread,
        )
        lanes, left_out = experiment_runner.plan(wanted)
        self._left_out |= left_out
        run_lanes(lanes, self._waiter, stop=lambda: self._stop != "", guard=self.guard)

    def _lane(self, number: int, backend: BackendClient | None) -> Lane:
        recorder = LaneRecorder(number, self.plan.profile, self._journal, self._redactor)
        recorder.chats.words.lane, recorder.chats.words.given = number, self._words
        return Lane(number, self.plan.share(number), self._run_context(backend), recorder, self._plays)

    def _run_context(self, backend: BackendClient | None) -> RunContext:
        plan = self.plan
        return RunContext(
            profile=plan.profile,
            url=plan.url,
            browser=self._browser,
            context_args=self._context_args,
            rules=self._rules,
            waiter=self._waiter,
            pace=self._pace,
            backend=backend,
            folder=self.folder if plan.full else None,
            trace=plan.trace,
            full=plan.full,
            goes_on=plan.continue_last,
            problem=self._problem,
            stopped=lambda: self._stop,
            crashed=self._crashed,
            enough=self._enough,
            habits=self._habits,
            wire=self._wire,
            open_contexts=self._open_contexts,
            traceparent=partial(traceparent, self.run_id) if plan.traceparent else None,
            wraps_workers=self._wraps_workers,
            network_service=self._network_service,
        )

    def _crashed(self, what: str, hint: str = "too little memory? run again with fewer lanes") -> None:
        if not self._stop:
            self._stop = what
            self._problem(CaptureIncomplete(what, hint=hint))

    def _stuck(self) -> None:
        """Close the pages: what waits for one of them gets an error then, and the run ends in order."""
        self._crashed(
            f"a page did not respond for {self._patience:g} s",
            hint="a script of the page may loop for ever, or write to the console faster than it can be read",
        )
        for context in self._open_contexts:
            self._waiter.close_soon(context)

    @contextmanager
    def _unless_gone(self) -> Iterator[None]:
        """Pass over what Playwright raises when browser or driver are gone, which is reported already."""
        try:
            yield
        except HarnessError:
            raise
        except Exception:
            if not self._stop:
                raise

    def _interrupt(self) -> None:
        self._stop = "Ctrl-C"
        self._waiter.wake_from_thread()

    def _browser_gone(self, _: Browser) -> None:
        self._crashed("the browser was gone in the middle of the run")

    def _problem(self, error: HarnessError, place: str = "") -> None:
        where = "; ".join(p for p in (place, error.where) if p)
        clean = self._redactor.text
        kind = next(k for k in type(error).__mro__ if k.__module__ == HarnessError.__module__)
        problem = Problem(kind.__name__, clean(error.what), clean(where), clean(error.hint))
        if not place and problem in self._problems:
            return  # what every lane says of the same rule of the profile
        self._problems.append(problem)
        self._journal.event(time.time(), -1, None, "problem", problem.to_json())

    # -- the backend's own interface ----------------------------------------------------------------------------------

    def _probe(self, backend: BackendClient) -> None:
        names = self.plan.profile.providers.map

        def report(
            question: str, probe: str, pattern: str | None, session: str | None, answer: Answer
        ) -> None:
            if answer.status == 0 or answer.status >= 500 or answer.status == 429:
                reason = answer.error or f"status {answer.status}"
                raise Blocked(
                    f"the backend's own interface did not respond ({question}): {reason}",
                    hint="is the backend up?",
                )
            self._journal.event(
                answer.t,
                -1,
                None,
                "backend",
                {
                    "question": question,
                    "probe": probe,
                    "pattern": pattern,
                    "session": self._redactor.reference(session) if session else None,
                    "provider": names.get(answer.provider, answer.provider) if answer.provider else None,
                    "status": answer.status,
                    "found": answer.status < 400,
                    "active": answer.active,
                    "distribution": {names.get(k, k): v for k, v in answer.distribution.items()} or None,
                },
            )

        try:
            probe(backend, report)
        except Blocked as error:
            self._problem(error, "backend")

    # -- the end ------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Finish; what keeps the end from being written does not hide what went wrong before it.

        That is in the evidence too: without it, a run whose disk was full for a second in a scenario passed when it was judged again.
        """
        going = sys.exception()
        if isinstance(going, Exception) and not self._stop:
            with suppress(HarnessError):  # its event has no room, and run.json may have
                self._problem(going if isinstance(going, HarnessError) else _unexpected(going))
        try:
            self._finish()
        except HarnessError:
            if going is None:
                raise

    def _finish(self) -> None:
        self._look_for_ids()
        for lane in self._lanes:
            with self._unless_gone(), self.guard():
                lane.close()
        if self._writer is None:
            return
        for lane in self._lanes:
            lane.record_generated_ids({"the user agent": self._user_agent} if self._user_agent else {})
        self._writer.flush()
        self._writer.write_meta(
            replace(
                self._meta(),
                started=self._writer.meta.started,
                finished=None if self._stop else time.time(),
                planned_chats=self._planned(),
                saved_chats=self.plan.own_chats - self._planned(),
                interrupted=self._stop,
                problems=tuple(self._problems),
                code=self._code(),
            )
        )
        self._writer.close()
        with suppress(OSError):  # no room for it: the plain files stay, which are whole
            compact(self.folder)

    def _planned(self) -> int:
        """The plain chats that were expected: fewer than planned, once no further one was needed."""
        if not self._enough() or self._stop:
            return self.plan.own_chats
        return sum(lane.plain_chats for lane in self._lanes)

    def _code(self) -> Mapping[str, CodePlace]:
        events = read_for_judging(self.folder).events
        stacks = [e.data for e in of_kind(events, "storage", "payload")]
        with httpx.Client(timeout=5, trust_env=False, follow_redirects=True) as client:

            def fetch(url: str) -> str | None:
                try:
                    return _text_of(client, url)
                except (
                    httpx.HTTPError,
                    httpx.InvalidURL,
                    ValueError,
                    LookupError,
                ):  # any address, any charset
                    return None

            found = source_maps.resolve(
                source_maps.frames_of(stacks),
                fetch,
                local=LocalMaps(self.plan.source_maps),
                common=infrastructure(stacks),
                page=self.plan.url,
            )
        return {
            key: replace(place, context=tuple((n, self._redactor.text(text)) for n, text in place.context))
            for key, place in found.items()
        }

    def _meta(self) -> RunMeta:
        plan, profile = self.plan, self.plan.profile
        return RunMeta(
            run_id=self.run_id,
            target=profile.name,
            title=profile.title,
            url=self._redactor.url(plan.url),
            started=time.time(),
            finished=None,
            planned_chats=plan.own_chats,
            lanes=len(plan.own_lanes),
            shard="" if plan.shard.whole else str(plan.shard),
            shared_run=plan.shared_run,
            whole_chats=0 if plan.shard.whole else plan.affordable_chats,
            masked=not plan.show_ids,
            mask_key=self._redactor.fingerprint,
            policy=policy_of(profile),
            alarms_per_year=plan.alarms_per_year,
            scenarios=self._programme.times(),
            left_out={**self._programme.left_out, **self._left_out},
            owners={side: who for side, who in profile.owners if who},
            links=profile.links,
            gates={name: limit for name, limit in profile.gates if limit is not None},
            invocation={
                name: self._redactor.url(value) if name == "BASE_URL" else value
                for name, value in plan.invocation.items()
            },
            environment={
                "browser": f"{self._browser.browser_type.name} {self._browser.version}",
                "wire": self._wire,
                "user_agent": self._user_agent,
                **(
                    {"budget": f"{plan.affordable_chats} of {plan.chats} chats (limits.messages)"}
                    if plan.affordable_chats < plan.chats
                    else {}
                ),
                **self._undecoded(),
                **plan.environment,
            },
        )

    def _undecoded(self) -> dict[str, str]:
        """How many frames could not be read, where there were any: it is a fact of the run, and not always a problem."""
        counts = [one for lane in self._lanes for one in lane.recorder.chats.traffic.not_all_decoded]
        undecoded, replaced = sum(one.undecoded for one in counts), sum(one.replaced for one in counts)
        if not counts:
            return {}
        frames = sum(one.frames for one in counts)
        return {"undecoded_frames": f"{undecoded} of {frames}, {replaced} read with replaced bytes"}


_MAP_SECONDS, _MAP_BYTES = 10.0, 64 << 20
"""Limits of one source map or script: httpx knows a limit between two pieces only, and a server may send for ever."""


def _unexpected(error: Exception) -> HarnessError:
    first = next(iter(str(error).splitlines()), "")
    return HarnessError(
        f"the run ended with {type(error).__name__}: {first[:200]}",
        hint="a defect of the suite: please report it",
    )


def _text_of(client: httpx.Client, url: str) -> str | None:
    """A file of the page, within the limits."""
    end = time.monotonic() + _MAP_SECONDS
    with client.stream("GET", url) as response:
        if response.status_code != 200:
            return None
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MAP_BYTES or time.monotonic() > end:
                return None
        return body.decode(response.encoding or "utf-8", errors="replace")


def _user_agent(browser: Browser) -> str:
    """What the browser says of itself."""
    if browser.browser_type.name != "chromium":
        with browser.new_context() as context:
            named: str = context.new_page().evaluate("navigator.userAgent")
            return named
    try:
        session = browser.new_browser_cdp_session()
        agent: str = session.send("Browser.getVersion")["userAgent"]
        session.detach()
    except Exception as error:  # Playwright raises a plain Exception when its driver is gone
        raise CaptureIncomplete(
            f"the browser did not respond at the begin of the run: {error}", hint="run again"
        ) from error
    return agent


@contextmanager
def _ctrl_c(interrupt: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C ends the run in order; the second one is Python's own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        interrupt()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
