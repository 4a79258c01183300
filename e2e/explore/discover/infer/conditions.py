"""Finds a condition that holds for some values and not for others."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jmespath

from e2e.explore.discover import name_patterns
from e2e.explore.discover.values import Scalar, flags, id_likeness, last_name, leaves

_AN_ID = 0.75  # such a value belongs to one chat or message, and does not mark a kind


def place_of(path: str) -> str:
    """``path`` for every item of its lists: ``pieces[0].token`` and ``pieces[1].token`` are one place."""
    return re.sub(r"\[\d+\]", "[]", path)


def find_condition(
    wanted: Sequence[Any], others: Sequence[Any], without: Collection[str] = (), *, numbers: bool = False
) -> str | None:
    """A short JMESPath condition that holds for all ``wanted`` and for none of ``others``; None: not needed, or none found.

    ``without`` are places (`place_of`) whose values are words of a reply: they mark nothing. With ``numbers``, a number may mark a
    kind, such as a function's; at the end of a reply it would be a count of its parts.
    """
    if not others or not wanted:
        return None
    firsts = dict(leaves(wanted[0]))
    constant = _constants(wanted, firsts, without, numbers=numbers)
    constant.sort()
    conditions = [c for _, c in constant[:12]]

    def false_matches(expression: str) -> int:
        compiled = jmespath.compile(expression)
        return sum(1 for o in others if compiled.search(o))

    single = [c for c in conditions if false_matches(c) == 0]
    if single:
        return single[0]
    for n, one in enumerate(conditions):
        for two in conditions[n + 1 :]:
            if false_matches(f"{one} && {two}") == 0:
                return f"{one} && {two}"
    return next(
        (
            p
            for p in firsts
            if isinstance(firsts[p], str)
            and place_of(p) not in without
            and all(p in dict(leaves(w)) for w in wanted)
            and false_matches(p) == 0
        ),
        None,
    )


def _constants(
    wanted: Sequence[Any], firsts: Mapping[str, Scalar], without: Collection[str], *, numbers: bool
) -> list[tuple[float, str]]:
    """``(weight, condition)`` for what is the same in all ``wanted``; the lightest one describes a kind best."""
    constant: list[tuple[float, str]] = []
    for path, value in firsts.items():
        kind = name_patterns.KIND_NAME.search(last_name(path)) is not None
        if place_of(path) in without or (id_likeness(value) > _AN_ID and not kind):
            continue
        if isinstance(value, int) and numbers and path.count("[") == 0:
            if all(dict(leaves(w)).get(path) == value for w in wanted[1:]):
                constant.append((3.0 + path.count("."), f"{path} == `{value}`"))
            continue
        if not isinstance(value, str) or not 1 <= len(value) <= 60 or "'" in value or path.count("[") > 2:
            continue
        if all(dict(leaves(w)).get(path) == value for w in wanted[1:]):
            weight = (0.0 if kind else 2.0) + path.count(".") + path.count("[") + len(value) / 100
            constant.append((weight, f"{path} == '{value}'"))
    for path, _ in flags(wanted[0]):
        if all((path, True) in flags(w) for w in wanted[1:]):
            constant.append((1.0 + path.count(".") + path.count("["), f"{path} == `true`"))
    return constant
