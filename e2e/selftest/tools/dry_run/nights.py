"""A night: its shards record beside each other, their evidence is judged together, the site goes to its branch, and a change is told."""

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
_BRANCH = "gh-pages"
_PATIENCE = 300  # seconds for a shard


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it all happens."""

    folder: Path
    chats: int
    shards: int
    url: str = "https://nights.example.org/chats"
    mask_key: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def remote(self) -> Path:
        """The repository whose branch holds the site."""
        return self.folder / "remote.git"

    @property
    def site(self) -> Path:
        """The site as the last night left it."""
        return self.folder / "site"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a night."""

    number: int
    fault: str
    run_id: str
    outcome: str
    causes: tuple[str, ...]
    where: str
    shards: int
    chats: int
    told: tuple[str, ...]
    """What the webhook was sent."""

    def to_json(self) -> dict[str, Any]:
        """For ``rehearsal.json``."""
        return asdict(self)


def play(stage: Stage, number: int, fault: str) -> Played:
    """Have a night with a fault, or a healthy one. Raises `HarnessError` when a shard did not record."""
    night = stage.folder / f"night-{number}"
    incoming = night / "incoming"
    _record(stage, incoming, fault)
    if not stage.remote.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", str(stage.remote)], check=True)
    site = night / "site"
    pull(str(stage.remote), _BRANCH, site)
    ended = nightly(incoming, site, night / "judged", url=stage.url)
    if ended.wrong:
        raise HarnessError("; ".join(ended.wrong))
    (found,) = ended.judged
    history = Store(site / "history")
    with _webhook() as (url, told):
        notify(history, url, stage.url)
    push(str(stage.remote), _BRANCH, site)
    stage.site.unlink(missing_ok=True)
    stage.site.symlink_to(site.resolve(), target_is_directory=True)
    summary = json.loads((night / "judged" / f"{found.target}-{found.browser}" / "summary.json").read_text())
    return Played(
        number=number,
        fault=fault,
        run_id=history.read().nights[-1].run_id,
        outcome=found.outcome,
        causes=tuple(c["name"] for c in summary["causes"]),
        where=next((w for c in summary["causes"] for w in c["where"]), ""),
        shards=len(summary["run_ids"]),
        chats=summary["chats"]["observed"],
        told=tuple(told),
    )


def _record(stage: Stage, incoming: Path, fault: str) -> None:
    environment = os.environ | {"CHAT_E2E_MASK_KEY": stage.mask_key}
    shards = []
    for number in range(1, stage.shards + 1):
        out = incoming / f"shard-{number}"
        out.mkdir(parents=True)
        command = [
            sys.executable, "-m", "pytest", "e2e/specs", "-q", "--shard", f"{number}/{stage.shards}",
            "--chats", str(stage.chats), "--lanes", str(2 * stage.shards), "--out", str(out.resolve()),
            *(("--fault", fault) if fault else ()),
        ]  # fmt: skip
        log = (out / "log.txt").open("w", encoding="utf-8")
        shards.append(
            (out, log, subprocess.Popen(command, cwd=SUITE, env=environment, stdout=log, stderr=log))
        )
    for out, log, process in shards:
        try:
            code = process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = -1
        log.close()
        if code != 0:
            raise HarnessError(f"a shard ended with {code}", where=str(out / "log.txt"))


@contextmanager
def _webhook() -> Iterator[tuple[str, list[str]]]:
    """A listener of this machine, and what it is told."""
    told: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.append(body["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook", told
        finally:
            server.shutdown()
