"""Runs the experiments of a run, side by side, within the profile's limits. A failed experiment is recorded and changes no verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from playwright.sync_api import Error

from e2e.capture.experiments import direct
from e2e.capture.experiments.catalogue import EXPERIMENTS, MESSAGES, Experiment
from e2e.capture.lane.run_context import RunContext
from e2e.capture.lane.window import Window
from e2e.capture.network.replay import Request
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import HarnessError
from e2e.pages.waits import Steps, Wait
from e2e.records.journal import Journal
from e2e.records.records import SIDE_LANE

NAMES = (direct.NAME, *(e.name for e in EXPERIMENTS))
_LANES_AT_ONCE = 4
_NO_ID = "this chat sends no session ID"


@dataclass(slots=True)
class ExperimentRunner:
    """One run's experiments."""

    run_context: RunContext
    journal: Journal
    redactor: Redactor
    request: Request | None
    """The last chat request that can be sent again."""
    budget: int | None
    """Messages that may still be sent; None: as many as it takes."""
    wake: Callable[[], None]

    def plan(self, wanted: Sequence[str]) -> tuple[dict[int, Steps], dict[str, str]]:
        """Lanes that make the ``wanted`` experiments; and for each one that is left out, why."""
        chosen: list[Callable[[int], Steps]] = []
        left_out: dict[str, str] = {}
        without_id = not self.run_context.profile.sends_id
        if direct.NAME in wanted:
            if without_id:
                left_out[direct.NAME] = _NO_ID
            elif self.request is None:
                left_out[direct.NAME] = (
                    "no message has the ID in its body, its address or a frame of its connection, in the clear:"
                    " it cannot be sent without the browser"
                )
            elif self._spend(direct.REQUESTS):
                chosen.append(self._direct)
            else:
                left_out[direct.NAME] = "the run's budget of messages is used up (limits.messages)"
        for experiment in EXPERIMENTS:
            if experiment.name not in wanted:
                continue
            if without_id and experiment.about_ids:
                left_out[experiment.name] = _NO_ID
            elif why := experiment.lacks(self.run_context.profile):
                left_out[experiment.name] = why
            elif self._spend(MESSAGES):
                chosen.append(partial(self._in_browser, experiment))
            else:
                left_out[experiment.name] = "the run's budget of messages is used up (limits.messages)"
        lanes: dict[int, Steps] = {}
        for n in range(min(_LANES_AT_ONCE, len(chosen))):
            lanes[SIDE_LANE + n] = self._one_after_the_other(n, chosen)
        return lanes, left_out

    def _one_after_the_other(self, n: int, chosen: Sequence[Callable[[int], Steps]]) -> Steps:
        for place in range(n, len(chosen), _LANES_AT_ONCE):
            yield from chosen[place](SIDE_LANE + place)

    def _spend(self, messages: int) -> bool:
        if self.budget is None:
            return True
        if self.budget < messages:
            return False
        self.budget -= messages
        return True

    def _in_browser(self, experiment: Experiment, lane: int) -> Steps:
        recorder = LaneRecorder(lane, self.run_context.profile, self.journal, self.redactor)
        recorder.scenario, recorder.experiment = "experiment", experiment.name
        window: Window | None = None
        try:
            window = Window(
                self.run_context, recorder, 1 if experiment.other_user else 0, self._changes(experiment)
            )
            context = window.open()
            self._note(lane, name=experiment.name, question=experiment.question)
            yield from experiment.play(context)
        except (HarnessError, Error) as error:
            why = self.redactor.text(str(error).splitlines()[0], limit=300)
            recorder.end_chat("lost", why)
            self._note(lane, name=experiment.name, why=why)
        finally:
            recorder.end_chat("lost", "the run ended")
            if window is not None:
                window.close()

    def _changes(self, experiment: Experiment) -> Mapping[str, Any]:
        return experiment.context

    def _direct(self, lane: int) -> Steps:
        assert self.request is not None
        request, profile = self.request, self.run_context.profile
        self._note(lane, name=direct.NAME, question=direct.QUESTION)
        with ThreadPoolExecutor(1, "direct") as pool:
            for _ in range(direct.REQUESTS):
                at = self.run_context.pace.book()
                left = at - time.monotonic()
                if left > 0:
                    yield Wait(partial(_is_past, at), left + 60, _late, left + 0.002)
                verify = not profile.where.ignore_https_errors
                call = pool.submit(direct.send, request, profile.timeouts.reply, verify=verify)
                call.add_done_callback(lambda _: self.wake())
                yield Wait(call.done, profile.timeouts.reply * 2 + 5, _late)
                try:
                    reply = call.result()
                except direct.ERRORS as error:
                    self._note(lane, name=direct.NAME, why=f"{type(error).__name__}")
                    return
                if reply.failed:
                    self._note(lane, name=direct.NAME, why="the reply to a fresh ID reports a failure")
                    return
                named = profile.providers.map
                self._note(
                    lane,
                    name=direct.NAME,
                    session=self.redactor.reference(reply.session),
                    provider=named.get(reply.provider, reply.provider) if reply.provider else None,
                    status=reply.status,
                )
                if reply.status >= 400:
                    return

    def _note(self, lane: int, **data: Any) -> None:
        self.journal.event(time.time(), lane, None, "experiment", data)


def _is_past(moment: float) -> bool:
    return time.monotonic() >= moment


def _late() -> HarnessError:
    return HarnessError("the backend did not respond to the request that was sent without the browser")
