"""``python -m e2e.setup all``: finds or installs what a run needs, and prints one line for each step."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from e2e.errors import HarnessError
from e2e.setup.allure import allure_command, install_allure
from e2e.setup.browser import add_headless_build, find_browser, install_browser
from e2e.setup.chainlit import HOME as CHAINLIT
from e2e.setup.chainlit import install_chainlit
from e2e.setup.engines import ENGINES, find_engine, install_engine
from e2e.setup.frontend import build_frontend, install_frontend_packages
from e2e.setup.node import node_path
from e2e.setup.places import REPO, display_path
from e2e.setup.product_list import Product, products
from e2e.setup.products import home, install_product
from fixtures.reference_chat.paths import BUILT

Report = Callable[[str], None]
"""Prints one line. Each step gets two: for what it has done, and for what it has found ready."""

_NO_HEADLESS_BUILD = REPO / ".venv" / ".no-headless-build"
"""Why the headless build of Debian's Chromium could not be installed; removed with the virtual environment."""


def _browser(did: Report, found: Report) -> None:
    try:
        browser = find_browser()
    except HarnessError as error:
        if "CHROME_PATH" in error.what:
            raise
        browser = install_browser(did)
        found = did
    browser = add_headless_build(browser, _NO_HEADLESS_BUILD, did)
    found(f"browser    {browser.path} ({browser.how})" if browser.path else f"browser    {browser.how}")


def _engine(name: str) -> Callable[[Report, Report], None]:
    """Firefox or WebKit."""

    def step(did: Report, found: Report) -> None:
        try:
            engine = find_engine(name)
        except HarnessError as error:
            if "FIREFOX_PATH" in error.what:
                raise
            engine = install_engine(name, did)
            found = did
        found(f"{name:10} {engine.path or 'ready'} ({engine.how})")

    return step


def _firefox_if_possible(did: Report, found: Report) -> None:
    """`make setup` brings Firefox too. A machine that cannot have it can still run the suite in Chromium."""
    try:
        _engine("firefox")(did, found)
    except HarnessError as error:
        did(f"firefox    not installed, so `--browser firefox` cannot be used here: {error}")


def _node(_: Report, found: Report) -> None:
    found(f"node       {display_path(node_path())}")


def _allure(did: Report, found: Report) -> None:
    report = did if install_allure() else found
    report(f"allure     {display_path(Path(allure_command()[-1]))}")


def _frontend(did: Report, found: Report) -> None:
    if install_frontend_packages():
        did("frontend   npm packages installed")
    if build_frontend():
        did(f"frontend   built in {display_path(BUILT)}")
    else:
        found(f"frontend   up to date in {display_path(BUILT)}")


def _chainlit(did: Report, found: Report) -> None:
    report = did if install_chainlit() else found
    report(f"chainlit   ready in {display_path(CHAINLIT)}")


def _product(product: Product) -> Callable[[Report, Report], None]:
    def step(did: Report, found: Report) -> None:
        report = did if install_product(product) else found
        report(f"{product.name:10} ready in {display_path(home(product))}")

    return step


def _products(did: Report, found: Report) -> None:
    for product in products().values():
        _product(product)(did, found)


STEPS: dict[str, Callable[[Report, Report], None]] = {
    "browser": _browser,
    "node": _node,
    "allure": _allure,
    "frontend": _frontend,
}
EXTRAS: dict[str, Callable[[Report, Report], None]] = {
    **{name: _engine(name) for name in ENGINES},
    "chainlit": _chainlit,
    "products": _products,
    **{name: _product(product) for name, product in products().items()},
}
"""Steps that ``all`` does not include."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 when everything is ready, 1 when a step failed."""
    parser = argparse.ArgumentParser(
        prog="python -m e2e.setup",
        description="Find or install what a run needs. `all` is the first four steps, and Firefox where it can be had;"
        " the others are browsers and public chat products.",
    )
    parser.add_argument("step", choices=[*STEPS, *EXTRAS, "all"], help="which step to run")
    parser.add_argument("--quiet", action="store_true", help="print only what was installed or built")
    parser.add_argument(
        "--for",
        dest="given",
        default="",
        metavar="ARGS",
        help="the arguments of the run to come: a browser that they name is installed too",
    )
    options = parser.parse_args(arguments)
    wanted = {name for name in ENGINES if name in f"{options.given} {os.environ.get('CHAT_E2E_BROWSER', '')}"}

    def report(line: str) -> None:
        print(line, flush=True)

    def ignore(_: str) -> None:
        return

    steps = {**STEPS, **EXTRAS}
    if options.step == "all" and not options.quiet and "firefox" not in wanted:
        steps["firefox"], wanted = _firefox_if_possible, {*wanted, "firefox"}
    for name, step in steps.items():
        if options.step == name or (options.step == "all" and (name in STEPS or name in wanted)):
            try:
                step(report, ignore if options.quiet else report)
            except HarnessError as error:
                print(f"{name}: {error}", file=sys.stderr)
                if options.step == "all" and name in ENGINES:
                    continue  # the run reports this browser as broken, and the others have their verdicts
                return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
