"""The settings as pytest options: one group, checked before anything is collected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.plugin.settings.table import Row, defaults_are_valid, table
from e2e.setup.places import REPO

if TYPE_CHECKING:  # pydantic and the models of profiles are for a session that runs, not for a collection
    from e2e.plugin.settings.settings import Settings

SETTINGS = pytest.StashKey["Settings"]()
"""Of a session that runs; a collection without options and variables reads none."""
OF_THE_SUITE = pytest.StashKey[bool]()
"""Present in a session that judges a chat, or collects its specs; absent in one of the self tests."""
_VARIABLES = ("CHAT_E2E_", "JOB_COMPLETION", "CI_NODE_")
"""How the variables begin that options are read from."""
_GROUP = "chat-session-e2e (each option is also an environment variable, CHAT_E2E_<NAME>)"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chat", _GROUP)
    for row in table().rows:
        if row.owned:
            continue
        known: dict[str, Any] = {
            "dest": _dest(row),
            "default": None,
            "help": row.help.replace("%", "%%"),
        }
        match row.kind:
            case "switch":
                known["action"] = "store_true"
            case "list":
                known |= {"action": "append", "metavar": row.metavar}
            case "value":
                known["metavar"] = row.metavar
        group.addoption(row.flag, **known)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not drives_the_suite(config):
        return
    config.stash[OF_THE_SUITE] = True
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            f"-n {config.option.numprocesses}: the lanes of a run share one process\n  hint: use --lanes"
        )
    # Its summary imports Hypothesis (1.4 s), which of the specs only the random test needs, without the plugin.
    config.pluginmanager.unregister(name="hypothesispytest")
    options, flags = table(), _flags(config)
    only_defaults = not flags and not any(v and k.startswith(_VARIABLES) for k, v in os.environ.items())
    if only_defaults and options.defaults_checked and config.getoption("collectonly"):
        return  # nothing is given, so nothing can be wrong; a session that runs reads its settings
    from e2e.plugin.settings.settings import OptionError, read_settings

    try:
        settings = read_settings(flags)
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SETTINGS] = settings
    if only_defaults and not options.defaults_checked:
        defaults_are_valid()
    # What other plugins read: their flags, where a variable of ours stands for them, and their folders.
    config.option.base_url = settings.base_url
    config.option.browser = list(settings.browser)
    config.option.browser_channel = settings.browser_channel
    if not config.getoption("allure_report_dir"):
        config.option.allure_report_dir = str(settings.out / "allure-results")
        config.option.clean_alluredir = True
    if (
        config.getoption("--output") == "test-results"
    ):  # pytest-playwright's default is a new top-level folder
        config.option.output = str(settings.out / "playwright")


def drives_the_suite(config: pytest.Config) -> bool:
    """Whether this session judges a chat; a session of the self tests does not."""
    if config.getoption("help") or config.getoption("version"):
        return False
    selftest = REPO / "e2e" / "selftest"
    paths = [Path(config.invocation_params.dir, str(a).split("::")[0]).resolve() for a in config.args]
    return not any(p == selftest or selftest in p.parents for p in paths)


def _dest(row: Row) -> str:
    """Where pytest keeps the flag; the prefix keeps clear of the options of other plugins."""
    return row.name if row.owned else f"chat_{row.name}"


def _flags(config: pytest.Config) -> dict[str, Any]:
    """Field -> value, of the flags on the command line."""
    found = {row.name: config.getoption(_dest(row)) for row in table().rows}
    return {name: value for name, value in found.items() if value not in (None, [])}


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """The session's options, checked."""
    return pytestconfig.stash[SETTINGS]
