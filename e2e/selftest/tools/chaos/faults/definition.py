"""What a fault is, and what it can reach of the run that it is inflicted on."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from e2e.selftest.tools.chaos.proxy.server import Proxy

_APPEARS, _TICK = 5.0, 0.02
Inflict = Callable[["Case"], None]


@dataclass(slots=True)
class Case:
    """One run of the suite while it goes on: its processes, its folders, its way to the chat."""

    rng: random.Random
    proxy: Proxy
    out: Path
    """The output folder of the run."""
    temporary: Path
    """Its TMPDIR."""
    backend: int
    """Process ID of the chat's server; 0 where that is a thread of this process."""
    clock: Any
    """Seconds by which the suite's clock is wrong: a shared value."""
    undo: ExitStack = field(default_factory=ExitStack)
    """What must be undone after the run."""
    suite: int = 0
    """Process ID of the suite."""
    notes: list[str] = field(default_factory=list)
    """What was drawn, for a reader of the results."""
    missed: str = ""
    """Why the fault could not be inflicted."""

    def find(self, part: str) -> list[psutil.Process]:
        """The suite's running ``driver``, ``browser``, ``renderer`` or ``network`` service."""
        try:
            below = psutil.Process(self.suite).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if _part(process) == part]

    def wait_for(self, part: str) -> list[psutil.Process]:
        """The same as soon as there is one, within some seconds: a page may not have been opened yet."""
        end = time.monotonic() + _APPEARS
        while not (found := self.find(part)) and time.monotonic() < end and psutil.pid_exists(self.suite):
            self.pause(_TICK)
        return found

    def pause(self, seconds: float) -> None:
        """Let the run go on for so long: the duration of a fault is part of it."""
        threading.Event().wait(seconds)

    def note(self, text: str) -> None:
        self.notes.append(text)


def _part(process: psutil.Process) -> str:
    words: list[str] = []
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
    line = " ".join(words)
    if "--type=renderer" in line:
        return "renderer"
    if "--type=utility" in line and "network.mojom" in line:
        return "network"
    if "--remote-debugging" in line and "--type=" not in line:
        return "browser"
    return "driver" if "run-driver" in words else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes
    ----------
    what : in words, for the table.
    inflict : does it, at the drawn moment.
    reasons : regular expressions; one of them fits each reason that a broken run gives.
    causes : what the suite may name as well, for the fault makes it true.
    prepare : done before the suite starts: a script in the page, a disk.
    harmless : the run must end with the right verdict; nothing excuses a broken one.
    ends_suite : the suite is gone after it, and cannot say anything.
    own_backend : the chat's server is hit, so that no other run may use it.
    on_websocket : whether it can hit a chat over a WebSocket.
    refused : why it cannot be had on this machine, or ``""``.
    by_itself : it happens without ``inflict``: at the start, or a script of the page does it.
    """

    name: str
    family: str
    what: str
    inflict: Inflict
    reasons: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    prepare: Inflict | None = None
    harmless: bool = False
    ends_suite: bool = False
    own_backend: bool = False
    on_websocket: bool = True
    refused: Callable[[], str] = lambda: ""
    by_itself: bool = False


FAULTS: dict[str, Fault] = {}


def fault(name: str, family: str, what: str, **more: Any) -> Callable[[Inflict], Inflict]:
    """Register the decorated function as the fault ``name``."""

    def register(inflict: Inflict) -> Inflict:
        FAULTS[name] = Fault(name, family, what, inflict, **more)
        return inflict

    return register
