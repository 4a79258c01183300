"""The optional target Chainlit: installed once, as locked, in an environment of its own; its server leaves no process."""

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
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"pid": os.getpid(), "folder": folder, "files": sorted(os.listdir(folder))}}).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
def watch():
    while os.read(0, 4096): pass
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
{before}
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
"""A script that replaces Chainlit's Python: serves on the port in its last argument, and ends with its standard input."""


class Uv:
    """A function that replaces uv: makes the environment's Python, and records its calls."""

    def __init__(self, home: Path) -> None:
        self.calls: list[str] = []
        self.fails = ""
        self._home = home

    def __call__(self, *arguments: str) -> None:
        self.calls.append(arguments[0])
        if arguments[0] == self.fails:
            raise HarnessError("no network")
        if arguments[0] == "venv":
            time.sleep(0.05)  # long enough for another installation to begin
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
    def test_second_installation_does_nothing(self, uv: Uv, home: Path) -> None:
        assert chainlit.installed() is None
        assert [chainlit.install_chainlit(), chainlit.install_chainlit()] == [True, False]
        assert uv.calls == ["venv", "pip"]
        assert chainlit.installed() == home / "bin" / "python"

    def test_another_lock_is_installed_again(self, uv: Uv) -> None:
        chainlit.install_chainlit()
        chainlit.LOCK.write_text("chainlit==2.12.1")
        assert chainlit.installed() is None
        assert chainlit.install_chainlit()

    def test_environment_with_a_removed_python_is_not_installed(
        self, uv: Uv, home: Path, tmp_path: Path
    ) -> None:
        chainlit.install_chainlit()
        (home / "bin" / "python").unlink()
        (home / "bin" / "python").symlink_to(tmp_path / "no-longer-there")
        assert chainlit.installed() is None

    @pytest.mark.parametrize("step", ["venv", "pip"])
    def test_failed_installation_is_not_recorded(self, uv: Uv, step: str) -> None:
        uv.fails = step
        with pytest.raises(HarnessError, match="no network"):
            chainlit.install_chainlit()
        assert chainlit.installed() is None
        uv.fails = ""
        assert chainlit.install_chainlit()

    def test_concurrent_installations_install_once(self, uv: Uv) -> None:
        pytest.importorskip("fcntl")
        done: list[bool] = []
        both = [threading.Thread(target=lambda: done.append(chainlit.install_chainlit())) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(10)
        assert sorted(done) == [False, True]
        assert uv.calls == ["venv", "pip"]

    def test_missing_lock_is_an_error(self, uv: Uv) -> None:
        chainlit.LOCK.unlink()
        with pytest.raises(HarnessError, match=r"requirements\.lock does not exist"):
            chainlit.install_chainlit()

    def test_unsupported_python_is_an_error_before_any_download(
        self, uv: Uv, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chainlit, "_FIRST_UNSUPPORTED", sys.version_info[:2])
        with pytest.raises(HarnessError, match="Chainlit needs a Python older than"):
            chainlit.install_chainlit()
        assert uv.calls == []

    def test_install_prints_a_failure_and_continues(self, uv: Uv, capsys: pytest.CaptureFixture[str]) -> None:
        uv.fails = "pip"
        assert chainlit.install(quiet=True) is None
        assert capsys.readouterr() == ("", "chainlit: no network\n")

    def test_quiet_install_prints_only_an_installation(
        self, uv: Uv, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        output = []
        for quiet in (True, True, False):
            assert chainlit.install(quiet=quiet) == home / "bin" / "python"
            output.append(capsys.readouterr().out.split()[1:2])
        assert output == [["installed"], [], ["ready"]]


def test_echo_command_imports_only_the_standard_library() -> None:
    code = f"import sys; sys.path.insert(0, {str(REPO)!r}); import fixtures.chainlit_echo.__main__"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class TestUv:
    @pytest.fixture(autouse=True)
    def _environment(self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home.parent.mkdir()
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def test_error_contains_the_reason_of_uv_and_a_hint(self, tmp_path: Path) -> None:
        (tmp_path / "uv").write_text("#!/bin/sh\necho 'dns error:\n  no such host'\nexit 2\n")
        (tmp_path / "uv").chmod(0o755)
        with pytest.raises(HarnessError, match="`uv venv` ended with 2") as raised:
            chainlit.install_chainlit()
        assert raised.value.where == "dns error: no such host"
        assert "python -m e2e.setup chainlit" in raised.value.hint

    def test_missing_uv_is_an_error_with_a_hint(self) -> None:
        with pytest.raises(HarnessError, match="uv could not be run") as raised:
            chainlit.install_chainlit()
        assert raised.value.hint == "make setup"

    def test_lock_is_installed_with_its_hashes(self, tmp_path: Path, home: Path) -> None:
        calls = tmp_path / "calls"
        (tmp_path / "uv").write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
        (tmp_path / "uv").chmod(0o755)
        home.mkdir()
        chainlit.install_chainlit()
        venv, pip = calls.read_text().splitlines()
        assert "--clear" in venv
        assert f"--require-hashes --requirement {chainlit.LOCK}" in pip
        assert f"--python {home}" in pip


class TestApp:
    def test_providers_are_those_of_the_reference_chat(self) -> None:
        # Parsed, not imported: our Python has no Chainlit.
        tree = ast.parse((APP / "app.py").read_text(encoding="utf-8"))
        [names] = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROVIDERS"
        ]
        assert names == DEFAULT_PROVIDERS

    def test_configuration_has_the_locked_version(self) -> None:
        config = tomllib.loads((APP / ".chainlit" / "config.toml").read_text(encoding="utf-8"))
        lock = (APP / "requirements.lock").read_text(encoding="utf-8")
        assert f"\nchainlit=={config['meta']['generated_by']} " in lock

    def test_new_chat_asks_for_confirmation_in_english(self) -> None:
        ui = tomllib.loads((APP / ".chainlit" / "config.toml").read_text(encoding="utf-8"))["UI"]
        assert (ui["confirm_new_chat"], ui["language"]) == (True, "en-US")

    def test_environment_has_no_variable_that_configures_chainlit(self) -> None:
        present = {
            "PATH": "/bin",
            "CHAINLIT_PORT": "1",
            "LITERAL_API_KEY": "x",
            "DATABASE_URL": "postgres://",
            "OAUTH_GITHUB_CLIENT_ID": "x",
            "PYTHONPATH": "/elsewhere",
        }
        result = wrapper.environment(present, "/tmp/app", 5)
        assert result.pop("PATH") == "/bin"
        assert set(result) == {
            "CHAINLIT_APP_ROOT",
            "CHAT_ECHO_TOKEN_MS",
            "OTEL_SDK_DISABLED",
            "TRACELOOP_TELEMETRY",
        }


class Started:
    """The echo command as a process, with a stub for Chainlit."""

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
        """Wait for its end; return exit status and standard error."""
        assert self.process.stderr is not None
        status = self.process.wait(20)
        return status, self.process.stderr.read()


Start = Callable[..., Started]


def stub_state(line: str) -> dict[str, object]:
    """Return the state that the stub reports."""
    connection = HTTPConnection(urlsplit(line.rsplit(maxsplit=1)[-1]).netloc, timeout=5)
    connection.request("GET", "/")
    state: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return state


def has_ended(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends in time. A zombie counts as ended."""
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


@pytest.mark.skipif(
    os.name != "posix", reason="the stub is a script with a shebang, and the signals are those of POSIX"
)
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

    def test_prints_its_url_once_it_responds(self, start: Start, tmp_path: Path) -> None:
        line = start("--port", "0").line()
        assert line.startswith("chainlit echo app on http://127.0.0.1:")
        state = stub_state(line)
        assert state["files"] == [".chainlit", "app.py", "chainlit.md"]
        assert Path(str(state["folder"])).parent == (tmp_path / "tmp").resolve()

    @pytest.mark.parametrize(
        ("how", "status"), [("input", 0), ("term", 143), ("interrupt", 130), ("kill", -signal.SIGKILL)]
    )
    def test_leaves_no_process(self, start: Start, tmp_path: Path, how: str, status: int) -> None:
        one = start()
        pid = int(str(stub_state(one.line())["pid"]))
        if how == "input":
            one.close_input()
        else:
            signals = {"term": signal.SIGTERM, "interrupt": signal.SIGINT, "kill": signal.SIGKILL}
            one.process.send_signal(signals[how])
        assert one.end() == (status, "")
        assert has_ended(pid)
        # The stub, unlike serve.py, does not remove the folder of a killed parent.
        assert how == "kill" or list((tmp_path / "tmp").iterdir()) == []

    def test_ends_with_its_parent_during_the_start(self, start: Start, tmp_path: Path) -> None:
        one = start(before="import time; time.sleep(60)")
        one.close_input()
        status, stderr = one.end()
        assert status == 0, stderr
        assert list((tmp_path / "tmp").iterdir()) == []

    def test_failed_start_is_reported_with_the_output_of_chainlit(self, start: Start) -> None:
        status, stderr = start(before="sys.exit('bad config')").end()
        assert status == 1
        assert (
            stderr
            == "bad config\nchainlit echo app: Chainlit ended before it responded; its output is above\n"
        )

    def test_unexpected_end_of_chainlit_is_reported(self, start: Start) -> None:
        one = start()
        os.kill(int(str(stub_state(one.line())["pid"])), signal.SIGKILL)
        status, stderr = one.end()
        assert (status, stderr) == (1, "chainlit echo app: Chainlit ended by itself; its output is above\n")

    def test_port_in_use_is_reported_before_the_start(self, start: Start) -> None:
        port = str(urlsplit(start().line().split()[-1]).port)
        status, stderr = start("--port", port).end()
        assert status == 1
        assert f"port {port} cannot be used" in stderr

    @pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--token-ms", "-1"]])
    def test_invalid_option_is_refused(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            wrapper.main(arguments)
        assert arguments[0] in capsys.readouterr().err

    def test_missing_chainlit_is_reported_with_a_hint(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(wrapper, "installed", lambda: None)
        assert wrapper.main([]) == 1
        stderr = capsys.readouterr().err
        assert "Chainlit is not installed" in stderr
        assert "python -m e2e.setup chainlit" in stderr
        assert "make setup" in stderr


@pytest.mark.skipif(
    chainlit.installed() is None, reason="Chainlit is not installed; only its target needs it"
)
def test_app_runs_in_chainlit_and_leaves_no_folder(tmp_path: Path) -> None:
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
        # Killed, not terminated: then Chainlit's own process must remove the folder.
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 10
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
