"""A program that serves the chat under test: started on a free port, waited for, and ended with all it started."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from e2e.errors import TargetNotReady
from e2e.profile.profile import Command

_TAIL = 15  # last lines of the program's output


@contextlib.contextmanager
def serving(command: Command, root: Path) -> Iterator[str]:
    """The chat's address while the program runs. Raises `TargetNotReady` with its last output when it does not respond in time."""
    port = _free_port()
    words = {"{port}": str(port), "{python}": sys.executable}
    argv = [_filled(word, words) for word in command.command]
    environment = os.environ | {name: _filled(value, words) for name, value in command.env.items()}
    folder = root / command.folder if command.folder else root
    url = _filled(command.url, words)
    with tempfile.TemporaryFile("w+b") as output:
        try:
            # A standard input of ours: a program that watches it ends with us, even when we are killed.
            process = subprocess.Popen(
                argv,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TargetNotReady(
                f"{argv[0]} could not be started: {error.strerror or error}",
                where="where.start.command of the profile",
                hint="is it installed, and is where.start.folder right?",
            ) from None
        try:
            _wait(process, url, command.startup_timeout, output.fileno())
            yield url
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], url: str, patience: float, output: int) -> None:
    deadline = time.monotonic() + patience
    while not _answers(url):
        if process.poll() is not None:
            raise TargetNotReady(
                f"the chat's program ended with {process.returncode} before it responded\n{_tail(output)}",
                where="where.start of the profile",
                hint="start it by hand, and correct the command",
            )
        if time.monotonic() > deadline:
            raise TargetNotReady(
                f"{url} did not respond within {patience:g} s\n{_tail(output)}",
                where="where.start of the profile",
                hint="raise where.start.startup_timeout, or correct the command or the url",
            )
        time.sleep(0.05)  # another process's port cannot be waited for but by asking


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started: first politely."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    for kind, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        with contextlib.suppress(ProcessLookupError):  # children that outlived it
            os.killpg(process.pid, signal.SIGKILL)
        return


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _tail(output: int) -> str:
    size = os.fstat(output).st_size
    text = os.pread(output, 4000, max(0, size - 4000)).decode("utf-8", errors="replace")
    return "\n".join("    " + line for line in text.splitlines()[-_TAIL:]) or "    (no output)"


def with_path(url: str, path: str | None) -> str:
    """``url`` with the profile's ``where.path``."""
    return url if path is None else url.rstrip("/") + path
