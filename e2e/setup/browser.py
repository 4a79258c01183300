"""Finds a Chromium to drive, and installs one when the machine has none.

The order: ``CHROME_PATH``, Playwright's own Chromium, a Chromium or Chrome of the system. A ``CHROME_PATH`` that does
not exist is an error. To take another browser instead would test the wrong one.

Without a window, Playwright's order holds for the system's browsers too: the headless build of Chromium is preferred to
the full one. Eight pages of the lab took 5.8 s of CPU with Debian's headless build and 13.1 s with its full one.

Playwright's own Chromium is searched on the disk, in the folders of its documentation. Playwright itself could report
it, but starting its driver takes most of a second at each start of pytest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from e2e.errors import HarnessError
from e2e.setup.places import REPO

NO_BACKGROUND_TRAFFIC = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Keeps the browser's own requests out of the recording."""

PLATFORM: str = sys.platform
"""Typed as ``str``, so that mypy checks the branches of all platforms."""

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

HEADLESS_BUILD = "chromium-headless-shell"
"""Debian's name for the build without windows: of the executable and of the package."""

HINT = (
    "one of: install Chromium or Google Chrome; `.venv/bin/playwright install chromium`;"
    " CHROME_PATH=/path/to/chrome make setup"
)

APT_UPDATE = ["apt-get", "update", "-q"]
APT_INSTALL = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that Playwright can drive.

    ``path`` is its executable, or None for Playwright's own, which Playwright finds by itself. ``how`` describes for
    messages how it was found. ``channel`` selects the full Chromium when Playwright's headless build is not installed.
    """

    path: str | None
    kind: Literal["chrome_path", "playwright", "system"]
    how: str
    channel: str | None = None


def find_browser(env: Mapping[str, str] | None = None, *, headed: bool = False) -> Browser:
    """The browser to drive; with ``headed`` one that can show a window. Takes about a millisecond.

    Raises `HarnessError` when ``CHROME_PATH`` names no executable, or when no browser is installed.
    """
    env = os.environ if env is None else env
    found = _chosen(env) or _playwrights_own(env) or _system(env, headed=headed)
    if found is None:
        raise HarnessError("no Chromium or Chrome is installed on this machine", hint=HINT)
    return found


def launch_options(found: Browser | None) -> dict[str, Any]:
    """The arguments of ``browser_type.launch`` for ``found``; None for a Chromium that the caller names."""
    options: dict[str, Any] = {
        "args": [*NO_BACKGROUND_TRAFFIC, *(["--no-sandbox"] if is_root() else [])],
        # Playwright disables the back/forward cache; users have it enabled.
        "ignore_default_args": ["--disable-back-forward-cache"],
    }
    if found is not None and found.path is not None:
        options["executable_path"] = found.path
    if found is not None and found.channel is not None:
        options["channel"] = found.channel
    return options


def install_browser(report: Callable[[str], None] = print) -> Browser:
    """Install a Chromium: Playwright's own, else the distribution's, as root on Debian or Ubuntu.

    ``report`` gets one line before each slow step. Raises `HarnessError` when every attempt failed.
    """
    failures = []
    for name, commands in _installations():
        report(f"browser    none found; installing {name}, which may take a few minutes")
        problem = run_all(commands)
        if problem is None:
            try:
                return find_browser()
            except HarnessError:
                problem = "it was installed, but no browser was found"
        failures.append(f"{name}: {problem}")
    raise HarnessError("no browser could be installed", where="; ".join(failures), hint=HINT)


def add_headless_build(found: Browser, refused: Path, report: Callable[[str], None] = print) -> Browser:
    """Install the headless build of Debian's Chromium beside the full one, where the set-up may do that.

    Returns the browser to drive: ``found`` when it is not Debian's full Chromium, when the user is not root, or when
    the installation failed. A failure is reported and noted in the file ``refused``, so that it is tried once only.
    """
    if not _is_full_chromium_of_debian(found) or refused.exists():
        return found
    report(f"browser    installing {HEADLESS_BUILD}: it needs about half of the CPU time of {found.path}")
    install = [*APT_INSTALL, HEADLESS_BUILD]
    problem = run_all([install]) and run_all([APT_UPDATE, install])
    if problem is None:
        return find_browser()
    report(f"browser    {HEADLESS_BUILD} could not be installed, so the full build is used: {problem}")
    refused.parent.mkdir(parents=True, exist_ok=True)
    refused.write_text(problem, encoding="utf-8")
    return found


def _is_full_chromium_of_debian(found: Browser) -> bool:
    return (
        PLATFORM == "linux"
        and found.kind == "system"
        and found.path is not None
        and Path(found.path).name == "chromium"
        and is_root()
        and shutil.which("apt-get") is not None
    )


def _chosen(env: Mapping[str, str]) -> Browser | None:
    path = path_in_variable("CHROME_PATH", env)
    return None if path is None else Browser(path, "chrome_path", "named by CHROME_PATH")


def path_in_variable(variable: str, env: Mapping[str, str]) -> str | None:
    """The browser that the variable ``variable`` of ``env`` names, or None where it is not set.

    Raises:
        HarnessError: it names no executable file.
    """
    chosen = env.get(variable, "").strip()
    if not chosen:
        return None
    path = shutil.which(chosen, path=env.get("PATH"))
    if path is None:
        state = "is not executable" if Path(chosen).exists() else "does not exist"
        raise HarnessError(
            f"{variable} names no browser: {chosen} {state}",
            hint=f"set {variable} to the browser's executable file, or unset it to let the suite find one",
        )
    return path


def _playwrights_own(env: Mapping[str, str]) -> Browser | None:
    if is_playwrights("chromium", "chromium_headless_shell", env):
        return Browser(None, "playwright", "Playwright's own Chromium")
    if is_playwrights("chromium", "chromium", env):
        return Browser(
            None, "playwright", "Playwright's own Chromium, without the headless build", channel="chromium"
        )
    return None


def is_playwrights(name: str, build: str, env: Mapping[str, str]) -> bool:
    """Whether Playwright's own ``build`` of the browser ``name`` is installed completely."""
    package = _playwright_package()
    if package is None:
        return False
    # Playwright writes the marker last: a folder without it is an incomplete download.
    folder = _browsers_folder(env, package) / f"{build}-{_revision(package, name)}"
    return (folder / "INSTALLATION_COMPLETE").is_file()


def _playwright_package() -> Path | None:
    spec = importlib.util.find_spec("playwright")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "driver" / "package"


def _revision(package: Path, name: str) -> str:
    try:
        listed = json.loads((package / "browsers.json").read_text(encoding="utf-8"))["browsers"]
    except (OSError, ValueError, KeyError):
        return "unknown"
    return next((str(b["revision"]) for b in listed if b["name"] == name), "unknown")


def _browsers_folder(env: Mapping[str, str], package: Path) -> Path:
    chosen = env.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if chosen == "0":
        return package / ".local-browsers"
    if chosen:
        return Path(chosen)
    if PLATFORM == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    if PLATFORM == "win32":
        return Path(env.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))) / "ms-playwright"
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def _system(env: Mapping[str, str], *, headed: bool) -> Browser | None:
    for name in EXECUTABLES if headed else (HEADLESS_BUILD, *EXECUTABLES):
        executable = shutil.which(name, path=env.get("PATH"))
        if executable is not None and not is_snap_stub(Path(executable)):
            return Browser(executable, "system", f"{name} of this system")
    for path in _usual_paths(env):
        if path.is_file():
            return Browser(str(path), "system", f"{path.stem} of this system")
    return None


def _usual_paths(env: Mapping[str, str]) -> Iterator[Path]:
    if PLATFORM == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            for app in ("Google Chrome", "Chromium"):
                yield folder / f"{app}.app" / "Contents" / "MacOS" / app
    if PLATFORM == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if variable in env:
                yield Path(env[variable]) / "Google" / "Chrome" / "Application" / "chrome.exe"
                yield Path(env[variable]) / "Chromium" / "Application" / "chrome.exe"


def is_snap_stub(path: Path) -> bool:
    """Whether this is Ubuntu's ``chromium-browser`` script, which only prints that the browser is a snap package."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return True
    return head.startswith(b"#!") and b"snap install chromium" in head


def _installations() -> Iterator[tuple[str, list[list[str]]]]:
    playwright = [sys.executable, "-m", "playwright", "install"]
    with_libraries = ["--with-deps"] if PLATFORM == "linux" and is_root() else []
    yield "Playwright's Chromium", [[*playwright, *with_libraries, "chromium"]]
    if with_libraries and shutil.which("apt-get"):
        yield "the distribution's Chromium", [APT_UPDATE, [*APT_INSTALL, "chromium"]]


def run_all(commands: list[list[str]]) -> str | None:
    """Run the commands until one fails. Returns the failure, or None."""
    for command in commands:
        try:
            done = subprocess.run(
                command,
                cwd=REPO,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=900,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            reason = next(
                (line for line in lines if "error" in line.lower()), lines[-1] if lines else "no output"
            )
            return f"`{Path(command[0]).name} {' '.join(command[1:])}` ended with {done.returncode}: {reason}"
    return None


def is_root() -> bool:
    """The set-up may install packages of the system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
