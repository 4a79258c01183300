"""Steps are generators: calling one as a statement does nothing, and neither mypy nor ruff notices."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import e2e

ROOT = Path(e2e.__file__).parent


def trees() -> dict[str, ast.Module]:
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
        if "selftest" not in path.parts
    }


def calls_without_effect(modules: dict[str, ast.Module]) -> list[str]:
    """Statements that call a module's function that returns `Steps`, as each module's function of that name does."""
    returned: dict[str, set[str]] = defaultdict(set)
    for tree in modules.values():
        for node in tree.body:  # Playwright has methods of the same names
            if isinstance(node, ast.FunctionDef):
                returned[node.name].add(ast.unparse(node.returns) if node.returns else "")
    steps = {name for name, types in returned.items() if types == {"Steps"}}
    assert steps >= {"look_for_late_text", "quiet"}
    module_names = {Path(place).stem for place in modules}
    found = []
    for place, tree in modules.items():
        for statement in ast.walk(tree):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                module, _, called = ast.unparse(statement.value.func).rpartition(".")
                if called in steps and module in {"", *module_names}:
                    found.append(f"{place}:{statement.lineno} {called}")
    return found


def test_no_steps_are_made_and_not_taken() -> None:
    assert calls_without_effect(trees()) == []


def test_steps_that_are_not_taken_are_found() -> None:
    added = ast.parse(
        "def act(context):\n    look_for_late_text(context)\n    yield from look_for_late_text(context)\n"
    )
    assert calls_without_effect({**trees(), "added.py": added}) == ["added.py:2 look_for_late_text"]
