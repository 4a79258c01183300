"""How the browser is selected and installed. A wrong selection would test the wrong browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.errors import HarnessError
from e2e.setup import browser
from e2e.setup.browser import Browser, add_headless_build, find_browser, install_browser, launch_options


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Playwright package for Chromium 1234, on a machine without any browser."""
    package = tmp_path / "package"
    package.mkdir()
    listed = {"browsers": [{"name": "firefox", "revision": "9"}, {"name": "chromium", "revision": "1234"}]}
    (package / "browsers.json").write_text(json.dumps(listed))
    monkeypatch.setattr(browser, "_playwright_package", lambda: package)
    monkeypatch.setattr(browser, "PLATFORM", "linux")
    return package


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of that machine: an empty PATH folder, an empty folder for Playwright's browsers."""
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "browsers")}


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def playwright_has(env: dict[str, str], build: str) -> None:
    folder = Path(env["PLAYWRIGHT_BROWSERS_PATH"]) / build
    folder.mkdir(parents=True)
    (folder / "INSTALLATION_COMPLETE").touch()


@pytest.mark.usefixtures("package")
class TestOrder:
    def test_chrome_path_is_preferred_to_every_other_browser(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        playwright_has(env, "chromium_headless_shell-1234")
        executable(tmp_path / "bin" / "chromium")
        mine = executable(tmp_path / "my chrome")
        assert find_browser({**env, "CHROME_PATH": str(mine)}) == Browser(
            str(mine), "chrome_path", "named by CHROME_PATH"
        )

    def test_playwrights_browser_is_preferred_to_the_systems(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        playwright_has(env, "chromium_headless_shell-1234")
        executable(tmp_path / "bin" / "chromium")
        found = find_browser(env)
        assert (found.kind, found.path, found.channel) == ("playwright", None, None)

    def test_playwrights_full_build_is_selected_by_its_channel(self, env: dict[str, str]) -> None:
        playwright_has(env, "chromium-1234")
        assert launch_options(find_browser(env))["channel"] == "chromium"

    @pytest.mark.parametrize(
        "name", ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    )
    def test_system_browser_is_found_by_name(self, env: dict[str, str], tmp_path: Path, name: str) -> None:
        path = executable(tmp_path / "bin" / name)
        found = find_browser(env)
        assert (found.kind, found.path) == ("system", str(path))

    def test_chromium_is_preferred_to_chrome(self, env: dict[str, str], tmp_path: Path) -> None:
        executable(tmp_path / "bin" / "google-chrome")
        chromium = executable(tmp_path / "bin" / "chromium")
        assert find_browser(env).path == str(chromium)

    def test_headless_build_is_preferred_unless_a_window_is_needed(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        full = executable(tmp_path / "bin" / "chromium")
        headless = executable(tmp_path / "bin" / "chromium-headless-shell")
        assert find_browser(env).path == str(headless)
        assert find_browser(env, headed=True).path == str(full)

    def test_macos_application_is_found(
        self, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(browser, "PLATFORM", "darwin")
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        app = executable(tmp_path / "Applications/Chromium.app/Contents/MacOS/Chromium")
        assert find_browser(env).path == str(app)


@pytest.mark.usefixtures("package")
class TestNotABrowser:
    def test_missing_browser_is_an_error_with_a_hint(self, env: dict[str, str]) -> None:
        with pytest.raises(HarnessError, match="no Chromium or Chrome is installed") as raised:
            find_browser(env)
        assert "CHROME_PATH" in raised.value.hint

    def test_wrong_chrome_path_is_an_error_even_when_another_browser_exists(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        executable(tmp_path / "bin" / "chromium")
        with pytest.raises(
            HarnessError, match="CHROME_PATH names no browser: /no/such/chrome does not exist"
        ):
            find_browser({**env, "CHROME_PATH": "/no/such/chrome"})

    def test_chrome_path_that_is_not_executable_is_reported_as_such(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "text").write_text("not a program")
        with pytest.raises(HarnessError, match="is not executable"):
            find_browser({**env, "CHROME_PATH": str(tmp_path / "text")})

    def test_empty_chrome_path_is_ignored(self, env: dict[str, str], tmp_path: Path) -> None:
        executable(tmp_path / "bin" / "chromium")
        assert find_browser({**env, "CHROME_PATH": ""}).kind == "system"

    def test_incomplete_download_is_ignored(self, env: dict[str, str]) -> None:
        (Path(env["PLAYWRIGHT_BROWSERS_PATH"]) / "chromium_headless_shell-1234").mkdir(parents=True)
        with pytest.raises(HarnessError):
            find_browser(env)

    def test_build_of_another_playwright_is_ignored(self, env: dict[str, str]) -> None:
        playwright_has(env, "chromium_headless_shell-1233")
        with pytest.raises(HarnessError):
            find_browser(env)

    def test_ubuntus_snap_stub_is_ignored(self, env: dict[str, str], tmp_path: Path) -> None:
        executable(tmp_path / "bin" / "chromium-browser", "#!/bin/sh\necho 'run: snap install chromium'\n")
        with pytest.raises(HarnessError):
            find_browser(env)


class TestLaunch:
    def test_sandbox_is_disabled_for_root_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = Browser("/usr/bin/chromium", "system", "")
        monkeypatch.setattr(browser, "is_root", lambda: True)
        assert "--no-sandbox" in launch_options(found)["args"]
        monkeypatch.setattr(browser, "is_root", lambda: False)
        assert "--no-sandbox" not in launch_options(found)["args"]

    def test_playwrights_browser_needs_no_path(self) -> None:
        options = launch_options(Browser(None, "playwright", ""))
        assert set(options) == {"args", "ignore_default_args"}
        assert "--disable-background-networking" in options["args"]

    def test_installed_playwright_package_has_a_revision(self) -> None:
        package = browser._playwright_package()
        assert package is not None
        assert browser._revision(package, "chromium").isdigit()


DEBIANS = Browser("/usr/bin/chromium", "system", "chromium of this system")


class TestHeadlessBuild:
    @pytest.fixture(autouse=True)
    def debian(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """A root user on Debian; the commands that were run, which all work."""
        run: list[list[str]] = []

        def works(commands: list[list[str]]) -> None:
            run.extend(commands)

        monkeypatch.setattr(browser, "run_all", works)
        monkeypatch.setattr(browser, "is_root", lambda: True)
        monkeypatch.setattr(browser, "PLATFORM", "linux")
        monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")
        return run

    def test_it_is_installed_beside_the_full_one(
        self, debian: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        new = Browser("/usr/bin/chromium-headless-shell", "system", "")
        monkeypatch.setattr(browser, "find_browser", lambda: new)
        lines: list[str] = []
        assert add_headless_build(DEBIANS, tmp_path / "refused", lines.append) is new
        assert [command[-1] for command in debian] == ["chromium-headless-shell"]
        assert lines == [
            "browser    installing chromium-headless-shell: it needs about half of the CPU time of /usr/bin/chromium"
        ]

    def test_a_failure_is_reported_and_not_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        tried: list[str] = []

        def fails(commands: list[list[str]]) -> str:
            tried.extend(" ".join(command) for command in commands)
            return "no network"

        monkeypatch.setattr(browser, "run_all", fails)
        lines: list[str] = []
        for _ in range(2):
            assert add_headless_build(DEBIANS, tmp_path / "venv" / "refused", lines.append) is DEBIANS
        assert [command.split()[1] for command in tried] == ["install", "update", "install"]
        assert len(lines) == 2
        assert "the full build is used: no network" in lines[1]

    @pytest.mark.parametrize(
        "other",
        [
            Browser("/usr/bin/google-chrome", "system", ""),
            Browser("/usr/bin/chromium", "chrome_path", ""),
            Browser(None, "playwright", ""),
            Browser("/usr/bin/chromium-headless-shell", "system", ""),
        ],
    )
    def test_another_browser_stays_alone(
        self, other: Browser, debian: list[list[str]], tmp_path: Path
    ) -> None:
        assert add_headless_build(other, tmp_path / "refused") is other
        assert debian == []

    def test_without_root_nothing_is_installed(
        self, debian: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(browser, "is_root", lambda: False)
        assert add_headless_build(DEBIANS, tmp_path / "refused") is DEBIANS
        assert debian == []


class TestInstall:
    @pytest.fixture
    def commands(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The commands that were run. All of them fail; the user is root and has apt-get."""
        run: list[str] = []

        def fails(commands: list[list[str]]) -> str:
            run.extend(" ".join(c[1:] if c[0] != "apt-get" else c) for c in commands)
            return "no network"

        monkeypatch.setattr(browser, "run_all", fails)
        monkeypatch.setattr(browser, "is_root", lambda: True)
        monkeypatch.setattr(browser, "PLATFORM", "linux")
        monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")
        return run

    def test_playwright_is_tried_first_then_apt(self, commands: list[str]) -> None:
        with pytest.raises(HarnessError, match="no browser could be installed") as raised:
            install_browser(lambda _: None)
        assert commands == [
            "-m playwright install --with-deps chromium",
            "apt-get update -q",
            "apt-get install -y -q --no-install-recommends chromium",
        ]
        assert raised.value.where.count("no network") == 2

    def test_without_root_apt_is_not_used(self, commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(browser, "is_root", lambda: False)
        with pytest.raises(HarnessError):
            install_browser(lambda _: None)
        assert commands == ["-m playwright install chromium"]

    def test_installed_browser_is_returned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        new = Browser("/usr/bin/chromium", "system", "")
        lines: list[str] = []
        monkeypatch.setattr(browser, "run_all", lambda commands: None)
        monkeypatch.setattr(browser, "find_browser", lambda: new)
        assert install_browser(lines.append) is new
        assert len(lines) == 1
        assert "installing Playwright's Chromium" in lines[0]

    def test_failed_command_is_reported_with_its_reason(self) -> None:
        script = "echo fetching; echo 'Error: host not found'; echo '  at line 3'; exit 3"
        problem = browser.run_all([["true"], ["sh", "-c", script], ["sh", "-c", "echo never > /dev/stderr"]])
        assert problem is not None
        assert problem.endswith("ended with 3: Error: host not found")
