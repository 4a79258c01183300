"""The site on a branch of a Git repository: pulled before a run is published, pushed afterwards.

The branch always has one commit, so that dropped reports do not stay in its history.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e.errors import HarnessError

_AUTHOR = ("-c", "user.name=chat-session-e2e", "-c", "user.email=chat-session-e2e@users.noreply.github.com")


def pull(remote: str, branch: str, site: Path) -> bool:
    """Copy the branch to ``site``. Returns False when there is no such branch yet. Raises `HarnessError`."""
    if not _git(None, "ls-remote", "--heads", remote, branch):
        site.mkdir(parents=True, exist_ok=True)
        return False
    with tempfile.TemporaryDirectory() as folder:
        _git(None, "clone", "--quiet", "--depth=1", "--branch", branch, remote, folder)
        shutil.rmtree(Path(folder) / ".git")
        shutil.copytree(folder, site, dirs_exist_ok=True)
    return True


def push(remote: str, branch: str, site: Path) -> None:
    """Replace the content of the branch by ``site``. Raises `HarnessError`."""
    if not (site / "index.html").is_file():
        raise HarnessError(
            f"there is no site in {site}", hint="`python -m e2e publish` creates one", where=str(site)
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "site"
        shutil.copytree(site, copy)
        _git(copy, "init", "--quiet", "--initial-branch", branch)
        _git(copy, "add", "--all", "--force")
        _git(copy, *_AUTHOR, "commit", "--quiet", "--message", "Runs")
        _git(copy, "push", "--quiet", "--force", remote, f"HEAD:refs/heads/{branch}")


def _git(folder: Path | None, *arguments: str) -> str:
    try:
        ended = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"git could not be run: {error}", hint="install git") from error
    if ended.returncode != 0:
        output = (ended.stderr or ended.stdout).strip().splitlines()
        output = [re.sub(r"//[^/@\s]+@", "//", line) for line in output]  # an address may contain a token
        what = next(word for word in arguments if not word.startswith(("-", "user.")))
        raise HarnessError(
            f"git {what} failed: {output[-1] if output else f'exit code {ended.returncode}'}",
            hint="the job needs write access to the repository (permissions: contents: write)",
        )
    return ended.stdout.strip()
