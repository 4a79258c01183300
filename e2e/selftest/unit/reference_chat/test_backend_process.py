"""The process of the reference chat: its start, its end, and that it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import psutil
import pytest

from e2e.selftest.unit.reference_chat.client import TIMEOUT_S, Client, chat_body, receive, send_message
from fixtures.reference_chat import process as child
from fixtures.reference_chat.launcher import ROOT, LaunchError, ReferenceChat

COMMAND = [sys.executable, "-m", "fixtures.reference_chat"]
PROMPTLY_S = 3.0  # measured: 0.3 s; ten times that for a busy machine
HTML = "<!doctype html><html><head></head><body></body></html>"


def has_ended(pid: int) -> bool:
    """Whether a process, our child or not, ends within the timeout."""
    try:
        psutil.Process(pid).wait(TIMEOUT_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.fixture
def bare() -> Iterator[subprocess.Popen[str]]:
    """A chat started from a command line, without the launcher."""
    options = ["--port", "0", "--reply-ms", "600000"]
    process = subprocess.Popen(
        COMMAND + options, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def test_standard_output_is_one_line_with_the_urls(bare: subprocess.Popen[str]) -> None:
    assert bare.stdout is not None
    ready = json.loads(bare.stdout.readline())
    assert set(ready) == {"url", "control_url", "pid"}
    assert ready["control_url"] is None
    assert ready["pid"] == bare.pid
    assert ready["url"].startswith("http://127.0.0.1:")
    assert ready["url"].endswith("/")
    assert Client(ready["url"]).request("GET", "/api/health").status == 200
    assert Client(ready["url"]).chat(message="").status == 422
    bare.terminate()
    assert bare.stdout.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_promptly_with_open_streams(
    bare: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert bare.stdout is not None
    client = Client(json.loads(bare.stdout.readline())["url"])
    with client.open("POST", "/api/chat", chat_body()) as stream, client.socket() as sock:
        assert stream.readline() == b"event: start\n"
        send_message(sock)
        assert receive(sock)["type"] == "start"
        begun = monotonic()
        bare.send_signal(number)
        _, stderr = bare.communicate(timeout=TIMEOUT_S)
    assert monotonic() - begun < PROMPTLY_S
    assert bare.returncode == 0
    assert "Traceback" not in stderr


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from fixtures.reference_chat.launcher import ReferenceChat\n"
        "print(ReferenceChat.start(reply_ms=600_000).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
        assert has_ended(pid)


def test_it_ends_with_a_parent_that_does_not_stop_it() -> None:
    code = "from fixtures.reference_chat.launcher import ReferenceChat\nprint(ReferenceChat.start().pid, flush=True)"
    parent = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert parent.stderr == ""
    assert not psutil.pid_exists(int(parent.stdout))  # at once: the launcher waits for it at exit


def test_it_has_a_process_group_of_its_own() -> None:
    with ReferenceChat.start(control=False) as chat:
        assert os.getsid(chat.pid) != os.getsid(0)
        assert os.getpgid(chat.pid) != os.getpgid(0)


def test_stored_sessions_survive_a_restart_and_a_kill(tmp_path: Path) -> None:
    db = tmp_path / "chat.db"
    with ReferenceChat.start(db=db) as chat:
        first = {f"s{n}": Client(chat.url).provider(f"s{n}") for n in range(8)}
    with ReferenceChat.start(db=db) as chat:
        assert {s: Client(chat.url).provider(s) for s in first} == first
        first["last"] = Client(chat.url).provider("last")
        os.kill(chat.pid, signal.SIGKILL)
        assert has_ended(chat.pid)
    with ReferenceChat.start(db=db) as chat:
        client = Client(chat.url)
        assert {s: client.request("GET", f"/api/sessions/{s}").json["provider"] for s in first} == first
        assert client.request("GET", "/api/sessions/s0").json["messages"] == 2


def test_sessions_in_memory_end_with_the_process() -> None:
    for _ in range(2):
        with ReferenceChat.start() as chat:
            assert Client(chat.url).request("GET", "/api/sessions/session_1").status == 404
            Client(chat.url).chat()


def test_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError) as refused:
            ReferenceChat.start(port=port)
    assert str(refused.value).splitlines() == [
        "the reference chat ended with status 1",
        f"reference chat: port {port} of 127.0.0.1 is in use; hint: another --port, or --port 0 for a free one",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"faults": ["stale"]}, "--fault: got 'stale', which is not a fault; known: "),
        ({"host": "256.0.0.1"}, "--host: got '256.0.0.1'; "),
        ({"host": "192.0.2.1"}, "--host: got '192.0.2.1', which is not an address of this machine"),
        ({"db": "/nowhere/chat.db"}, "--db: got '/nowhere/chat.db', which cannot be opened: unable to open"),
    ],
)
def test_invalid_option_ends_it_with_status_2_and_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(LaunchError) as refused:
        ReferenceChat.start(**options)  # type: ignore[arg-type]
    status, *lines = str(refused.value).splitlines()
    assert status == "the reference chat ended with status 2"
    assert len(lines) == 1
    assert lines[0].startswith(f"reference chat: {message}")


def test_launcher_passes_every_option_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(HTML)
    monkeypatch.setenv("CHAT_E2E_FRONTEND_DIST", str(tmp_path))
    with ReferenceChat.start(
        faults=["label-stale", "slow"],
        fault_after=2,
        id_pattern="uuid",
        transport="websocket",
        store="indexedDB",
        id_format="bare",
        rotation="on_first_message",
        providers=["Red", "Green"],
        weights=[0, 1],
        seed=3,
        reply_ms=1,
        chunk_ms=2,
        db=tmp_path / "chat.db",
    ) as chat:
        page = Client(chat.url).request("GET", "/").body.decode()
        assert Client(chat.url).provider() == "Green"
        state = chat.state()
        assert chat.stderr() == "(nothing on its standard error)"
    config = json.loads(page.split('id="chat-config">')[1].split("</script>")[0])
    assert config == {
        "idPattern": "uuid",
        "transport": "websocket",
        "store": "indexedDB",
        "idFormat": "bare",
        "rotation": "on_first_message",
        "faults": ["label-stale"],
        "providers": ["Red", "Green"],
    }
    assert (state["faults"], state["after"], state["chats"]) == (["label-stale", "slow"], 2, 1)
    assert state["config"] == {
        "id_pattern": "uuid",
        "transport": "websocket",
        "store": "indexedDB",
        "id_format": "bare",
        "rotation": "on_first_message",
        "providers": ["Red", "Green"],
        "weights": [0, 1],
        "seed": 3,
        "reply_ms": 1,
        "chunk_ms": 2,
    }
    assert (tmp_path / "chat.db").exists()


def test_missing_frontend_is_reported_and_the_backend_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHAT_E2E_FRONTEND_DIST", str(tmp_path / "nothing"))
    with ReferenceChat.start() as chat:
        assert Client(chat.url).request("GET", "/").status == 503
        assert Client(chat.url).chat().status == 200
        assert (
            chat.stderr()
            == "reference chat: the frontend of the reference chat is not built: run `make setup`"
        )


def test_stop_is_prompt_and_idempotent() -> None:
    chat = ReferenceChat.start(reply_ms=600_000)
    with Client(chat.url).open("POST", "/api/chat", chat_body()) as stream:
        stream.readline()
        begun = monotonic()
        chat.stop()
    assert monotonic() - begun < PROMPTLY_S
    assert not chat.running
    assert not psutil.pid_exists(chat.pid)
    chat.stop()
    assert chat.stderr() == "(nothing on its standard error)"


def test_process_that_ignores_the_end_of_its_input_is_killed() -> None:
    ignores = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", ignores], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    child._end(process, grace=0.05)
    assert process.returncode == -signal.SIGKILL


def test_process_that_is_never_ready_is_ended_after_the_timeout() -> None:
    before = set(psutil.Process().children())
    with pytest.raises(LaunchError, match=r"not ready within 0\.2 s"):
        child.ChildProcess.start(["-c", "import time; time.sleep(600)"], timeout=0.2)
    assert set(psutil.Process().children()) == before


def test_first_line_that_is_not_json_is_an_error() -> None:
    with pytest.raises(LaunchError, match="first line is not JSON: b'hello"):
        child.ChildProcess.start(["-c", "print('hello')"], timeout=TIMEOUT_S)


def test_interrupt_during_the_start_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(psutil.Process().children())

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "_first_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ReferenceChat.start()
    assert set(psutil.Process().children()) == before


def test_control_calls_without_a_control_plane_are_errors() -> None:
    with ReferenceChat.start(control=False) as chat:
        assert chat.control_url is None
        with pytest.raises(
            LaunchError, match="POST reset: this reference chat was started with control=False"
        ):
            chat.reset()


def test_control_plane_that_has_ended_is_reported() -> None:
    with ReferenceChat.start() as chat:
        os.kill(chat.pid, signal.SIGKILL)
        assert has_ended(chat.pid)
        with pytest.raises(LaunchError, match="the control plane did not respond to GET state"):
            chat.state()


def test_concurrent_chats_get_their_own_replies() -> None:
    replies: dict[str, list[str]] = {}

    def lane(url: str, name: str) -> None:
        answers = [Client(url).chat(f"{name}-{n}") for n in range(10)]
        replies[name] = [answer.events[0][1]["session_id"] for answer in answers]

    with ReferenceChat.start(reply_ms=5, chunk_ms=1) as chat:
        lanes = [threading.Thread(target=lane, args=(chat.url, f"lane{n}")) for n in range(8)]
        for thread in lanes:
            thread.start()
        for thread in lanes:
            thread.join()
        assert chat.state()["active_sessions"] == 80
    assert replies == {f"lane{n}": [f"lane{n}-{i}" for i in range(10)] for n in range(8)}
