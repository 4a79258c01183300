"""What a field of the settings says about its option: name, variable, kind, help text, and the message for a bad value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NoReturn, get_args

from annotated_types import Ge, Gt, Le
from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

PREFIX = "CHAT_E2E_"
Kind = Literal["switch", "list", "value"]


def option(
    default: Any,
    text: str,
    metavar: str = "",
    *,
    example: str = "",
    shown: str | None = None,
    repeatable: bool = False,
    flag_of: str = "",
    **rules: Any,
) -> Any:
    """A field of the settings that is an option.

    Parameters
    ----------
    text : the help text.
    metavar : the name of the value in the help text; a switch has none.
    example : a valid value, for the hint in a message.
    shown : the default in the help text, where it is not ``str(default)``; ``""`` for none.
    repeatable : the flag may be given several times; without it, a list is one text of words.
    flag_of : the pytest plugin that owns the flag already.
    rules : as `pydantic.Field` takes them (``ge=1``).
    """
    if shown is None:
        shown = "" if default in (None, (), "", False) else str(default)
    known: dict[str, Any] = {
        "metavar": metavar,
        "example": example,
        "shown": shown,
        "repeatable": "yes" if repeatable else "",
        "flag_of": flag_of,
    }
    return Field(default, description=text, json_schema_extra=known, **rules)


def flag_of(name: str) -> str:
    """``--id-pattern`` of the field ``id_pattern``."""
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    """``CHAT_E2E_ID_PATTERN`` of the field ``id_pattern``."""
    return PREFIX + name.upper()


def kind_of(field: FieldInfo) -> Kind:
    """A switch takes no value on the command line; a list's flag may be given several times."""
    if extra(field, "repeatable"):
        return "list"
    return "switch" if field.annotation is bool and not extra(field, "metavar") else "value"


def extra(field: FieldInfo, name: str) -> str:
    """What `option` was given as ``name``."""
    known = field.json_schema_extra
    return str(known.get(name, "")) if isinstance(known, dict) else ""


def help_of(name: str, field: FieldInfo) -> str:
    """The help text with default and variable."""
    shown = extra(field, "shown")
    default = f" (default: {shown})" if shown else ""
    return f"{field.description}{default}. Variable: {variable_of(name)}"


def rejected(rule: str, hint: str = "", *, field: str = "", value: str | None = None) -> NoReturn:
    """Reject a value in a validator; ``field`` and ``value`` where the validator is not that field's own."""
    # pydantic fills braces in the message: texts go in through its context.
    # It takes no lone surrogates, which an argument in another encoding than the terminal's has.
    value = None if value is None else value.encode(errors="backslashreplace").decode()
    context = {
        "rule": rule.encode(errors="backslashreplace").decode(),
        "hint": hint,
        "field": field,
        "value": value,
    }
    raise PydanticCustomError("option", "{rule}", context)


def closest(text: str, names: Iterable[str]) -> str:
    """A hint with the name that was probably meant, or ``""``."""
    found = difflib.get_close_matches(text[:_WIDTH], list(names), 1)
    return f"did you mean {found[0]}?" if found else ""


def messages(
    error: ValidationError, fields: Mapping[str, FieldInfo], flags: Mapping[str, Any]
) -> Iterator[str]:
    """One message for each rejected value: flag or variable, value, rule, hint. ``flags`` are the values from the command line."""
    for one in error.errors(include_url=False):
        context = one.get("ctx", {}) if one["type"] == "option" else {}
        name = context.get("field") or str(one["loc"][0])
        value = context["value"] if context.get("value") is not None else one["input"]
        value = _shown(value)
        given = f"{flag_of(name)} {value}" if name in flags else f"{variable_of(name)}={value}"
        rule = context.get("rule") or f"expected {_rule(fields[name])}"
        hint = context.get("hint", "")
        if not hint and rule.startswith("expected"):
            hint = _example(name, fields[name], name in flags)
        yield f"{given}: {rule}" + (f"\n  hint: {hint}" if hint else "")


_WIDTH = 300


def _shown(value: Any) -> str:
    """The value on a line of a terminal: a variable of CI may hold anything."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value)[: _WIDTH + 1])
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"


def _example(name: str, field: FieldInfo, by_flag: bool) -> str:
    example = extra(field, "example")
    if not example:
        return ""
    return f"{flag_of(name)} {example}" if by_flag else f"{variable_of(name)}={example}"


def _rule(field: FieldInfo) -> str:
    """What is allowed, from the field's type and limits."""
    if field.annotation is bool:
        return "1 or 0"
    least = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    above = next((m.gt for m in field.metadata if isinstance(m, Gt)), None)
    most = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    if float in (field.annotation, *get_args(field.annotation)):
        return f"a number above {above}, at most {most}"
    return f"a whole number from {least} to {most:,}"
