"""Guards that a decoder is one class in one file: the profile accepts it, the wire reads it, discovery recognises it.

The class is the example in CONTRIBUTING.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from e2e.framings.registry import collect
from e2e.setup.places import REPO

GUIDE = (REPO / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(
    r"```python\n(.*?)```", GUIDE.partition("## Add a decoder\n")[2].partition("\n## ")[0], re.DOTALL
)

USE = """
import json
import tomllib
from e2e.capture.network.bodies.encodings import body_of
from e2e.capture.network.payloads import taken_by
from e2e.capture.network.wire_rules import Rule
from e2e.framings.detect import detect
from e2e.framings.registry import make_decoder
from e2e.profile.profile import parse
from e2e.profile.recipes import MINIMAL
from e2e.profile.reference_page import SCHEMA, generated, page

raw = tomllib.loads(MINIMAL)
raw["wire"][0] |= {"framing": "lines", "session": "line", "transport": "websocket"}
profile = parse(raw, "acme.toml")
[message] = make_decoder(profile.wire[0].framing).decode("s-1\\n", True)
print(json.dumps({
    "session": Rule(profile.wire[0]).session_of(None, message.value),
    "best": detect([(True, "a\\n"), (False, "b\\n")], "wss://a.example/", None)[0][0],
    "agreed": detect([], "wss://a.example/", "lines"),
    "page": "| `lines` | WebSocket | lines of text, as `line` |" in page(),
    "schema": '"lines"' in generated()[SCHEMA],
}))
"""


def test_one_class_in_one_file_is_the_whole_decoder(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "selftest")
    shutil.copytree(REPO / "e2e", tmp_path / "e2e", ignore=ignored)
    shutil.copytree(REPO / "fixtures" / "targets", tmp_path / "fixtures" / "targets")
    (tmp_path / "e2e/framings/decoders/lines.py").write_text(EXAMPLE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "session": "s-1",
        "best": "lines",
        "agreed": [["lines", 0.95]],
        "page": True,
        "schema": True,
    }


def test_two_framings_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "framed_twice"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text(EXAMPLE, encoding="utf-8")
    package = ModuleType("framed_twice")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "framed_twice", package)
    with pytest.raises(
        ValueError, match=r"framed_twice.two: the framing lines is also defined in framed_twice.one"
    ):
        collect(package)
