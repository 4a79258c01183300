"""A pull request's comment and a commit's status on GitHub: one comment for each pull request, written anew each time."""

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
    """Where to write, and with which token."""

    api: str
    name: str
    """``owner/name``."""
    token: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Repository:
        """As a workflow's environment says. Raises `HarnessError` when something is missing."""
        values = {name: environment.get(name, "") for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN")}
        missing = [name for name, value in values.items() if not value]
        if missing:
            raise HarnessError(
                f"{' and '.join(missing)} must be set to write to GitHub",
                hint="a workflow passes env: GITHUB_TOKEN: ${{ github.token }}",
            )
        api = environment.get("GITHUB_API_URL", "https://api.github.com")
        return cls(api, values["GITHUB_REPOSITORY"], values["GITHUB_TOKEN"])


def comment(repository: Repository, pull: int, text: str) -> str:
    """Write the comment, or write it anew. Returns its address. Raises `HarnessError`."""
    body = f"{_MARK}\n{text}"
    if len(body) > _LONGEST:
        body = body[:_LONGEST] + "\n\n… the rest is in the report."
    with _client(repository) as client:
        for page in range(1, 11):
            found = _asked(client, "GET", f"issues/{pull}/comments?per_page=100&page={page}")
            mine = next((c for c in found if str(c.get("body", "")).startswith(_MARK)), None)
            if mine is not None:
                return str(
                    _asked(client, "PATCH", f"issues/comments/{mine['id']}", {"body": body}).get(
                        "html_url", ""
                    )
                )
            if len(found) < 100:
                break
        return str(_asked(client, "POST", f"issues/{pull}/comments", {"body": body}).get("html_url", ""))


def status(
    repository: Repository,
    commit: str,
    state: Literal["success", "failure", "error"],
    said: str,
    link: str = "",
) -> None:
    """Set the status of a commit. Raises `HarnessError`."""
    body = {"state": state, "context": _CONTEXT, "description": said[:140]} | (
        {"target_url": link} if link else {}
    )
    with _client(repository) as client:
        _asked(client, "POST", f"statuses/{commit}", body)


def _client(repository: Repository) -> httpx.Client:
    return httpx.Client(
        base_url=f"{repository.api.rstrip('/')}/repos/{repository.name}/",
        headers={"Authorization": f"Bearer {repository.token}", "Accept": "application/vnd.github+json"},
        timeout=30,
        trust_env=False,
    )


def _asked(client: httpx.Client, method: str, path: str, body: Any = None) -> Any:
    try:
        answer = client.request(method, path, json=body)
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise HarnessError(
            f"GitHub answered {error.response.status_code} to {method} {path.partition('?')[0]}",
            hint="permissions: pull-requests: write and statuses: write",
        ) from None
    except httpx.HTTPError as error:
        raise HarnessError(f"GitHub could not be reached: {type(error).__name__}") from None
    return answer.json()
