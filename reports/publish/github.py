"""The comment of a pull request and the status of a commit on GitHub: one comment for each pull request, replaced each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from e2e.errors import HarnessError

_MARK = "<!-- chat-session-e2e -->"
_LONGEST = 65_000  # characters; GitHub takes 65,536
_CONTEXT = "chat sessions"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with the address and token of its API."""

    api: str
    name: str
    """``owner/name``."""
    token: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Repository:
        """From the environment of a workflow. Raises `HarnessError` when a variable is missing."""
        values = {name: environment.get(name, "") for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN")}
        missing = [name for name, value in values.items() if not value]
        if missing:
            raise HarnessError(
                f"{' and '.join(missing)} must be set to write to GitHub",
                hint="pass env: GITHUB_TOKEN: ${{ github.token }} in the workflow",
            )
        api = environment.get("GITHUB_API_URL", "https://api.github.com")
        return cls(api, values["GITHUB_REPOSITORY"], values["GITHUB_TOKEN"])


def comment(repository: Repository, pull: int, text: str) -> str:
    """Write or replace the comment. Returns its address. Raises `HarnessError`."""
    body = f"{_MARK}\n{text}"
    if len(body) > _LONGEST:
        body = body[:_LONGEST] + "\n\n… the rest is in the report."
    with _client(repository) as client:
        for page in range(1, 11):
            found = _request(client, "GET", f"issues/{pull}/comments?per_page=100&page={page}")
            mine = next((c for c in found if str(c.get("body", "")).startswith(_MARK)), None)
            if mine is not None:
                return str(
                    _request(client, "PATCH", f"issues/comments/{mine['id']}", {"body": body}).get(
                        "html_url", ""
                    )
                )
            if len(found) < 100:
                break
        return str(_request(client, "POST", f"issues/{pull}/comments", {"body": body}).get("html_url", ""))


def status(
    repository: Repository,
    commit: str,
    state: Literal["success", "failure", "error"],
    description: str,
    link: str = "",
) -> None:
    """Set the status of a commit. Raises `HarnessError`."""
    body = {"state": state, "context": _CONTEXT, "description": description[:140]} | (
        {"target_url": link} if link else {}
    )
    with _client(repository) as client:
        _request(client, "POST", f"statuses/{commit}", body)


def _client(repository: Repository) -> httpx.Client:
    return httpx.Client(
        base_url=f"{repository.api.rstrip('/')}/repos/{repository.name}/",
        headers={"Authorization": f"Bearer {repository.token}", "Accept": "application/vnd.github+json"},
        timeout=30,
        trust_env=False,
    )


def _request(client: httpx.Client, method: str, path: str, body: Any = None) -> Any:
    try:
        response = client.request(method, path, json=body)
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise HarnessError(
            f"GitHub returned status {error.response.status_code} for {method} {path.partition('?')[0]}",
            hint="the job needs permissions: pull-requests: write and statuses: write",
        ) from None
    except httpx.HTTPError as error:
        raise HarnessError(f"GitHub could not be reached: {type(error).__name__}") from None
    return response.json()
