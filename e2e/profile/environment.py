"""Environment variables and files that a profile refers to. They are checked before a browser starts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from e2e.errors import InvalidProfile
from e2e.profile.profile import Profile
from e2e.profile.values.error_messages import error_message, invalid_profile
from e2e.profile.values.fields import ENVIRONMENT


def variables_of(profile: Profile) -> tuple[str, ...]:
    """Environment variables that the profile refers to by ``${NAME}``, in order of appearance.

    A variable that accounts provide under other names is replaced by those names.
    """
    found: dict[str, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, str):
            found.update(dict.fromkeys(ENVIRONMENT.findall(value)))
        elif isinstance(value, dict):
            for part in value.values():
                look(part)
        elif isinstance(value, list | tuple):
            for part in value:
                look(part)

    look(profile.model_dump(exclude={"login": {"accounts"}}))
    accounts = profile.login.accounts if profile.login else ()
    for account in accounts:
        for name, real in account.env.items():
            found.pop(name, None)
            found[real] = None
    return tuple(found)


def check_variables(profile: Profile, environment: Mapping[str, str]) -> None:
    """Raises `InvalidProfile` with each variable that is not set, and the key that needs it."""
    missing = [name for name in variables_of(profile) if not environment.get(name)]
    if missing:
        texts = dict(_texts(profile.model_dump(by_alias=True, exclude_none=True), ""))
        messages = []
        for name in missing:
            key = next((k for k, text in texts.items() if f"${{{name}}}" in text), "login.accounts")
            value, hint = f"${{{name}}}", f"export {name}=..., or remove it from the profile"
            messages.append(
                error_message(f"profile {profile.name!r}", key, value, "not set in the environment", hint)
            )
        raise invalid_profile(messages)


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple):
        for n, part in enumerate(value):
            yield from _texts(part, f"{key}[{n}]")


def check_files(profile: Profile, folder: Path) -> None:
    """Raises `InvalidProfile` for a storage state that is missing or unreadable. Paths are relative to ``folder``."""
    if profile.login is None:
        return
    files = [("login.storage_state", profile.login.storage_state)]
    files += [
        (f"login.accounts[{n}].storage_state", a.storage_state) for n, a in enumerate(profile.login.accounts)
    ]
    for key, name in files:
        if name is None:
            continue
        path = folder / Path(name).expanduser()
        try:
            rule = _not_a_state(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            rule = f"cannot be read: {error.strerror}"
        except (ValueError, RecursionError):
            rule = "not a storage state (not JSON)"
        if rule:
            hint = f"make login TARGET={profile.name} writes it (paths are relative to the suite's folder)"
            raise invalid_profile([error_message(f"profile {profile.name!r}", key, repr(name), rule, hint)])


_COOKIE: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("name", "value", "domain", "path", "sameSite"), str),
    **dict.fromkeys(("httpOnly", "secure"), bool),
    "expires": (int, float),
}
"""What Playwright takes; the rest of a cookie is optional."""


def _not_a_state(state: Any) -> str:
    """What is wrong with a storage state, or ``""``. Playwright's own message would come in each lane, without the file's name."""
    if not isinstance(state, dict) or not {"cookies", "origins"} & state.keys():
        return "not a storage state"
    for n, cookie in enumerate(_list_of(state, "cookies")):
        if not isinstance(cookie, dict) or not {"name", "value"} <= cookie.keys():
            return f"not a storage state: cookies[{n}] has no name and value"
        wrong = [k for k, kind in _COOKIE.items() if k in cookie and not isinstance(cookie[k], kind)]
        if wrong:
            return f"not a storage state: cookies[{n}].{wrong[0]} is of another type"
        if "url" not in cookie and not {"domain", "path"} <= cookie.keys():
            return f"not a storage state: cookies[{n}] has no domain and path"
    for n, origin in enumerate(_list_of(state, "origins")):
        items = origin.get("localStorage", []) if isinstance(origin, dict) else None
        if not isinstance(items, list) or not isinstance(origin.get("origin"), str):
            return f"not a storage state: origins[{n}] has no origin with a list localStorage"
        if not all(
            isinstance(i, dict) and isinstance(i.get("name"), str) and isinstance(i.get("value"), str)
            for i in items
        ):
            return f"not a storage state: origins[{n}].localStorage has an item without name and value"
    for key in ("cookies", "origins"):
        if not isinstance(state.get(key, []), list):
            return f"not a storage state: {key} is no list"
    return ""


def _list_of(state: Mapping[str, Any], key: str) -> list[Any]:
    found = state.get(key, [])
    return found if isinstance(found, list) else []


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """``text`` with each ``${NAME}`` replaced by its value. Raises `InvalidProfile` if a variable is not set."""
    values = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        found = values.get(match.group(1))
        if not found:
            raise InvalidProfile(
                f"${{{match.group(1)}}}: not set in the environment", hint=f"export {match.group(1)}=..."
            )
        return found

    return ENVIRONMENT.sub(value, text)
