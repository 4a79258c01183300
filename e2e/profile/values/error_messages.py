"""Error messages of an invalid profile: file, key, value, rule and hint, in plain words instead of pydantic's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from e2e.errors import InvalidProfile
from e2e.profile.values.fields import HINT, MISSING, SECRET_KEY, InvalidValue
from e2e.profile.values.renamed_keys import new_name

_BRANCHES = frozenset({"a name", "a command", "[key]"})
"""Parts of pydantic's path that are not in the file: branches of a union, and the marker of an invalid key."""

_RULES = {
    "string_type": "expected a string in quotes",
    "string_too_short": "must not be empty",
    "int_type": "expected an integer without quotes",
    "int_from_float": "expected an integer without quotes",
    "float_type": "expected a number without quotes or unit",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false, without quotes",
    "date_type": "expected a date without quotes",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
    "tuple_type": "expected a list",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length}",
    "too_long": "allows at most {max_length}",
}
"""Type of pydantic's error -> our rule."""

_WIDTH = 80
_MOST = 20
"""Mistakes that a message has room for."""
_DEEPEST = 20  # of tables and lists in a message
_LISTS_OF_TABLES = ("wire", "blocked", "known_issues")
_DOCUMENT = "e2e/docs/profiles.md explains every key"


def error_messages(
    root: type[BaseModel], file: str, raw: Mapping[str, Any], error: ValidationError
) -> Iterator[str]:
    """Each problem in three lines: file and key, value and rule, hint."""
    for problem, loc in _relevant(root, raw, error):
        key, rule, value = key_of(loc), problem["msg"].removeprefix("Value error, "), problem["input"]
        invalid = problem.get("ctx", {}).get("error")
        if isinstance(invalid, InvalidValue):
            key, value = ".".join(filter(None, (key, invalid.key))), invalid.value
        elif problem["type"] == "missing":
            value, rule = MISSING, f"required{_example(root, loc)}"
        elif problem["type"] == "extra_forbidden":
            rule = _unknown_key(root, loc, value)
        else:
            rule = _rule(problem, loc) or rule
            if HINT not in rule:
                rule += _example(root, loc)
        rule, _, hint = rule.partition(HINT)
        secret = SECRET_KEY.search(key.rpartition(".")[2]) and value is not MISSING
        yield error_message(
            file, key or "the whole file", "***" if secret else brief(value), rule, hint or _DOCUMENT
        )


def error_message(file: str, key: str, value: str, rule: str, hint: str) -> str:
    """The form of every message about a file: file and key, value and rule, hint."""
    parts = (
        _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], part) for part in (file, key, value, rule, hint)
    )
    return "{}: {}\n  got {}: {}\n  hint: {}".format(*parts)


def invalid_profile(messages: Iterable[str]) -> InvalidProfile:
    """An exception with ``messages``. Its ``hint`` is that of the last one, for reports that show it separately."""
    found = list(messages)
    what, _, hint = "\n".join(found[:_MOST]).rpartition("\n  hint: ")
    more = len(found) - _MOST
    return InvalidProfile(what, hint=f"{hint}\n{more} more mistakes are not shown" if more > 0 else hint)


def _relevant(
    root: type[BaseModel], raw: Mapping[str, Any], error: ValidationError
) -> list[tuple[Any, tuple[Any, ...]]]:
    """Unknown keys first. Consequences are left out: the key that was meant is missing; a list with an invalid item is too short."""
    problems = [(p, _as_written(p["loc"], raw)) for p in error.errors(include_url=False)]
    unknown = [(p, loc) for p, loc in problems if p["type"] == "extra_forbidden"]
    meant = {(*loc[:-1], new_name(loc) or _closest(root, loc)) for _, loc in unknown}
    others = [(p, loc) for p, loc in problems if p["type"] != "extra_forbidden" and loc not in meant]
    parents = {loc[:n] for _, loc in problems for n in range(len(loc))}
    return unknown + [(p, loc) for p, loc in others if p["type"] != "too_short" or loc not in parents]


def key_of(loc: tuple[Any, ...]) -> str:
    """``("wire", 0, "session")`` as ``wire[0].session``."""
    parts = (f"[{p}]" if isinstance(p, int) else f".{_toml_key(str(p))}" for p in loc)
    return "".join(parts).removeprefix(".")


def _as_written(loc: tuple[Any, ...], raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """The path as it is in the file: without union branches, and without ``json`` for ``session = "args[0"``."""
    found: list[Any] = []
    value: Any = raw
    for part in loc:
        if part in _BRANCHES:
            continue
        if part == "json" and isinstance(value, str):
            break
        found.append(part)
        try:
            value = value[part]
        except (LookupError, TypeError):
            value = None
    return tuple(found)


def _rule(problem: Any, loc: tuple[Any, ...]) -> str:
    kind = problem["type"]
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
        if not choices:
            return f"must be {problem['ctx']['expected']}"
        near = difflib.get_close_matches(str(problem["input"]), choices, n=1, cutoff=0.6)
        return f"expected one of {', '.join(choices)}" + (f'{HINT}{loc[-1]} = "{near[0]}"' if near else "")
    if kind == "tuple_type" and loc[-1] in _LISTS_OF_TABLES:
        return f"expected a list of tables{HINT}each starts with a line [[{loc[-1]}]]"
    if kind in _RULES:
        limits = problem.get("ctx", {})
        return _RULES[kind].format(**{k: f"{v:g}" if isinstance(v, float) else v for k, v in limits.items()})
    return ""


def _field(model: type[BaseModel] | None, key: Any) -> FieldInfo | None:
    fields = model.model_fields.items() if model is not None else ()
    return next((f for n, f in fields if key in (f.alias or n, n)), None)


def _model_at(root: type[BaseModel], loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model of the table at ``loc``."""
    model: type[BaseModel] | None = root
    for part in loc:
        if not isinstance(part, int):
            field = _field(model, part)
            model = next(models_of(field.annotation), None) if field is not None else None
    return model


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a type contains."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from models_of(part)


def _example(root: type[BaseModel], loc: tuple[Any, ...]) -> str:
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    field = _field(_model_at(root, loc[:-1]), loc[-1]) if loc else None
    if field is None:  # a key that the user chose, as in weights
        field = _field(_model_at(root, loc[:-2]), loc[-2]) if len(loc) > 1 else None
        loc = loc[:-1]
    if field is None:
        return ""
    if field.examples:
        return f"{HINT}{loc[-1]} = {toml_value(field.examples[0])}"
    if not field.is_required() and isinstance(field.default, str | int | float):
        return f"{HINT}{loc[-1]} = {toml_value(field.default)}"
    return ""


def _unknown_key(root: type[BaseModel], loc: tuple[Any, ...], value: Any) -> str:
    if (renamed := new_name(loc)) is not None:
        line = f"{renamed} = {toml_value(_masked(value))}"
        hint = f"[[{renamed}]]" if renamed in _LISTS_OF_TABLES else line if len(line) <= _WIDTH else renamed
        return f"renamed: the key is now {renamed}{HINT}{hint}"
    model = _model_at(root, loc[:-1])
    if model is None:
        return "unknown key"
    closest = _closest(root, loc)
    return f"unknown key{HINT}" + (
        f"did you mean {closest}?" if closest else f"known here: {', '.join(_keys(model))}"
    )


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _closest(root: type[BaseModel], loc: tuple[Any, ...]) -> str | None:
    """The known key that is most like the unknown one."""
    model = _model_at(root, loc[:-1])
    known = _keys(model) if model is not None else []
    return next(iter(difflib.get_close_matches(str(loc[-1]).lower(), known, n=1, cutoff=0.6)), None)


_UNSAFE = re.compile(
    "[^\\x20-\\x7e\\xa0-\\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
"""Control characters, which TOML does not allow in strings and a terminal obeys; and others that distort the text around them."""


def _escape(found: re.Match[str]) -> str:
    letter = ord(found[0])
    return "\\ufffd" if 0xD800 <= letter < 0xE000 else f"\\u{letter:04x}"


def toml_value(value: Any) -> str:
    """``value`` as TOML, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**80 else hex(value)  # Python writes no more than 4,300 digits
    if isinstance(value, str):
        if "\\" in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{_UNSAFE.sub(_escape, escaped)}"'
    if isinstance(value, Mapping):
        pairs = (f"{_toml_key(str(k))} = {toml_value(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def brief(value: Any) -> str:
    """``value`` as it is in the file, cut, with secrets masked."""
    if value is MISSING:
        return "nothing"
    if value == "***":
        return "***"
    text = repr(value) if isinstance(value, str) else toml_value(_masked(value))
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _masked(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    if isinstance(value, Mapping):
        return {k: "***" if SECRET_KEY.search(str(k)) else _masked(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(v, depth + 1) for v in value]
    return value
