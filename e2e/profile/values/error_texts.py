"""What is wrong with a profile, told with file, key, value, rule and an example; pydantic's own words are put into plain ones."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from e2e.profile.values.terms import NOTHING, SECRET_KEY, Misfit

_BRANCHES = frozenset({"a name", "a command", "[key]"})
"""Parts of pydantic's path that stand in no file: branches of a union, and the name of a key."""

_PLAIN = {
    "string_type": "not a text; a text stands in quotes",
    "string_too_short": "empty",
    "int_type": "not a whole number; a number stands without quotes",
    "int_from_float": "not a whole number",
    "float_type": "not a number; a number stands without quotes and without a unit",
    "finite_number": "not a finite number",
    "bool_type": "neither true nor false; they stand without quotes",
    "dict_type": "not a table",
    "model_type": "not a table",
    "model_attributes_type": "not a table",
    "tuple_type": "not a list",
    "greater_than": "not above {gt}",
    "greater_than_equal": "below {ge}, the least there is",
    "less_than": "not below {lt}",
    "less_than_equal": "above {le}, the most there is",
    "too_short": "too few: at least {min_length}",
    "too_long": "too many: at most {max_length}",
}

_TABLE_LISTS = ("wire", "blocked")


def explain(
    root: type[BaseModel], file: str, raw: Mapping[str, Any], error: ValidationError
) -> Iterator[str]:
    """Each problem as three lines: file and key, value and rule, and an example where there is one."""
    for problem, loc in _worth_telling(root, raw, error):
        key, rule, got = key_of(loc), problem["msg"].removeprefix("Value error, "), problem["input"]
        misfit = problem.get("ctx", {}).get("error")
        if isinstance(misfit, Misfit):
            key, got = ".".join(filter(None, (key, misfit.key))), misfit.value
        elif problem["type"] == "missing":
            got, rule = NOTHING, f"required{_example(root, loc)}"
        elif problem["type"] == "extra_forbidden":
            rule = f"no such key{_meant(root, loc)}"
        else:
            rule = _plain(problem, loc) or rule
            if "; example: " not in rule:
                rule += _example(root, loc)
        rule, _, example = rule.partition("; example: ")
        shown = "***" if SECRET_KEY.search(key.rpartition(".")[2]) and got is not NOTHING else _brief(got)
        yield f"{file}: at {key or 'the whole file'}\n  got {shown} : {rule}" + (
            f"\n  example: {example}" if example else ""
        )


def _worth_telling(
    root: type[BaseModel], raw: Mapping[str, Any], error: ValidationError
) -> list[tuple[Any, tuple[Any, ...]]]:
    """A mistyped key first, and not also that the right one is missing; a list is not too short for an item that is wrong."""
    problems = [(p, _as_written(p["loc"], raw)) for p in error.errors(include_url=False)]
    typed = [(p, loc) for p, loc in problems if p["type"] == "extra_forbidden"]
    meant = {(*loc[:-1], _near(root, loc)) for _, loc in typed}
    others = [(p, loc) for p, loc in problems if p["type"] != "extra_forbidden" and loc not in meant]
    items = {loc[:n] for _, loc in problems for n in range(len(loc))}
    return typed + [(p, loc) for p, loc in others if p["type"] != "too_short" or loc not in items]


def key_of(loc: tuple[Any, ...]) -> str:
    """``("wire", 0, "session")`` as a person says it: ``wire[0].session``."""
    parts = (f"[{p}]" if isinstance(p, int) else f".{_toml_key(str(p))}" for p in loc)
    return "".join(parts).removeprefix(".")


def _as_written(loc: tuple[Any, ...], raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """The path without what stands in no file; ``session = "args[0"`` has no key ``json``."""
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


def _plain(problem: Any, loc: tuple[Any, ...]) -> str:
    kind = problem["type"]
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
        if not choices:
            return f"not {problem['ctx']['expected']}"
        near = difflib.get_close_matches(str(problem["input"]), choices, n=1, cutoff=0.6)
        return f"not one of {', '.join(choices)}" + (f'; example: {loc[-1]} = "{near[0]}"' if near else "")
    if kind == "tuple_type" and loc[-1] in _TABLE_LISTS:
        return f"not a list of tables; each begins with a line [[{loc[-1]}]]"
    if kind in _PLAIN:
        limits = problem.get("ctx", {})
        return _PLAIN[kind].format(**{k: f"{v:g}" if isinstance(v, float) else v for k, v in limits.items()})
    return ""


def _field(model: type[BaseModel] | None, key: Any) -> FieldInfo | None:
    fields = model.model_fields.items() if model is not None else ()
    return next((f for n, f in fields if key in (f.alias or n, n)), None)


def _model_at(root: type[BaseModel], loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The table in which the last key of ``loc`` stands."""
    model: type[BaseModel] | None = root
    for part in loc:
        if not isinstance(part, int):
            field = _field(model, part)
            model = next(models_of(field.annotation), None) if field is not None else None
    return model


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a type speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from models_of(part)


def _example(root: type[BaseModel], loc: tuple[Any, ...]) -> str:
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    field = _field(_model_at(root, loc[:-1]), loc[-1]) if loc else None
    if field is None:  # a key that a person chose, as in weights
        field = _field(_model_at(root, loc[:-2]), loc[-2]) if len(loc) > 1 else None
        loc = loc[:-1]
    if field is None:
        return ""
    if field.examples:
        return f"; example: {loc[-1]} = {toml_value(field.examples[0])}"
    if not field.is_required() and isinstance(field.default, str | int | float):
        return f"; example: {loc[-1]} = {toml_value(field.default)}"
    return ""


def _meant(root: type[BaseModel], loc: tuple[Any, ...]) -> str:
    model = _model_at(root, loc[:-1])
    if model is None:
        return ""
    near = _near(root, loc)
    return f"; did you mean {near}?" if near else f"; known here: {', '.join(_keys(model))}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _near(root: type[BaseModel], loc: tuple[Any, ...]) -> str | None:
    """The key that was probably meant."""
    model = _model_at(root, loc[:-1])
    known = _keys(model) if model is not None else []
    return next(iter(difflib.get_close_matches(str(loc[-1]).lower(), known, n=1, cutoff=0.6)), None)


def toml_value(value: Any) -> str:
    """``value`` as TOML writes it in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        if "\\" in value and "'" not in value:
            return f"'{value}'"
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'
    if isinstance(value, Mapping):
        pairs = (f"{_toml_key(str(k))} = {toml_value(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def _brief(value: Any) -> str:
    """As it stands in the file, cut, and without what is secret."""
    if value is NOTHING:
        return "nothing"
    if value == "***":
        return "***"
    text = repr(value) if isinstance(value, str) else toml_value(_masked(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _masked(value: Any) -> Any:
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    if isinstance(value, Mapping):
        return {k: "***" if SECRET_KEY.search(str(k)) else _masked(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(v) for v in value]
    return value
