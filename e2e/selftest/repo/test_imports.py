"""The layout holds: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = ("e2e", "fixtures", "reports")

PLAYWRIGHT, PYTEST = "playwright", "pytest"

# Folder -> what of ours it may import, and which libraries it must not.
RULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "e2e/analysis": (("e2e.analysis", "e2e.capture.records"), (PLAYWRIGHT, PYTEST)),
    "e2e/capture": (("e2e.capture", "e2e.pages", "e2e.errors", "fixtures.targets.profile"), (PYTEST,)),
    "e2e/pages": (("e2e.pages", "e2e.errors", "fixtures.targets.profile"), (PYTEST,)),
    "e2e/specs": (("e2e.analysis", "e2e.checks"), (PLAYWRIGHT,)),
    "e2e/setup": (("e2e.setup", "e2e.errors", "fixtures.reference_chat.paths"), (PLAYWRIGHT, PYTEST)),
    "fixtures/targets": (("fixtures.targets", "e2e.errors"), (PLAYWRIGHT, PYTEST)),
    "fixtures/reference_chat": (("fixtures.reference_chat",), (PLAYWRIGHT, PYTEST)),
    "reports": (
        ("reports", "e2e.analysis", "e2e.capture.records", "e2e.capture.evidence", "e2e.errors", "e2e.setup"),
        (PLAYWRIGHT, PYTEST),
    ),
}


def imported(source: str) -> set[str]:
    """Every module that ``source`` imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def breaches(folder: str, source: str) -> list[str]:
    """The imports of ``source`` that a module in ``folder`` must not have."""
    allowed, forbidden = RULES[folder]
    wrong = []
    for name in sorted(imported(source)):
        top = name.split(".")[0]
        ours = top in OURS and not any(name == a or name.startswith(a + ".") for a in allowed)
        if ours or top in forbidden:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("folder", RULES)
def test_imports_go_one_way(folder: str) -> None:
    sources = [
        p for p in (ROOT / folder).rglob("*.py") if "node_modules" not in p.parts and "out" not in p.parts
    ]
    assert sources
    found = {str(p.relative_to(ROOT)): breaches(folder, p.read_text(encoding="utf-8")) for p in sources}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("e2e/analysis", "from playwright.sync_api import Page"),
        ("e2e/analysis", "from e2e.capture.evidence import read_run"),
        ("e2e/capture", "def f():\n    from e2e.analysis import rotation"),
        ("reports", "import playwright"),
        ("fixtures/reference_chat", "from e2e.errors import HarnessError"),
    ],
)
def test_a_breach_is_seen(folder: str, line: str) -> None:
    assert breaches(folder, line)
