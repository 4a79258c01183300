"""Where Playwright's driver keeps the files of its browsers, and that they go when it is killed.

The driver makes two folders for each browser below TMPDIR, and removes them when it ends. Killed, it leaves them: 12 MB of a
profile for a short run. So it gets a folder of its own, and a shell removes that when this process is gone, however it ended.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

_PATIENCE = 15.0
_REMOVE = """ended=$(cat); n=0; away=0
while [ $n -lt 100 ] && [ $away -lt 25 ]; do
  if [ -e "$0" ]; then rm -rf "$0"; fi
  if [ -e "$0" ]; then away=0; else away=$((away+1)); [ -z "$ended" ] || exit 0; fi
  n=$((n+1)); sleep 0.2
done"""
"""Waits for the end of its input, which is that of this process. Nothing came with it where that was killed: its browser is ending
then, may still write, and makes the folder again (in 4 of 48 such runs). So the shell looks for 5 s whether it stays away.
"""


class DriverFiles:
    """A temporary folder for the drivers that are started inside `here`; removed by `close`, or when this process is gone."""

    def __init__(self) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        if sys.platform == "win32":
            return  # a driver that is killed leaves its files there
        folder = tempfile.mkdtemp(prefix="chat-e2e-")
        self._folder = folder
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _REMOVE, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is not for it
            )
        except OSError:
            Path(folder).rmdir()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Inside the block, TMPDIR is the folder: for processes that are started, not for this one."""
        if self._shell is None:
            yield
            return
        before = os.environ.get("TMPDIR")
        tempfile.gettempdir()  # this process has chosen its own before, and keeps it
        os.environ["TMPDIR"] = self._folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before

    def close(self) -> None:
        """Remove the folder. A second call does nothing."""
        shell, self._shell = self._shell, None
        if shell is None or shell.stdin is None:
            return
        with contextlib.suppress(OSError):  # the shell was killed
            shell.stdin.write(b"ended")
            shell.stdin.close()
        try:
            shell.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return  # it goes on without us


@contextmanager
def driver() -> Iterator[Playwright]:
    """Playwright's driver for the block, with a folder of its own that goes with this process."""
    from playwright.sync_api import sync_playwright

    files = DriverFiles()
    try:
        with files.here():
            playwright = sync_playwright().start()
        try:
            yield playwright
        finally:
            playwright.stop()
    finally:
        files.close()
