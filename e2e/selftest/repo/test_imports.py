"""Guards the import contract (e2e/docs/design.md): capture never judges, analysis and reports never touch a browser."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.setup.places import REPO

OURS = ("conftest", "e2e", "fixtures", "reports")


@dataclass(frozen=True, slots=True)
class Room:
    """What the modules of one part may import.

    Of ours: only ``ours`` (a package means everything in it). Of others: everything but ``never``.
    """

    path: str
    ours: tuple[str, ...]
    never: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    """Folders inside of ``path`` with rules of their own."""


ROOMS = (
    Room("e2e/errors.py", (), ("playwright", "pytest")),
    Room("e2e/files.py", (), ("playwright", "pytest")),
    Room("e2e/analysis", ("e2e.analysis", "e2e.capture.records"), ("playwright", "pytest")),
    Room(
        "e2e/capture",
        ("e2e.capture", "e2e.pages", "e2e.errors", "e2e.files", "fixtures.targets"),
        ("pytest", "pandas", "scipy", "numpy"),
    ),
    Room("e2e/pages", ("e2e.pages", "e2e.errors", "fixtures.targets"), ("pytest",)),
    Room("e2e/checks.py", ("e2e.analysis", "e2e.errors"), ("playwright",)),
    Room("e2e/specs", ("e2e.analysis", "e2e.checks"), ("playwright",)),
    Room("fixtures/targets", ("fixtures.targets", "e2e.errors"), ("playwright", "pytest")),
    Room("fixtures/reference_chat", ("fixtures.reference_chat",), ("playwright", "pytest")),
    Room(
        "reports",
        (
            "reports",
            "e2e.analysis",
            "e2e.capture.records",
            "e2e.capture.evidence",
            "e2e.errors",
            "e2e.files",
            "e2e.setup",
        ),
        ("playwright", "pytest"),
        besides=("reports/out", "reports/node_modules"),
    ),
)


def imports(text: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports, also inside of functions and for type checkers only.

    ``from a import b`` gives ``a.b``: b may be a module.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{package}.{alias.name}") for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def trespasses(text: str, room: Room) -> list[str]:
    """The imports of a module that its room does not allow, as ``line: name``."""
    return [
        f"{line}: {name}"
        for line, name in imports(text)
        if name.startswith(".")
        or within(name, room.never)
        or (within(name, OURS) and not within(name, room.ours))
    ]


def modules(room: Room) -> list[Path]:
    path = REPO / room.path
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    besides = [REPO / folder for folder in room.besides]
    return [p for p in found if "node_modules" not in p.parts and not any(b in p.parents for b in besides)]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.path)
def test_imports_go_one_way(room: Room) -> None:
    files = modules(room)
    assert files
    found = {p.relative_to(REPO).as_posix(): trespasses(p.read_text(encoding="utf-8"), room) for p in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.path)
def test_what_a_room_may_import_is_there(room: Room) -> None:
    places = [REPO.joinpath(*name.split(".")) for name in room.ours]
    assert [str(p) for p in places if not (p.is_dir() or p.with_suffix(".py").is_file())] == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("e2e/analysis", "import pytest"),
        ("e2e/analysis", "import playwright.sync_api as p"),
        ("e2e/analysis", "from e2e.capture import evidence"),
        ("e2e/analysis", "from e2e.capture.evidence import read_run"),
        ("e2e/analysis", "from e2e.capture import records, evidence"),
        ("e2e/analysis", "import e2e.errors"),
        ("e2e/analysis", "def f():\n    from playwright.sync_api import Page"),
        ("e2e/analysis", "if TYPE_CHECKING:\n    from fixtures.targets.profile import Profile"),
        ("e2e/analysis", "from . import frames"),
        ("e2e/capture", "from e2e.analysis.frames import Run"),
        ("e2e/capture", "from e2e import analysis"),
        ("e2e/capture", "from e2e import checks"),
        ("e2e/capture", "import reports.tables"),
        ("e2e/capture", "from fixtures.plugins.options import Settings"),
        ("e2e/pages", "from e2e.checks import check"),
        ("e2e/pages", "from e2e.capture.records import Event"),
        ("e2e/checks.py", "from e2e.capture.records import Event"),
        ("e2e/checks.py", "import reports"),
        ("e2e/specs", "from e2e.capture.conduct import Conductor"),
        ("reports", "from playwright.sync_api import Page"),
        ("reports", "from e2e.capture import conduct"),
        ("reports", "from fixtures.plugins.run import RUN"),
        ("fixtures/reference_chat", "from e2e.errors import HarnessError"),
        ("fixtures/reference_chat", "from fixtures.targets.profile import load"),
        ("fixtures/reference_chat", "from fixtures import targets"),
        ("fixtures/targets", "from fixtures.plugins import options"),
        ("e2e/errors.py", "from e2e.capture.records import Event"),
    ],
)
def test_an_import_the_wrong_way_would_be_seen(path: str, line: str) -> None:
    (room,) = (room for room in ROOMS if room.path == path)
    assert trespasses(line + "\n", room) != []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("e2e/analysis", "from e2e.capture.records import Event"),
        ("e2e/analysis", "from e2e.capture import records"),
        ("e2e/analysis", "import numpy, scipy.stats, json"),
        ("e2e/capture", "from playwright.sync_api import Page"),
        ("e2e/capture", "from e2e.capture import stacks"),
        ("e2e/checks.py", "import pytest"),
        ("reports", "from e2e.capture.evidence import read_run"),
        ("fixtures/reference_chat", "from fixtures.reference_chat.paths import frontend_dist"),
        ("fixtures/reference_chat", "import e2e_like, fixtures_of_another"),
    ],
)
def test_an_import_the_right_way_is_left_alone(path: str, line: str) -> None:
    (room,) = (room for room in ROOMS if room.path == path)
    assert trespasses(line + "\n", room) == []
