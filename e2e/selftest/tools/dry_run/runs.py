"""A simulated nightly run: shards record side by side, their evidence is judged together, site and webhook are updated."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from e2e.errors import HarnessError
from e2e.profile.profile import SUITE
from reports.history.store import Store
from reports.publish.branch import pull, push
from reports.publish.nightly import nightly
from reports.publish.notify import notify

FAULTS = ("", "", "stale-state")
"""One run each; no name: a healthy chat."""
_BRANCH = "gh-pages"
_SHARD_TIMEOUT = 300  # seconds


@dataclass(frozen=True, slots=True)
class DryRun:
    """Size and folders of a dry run."""

    folder: Path
    chats: int
    shards: int
    url: str = "https://nightly.example.org/chats"
    mask_key: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def remote(self) -> Path:
        """A bare repository; its branch gh-pages has the site."""
        return self.folder / "remote.git"

    @property
    def site(self) -> Path:
        """The site after the last run."""
        return self.folder / "site"


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """Result of one nightly run."""

    number: int
    fault: str
    run_id: str
    outcome: str
    causes: tuple[str, ...]
    code_location: str
    shards: int
    chats: int
    notifications: tuple[str, ...]
    """Texts that the webhook received."""

    def to_json(self) -> dict[str, Any]:
        """For ``dry-run.json``."""
        return asdict(self)


def simulate(dry_run: DryRun, number: int, fault: str) -> SimulatedRun:
    """Simulate a nightly run of the reference chat with a fault, or without. Raises `HarnessError` when a shard failed."""
    folder = dry_run.folder / f"run-{number}"
    incoming = folder / "incoming"
    _record(dry_run, incoming, fault)
    if not dry_run.remote.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", str(dry_run.remote)], check=True)
    site = folder / "site"
    pull(str(dry_run.remote), _BRANCH, site)
    ended = nightly(incoming, site, folder / "judged", url=dry_run.url)
    if ended.wrong:
        raise HarnessError("; ".join(ended.wrong))
    (found,) = ended.judged
    history = Store(site / "history")
    with _webhook() as (url, received):
        notify(history, url, dry_run.url)
    push(str(dry_run.remote), _BRANCH, site)
    dry_run.site.unlink(missing_ok=True)
    dry_run.site.symlink_to(site.resolve(), target_is_directory=True)
    summary = json.loads((folder / "judged" / f"{found.target}-{found.browser}" / "summary.json").read_text())
    return SimulatedRun(
        number=number,
        fault=fault,
        run_id=history.read().entries[-1].run_id,
        outcome=found.outcome,
        causes=tuple(c["name"] for c in summary["causes"]),
        code_location=next((w for c in summary["causes"] for w in c["where"]), ""),
        shards=len(summary["run_ids"]),
        chats=summary["chats"]["observed"],
        notifications=tuple(received),
    )


def _record(dry_run: DryRun, incoming: Path, fault: str) -> None:
    environment = os.environ | {"CHAT_E2E_MASK_KEY": dry_run.mask_key}
    shards = []
    for number in range(1, dry_run.shards + 1):
        out = incoming / f"shard-{number}"
        out.mkdir(parents=True)
        command = [
            sys.executable, "-m", "pytest", "e2e/specs", "-q", "--shard", f"{number}/{dry_run.shards}",
            "--chats", str(dry_run.chats), "--lanes", str(2 * dry_run.shards), "--out", str(out.resolve()),
            *(("--fault", fault) if fault else ()),
        ]  # fmt: skip
        log = (out / "log.txt").open("w", encoding="utf-8")
        shards.append(
            (out, log, subprocess.Popen(command, cwd=SUITE, env=environment, stdout=log, stderr=log))
        )
    for out, log, process in shards:
        try:
            code = process.wait(_SHARD_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            code = -1
        log.close()
        if code != 0:
            raise HarnessError(f"a shard ended with exit code {code}", where=str(out / "log.txt"))


@contextmanager
def _webhook() -> Iterator[tuple[str, list[str]]]:
    """A local webhook: its address, and the texts it receives."""
    received: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(body["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep the console free of one line per request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
        finally:
            server.shutdown()
