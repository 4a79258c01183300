"""The Allure 3 command line, pinned in ``reports/package-lock.json``."""

from __future__ import annotations

from e2e.errors import HarnessError
from e2e.setup.node import install_packages, node_path
from e2e.setup.places import NODE_HOME, REPORTS

_NAME = "allure"
_CLI = NODE_HOME / _NAME / "node_modules" / "allure" / "cli.js"


def allure_command() -> list[str]:
    """The command that runs Allure 3, without its arguments. Raises `HarnessError` when it is not installed."""
    if not _CLI.is_file():
        raise HarnessError("Allure is not installed", where="reports/package.json", hint="make setup")
    return [str(node_path()), str(_CLI)]


def install_allure() -> bool:
    """Install Allure as locked; return whether it had to be installed. Raises `HarnessError`."""
    _, installed = install_packages(REPORTS, _NAME)
    return installed
