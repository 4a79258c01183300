"""Runs the suite under drawn faults within a time budget, and checks that each run has the property of `judging`."""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from rich.console import Console

from e2e.errors import HarnessError
from e2e.selftest.tools.chaos.draw import draw
from e2e.selftest.tools.chaos.faults.catalogue import all_faults
from e2e.selftest.tools.chaos.judging import VIOLATION
from e2e.selftest.tools.chaos.runs import Result, Workshop
from e2e.selftest.tools.chaos.write import write


def run_chaos(
    *, minutes: float, runs: int | None, seed: int | None, only_run: int | None, wanted: Sequence[str], first: int, at_once: int,
    out: Path, keep: Path | None,
) -> int:  # fmt: skip
    """Carry out runs until the time is over, print each, write the table. Returns 1 if one had a violation.

    Raises `HarnessError` for a fault that is unknown, or that cannot be had on this machine.
    """
    known = all_faults()
    for name in wanted:
        if name not in known:
            raise HarnessError(f"--fault {name}: no such fault", hint=f"one of {', '.join(known)}")
    left_out = {
        name: why
        for name, fault in known.items()
        if (why := fault.refused()) and (not wanted or name in wanted)
    }
    # A replayed run is drawn as it was: on another machine with the same faults, or it is another one.
    faults = {name: fault for name, fault in known.items() if name not in left_out}
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    console.print(
        f"seed {seed}: {len(faults)} faults" + (f"; not tried: {', '.join(left_out)}" if left_out else "")
    )
    end = time.monotonic() + minutes * 60
    numbers = itertools.count(first if only_run is None else only_run)
    most = 1 if only_run is not None else runs
    results: list[Result] = []
    files: list[Path] = []
    workshops: list[Workshop] = []
    ending = threading.Event()
    printing = threading.Lock()

    def work() -> None:
        with Workshop.open(keep, ending) as workshop:
            workshops.append(workshop)
            while time.monotonic() < end and not ending.is_set():
                number = next(numbers)
                if most is not None and number - (first if only_run is None else only_run) >= most:
                    return
                drawn = draw(seed, number, known, wanted)
                if drawn.fault not in faults:
                    continue
                if (result := workshop.carry_out(drawn)) is None:
                    return
                result.only = f" FAULT='{' '.join(wanted)}'" if wanted else ""
                with printing:
                    results.append(result)
                    _print(console, result)
                    ordered = sorted(results, key=lambda result: result.draw.number)
                    files[:] = write(
                        ordered, known, left_out, out
                    )  # what ended is kept, however this process ends

    def give_up() -> None:
        ending.set()
        for workshop in workshops:
            workshop.end()

    with _signals(give_up) as received, ThreadPoolExecutor(at_once) as pool:
        for ended in [pool.submit(work) for _ in range(at_once)]:
            ended.result()
    if not results:
        files[:] = write(results, known, left_out, out)
    bad = sum(r.found.outcome == VIOLATION for r in results)
    console.print(f"{len(results)} runs, {bad} with a violation; written: {', '.join(map(str, files))}")
    return 128 + received[0] if received else 1 if bad else 0


@contextlib.contextmanager
def _signals(give_up: Callable[[], None]) -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM calls ``give_up``: what was made is undone then. The second one is the system's own."""
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        restore()
        # Not here: the interrupted code may hold a lock that this needs.
        threading.Thread(target=give_up, name="chaos-end").start()

    for number in before:
        signal.signal(number, handle)
    try:
        yield received
    finally:
        restore()


def _print(console: Console, result: Result) -> None:
    drawn, found = result.draw, result.found
    more = "; ".join([*result.notes, *([f"missed: {result.missed}"] if result.missed else [])])
    console.print(
        f"{found.outcome:<12} {drawn.number:>4} {drawn.fault:<22} {drawn}{f' [{more}]' if more else ''} ({result.seconds:.1f} s)",
        markup=False,
    )
    for line in found.violations:
        console.print(f"             {line}", markup=False)
