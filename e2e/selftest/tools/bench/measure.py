"""The measurements. Ratios of alternating runs: absolute times on a shared machine are not comparable."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Playwright

from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.capture.scenarios.catalogue import SCENARIOS
from e2e.profile.profile import load
from e2e.records.records import Chat
from e2e.selftest.tools.bench.plain import plain_chats
from e2e.selftest.tools.bench.startup import collection_times, report_times
from e2e.setup.browser import find_browser, launch_options
from fixtures.reference_chat.launcher import ReferenceChat

_SLOW_MS = 500
_MEMORY_FROM, _READINGS = 100, 50
_SCENARIO_CHATS, _SCENARIO_LANES = 52, 4


@dataclass(slots=True)
class Times:
    """Measurement -> milliseconds per chat, one value a round."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, ms: float) -> None:
        self.rounds.setdefault(name, []).append(ms)

    def median(self, name: str) -> float:
        return statistics.median(self.rounds[name])

    def least(self, over: str, under: str) -> float:
        """Ratio of the fastest of each. For two that differ by less than one disturbance of the machine takes."""
        return min(self.rounds[over]) / min(self.rounds[under])

    def ratio(self, over: str, under: str) -> float:
        """Median of the ratios of each round, in which both ran one after the other."""
        return statistics.median(a / b for a, b in zip(self.rounds[over], self.rounds[under], strict=True))


class Bench:
    """Measures, each time in a fresh browser."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._profile = load("reference")
        self.times = Times()

    @contextmanager
    def _browser(self) -> Iterator[Browser]:
        browser = self._playwright.chromium.launch(**launch_options(find_browser()))
        try:
            yield browser
        finally:
            browser.close()

    def plain(self, name: str, url: str, chats: int) -> None:
        with self._browser() as browser:
            seconds = plain_chats(browser, url, chats + 1)[1:]
        self.times.add(name, statistics.fmean(seconds) * 1000)

    def suite(self, name: str, url: str, chats: int, lanes: int, *, full: bool = True) -> None:
        """Measure with all lanes busy: from the time when each has ended a chat until the first lane has ended its last."""
        ends: list[tuple[float, int]] = []
        with self._browser() as browser, tempfile.TemporaryDirectory() as out:
            plan = self._plan(url, chats + lanes, lanes, Path(out), full=full)
            watch = lambda chat: ends.append((time.perf_counter(), chat.lane))  # noqa: E731
            Runner(plan, self._playwright, browser, {}, watchers=(watch,), probes=False).run()
        if len(ends) != plan.chats:
            raise RuntimeError(f"{name}: {len(ends)} of {plan.chats} chats ended")
        start = max(next(i for i, (_, lane) in enumerate(ends) if lane == n) for n in range(lanes))
        stop = min(max(i for i, (_, lane) in enumerate(ends) if lane == n) for n in range(lanes))
        self.times.add(name, (ends[stop][0] - ends[start][0]) / (stop - start) * 1000)

    def capture(self, url: str, chats: int) -> None:
        """One lane with and without capture, each twice: in the order in which a machine that warms up or tires favours neither."""
        for full in (True, False, False, True):
            self.suite("capture_on" if full else "capture_off", url, chats, 1, full=full)

    def scenarios(self, url: str) -> None:
        """Milliseconds per plain chat of a whole run: without scenarios, and with all of them after the plain chats."""
        everything = tuple(scenario.name for scenario in SCENARIOS)
        for name, wanted in (("plain_chats_only", ()), ("all_scenarios", everything)):
            with self._browser() as browser, tempfile.TemporaryDirectory() as out:
                plan = self._plan(url, _SCENARIO_CHATS, _SCENARIO_LANES, Path(out), full=True)
                plan = replace(plan, scenarios=wanted, continue_last=True)
                begun = time.perf_counter()
                Runner(plan, self._playwright, browser, {}, probes=False).run()
                self.times.add(name, (time.perf_counter() - begun) / _SCENARIO_CHATS * 1000)

    def memory(self, url: str, lanes: int, chats: int) -> dict[str, float]:
        """Resident megabytes from chat 100 on and at the end: of the suite (Python, Playwright's driver) and of the browser.

        Each is the mean of readings after `_READINGS` chats: the driver's memory goes up and down by a fifth as its collector runs.
        """
        readings: dict[str, list[tuple[float, float]]] = {"100": [], "end": []}
        done = 0

        def watch(_: Chat) -> None:
            nonlocal done
            done += 1
            if _MEMORY_FROM <= done < _MEMORY_FROM + _READINGS:
                readings["100"].append(_resident())
            if chats - _READINGS < done <= chats:
                readings["end"].append(_resident())

        with self._browser() as browser, tempfile.TemporaryDirectory() as out:
            plan = self._plan(url, chats, lanes, Path(out), full=True)
            Runner(plan, self._playwright, browser, {}, watchers=(watch,), probes=False).run()
        found: dict[str, float] = {"chats": chats}
        for when, values in readings.items():
            for of, each in zip(("suite", "browser"), zip(*values, strict=True), strict=True):
                found[f"{of}_at_{when}"] = statistics.fmean(each)
        return found

    def _plan(self, url: str, chats: int, lanes: int, out: Path, *, full: bool) -> Plan:
        return Plan(
            profile=self._profile,
            url=url,
            chats=chats,
            lanes=lanes,
            out=out,
            full=full,
            continue_last=False,
            trace=False,
        )


def run(playwright: Playwright, *, rounds: int, chats: int, memory_chats: int, report: Any) -> dict[str, Any]:
    """Run all measurements; returns the content of ``bench.json``."""
    report("collection of the specs")
    collections = collection_times(rounds)
    report("report of a run")
    reports = report_times(rounds)
    bench = Bench(playwright)
    with (
        ReferenceChat.start(control=False) as chat,
        ReferenceChat.start(control=False, reply_ms=_SLOW_MS) as slow,
    ):
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            bench.plain("plain", chat.url, chats)
            bench.suite("one_lane", chat.url, chats, 1)
            bench.capture(chat.url, chats)
            bench.suite("four_lanes", chat.url, chats * 2, 4)
            bench.plain("slow_plain", slow.url, max(5, chats // 5))
            bench.suite("slow_eight_lanes", slow.url, chats * 2, 8)
            bench.scenarios(chat.url)
        report(f"memory over {memory_chats:,} chats")
        memory = bench.memory(chat.url, 4, memory_chats)
    times = bench.times
    return {
        "ms_per_chat": {name: round(times.median(name), 1) for name in times.rounds},
        "ratios": {
            "one_lane": round(times.ratio("one_lane", "plain"), 3),
            "four_lanes": round(times.ratio("four_lanes", "plain"), 3),
            "slow_eight_lanes": round(times.ratio("slow_eight_lanes", "slow_plain"), 3),
            "capture": round(times.least("capture_on", "capture_off"), 3),
            "scenarios": round(times.ratio("all_scenarios", "plain_chats_only"), 3),
            "memory": round(memory["suite_at_end"] / memory["suite_at_100"], 3),
            "collection": round(
                min(specs for specs, _ in collections) / min(empty for _, empty in collections), 3
            ),
            "report": round(min(one for one, _ in reports) / min(other for _, other in reports), 3),
        },
        "collection_seconds": [[round(specs, 2), round(empty, 2)] for specs, empty in collections],
        "report_seconds": [[round(one, 2), round(other, 2)] for one, other in reports],
        "memory_mb": {name: round(mb, 1) for name, mb in memory.items()},
        "rounds": {name: [round(v, 1) for v in values] for name, values in times.rounds.items()},
    }


def _resident() -> tuple[float, float]:
    me = psutil.Process()
    suite, browser = me.memory_info().rss, 0
    for child in me.children(recursive=True):
        try:
            rss = child.memory_info().rss
            name = Path(child.exe()).name  # newer Node.js gives its process another name than its file's
            if name.startswith("node"):
                suite += rss
            elif "chrom" in name.lower():
                browser += rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return suite / 1e6, browser / 1e6
