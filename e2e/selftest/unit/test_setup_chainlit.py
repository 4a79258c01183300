"""Guards a target that not everybody wants: Chainlit is installed once, as locked, apart from the suite, and leaves nothing behind."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from e2e.errors import HarnessError
from e2e.setup import chainlit
from e2e.setup.places import REPO
from fixtures.chainlit_echo import __main__ as wrapper
from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS

APP = REPO / "fixtures" / "chainlit_echo"

STUB = """
import http.server, json, os, sys, threading
port, folder = int(sys.argv[-1]), os.getcwd()
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = json.dumps({{"pid": os.getpid(), "folder": folder, "files": sorted(os.listdir(folder))}}).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(said)
    def log_message(self, *_): pass
def watch():
    while os.read(0, 4096): pass
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
{before}
http.server.HTTPServer(("127.0.0.1", port), Answers).serve_forever()
"""
"""In the place of the Python that has Chainlit: answers on its last argument, and ends with its standard input."""


class Uv:
    """In the place of uv: makes the environment's Python, and keeps what it was asked for."""

    def __init__(self, home: Path) -> None:
        self.calls: list[str] = []
        self.fails = ""
        self._home = home

    def __call__(self, *arguments: str) -> None:
        self.calls.append(arguments[0])
        if arguments[0] == self.fails:
            raise HarnessError("no network")
        if arguments[0] == "venv":
            time.sleep(0.05)  # long enough for somebody else to come along
            (self._home / "bin").mkdir(parents=True, exist_ok=True)
            (self._home / "bin" / "python").touch()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(chainlit, "HOME", tmp_path / "venv" / "chainlit")
    monkeypatch.setattr(chainlit, "LOCK", tmp_path / "requirements.lock")
    (tmp_path / "requirements.lock").write_text("chainlit==2.12.0")
    return chainlit.HOME


@pytest.fixture
def uv(home: Path, monkeypatch: pytest.MonkeyPatch) -> Uv:
    stub = Uv(home)
    monkeypatch.setattr(chainlit, "_uv", stub)
    return stub


class TestInstallation:
    def test_it_is_done_once(self, uv: Uv, home: Path) -> None:
        assert chainlit.installed() is None
        assert [chainlit.install_chainlit(), chainlit.install_chainlit()] == [True, False]
        assert uv.calls == ["venv", "pip"]
        assert chainlit.installed() == home / "bin" / "python"

    def test_another_lock_does_it_again(self, uv: Uv) -> None:
        chainlit.install_chainlit()
        chainlit.LOCK.write_text("chainlit==2.12.1")
        assert chainlit.installed() is None
        assert chainlit.install_chainlit()

    def test_a_python_that_is_gone_does_it_again(self, uv: Uv, home: Path, tmp_path: Path) -> None:
        chainlit.install_chainlit()
        (home / "bin" / "python").unlink()
        (home / "bin" / "python").symlink_to(tmp_path / "no-longer-there")
        assert chainlit.installed() is None

    @pytest.mark.parametrize("step", ["venv", "pip"])
    def test_a_failure_is_not_remembered(self, uv: Uv, step: str) -> None:
        uv.fails = step
        with pytest.raises(HarnessError, match="no network"):
            chainlit.install_chainlit()
        assert chainlit.installed() is None
        uv.fails = ""
        assert chainlit.install_chainlit()

    def test_two_at_a_time_do_it_once(self, uv: Uv) -> None:
        pytest.importorskip("fcntl")
        done: list[bool] = []
        both = [threading.Thread(target=lambda: done.append(chainlit.install_chainlit())) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(10)
        assert sorted(done) == [False, True]
        assert uv.calls == ["venv", "pip"]

    def test_a_missing_lock_is_a_clear_error(self, uv: Uv) -> None:
        chainlit.LOCK.unlink()
        with pytest.raises(HarnessError, match=r"requirements\.lock is not there"):
            chainlit.install_chainlit()

    def test_a_python_that_is_too_new_for_it_is_told_at_once(
        self, uv: Uv, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chainlit, "_TOO_NEW", sys.version_info[:2])
        with pytest.raises(HarnessError, match="Chainlit needs a Python older than"):
            chainlit.install_chainlit()
        assert uv.calls == []

    def test_who_can_go_on_without_it_is_told_only(self, uv: Uv, capsys: pytest.CaptureFixture[str]) -> None:
        uv.fails = "pip"
        assert chainlit.install(quiet=True) is None
        assert capsys.readouterr() == ("", "chainlit: no network\n")

    def test_quiet_tells_only_what_was_done(
        self, uv: Uv, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = []
        for quiet in (True, True, False):
            assert chainlit.install(quiet=quiet) == home / "bin" / "python"
            said.append(capsys.readouterr().out.split()[1:2])
        assert said == [["installed"], [], ["ready"]]


def test_looking_for_it_imports_the_standard_library_only() -> None:
    code = f"import sys; sys.path.insert(0, {str(REPO)!r}); import fixtures.chainlit_echo.__main__"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class TestUv:
    @pytest.fixture(autouse=True)
    def _place(self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home.parent.mkdir()
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def test_its_reason_and_a_way_out_are_in_the_error(self, tmp_path: Path) -> None:
        (tmp_path / "uv").write_text("#!/bin/sh\necho 'dns error:\n  no such host'\nexit 2\n")
        (tmp_path / "uv").chmod(0o755)
        with pytest.raises(HarnessError, match="`uv venv` ended with 2") as raised:
            chainlit.install_chainlit()
        assert raised.value.where == "dns error: no such host"
        assert "python -m e2e.setup chainlit" in raised.value.way_out

    def test_without_it_the_way_out_is_the_set_up(self) -> None:
        with pytest.raises(HarnessError, match="uv could not be run") as raised:
            chainlit.install_chainlit()
        assert raised.value.way_out == "make setup"

    def test_the_lock_is_installed_with_its_hashes(self, tmp_path: Path, home: Path) -> None:
        said = tmp_path / "said"
        (tmp_path / "uv").write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
        (tmp_path / "uv").chmod(0o755)
        home.mkdir()
        chainlit.install_chainlit()
        venv, pip = said.read_text().splitlines()
        assert "--clear" in venv
        assert f"--require-hashes --requirement {chainlit.LOCK}" in pip
        assert f"--python {home}" in pip


class TestApp:
    def test_its_providers_are_those_of_the_reference_chat(self) -> None:
        # Read, not imported: Chainlit is not there for our Python.
        tree = ast.parse((APP / "app.py").read_text(encoding="utf-8"))
        [names] = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROVIDERS"
        ]
        assert names == DEFAULT_PROVIDERS

    def test_the_configuration_is_of_the_version_that_is_locked(self) -> None:
        config = tomllib.loads((APP / ".chainlit" / "config.toml").read_text(encoding="utf-8"))
        lock = (APP / "requirements.lock").read_text(encoding="utf-8")
        assert f"\nchainlit=={config['meta']['generated_by']} " in lock

    def test_new_chat_asks_first_and_in_english(self) -> None:
        ui = tomllib.loads((APP / ".chainlit" / "config.toml").read_text(encoding="utf-8"))["UI"]
        assert (ui["confirm_new_chat"], ui["language"]) == (True, "en-US")

    def test_it_gets_nothing_of_the_environment_that_would_change_it(self) -> None:
        present = {
            "PATH": "/bin",
            "CHAINLIT_PORT": "1",
            "LITERAL_API_KEY": "x",
            "DATABASE_URL": "postgres://",
            "OAUTH_GITHUB_CLIENT_ID": "x",
            "PYTHONPATH": "/elsewhere",
        }
        got = wrapper.environment(present, "/tmp/app", 5)
        assert got.pop("PATH") == "/bin"
        assert set(got) == {
            "CHAINLIT_APP_ROOT",
            "CHAT_ECHO_TOKEN_MS",
            "OTEL_SDK_DISABLED",
            "TRACELOOP_TELEMETRY",
        }


class Started:
    """The wrapper, with a stub in the place of Chainlit."""

    def __init__(self, python: Path, temporary: Path, *arguments: str) -> None:
        code = (
            "import sys; from pathlib import Path; from fixtures.chainlit_echo import __main__ as wrapper;"
            f" wrapper.installed = lambda: Path({str(python)!r}); sys.exit(wrapper.main())"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=REPO,
            env={**os.environ, "TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> tuple[int, str]:
        """Exit status and standard error, once it has ended."""
        assert self.process.stderr is not None
        status = self.process.wait(20)
        return status, self.process.stderr.read()


Start = Callable[..., Started]


def asked(line: str) -> dict[str, object]:
    """What the stub says about itself."""
    connection = HTTPConnection(urlsplit(line.rsplit(maxsplit=1)[-1]).netloc, timeout=5)
    connection.request("GET", "/")
    said: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return said


def gone(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends in time; one that nobody has waited for yet counts as ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            stat = Path(f"/proc/{pid}/stat")
            if stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(os.name != "posix", reason="the stub is a script, and signals are POSIX's")
class TestWrapper:
    @pytest.fixture
    def start(self, tmp_path: Path) -> Iterator[Start]:
        started: list[Started] = []
        (tmp_path / "tmp").mkdir()

        def start(*arguments: str, before: str = "") -> Started:
            script = tmp_path / "stub"
            script.write_text(f"#!{sys.executable}\n{STUB.format(before=before)}")
            script.chmod(0o755)
            started.append(Started(script, tmp_path / "tmp", *arguments))
            return started[-1]

        yield start
        for one in started:
            one.process.kill()
            one.process.wait(10)
            for pipe in (one.process.stdin, one.process.stdout, one.process.stderr):
                assert pipe is not None
                pipe.close()

    def test_it_says_where_it_is_once_it_answers(self, start: Start, tmp_path: Path) -> None:
        line = start("--port", "0").line()
        assert line.startswith("chainlit echo app on http://127.0.0.1:")
        said = asked(line)
        assert said["files"] == [".chainlit", "app.py", "chainlit.md"]
        assert Path(str(said["folder"])).parent == (tmp_path / "tmp").resolve()

    @pytest.mark.parametrize(
        ("how", "status"), [("input", 0), ("term", 143), ("interrupt", 130), ("kill", -signal.SIGKILL)]
    )
    def test_it_leaves_no_process_behind(self, start: Start, tmp_path: Path, how: str, status: int) -> None:
        one = start()
        pid = int(str(asked(one.line())["pid"]))
        if how == "input":
            one.close_input()
        else:
            signals = {"term": signal.SIGTERM, "interrupt": signal.SIGINT, "kill": signal.SIGKILL}
            one.process.send_signal(signals[how])
        assert one.end() == (status, "")
        assert gone(pid)
        # The stub, unlike serve.py, does not clean up after a parent that was killed.
        assert how == "kill" or list((tmp_path / "tmp").iterdir()) == []

    def test_it_ends_with_its_parent_before_it_is_up_too(self, start: Start, tmp_path: Path) -> None:
        one = start(before="import time; time.sleep(60)")
        one.close_input()
        status, said = one.end()
        assert status == 0, said
        assert list((tmp_path / "tmp").iterdir()) == []

    def test_a_chainlit_that_does_not_start_is_told_with_its_words(self, start: Start) -> None:
        status, said = start(before="sys.exit('bad config')").end()
        assert status == 1
        assert (
            said
            == "bad config\nchainlit echo app: Chainlit ended before it answered; what it said is above\n"
        )

    def test_a_chainlit_that_ends_by_itself_is_told(self, start: Start) -> None:
        one = start()
        os.kill(int(str(asked(one.line())["pid"])), signal.SIGKILL)
        status, said = one.end()
        assert (status, said) == (1, "chainlit echo app: Chainlit ended by itself; what it said is above\n")

    def test_a_taken_port_is_told_at_once(self, start: Start) -> None:
        port = str(urlsplit(start().line().split()[-1]).port)
        status, said = start("--port", port).end()
        assert status == 1
        assert f"port {port} cannot be had" in said

    @pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--token-ms", "-1"]])
    def test_a_bad_option_is_refused(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="2"):
            wrapper.main(arguments)
        assert arguments[0] in capsys.readouterr().err

    def test_without_chainlit_the_way_to_it_is_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(wrapper, "installed", lambda: None)
        assert wrapper.main([]) == 1
        said = capsys.readouterr().err
        assert "Chainlit is not installed" in said
        assert "python -m e2e.setup chainlit" in said
        assert "make setup" in said


@pytest.mark.skipif(
    chainlit.installed() is None, reason="Chainlit is not installed; only its target needs it"
)
def test_the_app_runs_behind_chainlit_and_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fixtures.chainlit_echo"],
        cwd=REPO,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("chainlit echo app on http://127.0.0.1:")
        assert len(list(tmp_path.iterdir())) == 1
        connection = HTTPConnection(urlsplit(line.split()[-1]).netloc, timeout=10)
        connection.request("GET", "/project/settings?language=en-US")
        settings = json.loads(connection.getresponse().read())
        connection.close()
        assert settings["ui"]["confirm_new_chat"]
        assert settings["dataPersistence"] is False
    finally:
        # Killed, not asked: then Chainlit's own process has to see to the folder.
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 10
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
