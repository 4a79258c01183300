"""Guards the import contract of e2e/docs/design.md: one direction, no circles, small folders."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from e2e.setup.places import REPO

OURS = ("conftest", "e2e", "fixtures", "reports")
MOST_MODULES = 12

ORDER = (
    "e2e.errors",
    "e2e.files",
    "e2e.quick",
    "e2e.framings.base",
    "e2e.framings.decoders",
    "e2e.framings",
    "fixtures.reference_chat",
    "e2e.setup",
    "fixtures.chainlit_echo",
    "fixtures.products.apps",
    "fixtures.products.widgets",
    "fixtures.products",
    "e2e.profile.values",
    "e2e.profile.parts",
    "e2e.profile",
    "e2e.records",
    "e2e.pages",
    "e2e.capture.in_page",
    "e2e.capture.code",
    "e2e.capture.session_ids",
    "e2e.capture.scheduling",
    "e2e.capture.network.bodies",
    "e2e.capture.network",
    "e2e.capture.network.events",
    "e2e.capture.network.in_page",
    "e2e.capture.network.cdp",
    "e2e.capture.network.har",
    "e2e.capture.storage",
    "e2e.capture.target",
    "e2e.capture.recording",
    "e2e.capture.scenarios",
    "e2e.capture.lane",
    "e2e.capture.experiments",
    "e2e.capture.run",
    "e2e.analysis.stats",
    "e2e.analysis.model",
    "e2e.analysis.id_patterns",
    "e2e.analysis.ids",
    "e2e.analysis.facts",
    "e2e.analysis.checks",
    "e2e.analysis.causes.evidence",
    "e2e.analysis.causes.explained_checks",
    "e2e.analysis.causes.experiment_outcomes",
    "e2e.analysis.causes.run_verdicts",
    "e2e.analysis.causes.definition",
    "e2e.analysis.causes.frontend_storage",
    "e2e.analysis.causes.frontend_state",
    "e2e.analysis.causes.id_generator",
    "e2e.analysis.causes.race",
    "e2e.analysis.causes.backend",
    "e2e.analysis.causes.other",
    "e2e.analysis.causes",
    "e2e.analysis.diagnosis",
    "e2e.analysis.judge",
    "reports.templates",
    "reports.charts",
    "reports.summary",
    "reports.allure",
    "reports.history",
    "reports.traces",
    "reports.composition",
    "reports.browsers",
    "reports.prepared",
    "reports.build",
    "reports.publish",
    "e2e.explore.random_test",
    "e2e.explore.discover",
    "e2e.explore.discover.infer",
    "e2e.explore.discover.page",
    "e2e.explore.har",
    "e2e.explore.record",
    "e2e.explore",
    "e2e.plugin.settings",
    "e2e.plugin.browsers",
    "e2e.plugin",
    "e2e.specs",
    "e2e.selftest.tools.bench",
    "e2e.selftest.tools.calibration",
    "e2e.selftest.tools.matrix",
    "e2e.selftest.tools.scale",
    "e2e.selftest.tools.dry_run",
    "e2e.selftest.tools.cluster",
    "e2e.selftest.tools.chaos.proxy",
    "e2e.selftest.tools.chaos.faults",
    "e2e.selftest.tools.chaos",
    "e2e.cli",
    "reports.__main__",
    "e2e.__main__",
)
"""The layers, lowest first: a module imports from its own layer and from lower ones."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What the modules below ``path`` may import, besides its place in the order.

    Of ours: only ``ours`` (a package means everything in it). Of others: everything but ``never``.
    """

    path: str
    ours: tuple[str, ...]
    never: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """Folders and files below ``path`` that are not checked: not ours, or an earlier spelling of e2e.cli."""


CONTRACTS = (
    Contract("e2e/errors.py", (), ("playwright", "pytest")),
    Contract("e2e/files.py", (), ("playwright", "pytest")),
    Contract("e2e/quick.py", (), ("playwright", "pytest")),
    Contract(
        "e2e/records", ("e2e.records", "e2e.errors", "e2e.files", "e2e.quick"), ("playwright", "pytest")
    ),
    Contract(
        "e2e/analysis",
        ("e2e.analysis", "e2e.quick", "e2e.records.cut", "e2e.records.records", "e2e.records.selection"),
        ("playwright", "pytest"),
    ),
    Contract(
        "e2e/capture",
        (
            "e2e.capture",
            "e2e.pages",
            "e2e.errors",
            "e2e.files",
            "e2e.framings",
            "e2e.profile",
            "e2e.records",
        ),
        ("pytest", "pandas", "scipy", "numpy"),
    ),
    Contract("e2e/pages", ("e2e.pages", "e2e.errors", "e2e.profile"), ("pytest",)),
    Contract("e2e/framings", ("e2e.framings",), ("playwright", "pytest")),
    Contract("e2e/profile", ("e2e.profile", "e2e.errors", "e2e.framings"), ("playwright", "pytest")),
    Contract("e2e/specs", ("e2e.analysis", "e2e.plugin.assertions", "e2e.plugin.verdicts"), ("playwright",)),
    Contract("fixtures/reference_chat", ("fixtures.reference_chat",), ("playwright", "pytest")),
    Contract(
        "reports",
        ("reports", "e2e.analysis", "e2e.records", "e2e.errors", "e2e.files", "e2e.setup"),
        ("playwright", "pytest"),
        excluded=("reports/out", "reports/node_modules", "reports/__main__.py"),
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


def violations(text: str, contract: Contract) -> list[str]:
    """The imports of a module that its contract does not allow, as ``line: name``."""
    return [
        f"{line}: {name}"
        for line, name in imports(text)
        if name.startswith(".")
        or within(name, contract.never)
        or (within(name, OURS) and not within(name, contract.ours))
    ]


def files_of(contract: Contract) -> list[Path]:
    path = REPO / contract.path
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    excluded = [REPO / folder for folder in contract.excluded]
    return [
        p for p in found if "node_modules" not in p.parts and not any(b in (p, *p.parents) for b in excluded)
    ]


def name_of(path: Path) -> str:
    """The module's full name; a package's is that of its folder."""
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def product_modules() -> dict[str, Path]:
    """Module name -> file, without the self tests (their tools count)."""
    found: dict[str, Path] = {}
    for top in OURS[1:]:
        for path in sorted((REPO / top).rglob("*.py")):
            name = name_of(path)
            skipped = "node_modules" in path.parts or within(name, ("reports.out",))
            test = within(name, ("e2e.selftest",)) and not within(name, ("e2e.selftest.tools",))
            if not skipped and not test:
                found[name] = path
    return found


def graph() -> dict[str, set[str]]:
    """Module -> the modules of ours that it imports; empty packages are left out."""
    modules = product_modules()
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        named = (n for _, n in imports(path.read_text(encoding="utf-8")))
        targets = {n if n in modules else n.rpartition(".")[0] for n in named}
        found[name] = {t for t in targets if t in modules and t != name}
    return found


def layer_of(module: str) -> int | None:
    """The module's place in the order: that of the longest entry which it lies in."""
    fitting = [entry for entry in ORDER if within(module, (entry,))]
    return ORDER.index(max(fitting, key=len)) if fitting else None


def circle(of: Mapping[str, set[str]]) -> list[str]:
    """One circle of the graph, or nothing."""
    try:
        tuple(TopologicalSorter(of).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(graph()) == []


def test_no_folders_import_each_other_in_a_circle() -> None:
    """A module that stands beside folders (``e2e/errors.py``) counts by itself."""
    modules = product_modules()

    def folder(module: str) -> str:
        path = modules[module]
        stands_beside_folders = path.parent in (REPO / "e2e", REPO / "reports", REPO / "e2e" / "analysis")
        return module if stands_beside_folders else name_of(path.parent / "__init__.py")

    folders: dict[str, set[str]] = {}
    for module, targets in graph().items():
        folders.setdefault(folder(module), set()).update(folder(t) for t in targets)
    assert circle({name: targets - {name} for name, targets in folders.items()}) == []


def test_a_circle_is_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_every_module_is_in_a_layer_and_imports_from_no_higher_one() -> None:
    upward, homeless = [], []
    for module, targets in graph().items():
        layer = layer_of(module)
        empty = product_modules()[module].name == "__init__.py" and not targets
        if layer is None:
            homeless += [] if empty else [module]
            continue
        upward += [f"{module} -> {t}" for t in targets if (layer_of(t) or 0) > layer]
    assert (upward, homeless) == ([], [])


def test_no_folder_has_too_many_modules() -> None:
    count: dict[Path, int] = {}
    for path in product_modules().values():
        if path.name != "__init__.py":
            count[path.parent] = count.get(path.parent, 0) + 1
    too_many = {p.relative_to(REPO).as_posix(): n for p, n in count.items() if n > MOST_MODULES}
    assert too_many == {}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.path)
def test_imports_follow_the_contract(contract: Contract) -> None:
    files = files_of(contract)
    assert files
    found = {
        p.relative_to(REPO).as_posix(): violations(p.read_text(encoding="utf-8"), contract) for p in files
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("name", sorted({n for c in CONTRACTS for n in c.ours} | set(ORDER)))
def test_names_of_the_contract_exist(name: str) -> None:
    path = REPO.joinpath(*name.split("."))
    assert path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("e2e/analysis", "import pytest"),
        ("e2e/analysis", "import playwright.sync_api as p"),
        ("e2e/analysis", "from e2e.records import evidence"),
        ("e2e/analysis", "from e2e.records.evidence import read_run"),
        ("e2e/analysis", "from e2e.records import records, evidence"),
        ("e2e/analysis", "import e2e.errors"),
        ("e2e/analysis", "def f():\n    from playwright.sync_api import Page"),
        ("e2e/analysis", "if TYPE_CHECKING:\n    from e2e.profile.profile import Profile"),
        ("e2e/analysis", "from . import frames"),
        ("e2e/capture", "from e2e.analysis.model.run import Run"),
        ("e2e/capture", "from e2e import analysis"),
        ("e2e/capture", "from e2e.plugin import verdicts"),
        ("e2e/capture", "import reports.summary.tables"),
        ("e2e/capture", "from e2e.plugin.settings.options import Settings"),
        ("e2e/framings", "from e2e.profile.profile import WireRule"),
        ("e2e/framings", "from e2e.capture.network.bodies.parsing import payload_of"),
        ("e2e/pages", "from e2e.plugin.verdicts import check"),
        ("e2e/pages", "from e2e.records.records import Event"),
        ("e2e/specs", "from e2e.capture.run.runner import Runner"),
        ("reports", "from playwright.sync_api import Page"),
        ("reports", "from e2e.capture.run import runner"),
        ("reports", "from e2e.plugin.run import RUN"),
        ("fixtures/reference_chat", "from e2e.errors import HarnessError"),
        ("fixtures/reference_chat", "from e2e.profile.profile import load"),
        ("e2e/profile", "from e2e.plugin.settings import options"),
        ("e2e/errors.py", "from e2e.records.records import Event"),
    ],
)
def test_an_import_against_the_contract_is_found(path: str, line: str) -> None:
    (contract,) = (contract for contract in CONTRACTS if contract.path == path)
    assert violations(line + "\n", contract) != []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("e2e/analysis", "from e2e.records.records import Event"),
        ("e2e/analysis", "from e2e.records import records"),
        ("e2e/analysis", "import numpy, scipy.stats, json"),
        ("e2e/capture", "from playwright.sync_api import Page"),
        ("e2e/capture", "from e2e.capture.code import stacks"),
        ("reports", "from e2e.records.evidence import read_run"),
        ("fixtures/reference_chat", "from fixtures.reference_chat.paths import frontend_dist"),
        ("fixtures/reference_chat", "import e2e_like, fixtures_of_another"),
    ],
)
def test_an_import_that_the_contract_allows_is_left_alone(path: str, line: str) -> None:
    (contract,) = (contract for contract in CONTRACTS if contract.path == path)
    assert violations(line + "\n", contract) == []
