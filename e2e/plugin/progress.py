"""The progress of a run: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from e2e.records.records import Chat

_LINES = 4  # plain lines per run, besides the last


class Progress:
    """Shows the finished chats while a run is recorded; pytest's output capture is off meanwhile."""

    def __init__(self, config: pytest.Config, chats: int, place: str = "") -> None:
        """``place`` names the browser, where the session has several."""
        self._place = f" in {place}" if place else ""
        self._config = config
        self._total = chats
        self._done = self._bad = 0
        self._began = time.monotonic()
        self._live: RichProgress | None = None
        self._task: Any = None
        self._open: Any = None

    def __enter__(self) -> Self:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if capture is not None:
            self._open = capture.global_and_fixture_disabled()
            self._open.__enter__()
        quiet = self._config.get_verbosity() < 0
        console = self._console = Console(file=sys.stdout)
        if console.is_terminal and not quiet:
            self._live = RichProgress(
                TextColumn("chats"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
                TextColumn("{task.fields[bad]}"), console=console, transient=True,
            )  # fmt: skip
            self._task = self._live.add_task("chats", total=self._total, rate="", bad="")
            self._live.start()
        elif not quiet:
            console.print(f"\nrecording {self._total} chats{self._place}")
        self._quiet = quiet
        return self

    def chat_done(self, chat: Chat) -> None:
        self._done += 1
        self._bad += chat.status != "observed"
        seconds = time.monotonic() - self._began
        rate = f"{self._done / seconds:.1f}/s" if seconds > 0 else ""
        bad = f"{self._bad} not observed" if self._bad else ""
        if self._live is not None:
            # Scenario chats come on top of the planned ones: the bar grows with them.
            self._live.update(
                self._task, completed=self._done, total=max(self._total, self._done), rate=rate, bad=bad
            )
        elif not self._quiet and (
            self._done % max(1, self._total // _LINES) == 0 or self._done == self._total
        ):
            extra = self._done - self._total
            count = (
                f"{self._done}/{self._total} chats"
                if extra <= 0
                else f"{self._total} chats and {extra} of scenarios"
            )
            self._console.print(f"  {count}, {rate}{', ' + bad if bad else ''}", highlight=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if self._open is not None:
            self._open.__exit__(None, None, None)
