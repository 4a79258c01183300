"""A new option is one field: in a copy of the suite, one added line gives flag, variable, help text and make's variable."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from e2e.selftest.plugin.conftest import ROOT, environment

FIELD = '    dummy: int = option(3, "how many dummies", "N", example="5", ge=1, le=9)\n'


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_field_is_the_whole_option(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("out", "node_modules", "__pycache__", ".*", "samples", "selftest")
    for name in ("e2e", "fixtures", "reports"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    settings = tmp_path / "e2e" / "plugin" / "settings" / "settings.py"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("    out: ", f"{FIELD}    out: ", 1), encoding="utf-8")

    shown = " ".join(run(tmp_path, "pytest", "e2e/specs", "--help").stdout.split())
    assert "--dummy=N how many dummies (default: 3). Variable: CHAT_E2E_DUMMY" in shown
    by_flag = run(tmp_path, "pytest", "e2e/specs", "--dummy", "0")
    assert "--dummy 0: expected a whole number from 1 to 9\n  hint: --dummy 5\n" in by_flag.stderr
    by_variable = run(tmp_path, "pytest", "e2e/specs", CHAT_E2E_DUMMY="x")
    assert "CHAT_E2E_DUMMY=x: expected a whole number from 1 to 9\n" in by_variable.stderr
    makeflags = " -- DUMMY=7 DUMMIES=1"
    by_make = run(
        tmp_path,
        "e2e.plugin.settings.from_make",
        "pytest",
        "e2e/specs",
        "--collect-only",
        MAKEFLAGS=makeflags,
    )
    assert by_make.returncode == 0, by_make.stdout + by_make.stderr
    assert by_make.stderr == (
        "make: DUMMIES=1 is not an option of the suite, and is ignored\n  hint: did you mean DUMMY?\n"
    )
