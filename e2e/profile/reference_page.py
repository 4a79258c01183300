"""Generates ``e2e/docs/profiles.md`` and ``profile.schema.json`` from the profile's types: ``python -m e2e reference [--check]``.

The docstring below a field is the only description of a key: page, JSON Schema and error messages use it.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from e2e.framings.registry import FRAMINGS
from e2e.profile.json_schema import markdown, schema
from e2e.profile.profile import TARGETS, Profile
from e2e.profile.recipes import MINIMAL, RECIPES
from e2e.profile.values.error_messages import models_of, toml_value

PAGE = TARGETS.parents[1] / "e2e" / "docs" / "profiles.md"
SCHEMA = TARGETS / "profile.schema.json"

_WORDS = {
    "check_location": "JMESPath",
    "check_condition": "JMESPath condition",
    "_is_regex": "regular expression",
    "_is_url_regex": "regular expression",
    "is_web_address": "URL",
    "_is_css": "CSS selector",
    "_is_header": "header name",
    "_is_variable": "variable name",
    "_is_host": "host",
    "_is_timezone": "time zone",
}

_TYPES: dict[Any, str] = {bool: "boolean", dt.date: "date", Any: "any value"}

_LOCATE = {"role": "button", "name": "New chat"}
_CALL = {"method": "GET", "path": "/sessions/{session}", "provider": "provider"}
_KNOWN = {"cause": "label-stale", "until": dt.date(2027, 1, 31), "reason": "goes with the next design"}
_INDEXED = {"store": "indexedDB", "key": "session"}

_WITH: dict[str, dict[str, Any]] = {
    **{f"KnownIssue.{key}": {k: v for k, v in _KNOWN.items() if k != key} for key in (*_KNOWN, "link")},
    "Session.key_pattern": {"key": None},
    "Session.regex": {"store": "url", "key": None},
    "Session.database": {**_INDEXED, "object_store": "kv"},
    "Session.object_store": {**_INDEXED, "database": "chat"},
    "Reply.exchange_finished": {"gone": {"role": "button", "name": "Stop"}},
    "RefusalRule.kind": {"status": [429]},
    "Login.url": {"storage_state": ".auth/acme.json"},
    "Login.done": {"storage_state": ".auth/acme.json"},
    "Backend.url": {"lookup": _CALL},
    "Backend.headers": {"lookup": _CALL},
    "Backend.translate": {"lookup": _CALL},
    "Backend.writes": {"assign": {"method": "PUT", "path": "/sessions/{session}"}},
    "Locate.name": {"role": "button"},
    "Locate.exact": {"text": "New chat"},
    "Locate.nth": {"role": "button"},
    "Locate.within": {"role": "button"},
    "Locate.frame": {"role": "button"},
    "Action.optional": {"click": _LOCATE},
    "Action.timeout": {"click": _LOCATE},
    "Extract.regex": {"header": "Authorization"},
}
"""Other keys that an example needs beside it to be valid. None removes a key."""


@dataclass(frozen=True)
class Table:
    """A table of the profile, and the first path at which it may be."""

    model: type[BaseModel]
    path: tuple[str, ...]
    many: bool

    @property
    def title(self) -> str:
        """Heading of the table on the page."""
        name = ".".join(self.path)
        if not self.path:
            return "The file"
        if len(self.path) > 1:
            return self.model.__name__
        return f"[[{name}]]" if self.many else f"[{name}]"


@dataclass(frozen=True)
class Example:
    """The example of one key: its value, and the other keys that it needs beside it."""

    table: Table
    key: str
    value: Any
    beside: dict[str, Any]


def tables() -> list[Table]:
    """Every table once, in the order of the schema, each before the tables that it contains."""
    found: dict[type[BaseModel], Table] = {}

    def look(model: type[BaseModel], path: tuple[str, ...], many: bool) -> None:
        if model in found:
            return
        found[model] = Table(model, path, many)
        for name, field in model.model_fields.items():
            for part in models_of(field.annotation):
                look(part, (*path, field.alias or name), "tuple" in str(field.annotation))

    look(Profile, (), many=False)
    top = [t for t in found.values() if len(t.path) <= 1]
    inner = [t for t in found.values() if len(t.path) > 1]
    return top + inner


def example_of(table: Table, name: str, field: FieldInfo) -> Example:
    """The first example of a field; otherwise a value that is not its default, or its default."""
    key = field.alias or name
    if field.examples:
        value = field.examples[0]
    elif isinstance(field.default, bool):
        value = not field.default
    elif isinstance(field.default, BaseModel):
        inner = Table(type(field.default), (*table.path, key), many=False)
        fields = inner.model.model_fields
        first = next((n for n, f in fields.items() if f.examples), next(iter(fields)))
        value = {first: example_of(inner, first, fields[first]).value}
    else:
        value = list(field.default) if isinstance(field.default, tuple) else field.default
    return Example(table, key, value, _WITH.get(f"{table.model.__name__}.{key}", {}))


def examples() -> Iterator[Example]:
    """One for each key of each table."""
    for table in tables():
        for name, field in own_fields(table.model).items():
            yield example_of(table, name, field)


def own_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields that a table does not share with the table that it extends."""
    shared = {name for base in model.__bases__ if issubclass(base, BaseModel) for name in base.model_fields}
    return {name: field for name, field in model.model_fields.items() if name not in shared}


@cache
def _heading(model: type[BaseModel]) -> str:
    return next(table.title for table in tables() if table.model is model)


def type_in_words(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """The type of a field, in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_in_words(inner[0], (*inner[1:], *metadata))
    if isinstance(annotation, FieldInfo):
        return type_in_words(annotation.annotation, annotation.metadata)
    if origin in (Union, types.UnionType):
        return " or ".join(type_in_words(part, metadata) for part in inner if part is not type(None))
    if origin is Literal:
        return ", ".join(f"`{toml_value(choice)}`" for choice in inner)
    if origin is tuple:
        if inner[-1] is not ...:
            return "list of " + ", ".join(type_in_words(part) for part in inner)
        return f"list of {type_in_words(inner[0])}"
    if origin is dict:
        return f"table: {type_in_words(inner[0])} = {type_in_words(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = _heading(annotation).strip("[]")
        return f"[{name}](#{name.lower()})"
    if annotation is str:
        funcs = [getattr(m.func, "__name__", "") for m in metadata if isinstance(m, AfterValidator)]
        return next((_WORDS[f] for f in funcs if f in _WORDS), "string")
    if annotation in _TYPES:
        return _TYPES[annotation]
    return ("integer" if annotation is int else "number") + _bounds(metadata)


def _bounds(metadata: Sequence[Any]) -> str:
    limits = []
    for mark in (m for part in metadata for m in (part.metadata if isinstance(part, FieldInfo) else [part])):
        for kind, word in ((Gt, "above"), (Ge, "from"), (Lt, "below"), (Le, "to")):
            if isinstance(mark, kind):
                value = getattr(mark, kind.__name__.lower())
                limits.append(f"{word} {value:,}" if value >= 1000 else f"{word} {value:g}")
    return f" {' '.join(limits)}" if limits else ""


def page() -> str:
    """The reference page, as Markdown."""
    lines = [_HEAD.format(minimal=MINIMAL)]
    for title, text, toml in RECIPES:
        lines += [f"### {title}", "", *([text, ""] if text else []), f"```toml\n{toml}```", ""]
    lines += ["## Every key", ""]
    for table in tables():
        lines += [f"### {table.title}", "", markdown(table.model.__doc__ or ""), ""]
        lines += ["| key | type | default | meaning | example |", "|---|---|---|---|---|"]
        lines += [_row(table, name, field) for name, field in own_fields(table.model).items()]
        lines.append("")
    lines += ["## Framings", "", _FRAMINGS, "", "| framing | where | what JMESPath reads |", "|---|---|---|"]
    for name, framing in FRAMINGS.items():
        where = "WebSocket, HTTP" if framing.http else "WebSocket"
        lines.append(f"| `{name}` | {where} | {framing.summary} |")
    return "\n".join(lines).rstrip() + "\n"


def _row(table: Table, name: str, field: FieldInfo) -> str:
    example = example_of(table, name, field)
    shown = _code(f"{example.key} = {toml_value(example.value)}")
    beside = ", ".join(_code(f"{k} = {toml_value(v)}") for k, v in example.beside.items() if v is not None)
    cells = (
        f"`{example.key}`",
        type_in_words(field.annotation, field.metadata),
        _default(field),
        " ".join(markdown(field.description or "").split()),
        f"{shown}, with {beside}" if beside else shown,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if default is None or default in ((), {}) or isinstance(default, BaseModel):
        return ""
    if isinstance(default, tuple) and isinstance(default[0], BaseModel):
        default = [part.model_dump(exclude_defaults=True) for part in default]
    return f"`{toml_value(default)}`"


def generated() -> dict[Any, str]:
    """Path -> text of the generated files."""
    return {PAGE: page(), SCHEMA: schema()}


_FRAMINGS = """\
`framing` in a wire rule names one of these. Heartbeats and handshakes are not read as messages."""

_HEAD = """\
# Profiles: how to describe a chat

<!-- Generated by `python -m e2e reference` from the profile's types. Edits by hand are lost. -->

A *profile* is one TOML file that describes a chat frontend. It has the chat's URL, the locators of its buttons, the key of
the stored session, and the request that carries it. The whole file is validated before a browser starts.

## In five minutes

1. Run `make discover URL=https://chat.example.org/`. It opens the chat, sends a message, clicks New Chat and proposes a
   profile. Where it cannot find something, `make record URL=https://chat.example.org/` lets you show it.
2. Save it as `fixtures/targets/acme.toml`, and read it. Locators by role and name are the most stable ones.
3. Begin it with `#:schema ./profile.schema.json`. An editor with Even Better TOML (or Taplo) then completes and explains
   every key.
4. Try it: `make e2e TARGET=acme CHATS=4 LANES=1 ARGS=--headed`. An error message has file, key, value, rule and hint.
5. Then add the expected behaviour (`[policy]`), the limits of the target (`[limits]`) and the `[providers]`.

This is a complete profile:

```toml
{minimal}```

[`reference.toml`](../../fixtures/targets/reference.toml) is a larger one.

How values are written:

- A locator has exactly one of `role` (with `name`), `label`, `placeholder`, `test_id`, `text`, `title`, `css`.
- The location of a value in a payload is a [JMESPath](https://jmespath.org/) expression: `args[0].sessionId`.
- In a condition, strings need single quotes. Numbers, `true` and `false` need backticks:
  ``type == 'chat' && success == `true` ``.
- `${{NAME}}` is an environment variable. Secrets are never written into the file.
- Times are in seconds. Numbers, `true` and `false` have no quotes.

## Recipes

A table in a recipe replaces the table of the same name in the profile above.
"""
