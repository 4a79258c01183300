"""Guards the repository as a whole: what lies where, what must not be in it, and that CI runs what a developer runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from e2e.plugin.settings.from_make import command_line
from e2e.selftest.conftest import LONGEST
from e2e.setup.places import REPO

TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "conftest.py",
    "Makefile",
    "requirements.lock",
    "LICENSE",
    "e2e",
    "fixtures",
    "reports",
}

NPM_FOLDERS = ("reports", "fixtures/reference_chat/frontend")

# Written so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted\.org|n[p]mjs\.(?:org|com)|yarn[p]kg\.com|deb\.[d]ebian\.org|archive\.[u]buntu\.com"
)
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:work|farm|root|home/[\w.-]+|Users/[\w.-]+)/")
SECRETS = re.compile(r"gh[pousr]_[A-Za-z0-9]{30}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE " + "KEY")


def test_the_files_that_begin_first_exist() -> None:
    """A renamed one would begin last, and `make test` would wait for it with one worker."""
    missing = [name for name in LONGEST if not (REPO / "e2e" / "selftest" / name).is_file()]
    assert missing == []


def tracked() -> list[Path]:
    """The files that are, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git repository: what would be committed is not known")
    return [REPO / name for name in listed.stdout.split("\0") if name and (REPO / name).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        try:
            found[path.relative_to(REPO).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def lines_with(pattern: re.Pattern[str], files: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


class TestTree:
    def test_nothing_visible_is_added_at_the_top(self) -> None:
        top = {path.relative_to(REPO).parts[0] for path in tracked()}
        assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL

    def test_all_that_belongs_at_the_top_is_there(self) -> None:
        assert sorted(name for name in TOP_LEVEL if not (REPO / name).exists()) == []

    def test_nothing_generated_is_committed(self) -> None:
        generated = re.compile(r"(^|/)(node_modules|dist|out|\.venv|__pycache__|allure-(results|report))/")
        names = [path.relative_to(REPO).as_posix() for path in tracked()]
        assert [name for name in names if generated.search(name)] == []

    @pytest.mark.parametrize(
        "pattern", [REGISTRIES, MACHINE_PATHS, SECRETS], ids=["registries", "machine paths", "secrets"]
    )
    def test_no_file_names(self, pattern: re.Pattern[str]) -> None:
        assert lines_with(pattern, texts()) == []

    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            # Backwards, so that this file names none either.
            (REGISTRIES, "x/gro.sjmpn.yrtsiger//:sptth"[::-1]),
            (REGISTRIES, "gro.detsohnohtyp.selif = xedni"[::-1]),
            (MACHINE_PATHS, "see /" + "work/x"),
            (MACHINE_PATHS, "'/" + "home/ann/x'"),
            (MACHINE_PATHS, "(/" + "root/.cache"),
            (SECRETS, "gh" + "p_" + 36 * "a"),
        ],
        ids=["registry", "file host", "workplace", "home", "home of root", "token"],
    )
    def test_what_is_looked_for_would_be_seen(self, pattern: re.Pattern[str], text: str) -> None:
        assert pattern.search(text)

    def test_an_address_of_a_page_is_no_path_of_a_machine(self) -> None:
        assert not MACHINE_PATHS.search("http://127.0.0.1/" + "workspace, src/" + "work/a.py, ../" + "root/")


class TestLocks:
    def test_every_python_package_is_pinned_with_hashes(self) -> None:
        entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", self._lock(), flags=re.MULTILINE))
        assert len(entries) > 30
        assert [e.splitlines()[0] for e in entries if not re.match(r"[a-z0-9.-]+==\S+", e)] == []
        assert [e.splitlines()[0] for e in entries if "--hash=sha256:" not in e] == []

    def test_the_lock_names_no_place_to_load_from(self) -> None:
        assert re.findall(r"--(?:extra-)?index-url|--find-links|file:|://", self._lock()) == []

    def test_every_dependency_of_the_project_is_locked(self) -> None:
        project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
        names = {re.split(r"[^A-Za-z0-9.-]", dependency)[0] for dependency in wanted}
        locked = set(re.findall(r"^([a-z0-9.-]+)==", self._lock(), re.MULTILINE))
        assert sorted(names - locked) == []

    @pytest.mark.parametrize("folder", NPM_FOLDERS)
    def test_npm_locks_have_hashes_and_no_addresses(self, folder: str) -> None:
        lock = json.loads((REPO / folder / "package-lock.json").read_text(encoding="utf-8"))
        packages = {name: entry for name, entry in lock["packages"].items() if name}
        assert [name for name, entry in packages.items() if "resolved" in entry] == []
        assert [name for name, entry in packages.items() if not entry.get("integrity")] == []

    @pytest.mark.parametrize("folder", NPM_FOLDERS)
    def test_npm_packages_are_named_by_exact_version(self, folder: str) -> None:
        manifest = json.loads((REPO / folder / "package.json").read_text(encoding="utf-8"))
        named = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
        lock = json.loads((REPO / folder / "package-lock.json").read_text(encoding="utf-8"))
        assert {name: v for name, v in named.items() if not re.fullmatch(r"\d+\.\d+\.\d+\S*", v)} == {}
        assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in named} == named

    @staticmethod
    def _lock() -> str:
        return (REPO / "requirements.lock").read_text(encoding="utf-8")


def targets() -> dict[str, bool]:
    """The Makefile's targets, and whether each has a line of help."""
    makefile = (REPO / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z][a-z0-9-]*):(.*)$", makefile, re.MULTILINE)
    return {name: " ## " in f" {rest}" for name, rest in rules}


FROM_MAKE = "e2e.plugin.settings.from_make"


class TestMakefile:
    def test_every_target_has_a_line_of_help(self) -> None:
        assert len(targets()) >= 12
        assert [name for name, has_help in targets().items() if not has_help] == []

    def test_every_target_is_phony(self) -> None:
        makefile = (REPO / "Makefile").read_text(encoding="utf-8")
        phony = re.search(r"^\.PHONY: (.*)$", makefile.replace("\\\n", ""), re.MULTILINE)
        assert phony is not None
        assert set(phony[1].split()) == set(targets())


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
class TestMake:
    """The recipes themselves, with a stand-in for Python that writes down how it was called."""

    @pytest.fixture
    def python(self, tmp_path: Path) -> Path:
        script = tmp_path / "python"
        script.write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {tmp_path}/calls\n'
            f'case "$2" in {FROM_MAKE}) printf %s "$MAKEFLAGS" > {tmp_path}/makeflags;; esac\n'
            f'case "$2 $3" in pytest*|{FROM_MAKE}*) exit "${{PYTEST_ENDS:-0}}";; "e2e report") exit "${{REPORTS_ENDS:-0}}";; esac\n'
        )
        script.chmod(0o755)
        return script

    def environment(self) -> dict[str, str]:
        """Without the variables of a make that runs these tests: `make test ARGS=-x` hands them on to every make below it."""
        makefile = (REPO / "Makefile").read_text(encoding="utf-8")
        known = set(re.findall(r"\$\((?:if |or )?\$?\(?([A-Z_]+)\b", makefile)) | {
            "MAKEFLAGS",
            "MFLAGS",
            "MAKELEVEL",
        }
        known |= {"MAKEOVERRIDES", "GNUMAKEFLAGS"}
        return {name: value for name, value in os.environ.items() if name not in known or name == "PATH"}

    def test_the_variables_of_an_outer_make_change_nothing(
        self, python: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {
            "ARGS": "-x",
            "MAKEFLAGS": " -- ARGS=-x OUT=o",
            "OUT": "o",
            "WORKERS": "3",
        }.items():
            monkeypatch.setenv(name, value)
        code, calls = self.make(python, "gate")
        assert (code, calls[-1]) == (0, "-m e2e gate")

    def make(self, python: Path, *arguments: str) -> tuple[int, list[str]]:
        stamp = python.parent / "stamp"
        stamp.touch()
        done = subprocess.run(
            ["make", "--no-print-directory", f"PY={python}", f"STAMP={stamp}", *arguments],
            cwd=REPO,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        calls = (python.parent / "calls").read_text().splitlines()
        return done.returncode, calls

    def test_e2e_passes_its_variables_on(self, python: Path) -> None:
        variables = [
            "TARGET=acme",
            "CHATS=9",
            "FAULT=stale-state slow",
            "BASE_URL=http://127.0.0.1:1/?a=b c",
            "OUT=o",
        ]
        code, calls = self.make(python, "e2e", *variables, "ARGS=-k x")
        assert code == 0
        assert calls[1:] == [f"-m {FROM_MAKE} pytest e2e/specs -- -k x", "-m e2e report --out o"]
        passed = command_line((python.parent / "makeflags").read_text())
        assert passed == dict(sorted(variable.split("=", 1) for variable in variables))

    def test_a_variable_of_the_environment_is_no_option(
        self, python: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHATS", "9")
        self.make(python, "e2e", "LANES=2")
        assert command_line((python.parent / "makeflags").read_text()) == {"LANES": "2"}

    @pytest.mark.parametrize(
        ("arguments", "called"),
        [
            (
                ["shard", "TARGET=acme", "CHATS=9", "LANES=3", "SHARD=2/3", "BROWSER=chromium"],
                f"-m {FROM_MAKE} pytest e2e/specs --",
            ),
            (
                ["judge", "INCOMING=in", "SITE=s", "SITE_URL=https://n.example.org"],
                "-m e2e nightly --incoming in --site s --url https://n.example.org",
            ),
            (["site-pull", "SITE=s", "REMOTE=r"], "-m e2e pull --site s --remote r"),
            (["site-push", "SITE=s"], "-m e2e push --site s"),
            (
                ["notify", "SITE=s", "SITE_URL=u", "CHAT_E2E_WEBHOOK=w"],
                "-m e2e notify --history s/history --url u",
            ),
            (
                ["pull-request", "PULL=7", "COMMIT=abc", "LINK=l"],
                "-m e2e pull-request --number 7 --commit abc --link l",
            ),
            (["gate"], "-m e2e gate"),
            (["matrix", "FAULT=slow", "LOAD=8", "OUT=o"], "-m e2e matrix --fault slow --load 8 --out o"),
            (["dry-run", "OUT=o"], "-m e2e dry-run --out o"),
            (["dry-run-cluster", "OUT=o"], "-m e2e dry-run-cluster --out o"),
            (["rehearse", "OUT=o"], "-m e2e dry-run --out o"),
            (
                ["discover", "URL=https://c.example.org/", "OUT=c.toml"],
                "-m e2e discover https://c.example.org/ --out c.toml",
            ),
            (["doctor", "TARGET=acme"], "-m e2e doctor --target acme"),
            (["login", "TARGET=acme"], "-m e2e login --target acme"),
            (["open", "OUT=o"], "-m e2e open --out o"),
            (["outcome", "OUT=o"], "-m e2e outcome --out o"),
        ],
        ids=lambda value: value[0] if isinstance(value, list) else "",
    )
    def test_targets_of_the_workflows_pass_their_variables_on(
        self, python: Path, arguments: list[str], called: str
    ) -> None:
        code, calls = self.make(python, *arguments)
        assert code == 0
        assert calls[-1] == called

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            (["discover"], "error: URL= is missing\n  hint: make discover URL=https://chat.example.org/\n"),
            (["discover", "URL="], "error: URL= is missing\n"),
            (["login"], "error: TARGET= is missing\n  hint: make login TARGET=acme.toml\n"),
            (["shard"], "error: SHARD= is missing\n"),
            (["judge", "SITE=s"], "error: INCOMING= is missing\n"),
            (["judge", "INCOMING=in"], "error: SITE= is missing\n"),
            (["all-passed"], "error: RESULTS= is missing\n"),
        ],
        ids=" ".join,
    )
    def test_missing_variable_stops_a_target_before_it_installs_anything(
        self, python: Path, arguments: list[str], error: str
    ) -> None:
        command = ["make", "--no-print-directory", f"PY={python}", f"STAMP={python.parent}/stamp", *arguments]
        done = subprocess.run(
            command, cwd=REPO, env=self.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.startswith(error)
        assert not (python.parent / "calls").exists()

    @pytest.mark.parametrize(("results", "passed"), [("success success", True), ("success failure", False)])
    def test_ci_gate_needs_every_job_to_pass(self, python: Path, results: str, passed: bool) -> None:
        (python.parent / "calls").touch()
        code, _ = self.make(python, "all-passed", f"RESULTS={results}")
        assert (code == 0) is passed

    def test_notify_without_a_webhook_posts_nothing(self, python: Path) -> None:
        (python.parent / "calls").touch()
        assert self.make(python, "notify", "SITE=s", "CHAT_E2E_WEBHOOK=") == (0, [])

    @pytest.mark.parametrize(
        ("pytest_ends", "reports_ends", "green", "report_built"),
        [
            (0, 0, True, True),
            (1, 0, False, True),
            (2, 0, False, True),  # Ctrl-C
            (0, 2, False, True),
            (1, 2, False, True),
            (4, 0, False, False),  # refused for its options: nothing was run
        ],
    )
    def test_e2e_ends_as_pytest_does_and_builds_the_report(
        self,
        python: Path,
        monkeypatch: pytest.MonkeyPatch,
        pytest_ends: int,
        reports_ends: int,
        green: bool,
        report_built: bool,
    ) -> None:
        monkeypatch.setenv("PYTEST_ENDS", str(pytest_ends))
        monkeypatch.setenv("REPORTS_ENDS", str(reports_ends))
        code, calls = self.make(python, "e2e")
        assert (code == 0, any("e2e report" in call for call in calls)) == (green, report_built)

    def test_test_runs_both_halves_and_fails_when_one_does(
        self, python: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        npm = python.with_name("npm")
        npm.write_text(f'#!/bin/sh\necho "npm $@" >> {python.parent}/calls\nexit "${{NPM_ENDS:-0}}"\n')
        npm.chmod(0o755)
        stand_in = f"WITH_NODE=PATH={python.parent}:$$PATH"
        assert self.make(python, "test", stand_in)[0] == 0
        monkeypatch.setenv("NPM_ENDS", "1")
        code, calls = self.make(python, "test", stand_in)
        assert code != 0
        assert [call.split()[0] for call in calls] == 2 * ["-m", "npm", "-m"]
        monkeypatch.setenv("NPM_ENDS", "0")
        monkeypatch.setenv("PYTEST_ENDS", "1")
        assert self.make(python, "test", stand_in)[0] != 0

    def test_without_a_new_enough_python_it_states_it_in_one_line(self, tmp_path: Path) -> None:
        old = tmp_path / "python3.10"
        old.write_text(f"#!{sys.executable}\nimport sys; sys.version_info = (3, 10); exec(sys.argv[2])\n")
        old.chmod(0o755)
        stamp = tmp_path / "stamp"
        done = subprocess.run(
            ["make", f"PYTHON={old}", f"STAMP={stamp}", str(stamp)],
            cwd=REPO,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert done.stderr.splitlines()[0] == (
            f"The suite needs Python 3.11 or newer, and found none at {old}."
            " Name one: PYTHON=/path/to/python3 make setup"
        )
