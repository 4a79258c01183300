"""Whether a page lets a worker start from a ``blob:`` address: only then can the suite's script run before the worker's own."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

_FALLBACKS = ("worker-src", "child-src", "script-src", "default-src")
"""The directives that decide, the first that is there (Content Security Policy Level 3, section 6.1.16)."""


def allows_blob_workers(policies: Iterable[str]) -> bool:
    """Every policy must allow it; one that has none of the directives does."""
    for policy in policies:
        for one in policy.split(","):
            parts = [part.split() for part in one.split(";") if part.strip()]
            directives = {words[0].lower(): [w.lower() for w in words[1:]] for words in parts}
            sources = next((directives[name] for name in _FALLBACKS if name in directives), None)
            if sources is not None and "blob:" not in sources:
                return False
    return True


def wraps_workers(url: str, *, verify: bool) -> bool:
    """Look at the page's headers once, as a visitor without cookies. Where they cannot be read, no worker is touched."""
    try:
        with httpx.Client(timeout=5, trust_env=False, follow_redirects=True, verify=verify) as client:
            response = client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    same_place = response.url.host == httpx.URL(url).host
    return same_place and allows_blob_workers(response.headers.get_list("content-security-policy"))
