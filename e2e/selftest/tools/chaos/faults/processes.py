"""Processes that are killed, and processes that stand still for seconds."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence

import psutil

from e2e.selftest.tools.chaos.faults.definition import FAULTS, Case, Fault

FAMILY = "processes"
CRASHED = (r"the page of lane \d+ crashed", r"could not go on: .*crash")
GONE = {
    "suite": (),
    "driver": (r"the browser's driver was gone in the middle of the run", r"[Cc]onnection closed"),
    "browser": (
        r"the browser was gone in the middle of the run",
        r"could not go on: .*(has been closed|disconnected)",
        r"the browser did not respond at the begin of the run: .*closed",
    ),
    "renderer": (*CRASHED, r"a page did not respond for"),
    "network": (r"the browser's network service crashed",),
}
"""What a run may name of each process that is killed."""
NOTHING_SHOWN = (r"the page shows an alert", r"no complete reply within")
"""What is seen of a page whose request failed."""
NO_CONNECTION = (
    r"could not be opened: .*net::ERR_",
    r"the backend's own interface did not respond \(\w+\): (\w*Error|RemoteDisconnected|IncompleteRead)",
    r"the reply was cut: (net::ERR_|the WebSocket was closed)",
    r"the page has no open WebSocket",
    *NOTHING_SHOWN,
)
"""A server that is not there, or a connection that breaks."""
LATE = (
    r"the page did not respond",
    r"a page did not respond for",
    r"(the typing|the click [\w ]+|a look at the page) did not end within",
    r"was not visible within",
    r"no complete reply within",
    r"no payload that a wire rule names was seen within",
    r"the backend's own interface did not respond \(\w+\): (TimeoutError|timeout)",
    r"the backend's look-up did not end",
    r"could not be opened: .*Timeout",
)
"""Waits that took longer than the profile allows."""


def _pids(case: Case, part: str) -> list[int]:
    if part == "suite":
        return [case.suite]
    if part == "backend":
        return [case.backend]
    return [process.pid for process in case.wait_for(part)]


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _kill(part: str) -> Fault:
    def inflict(case: Case) -> None:
        pids = _pids(case, part)
        if not pids:
            case.missed = f"there was no {part} any more"
        _signal(pids, signal.SIGKILL)

    return Fault(
        f"kill-{part}",
        FAMILY,
        f"kill -9 of the {part}",
        inflict,
        reasons=NO_CONNECTION if part == "backend" else GONE[part],
        ends_suite=part == "suite",
        own_backend=part == "backend",
    )


def _stop(part: str) -> Fault:
    def inflict(case: Case) -> None:
        pids = _pids(case, part)
        seconds = case.rng.choice((0.3, 1.0, 2.0, 4.0))
        case.note(f"{seconds:g} s")
        if not pids:
            case.missed = f"there was no {part} any more"
        _signal(pids, signal.SIGSTOP)
        try:
            case.pause(seconds)
        finally:
            _signal(pids, signal.SIGCONT)

    return Fault(
        f"stop-{part}", FAMILY, f"SIGSTOP of the {part} for up to 4 s", inflict,
        reasons=LATE, own_backend=part == "backend",
    )  # fmt: skip


for _one in ("suite", "driver", "browser", "renderer", "network", "backend"):
    FAULTS[f"kill-{_one}"] = _kill(_one)
    FAULTS[f"stop-{_one}"] = _stop(_one)


def running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
