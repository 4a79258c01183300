"""JSON texts as values, and JSON that stands in strings of such a value."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def loads(text: str) -> Any:
    """The JSON value that ``text`` is (RFC 8259: no NaN, no Infinity). ValueError when it is none or is nested too deep."""
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_nested_json(value: Any, depth: int = 3) -> Any:
    """A copy of ``value`` in which strings that are JSON objects or arrays are these, ``depth`` strings deep.

    Bounded: strings of more than 1 MiB characters, in all, and what lies under 60 levels stay as they are. A text that
    merely looks like JSON (``"[1]"``) is parsed too: use it where the product is known to put JSON into strings.
    """
    return _NestedJson().of(value, depth, 60)


class _NestedJson:
    def __init__(self) -> None:
        self._left = 1 << 20

    def of(self, value: Any, depth: int, levels: int) -> Any:
        if levels == 0:
            return value
        if isinstance(value, dict):
            return {name: self.of(item, depth, levels - 1) for name, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, depth, levels - 1) for item in value]
        if isinstance(value, str) and depth > 0 and value.lstrip()[:1] in ("{", "["):
            return self._text(value, depth, levels)
        return value

    def _text(self, text: str, depth: int, levels: int) -> Any:
        if len(text) > self._left:
            return text
        self._left -= len(text)
        try:
            inner = loads(text)
        except ValueError:
            return text
        return self.of(inner, depth - 1, levels)
