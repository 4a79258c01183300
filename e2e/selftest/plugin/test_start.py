"""A collection judges nothing, and loads nothing that only judging needs."""

from __future__ import annotations

import subprocess
import sys

from e2e.selftest.plugin.conftest import ROOT, environment

COLLECT = """
import sys, pytest
code = pytest.main(["--collect-only", "-q", "e2e/specs"])
print("loaded:", *sorted({"pandas", "numpy", "scipy", "pyarrow", "matplotlib", "hypothesis", "httpx", "rich"} & set(sys.modules)))
sys.exit(code)
"""


def test_a_collection_loads_no_library_of_the_analysis() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COLLECT],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "tests collected" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "loaded:"
