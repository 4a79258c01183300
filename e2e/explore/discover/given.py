"""Locators and actions that the user gives on the command line, where discovery must not search."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from e2e.errors import InvalidProfile
from e2e.explore.discover.candidates import Spec, Step
from e2e.profile.profile import Action, Locate
from e2e.profile.values.error_messages import error_message, error_messages, invalid_profile

EXAMPLE = '{ role = "button", name = "New chat" }'
_KEYS = frozenset(Locate.model_fields)


@dataclass(frozen=True, slots=True)
class Given:
    """What the user knows better; None or empty: to be found."""

    open: tuple[Step, ...] = ()
    new_chat: tuple[Step, ...] = ()
    message_box: Spec | None = None
    send: tuple[Step, ...] = ()


def given(
    open_: Sequence[str] = (),
    new_chat: Sequence[str] = (),
    message_box: str | None = None,
    send: Sequence[str] = (),
) -> Given:
    """Validate the options ``--open``, ``--new-chat``, ``--message-box`` and ``--send``. Raises `InvalidProfile`."""
    return Given(
        tuple(_action("--open", text) for text in open_),
        tuple(_action("--new-chat", text) for text in new_chat),
        _locator("--message-box", message_box) if message_box is not None else None,
        tuple(_action("--send", text) for text in send),
    )


def _locator(option: str, text: str) -> Spec:
    """A locator: a table as in a profile, with or without its braces, or a CSS selector."""
    raw = _table(option, text)
    spec = {"css": text.strip()} if raw is None else raw
    _validate(option, Locate, spec, text)
    return spec


def _action(option: str, text: str) -> Step:
    """An action as in a profile, or a locator, which is clicked."""
    raw = _table(option, text)
    if raw is None:
        return {"click": _locator(option, text)}
    if raw and set(raw) <= _KEYS:
        _validate(option, Locate, raw, text)
        return {"click": raw}
    _validate(option, Action, raw, text)
    return raw


def _table(option: str, text: str) -> dict[str, Any] | None:
    """The table that ``text`` is; None where it is no table, and so a CSS selector."""
    bare = text.strip()
    if not bare:
        raise invalid_profile([error_message(option, "the value", "''", "must not be empty", EXAMPLE)])
    table = bare if bare.startswith("{") else f"{{ {bare} }}"
    try:
        value: dict[str, Any] = tomllib.loads(f"value = {table}")["value"]
    except (ValueError, RecursionError) as error:  # tomllib's own error is a ValueError
        if bare.startswith("{"):
            raise invalid_profile(
                [error_message(option, "the value", repr(text), f"not a TOML table ({error})", EXAMPLE)]
            ) from None
        return None
    return value


def _validate(option: str, kind: type[Locate | Action], raw: dict[str, Any], text: str) -> None:
    try:
        kind.model_validate(raw)
    except ValidationError as error:
        raise invalid_profile(error_messages(kind, f"{option} {text}", raw, error)) from None


def not_found(option: str, spec: Spec | Step, count: int) -> InvalidProfile:
    """The error of a locator that finds no element on the page, or several."""
    found = "no visible element" if count == 0 else f"{count} elements"
    return InvalidProfile(
        f"{option}: {Locate.model_validate(spec)} matches {found} on the page",
        hint="correct the locator, or watch with --headed"
        if count == 0
        else "make it match one: exact = true, nth = 0, or within = { … }",
    )
