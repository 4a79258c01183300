"""The reference chat as a process: how it starts, how it ends, and that it never outlives its parent."""

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

from e2e.selftest.unit.reference_client import PATIENCE_S, Client, chat_body, hear, say
from fixtures.reference_chat import launcher
from fixtures.reference_chat.launcher import ROOT, LaunchError, ReferenceChat

COMMAND = [sys.executable, "-m", "fixtures.reference_chat"]
PROMPTLY_S = 3.0  # measured: 0.3 s; the rest is for a busy machine
HTML = "<!doctype html><html><head></head><body></body></html>"


def gone(pid: int) -> bool:
    """Whether a process ends within our patience, be it our child or not."""
    try:
        psutil.Process(pid).wait(PATIENCE_S)
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


def test_it_says_where_it_listens_in_one_line_and_nothing_more(bare: subprocess.Popen[str]) -> None:
    assert bare.stdout is not None
    ready = json.loads(bare.stdout.readline())
    assert set(ready) == {"url", "control_url", "pid"}
    assert ready["control_url"] is None
    assert ready["pid"] == bare.pid
    assert ready["url"].startswith("http://127.0.0.1:")
    assert ready["url"].endswith("/")
    assert Client(ready["url"]).ask("GET", "/api/health").status == 200
    assert Client(ready["url"]).chat(message="").status == 422
    bare.terminate()
    assert bare.stdout.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_promptly_and_quietly_even_with_open_streams(
    bare: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert bare.stdout is not None
    client = Client(json.loads(bare.stdout.readline())["url"])
    with client.open("POST", "/api/chat", chat_body()) as stream, client.socket() as sock:
        assert stream.readline() == b"event: start\n"
        say(sock)
        assert hear(sock)["type"] == "start"
        begun = monotonic()
        bare.send_signal(number)
        _, told = bare.communicate(timeout=PATIENCE_S)
    assert monotonic() - begun < PROMPTLY_S
    assert bare.returncode == 0
    assert "Traceback" not in told


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
        assert gone(pid)


def test_it_ends_with_a_parent_that_forgets_to_stop_it() -> None:
    code = "from fixtures.reference_chat.launcher import ReferenceChat\nprint(ReferenceChat.start().pid, flush=True)"
    parent = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert parent.stderr == ""
    assert not psutil.pid_exists(int(parent.stdout))  # at once: the launcher waits for it at exit


def test_a_ctrl_c_in_the_terminal_does_not_reach_it() -> None:
    with ReferenceChat.start(control=False) as chat:
        assert os.getsid(chat.pid) != os.getsid(0)
        assert os.getpgid(chat.pid) != os.getpgid(0)


def test_sessions_survive_a_restart_and_a_kill(tmp_path: Path) -> None:
    db = tmp_path / "chat.db"
    with ReferenceChat.start(db=db) as chat:
        first = {f"s{n}": Client(chat.url).provider(f"s{n}") for n in range(8)}
    with ReferenceChat.start(db=db) as chat:
        assert {s: Client(chat.url).provider(s) for s in first} == first
        first["last"] = Client(chat.url).provider("last")
        os.kill(chat.pid, signal.SIGKILL)
        assert gone(chat.pid)
    with ReferenceChat.start(db=db) as chat:
        client = Client(chat.url)
        assert {s: client.ask("GET", f"/api/sessions/{s}").json["provider"] for s in first} == first
        assert client.ask("GET", "/api/sessions/s0").json["messages"] == 2


def test_sessions_in_memory_end_with_the_process() -> None:
    for _ in range(2):
        with ReferenceChat.start() as chat:
            assert Client(chat.url).ask("GET", "/api/sessions/session_1").status == 404
            Client(chat.url).chat()


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError) as refused:
            ReferenceChat.start(port=port)
    assert str(refused.value).splitlines() == [
        "the reference chat ended with status 1",
        f"reference chat: port {port} of 127.0.0.1 is taken; --port names another one, 0 a free one",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"faults": ["stale"]}, "--fault: got 'stale', which is not a fault; known: "),
        ({"host": "256.0.0.1"}, "--host: got '256.0.0.1'; "),
        ({"host": "192.0.2.1"}, "--host: got '192.0.2.1', which is not an address of this machine"),
        ({"db": "/nowhere/chat.db"}, "--db: got '/nowhere/chat.db'; it cannot be used: unable to open"),
    ],
)
def test_a_bad_option_ends_it_with_status_2_and_one_line(options: dict[str, object], told: str) -> None:
    with pytest.raises(LaunchError) as refused:
        ReferenceChat.start(**options)  # type: ignore[arg-type]
    status, *lines = str(refused.value).splitlines()
    assert status == "the reference chat ended with status 2"
    assert len(lines) == 1
    assert lines[0].startswith(f"reference chat: {told}")


def test_every_option_of_the_launcher_arrives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
        page = Client(chat.url).ask("GET", "/").body.decode()
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
    assert state["config"] == {"id_pattern": "uuid", "transport": "websocket", "reply_ms": 1, "chunk_ms": 2}
    assert (tmp_path / "chat.db").exists()


def test_a_missing_frontend_is_told_and_the_backend_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHAT_E2E_FRONTEND_DIST", str(tmp_path / "nothing"))
    with ReferenceChat.start() as chat:
        assert Client(chat.url).ask("GET", "/").status == 503
        assert Client(chat.url).chat().status == 200
        assert (
            chat.stderr()
            == "reference chat: the frontend of the reference chat is not built: run `make setup`"
        )


def test_stop_can_be_called_twice_and_ends_it_promptly() -> None:
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


def test_a_process_that_does_not_listen_is_killed() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", deaf], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    launcher._end(process, grace=0.05)
    assert process.returncode == -signal.SIGKILL


def test_a_chat_that_is_never_ready_is_given_up_and_ended() -> None:
    before = set(psutil.Process().children())
    with pytest.raises(LaunchError, match=r"not ready within 0\.2 s"):
        ReferenceChat._start([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.2)
    assert set(psutil.Process().children()) == before


def test_a_first_line_that_is_not_ours_is_refused() -> None:
    with pytest.raises(LaunchError, match="first line is not JSON: b'hello"):
        ReferenceChat._start([sys.executable, "-c", "print('hello')"], timeout=PATIENCE_S)


def test_an_interrupt_while_it_starts_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(psutil.Process().children())

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "_first_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ReferenceChat.start()
    assert set(psutil.Process().children()) == before


def test_without_a_control_plane_its_calls_say_so() -> None:
    with ReferenceChat.start(control=False) as chat:
        assert chat.control_url is None
        with pytest.raises(
            LaunchError, match="POST reset: this reference chat was started with control=False"
        ):
            chat.reset()


def test_a_control_plane_that_is_gone_is_told() -> None:
    with ReferenceChat.start() as chat:
        os.kill(chat.pid, signal.SIGKILL)
        assert gone(chat.pid)
        with pytest.raises(LaunchError, match="the control plane did not answer GET state"):
            chat.state()


def test_chats_side_by_side_all_get_their_own_reply() -> None:
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
