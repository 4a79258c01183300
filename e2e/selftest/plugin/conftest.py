"""The suite as a user runs it: pytest in a process of its own, judged by its exit code and by the files that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Ended:
    """A session of pytest that has ended."""

    code: int
    output: str
    out: Path

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """Allure's result files by the test's function."""
        found = [
            json.loads(p.read_text(encoding="utf-8"))
            for p in (self.out / "allure-results").glob("*-result.json")
        ]
        return {str(r["fullName"]).split("#")[-1]: r for r in found}

    @property
    def statuses(self) -> Counter[str]:
        return Counter(r["status"] for r in self.results.values())

    @property
    def of_run(self) -> Counter[str]:
        """Statuses of the tests that ask for the run: all but the walk."""
        return Counter(
            r["status"]
            for name, r in self.results.items()
            if name != "test_random_user_actions_break_no_session"
        )

    @property
    def folder(self) -> Path:
        [folder] = (self.out / "evidence").iterdir()
        return folder


Suite = Callable[..., Ended]


def environment(**extra: str) -> dict[str, str]:
    """This process's, without what the outer pytest put into it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CHAT_E2E_", "COV_"))}
    return kept | extra


def command(out: Path, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "pytest",
        "e2e/specs",
        "-q",
        "-o",
        f"cache_dir={out}/cache",
        "--out",
        str(out),
        *options,
    ]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Run the specs with these options; without scenarios and walks where they are not asked for."""

    def run(*options: str, out: Path | None = None, **variables: str) -> Ended:
        out = out or tmp_path_factory.mktemp("out")
        for option, quick in (("--scenarios", "none"), ("--walk", "0")):
            if option not in options:
                options = (*options, option, quick)
        ended = subprocess.run(
            command(out, *options),
            cwd=ROOT,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout + ended.stderr, out)

    return run


@pytest.fixture(scope="session")
def healthy(suite: Suite) -> Ended:
    """One healthy run, small, with every scenario."""
    return suite("--chats", "12", "--lanes", "3", "--scenarios", "all")


@pytest.fixture(scope="session")
def stale(suite: Suite) -> Ended:
    """One run with the historical fault."""
    return suite("--chats", "12", "--lanes", "3", "--fault", "stale-state")
