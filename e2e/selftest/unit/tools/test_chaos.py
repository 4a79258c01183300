"""The tool behind `make chaos`: its draws repeat, its proxy does what it is named after, its property finds what it is for."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from e2e.records.evidence import EvidenceWriter
from e2e.records.records import Problem, RunRecords
from e2e.selftest.tools.chaos.draw import Draw, draw
from e2e.selftest.tools.chaos.faults.catalogue import all_faults
from e2e.selftest.tools.chaos.judging import BROKEN, RIGHT, VIOLATION, Seen, examine
from e2e.selftest.tools.chaos.leftovers import TOKEN, left_behind
from e2e.selftest.tools.chaos.proxy import behaviours
from e2e.selftest.tools.chaos.proxy.messages import Request
from e2e.selftest.tools.chaos.proxy.server import Behaviour, Proxy
from e2e.selftest.tools.chaos.runs import Result
from e2e.selftest.tools.chaos.write import text_of
from e2e.selftest.unit.builders import make_run, with_meta

FAULTS = all_faults()
PAGE = b"<html><head></head><body>" + b"chat " * 400 + b"</body></html>"


# -- draws ------------------------------------------------------------------------------------------------------------


def test_seed_and_number_determine_the_run() -> None:
    assert draw(5, 17, FAULTS) == draw(5, 17, FAULTS)
    assert draw(5, 17, FAULTS) != draw(6, 17, FAULTS)
    assert draw(5, 17, FAULTS).rng.random() == draw(5, 17, FAULTS).rng.random()


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


def test_processes_and_files_that_stay_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.selftest.tools.chaos.leftovers._PATIENCE", 0.0)
    (tmp_path / "profile").mkdir()
    token = "token-of-a-self-test"
    with subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True); input()"],
        env=os.environ | {TOKEN: token}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        found = left_behind(token, tmp_path)
        assert process.wait(10) == -9
    assert [line.split(":")[0] for line in found] == [f"process {process.pid}", "file profile"]
    assert left_behind(token, tmp_path / "none") == []


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
