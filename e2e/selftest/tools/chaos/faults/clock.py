"""Clocks that jump: that of the suite's process, and the page's.

The machine's clock is not changed, for others use it too. The suite's process gets another ``time.time`` (the steady clock goes
on, as in a real jump); the page gets another ``Date``.
"""

from __future__ import annotations

from e2e.selftest.tools.chaos.faults.definition import Case, Fault, fault
from e2e.selftest.tools.chaos.faults.page import at_click

FAMILY = "clock"
_JUMPS = (-86_400.0, -3600.0, -5.0, 5.0, 3600.0, 86_400.0)


@fault(
    "clock-suite",
    FAMILY,
    "the clock of the suite's process jumps by up to a day",
    reasons=(r"the clock of this machine jumped",),
)
def _clock_suite(case: Case) -> None:
    seconds = case.rng.choice(_JUMPS)
    case.note(f"{seconds:+g} s")
    case.clock.value = seconds


def _page_clock(case: Case) -> None:
    milliseconds = case.rng.choice(_JUMPS) * 1000
    case.note(f"{milliseconds:+g} ms")
    at_click(case, f"const was = Date.now.bind(Date); Date.now = () => was() + ({milliseconds:g});"
                   "const Was = Date; Date = class extends Was {"
                   " constructor(...args) { args.length ? super(...args) : super(Was.now()); } };")  # fmt: skip


@fault("clock-page", FAMILY, "the page's Date jumps by up to a day", prepare=_page_clock, harmless=True,
       by_itself=True)  # fmt: skip
def _clock_page(_: Case) -> None:
    """The page does it."""


__all__ = ["Fault"]
