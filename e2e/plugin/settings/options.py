"""The settings as pytest options: one group, checked before anything is collected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2e.plugin.settings.fields import extra, flag_of, help_of, kind_of
from e2e.plugin.settings.settings import OptionError, Settings, read_settings
from e2e.profile.profile import SUITE

SETTINGS = pytest.StashKey[Settings]()
_GROUP = "chat-session-e2e (each option is also an environment variable, CHAT_E2E_<NAME>)"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chat", _GROUP)
    for name, field in Settings.model_fields.items():
        if extra(field, "flag_of"):
            continue
        known: dict[str, Any] = {
            "dest": _dest(name),
            "default": None,
            "help": help_of(name, field).replace("%", "%%"),
        }
        match kind_of(field):
            case "switch":
                known["action"] = "store_true"
            case "list":
                known |= {"action": "append", "metavar": extra(field, "metavar")}
            case "value":
                known["metavar"] = extra(field, "metavar")
        group.addoption(flag_of(name), **known)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not drives_the_suite(config):
        return
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            f"-n {config.option.numprocesses}: the lanes of a run share one process\n  hint: use --lanes"
        )
    try:
        settings = read_settings(_flags(config))
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SETTINGS] = settings
    # Its summary imports Hypothesis (1.4 s), which of the specs only the random test needs, without the plugin.
    config.pluginmanager.unregister(name="hypothesispytest")
    # What other plugins read: their flags, where a variable of ours stands for them, and their folders.
    config.option.base_url = settings.base_url
    config.option.browser = list(settings.browser)
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
    selftest = SUITE / "e2e" / "selftest"
    paths = [Path(config.invocation_params.dir, str(a).split("::")[0]).resolve() for a in config.args]
    return not any(p == selftest or selftest in p.parents for p in paths)


def _dest(name: str) -> str:
    """Where pytest keeps the flag; the prefix keeps clear of the options of other plugins."""
    return name if extra(Settings.model_fields[name], "flag_of") else f"chat_{name}"


def _flags(config: pytest.Config) -> dict[str, Any]:
    """Field -> value, of the flags on the command line."""
    found = {name: config.getoption(_dest(name)) for name in Settings.model_fields}
    return {name: value for name, value in found.items() if value not in (None, [])}


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """The session's options, checked."""
    return pytestconfig.stash[SETTINGS]
