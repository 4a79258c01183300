"""Whether what a file says of a record has the types of that record. A file may be cut, mixed up or written by another program."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Literal, TypeGuard, Union, cast, get_args, get_origin, get_type_hints

from e2e.records.printable import printable

_DEEPEST = 10
_LONGEST = 10_000
"""Characters of a text of a run or a chat. GitHub shows no summary of more than 1 MB."""
_LARGEST = 1e15
"""No time, count or size of a record comes near it; larger numbers break dates and tables."""
_Test = Callable[[Any], bool]


def checked(record: type[Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``record`` (a dataclass) that ``raw`` has. Raises ``TypeError`` when one of them is of another type."""
    if not isinstance(raw, dict):
        raise TypeError(f"expected a table, got {_short(raw)}")
    known = {}
    for name, plain, test, inner in _tests(cast(Hashable, record)):
        if name in raw:
            value = known[name] = raw[name]
            if type(value) not in plain and not test(value):
                raise TypeError(f"{name} is {_short(value)}")
            if isinstance(value, str):
                if len(value) > _LONGEST or not value.isprintable():
                    known[name] = _short_enough(printable(value), name)
            elif inner:
                known[name] = _printable_inside(value, cut=name != "code")
    return known


def checked_data(data: Any) -> dict[str, Any]:
    """An event's data. Raises ``TypeError`` when a field of it has a type that no event gives it."""
    if not isinstance(data, dict):
        raise TypeError(f"data is {_short(data)}")
    for name, value in data.items():
        if value is None:
            continue
        plain, test = _DATA.get(name, _ANYTHING)
        if type(value) not in plain and not test(value):
            raise TypeError(f"data.{name} is {_short(value)}")
        if isinstance(value, str):
            if len(value) > _LONGEST or not value.isprintable():
                data[name] = _short_enough(printable(value), name)
        elif isinstance(value, dict | list):
            data[name] = _printable_inside(value)
    return data


FieldChecks = tuple[tuple[str, frozenset[type], _Test], ...]
"""Names of fields of an event's data, the types that need no test, and the test for others."""


def checks_of(names: Iterable[str]) -> FieldChecks:
    """The checks of these fields."""
    return tuple((name, *_DATA.get(name, _ANYTHING)) for name in names)


def checked_fields(data: Mapping[str, Any], checks: FieldChecks) -> dict[str, Any]:
    """As `checked_data`, for some of the fields: a look-up for each and a dictionary of its own took a third more."""
    found: dict[str, Any] = {}
    for name, plain, test in checks:
        if name not in data:
            continue
        value = data[name]
        found[name] = value
        if value is None:
            continue
        if type(value) not in plain and not test(value):
            raise TypeError(f"data.{name} is {_short(value)}")
        if isinstance(value, str):
            if len(value) > _LONGEST or not value.isprintable():
                found[name] = _short_enough(printable(value), name)
        elif isinstance(value, dict | list):
            found[name] = _printable_inside(value)
    return found


def _short_enough(text: str, name: str = "") -> str:
    """A provider's name stays as it is: `as_name` shortens it, so that names that differ stay different."""
    return (
        text
        if len(text) <= _LONGEST or name.endswith("provider")
        else f"{text[:_LONGEST]}… ({len(text):,} characters)"
    )


def _printable_inside(value: Any, depth: int = 0, *, cut: bool = False) -> Any:
    """The value with its texts and keys as `printable` has them. Raises ``TypeError`` when it is nested deeper than any record."""
    if isinstance(value, str):
        text = value if value.isprintable() else printable(value)
        return _short_enough(text) if cut else text
    if depth > _DEEPEST:
        raise TypeError("nested too deep")
    if isinstance(value, dict):
        return {
            _printable_inside(k, cut=cut): _printable_inside(v, depth + 1, cut=cut) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_printable_inside(one, depth + 1, cut=cut) for one in value]
    return value


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | None) else type(value).__name__
    return text if len(text) < 60 else f"{text[:56]} …"


@cache
def _tests(record: Hashable) -> tuple[tuple[str, frozenset[type], _Test, bool], ...]:
    """Name of each field, the types that need no test, the test, and whether texts may be inside of it."""
    hints = get_type_hints(record)
    return tuple(
        (f.name, _plain_of(hints[f.name]), _test_of(hints[f.name]), _has_texts(hints[f.name]))
        for f in fields(cast(Any, record))
    )


def _has_texts(hint: Any) -> bool:
    """Lists and tables of texts; those of other records are checked one by one."""
    if get_origin(hint) in (Union, types.UnionType):
        return any(map(_has_texts, get_args(hint)))
    return get_origin(hint) is not None and get_origin(hint) is not Literal and str in get_args(hint)


def _plain_of(hint: Any) -> frozenset[type]:
    """The types of which each value will do: no test is called for these, which is most of the time that reading takes."""
    if get_origin(hint) in (Union, types.UnionType):
        return frozenset[type]().union(*map(_plain_of, get_args(hint)))
    return frozenset((hint,)) if hint in (str, bool, type(None)) else frozenset()


def _test_of(hint: Any) -> _Test:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        tests = [_test_of(one) for one in arguments]
        if len(tests) == 2 and arguments[1] is type(None):
            first = tests[0]
            return lambda value: value is None or first(value)
        return lambda value: any(test(value) for test in tests)
    if origin is Literal:
        return lambda value: isinstance(value, str) and value in arguments
    if origin is tuple:
        inner = _test_of(arguments[0])
        if arguments[-1] is not Ellipsis or hasattr(arguments[0], "__dataclass_fields__"):
            return lambda value: isinstance(value, list | tuple)
        return lambda value: isinstance(value, list | tuple) and all(map(inner, value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        inner = _test_of(arguments[1])
        return lambda value: isinstance(value, dict) and all(map(inner, value.values()))
    return _PLAIN.get(hint, _anything)


def _anything(_: Any) -> bool:
    return True


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether ``value`` is a number that a time, a count or a size can have: an integer of 400 digits fits in no float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_stack(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(frame, dict)
        and isinstance(frame.get("url"), str)
        and isinstance(frame.get("function"), str)
        and _is_whole(frame.get("line"))
        and _is_whole(frame.get("column"))
        for frame in value
    )


_PLAIN: dict[Any, _Test] = {
    str: _is_text,
    int: _is_whole,
    float: is_number,
    bool: _is_flag,
    type(None): lambda value: value is None,
}

_ANYTHING: tuple[frozenset[type], _Test] = (frozenset(), _anything)
_DATA: dict[str, tuple[frozenset[type], _Test]] = {
    **dict.fromkeys(
        ("by", "cached", "error", "event", "form", "how", "key", "kind", "layer", "method", "op", "origin", "outcome", "pattern", "place",
         "previous", "probe", "provider", "question", "request", "rule", "scenario", "session", "shape", "store", "text", "transport",
         "unreadable", "url", "way_out", "what", "where", "why"), (frozenset((str,)), _is_text)),
    **dict.fromkeys(
        ("by_text", "compared", "found", "in_payload", "judged", "named_in_payload", "restored", "retry", "same_line", "same_value"),
        (frozenset((bool,)), _is_flag)),
    **dict.fromkeys(
        ("bleeds_from", "bytes", "chunks", "history", "index", "message", "messages", "names", "names_lane", "number", "screen_from",
         "searched", "shows_from", "status", "tab", "word_of"), (frozenset(), _is_whole)),
    **dict.fromkeys(("latency_ms", "time_offset"), (frozenset(), is_number)),
    **dict.fromkeys(("distribution", "features"), (frozenset((dict,)), _is_table)),
    "stack": (frozenset(), _is_stack),
}  # fmt: skip
"""Name of a field of an event's data -> what it is wherever it is not null; the same in all kinds of events."""
