"""The site on a branch of a Git repository: taken from there before a night is published, put back afterwards.

The branch has one commit at any time: reports that were dropped are gone from its history too.
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
    """Fill ``site`` with what is on the branch; False when there is no such branch yet. Raises `HarnessError`."""
    if not _git(None, "ls-remote", "--heads", remote, branch):
        site.mkdir(parents=True, exist_ok=True)
        return False
    with tempfile.TemporaryDirectory() as folder:
        _git(None, "clone", "--quiet", "--depth=1", "--branch", branch, remote, folder)
        shutil.rmtree(Path(folder) / ".git")
        shutil.copytree(folder, site, dirs_exist_ok=True)
    return True


def push(remote: str, branch: str, site: Path) -> None:
    """Put ``site`` on the branch, in place of what was there. Raises `HarnessError`."""
    if not (site / "index.html").is_file():
        raise HarnessError(
            f"there is no site in {site}", hint="`python -m reports publish` makes one", where=str(site)
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "site"
        shutil.copytree(site, copy)
        _git(copy, "init", "--quiet", "--initial-branch", branch)
        _git(copy, "add", "--all", "--force")
        _git(copy, *_AUTHOR, "commit", "--quiet", "--message", "The nights")
        _git(copy, "push", "--quiet", "--force", remote, f"HEAD:refs/heads/{branch}")


def _git(folder: Path | None, *arguments: str) -> str:
    try:
        ended = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"git could not be run: {error}", hint="is it installed?") from error
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        said = [re.sub(r"//[^/@\s]+@", "//", line) for line in said]  # an address may hold a token
        what = next(word for word in arguments if not word.startswith(("-", "user.")))
        raise HarnessError(
            f"git {what} failed: {said[-1] if said else f'exit code {ended.returncode}'}",
            hint="may this job write to the repository? (permissions: contents: write)",
        )
    return ended.stdout.strip()
