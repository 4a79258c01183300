"""How Firefox and WebKit are selected and installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.errors import HarnessError
from e2e.setup import browser, engines
from e2e.setup.engines import channel_options, engine_options, find_engine, install_engine


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine without any browser."""
    package = tmp_path / "package"
    package.mkdir()
    listed = {"browsers": [{"name": "firefox", "revision": "9"}, {"name": "webkit", "revision": "7"}]}
    (package / "browsers.json").write_text(json.dumps(listed))
    monkeypatch.setattr(browser, "_playwright_package", lambda: package)
    monkeypatch.setattr(browser, "PLATFORM", "linux")
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "browsers")}


def executable(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def playwright_has(env: dict[str, str], build: str) -> None:
    folder = Path(env["PLAYWRIGHT_BROWSERS_PATH"]) / build
    folder.mkdir(parents=True)
    (folder / "INSTALLATION_COMPLETE").touch()


def test_firefox_of_the_system_is_driven_over_webdriver_bidi(env: dict[str, str], tmp_path: Path) -> None:
    path = executable(tmp_path / "bin" / "firefox-esr")
    assert engine_options(find_engine("firefox", env)) == {
        "executable_path": path,
        "channel": "moz-firefox",
        "firefox_user_prefs": {"fission.webContentIsolationStrategy": 0},
    }


def test_the_channel_of_a_systems_firefox_finds_debians_too(env: dict[str, str], tmp_path: Path) -> None:
    """Playwright itself looks in Ubuntu's snap folder only."""
    path = executable(tmp_path / "bin" / "firefox-esr")
    assert channel_options("moz-firefox", env)["executable_path"] == path
    assert channel_options("moz-firefox", {**env, "FIREFOX_PATH": path})["executable_path"] == path
    assert "executable_path" not in channel_options("moz-firefox-nightly", env)
    assert channel_options("chrome", env) == channel_options(None, env) == {}


@pytest.mark.parametrize(("name", "build"), [("firefox", "firefox-9"), ("webkit", "webkit-7")])
def test_playwrights_own_build_needs_no_path(env: dict[str, str], name: str, build: str) -> None:
    playwright_has(env, build)
    assert engine_options(find_engine(name, env)) == {}


def test_firefox_path_is_preferred(env: dict[str, str], tmp_path: Path) -> None:
    playwright_has(env, "firefox-9")
    mine = executable(tmp_path / "mine")
    assert find_engine("firefox", {**env, "FIREFOX_PATH": mine}).path == mine
    with pytest.raises(HarnessError, match="FIREFOX_PATH names no browser"):
        find_engine("firefox", {**env, "FIREFOX_PATH": "/no/such/firefox"})


@pytest.mark.parametrize("name", engines.ENGINES)
def test_missing_engine_is_an_error_with_a_hint(env: dict[str, str], name: str) -> None:
    with pytest.raises(HarnessError, match="is installed on this machine") as raised:
        find_engine(name, env)
    assert f"playwright install {name}" in raised.value.hint


def test_each_failed_installation_is_reported(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "run_all", lambda _: "no network")
    lines: list[str] = []
    with pytest.raises(HarnessError, match="no WebKit could be installed") as raised:
        install_engine("webkit", lines.append)
    assert "no network" in raised.value.where
    assert lines == ["webkit     none found; installing Playwright's WebKit, which may take a few minutes"]
