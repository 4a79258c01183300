"""The driver's files go with the process that started it, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from e2e.setup.driver_files import DriverFiles
from e2e.setup.places import REPO

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no shell that outlives the process")


def test_only_processes_started_inside_get_the_folder_and_it_goes_in_the_end() -> None:
    before = (os.environ.get("TMPDIR"), tempfile.gettempdir())
    files = DriverFiles()
    with files.here():
        folder = Path(os.environ["TMPDIR"])
        (folder / "profile").mkdir()
        (folder / "profile" / "data").write_text("x")
        assert tempfile.gettempdir() == before[1]
    assert (os.environ.get("TMPDIR"), tempfile.gettempdir()) == before
    files.close()
    files.close()
    assert not folder.exists()


def test_it_goes_when_the_process_is_killed() -> None:
    script = (
        "import os; from e2e.setup.driver_files import DriverFiles; f = DriverFiles(); h = f.here(); h.__enter__();"
        "open(os.environ['TMPDIR'] + '/left', 'w').close(); print(os.environ['TMPDIR'], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert (folder / "left").is_file()
        process.kill()
    until_gone(folder)
    (folder / "profile").mkdir(
        parents=True
    )  # a browser that is ending writes its state, and makes the folder for that
    until_gone(folder)


def until_gone(folder: Path) -> None:
    end = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < end, "it stays"
        time.sleep(0.02)  # another process removes it
