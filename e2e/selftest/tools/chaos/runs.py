"""Carries out one drawn run: starts the suite, inflicts the fault at its moment, waits for the end, looks what is left."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from e2e.profile.profile import Timeouts
from e2e.selftest.lab.app import Lab
from e2e.selftest.tools.chaos.draw import REFERENCE, Draw
from e2e.selftest.tools.chaos.faults.catalogue import all_faults
from e2e.selftest.tools.chaos.faults.definition import Case, Fault
from e2e.selftest.tools.chaos.faults.network import FAMILY as NETWORK
from e2e.selftest.tools.chaos.judging import Found, Seen, examine
from e2e.selftest.tools.chaos.leftovers import Descendants, left_behind
from e2e.selftest.tools.chaos.proxy.server import Proxy
from e2e.selftest.tools.chaos.suite_process import LIMITS, Order, main, timeouts_for
from e2e.selftest.tools.matrix.table import HEALTHY
from fixtures.reference_chat.launcher import ReferenceChat

A_MINUTE = 60.0
_START = 60.0
_DUMP = 1.0
_ENDS = 5.0
"""Seconds from the last report to the end of the process."""
_PRELOADED = ["e2e.selftest.tools.chaos.suite_process", "e2e.selftest.tools.chaos.judging"]


def limit_of(timeouts: Timeouts) -> float:
    """Seconds that a run may go on after a fault: two chats that are refused end a lane."""
    return timeouts.ready + 2 * (timeouts.action + timeouts.reply + LIMITS.retry_after)


@dataclass(slots=True)
class Result:
    """A run that was carried out."""

    draw: Draw
    found: Found
    seconds: float
    notes: tuple[str, ...]
    missed: str
    only: str = ""
    """What the command that repeats it needs besides, where only some faults were drawn from."""
    log: str = ""
    """What the suite wrote, of a run with a violation."""

    def to_json(self) -> dict[str, Any]:
        found = self.found
        return {
            **self.draw.to_json(),
            "outcome": found.outcome,
            "violations": list(found.violations),
            "reasons": list(found.reasons),
            "seconds": round(self.seconds, 1),
            "notes": list(self.notes),
            "missed": self.missed,
        }


@dataclass(slots=True)
class Workshop:
    """What the runs share: a server for each kind of target, and a process that forks suites with everything imported."""

    context: Any
    lab: Lab
    chat: ReferenceChat
    keep: Path | None = None
    """Where the evidence of runs with a violation goes."""
    ending: threading.Event = field(default_factory=threading.Event)
    """Set when the tool must end: the run that goes on is given up, and what it made is undone."""
    _suite: Any = None
    """The process of the run that goes on."""

    @classmethod
    @contextlib.contextmanager
    def open(cls, keep: Path | None = None, ending: threading.Event | None = None) -> Iterator[Workshop]:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        with Lab.start(seed=3) as lab, ReferenceChat.start() as chat:
            yield cls(context, lab, chat, keep, ending or threading.Event())

    def end(self) -> None:
        """Give up the run that goes on; from any thread."""
        self.ending.set()
        if (suite := self._suite) is not None:
            with contextlib.suppress(OSError):  # it has ended
                os.kill(suite.pid, signal.SIGKILL)

    def carry_out(self, drawn: Draw) -> Result | None:
        """One run, from its start to its judgement; None where it was given up."""
        fault = all_faults()[drawn.fault]
        token = uuid.uuid4().hex
        began = time.monotonic()
        with ExitStack() as stack:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True))
            )
            out, temporary, log = folder / "out", folder / "tmp", folder / "suite.log"
            out.mkdir()
            temporary.mkdir()
            url, pid = self._target(drawn, stack, own=fault.own_backend)
            parts = urlsplit(url)
            proxy = stack.enter_context(Proxy.start(parts.hostname or "", parts.port or 80))
            case = Case(drawn.rng, proxy, out, temporary, pid, self.context.Value("d", 0.0))
            stack.enter_context(case.undo)
            if fault.prepare is not None:
                fault.prepare(case)
            address = parts._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
            timeouts = timeouts_for(os.getloadavg()[0] / (os.cpu_count() or 1))
            seen = self.watched(Order(drawn, address, out, temporary, log, token, timeouts), fault, case)
            if self.ending.is_set():
                return None
            if fault.family == NETWORK and not proxy.spoiled:
                case.missed = case.missed or "nothing came that it is for"
            found = examine(drawn, fault, seen)
            text = ""
            if found.violations:
                text = seen.traceback + (log.read_text(errors="replace") if log.exists() else "")
                self._keep(drawn, out, text)
        return Result(
            drawn, found, time.monotonic() - began, tuple(case.notes), case.missed, log=text[-6000:]
        )

    def _keep(self, drawn: Draw, out: Path, text: str) -> None:
        if self.keep is None:
            return
        to = self.keep / f"{drawn.seed}-{drawn.number}-{drawn.fault}"
        shutil.copytree(out, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("filler"))
        (to / "suite.log").write_text(text, encoding="utf-8")

    def _target(self, drawn: Draw, stack: ExitStack, *, own: bool) -> tuple[str, int]:
        if drawn.target != REFERENCE:
            return self.lab.url(drawn.target, **({"bug": "stale"} if drawn.product != HEALTHY else {})), 0
        faults = [] if drawn.product == HEALTHY else [drawn.product]
        if own:
            chat = stack.enter_context(ReferenceChat.start(faults=faults, **drawn.variant.options()))
            return chat.url, chat.pid
        self.chat.reset(faults=faults, **drawn.variant.options())
        return self.chat.url, self.chat.pid

    def watched(self, order: Order, fault: Fault, case: Case) -> Seen:
        """Start the suite, inflict the fault at its moment, and watch until it has ended."""
        mine, its = self.context.Pipe()
        process = self.context.Process(target=main, args=(order, case.clock, its), daemon=True)
        process.start()
        self._suite = process
        if self.ending.is_set():
            self.end()
        its.close()
        case.suite = process.pid
        seen, descendants = Seen(), Descendants(order.token)
        watch = Watch(mine, lambda: descendants.look(case.suite))
        drawn, limit = order.draw, limit_of(order.timeouts) + A_MINUTE
        if fault.by_itself:
            watch.until_quiet(seen, limit)
        else:
            watch.until(seen, lambda: seen.ready and seen.chats >= drawn.after, _START)
            case.pause(drawn.delay)
            if process.is_alive():
                descendants.look(case.suite)
                fault.inflict(case)
            else:
                case.missed = case.missed or "the run had ended before"
            watch.until(seen, lambda: False, limit)
        process.join(_ENDS)
        if process.is_alive():
            seen.late = True
            os.kill(process.pid, signal.SIGUSR1)  # it writes where it stands
            case.pause(_DUMP)
            process.kill()
            process.join()
        self._suite = None
        seen.exit_code = process.exitcode
        seen.left = left_behind(descendants, order.temporary, patience=0.0 if self.ending.is_set() else None)
        mine.close()
        return seen


class Watch:
    """Reads what the suite reports; calls ``look`` after each report."""

    def __init__(self, connection: Connection, look: Callable[[], None]) -> None:
        self._connection = connection
        self._look = look
        self._over = False

    def until(self, seen: Seen, enough: Callable[[], bool], seconds: float) -> None:
        """Read until ``enough()``, the end of the process, or the time is over."""
        end = time.monotonic() + seconds
        while not self._over and not enough() and (left := end - time.monotonic()) > 0:
            self._read(seen, left)

    def until_quiet(self, seen: Seen, seconds: float) -> None:
        """Read until the end of the process, or until nothing was reported for so long.

        For a fault whose moment nobody sees: what still reports chats was not hit by it, or went on after it.
        """
        while not self._over and self._read(seen, seconds):
            pass

    def _read(self, seen: Seen, seconds: float) -> bool:
        """Whether there was a report within the time, or the end."""
        try:
            if not self._connection.poll(seconds):
                return False
            _take(seen, self._connection.recv())
        except (EOFError, OSError):
            self._over = True
        else:
            self._look()
        return True


def _take(seen: Seen, report: tuple[Any, ...]) -> None:
    kind, *rest = report
    if kind == "ready":
        seen.ready = True
    elif kind == "folder":
        seen.folder = Path(rest[0])
    elif kind == "chat":
        seen.chats += 1
    elif kind == "error":
        seen.error = ": ".join(rest)
    elif kind == "traceback":
        seen.traceback = rest[0]
    elif kind == "close":
        seen.close = rest[0]
    elif kind == "judged":
        seen.judged = rest[0]
