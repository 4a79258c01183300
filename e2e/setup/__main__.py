"""``python -m e2e.setup all``: finds or installs what a run needs, with one line for each thing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.allure import allure_command, install_allure
from e2e.setup.browser import find_browser, install_browser
from e2e.setup.chainlit import HOME as CHAINLIT
from e2e.setup.chainlit import install_chainlit
from e2e.setup.frontend import build_frontend, install_frontend_packages
from e2e.setup.node import node_path
from e2e.setup.places import shown
from fixtures.reference_chat.paths import BUILT

Say = Callable[[str], None]
"""Takes one line. Each step gets two: for what it did, and for what it found as it should be."""


def _browser(did: Say, found: Say) -> None:
    try:
        browser = find_browser()
    except HarnessError as error:
        if "CHROME_PATH" in error.what:
            raise
        browser = install_browser(did)
        found = did
    found(f"browser    {browser.path} ({browser.how})" if browser.path else f"browser    {browser.how}")


def _node(_: Say, found: Say) -> None:
    found(f"node       {shown(node_path())}")


def _allure(did: Say, found: Say) -> None:
    say = did if install_allure() else found
    say(f"allure     {shown(Path(allure_command()[-1]))}")


def _frontend(did: Say, found: Say) -> None:
    if install_frontend_packages():
        did("frontend   npm packages installed")
    if build_frontend():
        did(f"frontend   built in {shown(BUILT)}")
    else:
        found(f"frontend   up to date in {shown(BUILT)}")


def _chainlit(did: Say, found: Say) -> None:
    say = did if install_chainlit() else found
    say(f"chainlit   ready in {shown(CHAINLIT)}")


STEPS: dict[str, Callable[[Say, Say], None]] = {
    "browser": _browser,
    "node": _node,
    "allure": _allure,
    "frontend": _frontend,
}
EXTRAS: dict[str, Callable[[Say, Say], None]] = {"chainlit": _chainlit}
"""What is installed only when it is asked for by name."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 when all is there, 1 when something could not be had."""
    parser = argparse.ArgumentParser(
        prog="python -m e2e.setup", description="Find or install what a run needs."
    )
    parser.add_argument("what", choices=[*STEPS, *EXTRAS, "all"])
    parser.add_argument("--quiet", action="store_true", help="print only what had to be done")
    options = parser.parse_args(arguments)

    def say(line: str) -> None:
        print(line, flush=True)

    def say_nothing(_: str) -> None:
        return

    for name, step in {**STEPS, **EXTRAS}.items():
        if options.what == name or (options.what == "all" and name in STEPS):
            try:
                step(say, say_nothing if options.quiet else say)
            except HarnessError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
