"""The tool behind `make chaos`: its draws repeat, its proxy does what it is named after, its property finds what it is for."""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from e2e.profile.profile import Timeouts
from e2e.records.evidence import EvidenceWriter
from e2e.records.records import Problem, RunRecords
from e2e.selftest.tools.chaos.draw import Draw, draw
from e2e.selftest.tools.chaos.faults.catalogue import all_faults
from e2e.selftest.tools.chaos.faults.definition import Case
from e2e.selftest.tools.chaos.judging import BROKEN, RIGHT, VIOLATION, Seen, examine
from e2e.selftest.tools.chaos.leftovers import TOKEN, Descendants, left_behind
from e2e.selftest.tools.chaos.proxy import behaviours
from e2e.selftest.tools.chaos.proxy.messages import Request
from e2e.selftest.tools.chaos.proxy.server import Behaviour, Proxy
from e2e.selftest.tools.chaos.runs import Result, Workshop
from e2e.selftest.tools.chaos.suite_process import Order
from e2e.selftest.tools.chaos.write import text_of
from e2e.selftest.unit.builders import make_run, with_meta

FAULTS = all_faults()
PAGE = b"<html><head></head><body>" + b"chat " * 400 + b"</body></html>"


# -- draws ------------------------------------------------------------------------------------------------------------


def test_seed_and_number_determine_the_run() -> None:
    assert draw(5, 17, FAULTS) == draw(5, 17, FAULTS)
    assert draw(5, 17, FAULTS) != draw(6, 17, FAULTS)
    assert draw(5, 17, FAULTS).rng.random() == draw(5, 17, FAULTS).rng.random()


def test_the_order_of_the_faults_is_that_of_their_names() -> None:
    """It was that of their modules' imports: one more import, and a seed and a number were another run."""
    assert list(FAULTS) == ["none", *sorted(name for name in FAULTS if name != "none")]


def test_the_faults_come_in_turn() -> None:
    names = [draw(1, n, FAULTS).fault for n in range(2 * len(FAULTS))]
    assert sorted(names[: len(FAULTS)]) == sorted(names[len(FAULTS) :]) == sorted(FAULTS)
    assert {draw(1, n, FAULTS, ["net-cut"]).fault for n in range(5)} == {"net-cut"}


# -- proxy ------------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Nothing is printed."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    with Proxy.start("127.0.0.1", server.server_port) as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


def get(proxy: Proxy, behaviour: Behaviour | None = None) -> tuple[int, dict[str, str], bytes]:
    proxy.behave(lambda _: behaviour)
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        connection.request("GET", "/", headers={"accept": "text/html"})
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_it_passes_on_what_it_is_not_to_spoil(proxy: Proxy) -> None:
    assert get(proxy)[2] == PAGE


@pytest.mark.parametrize(
    "behaviour",
    [behaviours.delayed(0.01), behaviours.delayed(0.01, pieces=True), behaviours.dripping(500, 0.001),
     behaviours.reordered(random.Random(1), 0.01)],
    ids=["delayed", "pieces", "dripping", "reordered"],
)  # fmt: skip
def test_a_slow_response_is_whole(proxy: Proxy, behaviour: Behaviour) -> None:
    assert get(proxy, behaviour)[2] == PAGE


@pytest.mark.parametrize("size", [0, 1, 300])
def test_a_cut_connection_ends_the_response(proxy: Proxy, size: int) -> None:
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        get(proxy, behaviours.cut_after(size))


def test_half_a_body(proxy: Proxy) -> None:
    with pytest.raises(http.client.IncompleteRead):
        get(proxy, behaviours.half(announced=True))
    assert get(proxy, behaviours.half(announced=False))[2] == PAGE[: len(PAGE) // 2]


def test_answers_instead_of_the_server(proxy: Proxy) -> None:
    status, headers, body = get(proxy, behaviours.answering(429, b"no", retry_after="7"))
    assert (status, headers["retry-after"], body) == (429, "7", b"no")
    assert get(proxy, behaviours.in_encoding("content-encoding", "gzip"))[1]["content-encoding"] == "gzip"
    assert len(get(proxy, behaviours.huge(3 << 20))[2]) == 3 << 20


def test_a_response_that_never_ends(proxy: Proxy) -> None:
    proxy.behave(lambda _: behaviours.endless(b"more", 0.001, after_body=True))
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read(len(PAGE) + 400) == PAGE + b"more" * 100
    connection.close()


def test_only_as_many_requests_as_drawn() -> None:
    choose = behaviours.only(lambda r: r.path == "/api/chat", 2, behaviours.cut_after(0))
    api, page = Request("POST", "/api/chat", (), b""), Request("GET", "/", (), b"")
    assert [choose(r) is not None for r in (page, api, api, api)] == [False, True, True, False]


def test_a_script_is_put_into_the_page(proxy: Proxy) -> None:
    proxy.script = "drawn()"
    try:
        assert get(proxy)[2].startswith(b"<html><head><script>drawn()</script></head>")
    finally:
        proxy.script = ""


# -- leftovers --------------------------------------------------------------------------------------------------------


HOLDS_A_PORT = """
import os, socket, sys
held = socket.create_server(("127.0.0.1", 0))
print(held.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running(**options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that holds a port, and that port."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_A_PORT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def test_processes_ports_and_files_that_stay_are_found(tmp_path: Path) -> None:
    (tmp_path / "profile" / "Default").mkdir(parents=True)
    token = "token-of-a-self-test"
    with running(env=os.environ | {TOKEN: token}) as (process, port):
        found = left_behind(Descendants(token), tmp_path, patience=0.0)
        assert process.wait(10) == -9
    assert [line.split(":")[0] for line in found] == [f"process {process.pid}", "file profile (Default)"]
    assert found[0].endswith(f"(port {port})")
    assert left_behind(Descendants(token), tmp_path / "none") == []


def test_a_process_that_hides_its_environment_is_found(tmp_path: Path) -> None:
    """Chromium overwrites that of its renderers; they stay in the session of their browser."""
    descendants = Descendants("another token")
    with running(env={}, start_new_session=True) as (process, port):
        assert left_behind(descendants, tmp_path, patience=0.0) == []
        descendants.look(os.getpid())
        found = left_behind(descendants, tmp_path, patience=0.0)
        assert process.wait(10) == -9
    assert [line.split(":")[0] for line in found] == [f"process {process.pid}"]
    assert found[0].endswith(f"(port {port})")


def test_what_has_not_opened_a_session_is_left_alone(tmp_path: Path) -> None:
    descendants = Descendants("another token")
    with running(env={}) as (process, _):
        descendants.look(os.getpid())
        assert left_behind(descendants, tmp_path, patience=0.0) == []
        process.kill()


# -- a run that is watched --------------------------------------------------------------------------------------------


def hangs(order: Order, _: Any, reports: Connection) -> None:
    reports.send(("ready",))
    threading.Event().wait(60)


def dies(order: Order, _: Any, reports: Connection) -> None:
    reports.send(("ready",))
    os._exit(3)


def leaves(order: Order, _: Any, reports: Connection) -> None:
    (order.temporary / "profile").write_text("x")
    reads, writes = os.pipe()  # it holds both ends, and so its input never ends
    command = [sys.executable, "-c", HOLDS_A_PORT]
    process = subprocess.Popen(
        command, env={}, stdin=reads, stdout=subprocess.PIPE, pass_fds=(writes,), start_new_session=True
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    reports.send(("ready",))
    for _ in range(3):
        reports.send(("chat", "plain", 1, "observed"))
    threading.Event().wait(60)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Seen]:
    """What is seen of a process that does something else than a suite."""
    monkeypatch.setattr("e2e.selftest.tools.chaos.leftovers._PATIENCE", 0.0)
    for name in ("A_MINUTE", "_DUMP", "_ENDS"):
        monkeypatch.setattr(f"e2e.selftest.tools.chaos.runs.{name}", 0.1)

    def run(main: Callable[..., None], name: str = "none", within: float = 0.5, after: int = 0) -> Seen:
        monkeypatch.setattr("e2e.selftest.tools.chaos.runs.main", main)
        monkeypatch.setattr("e2e.selftest.tools.chaos.runs.limit_of", lambda _: within)
        context = multiprocessing.get_context("fork")
        no_target: Any = None
        workshop = Workshop(context, no_target, no_target)
        timeouts = Timeouts(ready=1, action=1, reply=1)
        order = Order(
            drawn(after=after, delay=0.0),
            "",
            tmp_path,
            tmp_path / "tmp",
            tmp_path / "log",
            "a token",
            timeouts,
        )
        order.temporary.mkdir()
        case = Case(random.Random(1), None, tmp_path, tmp_path / "tmp", 0, None)  # type: ignore[arg-type]
        return workshop.watched(order, FAULTS[name], case)

    return run


@pytest.mark.parametrize("name", ["none", "stop-suite"])
def test_a_run_that_does_not_end_is_late(watched: Callable[..., Seen], name: str) -> None:
    """Whether its fault happens by itself, or at a moment."""
    seen = watched(hangs, name)
    assert (seen.late, seen.left) == (True, [])
    assert (
        "it did not end within the profile's limits plus a minute"
        in examine(drawn(), FAULTS[name], seen).violations
    )


def test_a_run_whose_process_dies_is_seen(watched: Callable[..., Seen]) -> None:
    seen = watched(dies, within=20.0)
    assert (seen.late, seen.exit_code) == (False, 3)
    assert "the suite's process ended with exit code 3" in examine(drawn(), FAULTS["none"], seen).violations


def test_what_a_killed_run_leaves_and_loses_is_seen(watched: Callable[..., Seen]) -> None:
    seen = watched(leaves, "kill-suite", within=20.0, after=3)
    assert [line.split(" ")[0] for line in seen.left] == ["process", "file"]
    assert "(port " in seen.left[0]
    found = examine(drawn(), FAULTS["kill-suite"], seen)
    assert [line.split(":")[0] for line in found.violations] == [
        "left behind", "left behind", "3 chats were reported as written, and there is no run",
    ]  # fmt: skip


# -- the property -----------------------------------------------------------------------------------------------------


def drawn(**changes: Any) -> Draw:
    return replace(draw(1, 0, FAULTS, ["none"]), product="healthy", scenario="", **changes)


@pytest.fixture
def seen(tmp_path: Path) -> Callable[..., Seen]:
    def write(records: RunRecords, **fields: Any) -> Seen:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        writer = EvidenceWriter(folder, records.meta)
        for event in records.events:
            writer.event(event)
        for chat in records.chats:
            writer.chat(chat)
        writer.close()
        return Seen(folder=folder, ready=True, **fields)

    return write


def test_a_healthy_run_is_right(seen: Callable[..., Seen]) -> None:
    records = make_run()
    found = examine(drawn(), FAULTS["none"], seen(records, chats=len(records.chats)))
    assert (found.outcome, found.violations) == (RIGHT, ())


def test_false_fail_and_false_pass_are_violations(seen: Callable[..., Seen]) -> None:
    found = examine(drawn(), FAULTS["kill-browser"], seen(make_run("stale-state")))
    assert found.outcome == VIOLATION
    assert any("false fail of rotation.sent_id_is_fresh" in line for line in found.violations)
    planted = replace(drawn(), product="stale-state")
    found = examine(planted, FAULTS["kill-browser"], seen(make_run()))
    assert any("false pass of rotation.sent_id_is_fresh" in line for line in found.violations)
    found = examine(replace(drawn(), product="id-constant"), FAULTS["none"], seen(make_run("stale-state")))
    assert any("wrong cause stale-state instead of id-constant" in line for line in found.violations)


def test_a_planted_fault_that_is_named_is_right(seen: Callable[..., Seen]) -> None:
    found = examine(replace(drawn(), product="stale-state"), FAULTS["none"], seen(make_run("stale-state")))
    assert (found.outcome, found.violations) == (RIGHT, ())


def broken(what: str) -> RunRecords:
    problem = Problem("Blocked", what, "", "")
    return with_meta(make_run(), problems=(problem,))


def test_the_reason_must_be_that_of_the_fault(seen: Callable[..., Seen]) -> None:
    records = broken("the browser was gone in the middle of the run")
    assert examine(drawn(), FAULTS["kill-browser"], seen(records)).outcome == BROKEN
    found = examine(drawn(), FAULTS["net-429"], seen(records))
    assert [line.split(":")[0] for line in found.violations] == ["not the true reason"]
    found = examine(drawn(), FAULTS["clock-page"], seen(records))
    assert [line.split(":")[0] for line in found.violations] == ["no right verdict, because of"]


def test_a_chat_that_was_written_must_stay(seen: Callable[..., Seen]) -> None:
    records = make_run()
    found = examine(drawn(), FAULTS["none"], seen(records, chats=len(records.chats) + 1))
    assert [line.split(":")[0] for line in found.violations] == ["chats lost"]
    nothing = Seen(chats=2)
    assert examine(drawn(), FAULTS["kill-suite"], nothing).outcome == VIOLATION
    assert examine(drawn(), FAULTS["kill-suite"], Seen()).outcome == BROKEN


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"late": True}, "it did not end within"),
        ({"traceback": "Traceback\nKeyError: 1"}, "traceback: KeyError: 1"),
        ({"left": ["process 7: chrome"]}, "left behind: process 7: chrome"),
        ({"close": "Error: no"}, "the browser could not be closed"),
        ({"exit_code": 1}, "exit code 1"),
        ({"judged": ("fail",)}, "judged differently again"),
        ({"error": "CaptureIncomplete: no room"}, "judged again it is no longer broken: pass"),
    ],
)
def test_what_else_is_a_violation(seen: Callable[..., Seen], fields: dict[str, Any], violation: str) -> None:
    found = examine(drawn(), FAULTS["none"], seen(make_run(), **fields))
    assert found.outcome == VIOLATION
    assert violation in found.violations[0]


def test_a_planted_fault_shows_after_a_new_chat(seen: Callable[..., Seen]) -> None:
    """Of a run that was killed in its first chat, a check of what was seen may pass."""
    planted = replace(drawn(), product="split-session")
    killed = {"finished": None}
    first = examine(planted, FAULTS["kill-suite"], seen(with_meta(make_run(chats=1, lanes=1), **killed)))
    assert first.outcome == BROKEN
    later = examine(planted, FAULTS["kill-suite"], seen(with_meta(make_run(chats=4, lanes=1), **killed)))
    assert any("false pass" in line for line in later.violations)


def test_what_is_planted_must_be_found_or_a_true_reason_given(seen: Callable[..., Seen]) -> None:
    planted = replace(drawn(), product="late-rotation")
    found = examine(planted, FAULTS["kill-backend"], seen(make_run()))
    assert found.outcome == VIOLATION
    assert any(
        line.startswith("not the true reason: inconclusive: rotation.rapid_send") for line in found.violations
    )


def test_a_healthy_run_must_show_that_it_is(seen: Callable[..., Seen]) -> None:
    """A run passes as soon as one check does: with one chat no check of rotation can."""
    records = make_run(chats=1, lanes=1)
    found = examine(drawn(), FAULTS["none"], seen(records))
    assert found.outcome == VIOLATION
    assert any(
        "no right verdict, because of: inconclusive: rotation.sent_id_is_fresh" in v for v in found.violations
    )
    two_tabs = replace(drawn(), scenario="two-tabs")
    found = examine(two_tabs, FAULTS["stop-suite"], seen(make_run()))
    assert any("not the true reason: inconclusive: rotation.two_tabs" in v for v in found.violations)


def test_a_look_up_that_does_not_end_is_true_of_a_backend_that_is_slow(seen: Callable[..., Seen]) -> None:
    records = broken("the backend's look-up did not end")
    for name in ("net-endless", "net-delay", "stop-backend"):
        assert examine(drawn(), FAULTS[name], seen(records)).outcome == BROKEN
    assert examine(drawn(), FAULTS["net-429"], seen(records)).outcome == VIOLATION


@pytest.mark.parametrize(
    "what", ["the click on New Chat", "the click into the message box", "the typing", "a look at the page"]
)
def test_what_a_page_that_loops_does_not_answer_is_a_true_reason(
    seen: Callable[..., Seen], what: str
) -> None:
    records = broken(f"{what} did not end within 17.4 s")
    assert examine(drawn(), FAULTS["page-loops"], seen(records)).outcome == BROKEN
    late = broken("no complete reply within 6 s (status 200, 5 chunks)")
    assert examine(drawn(), FAULTS["page-loops"], seen(late)).outcome == VIOLATION


def test_the_reasons_are_listed_for_a_reader(seen: Callable[..., Seen]) -> None:
    found = examine(
        drawn(), FAULTS["kill-browser"], seen(broken("the browser was gone in the middle of the run"))
    )
    page = text_of([Result(replace(drawn(), fault="kill-browser"), found, 1.0, (), "")], FAULTS, {})
    assert "- kill-browser: Blocked: the browser was gone in the middle of the run (1)" in page


def test_the_table_counts_and_names_the_command_that_repeats_a_run(seen: Callable[..., Seen]) -> None:
    bad = examine(drawn(), FAULTS["none"], seen(make_run(), late=True))
    good = examine(drawn(), FAULTS["none"], seen(make_run()))
    results = [Result(drawn(), found, 1.0, (), "") for found in (bad, good)]
    page = text_of(results, FAULTS, {"disk-full": "mount is not permitted"})
    assert "| none | no fault: the run must end with the right verdict | 2 | 1 | 0 | 0 | 1 | 0 |" in page
    assert "`make chaos SEED=1 RUN=0`" in page
    assert "`disk-full` was not tried: mount is not permitted" in page
