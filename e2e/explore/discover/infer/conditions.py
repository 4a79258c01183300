"""The condition that tells some values from others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jmespath

from e2e.explore.discover import words
from e2e.explore.discover.values import flags, last_name, leaves


def discriminate(wanted: Sequence[Any], others: Sequence[Any]) -> str | None:
    """A JMESPath condition, as short as may be, that holds for all ``wanted`` and for no ``others``; None when none is needed."""
    if not others or not wanted:
        return None
    constant: list[tuple[float, str]] = []
    firsts = dict(leaves(wanted[0]))
    for path, value in firsts.items():
        if not isinstance(value, str) or not 1 <= len(value) <= 60 or "'" in value or path.count("[") > 1:
            continue
        if all(dict(leaves(w)).get(path) == value for w in wanted[1:]):
            weight = (
                (0.0 if words.KIND_NAME.search(last_name(path)) else 2.0)
                + path.count(".")
                + path.count("[")
                + len(value) / 100
            )
            constant.append((weight, f"{path} == '{value}'"))
    for path, _ in flags(wanted[0]):
        if all((path, True) in flags(w) for w in wanted[1:]):
            constant.append((1.0 + path.count(".") + path.count("["), f"{path} == `true`"))
    constant.sort()
    conditions = [c for _, c in constant[:12]]

    def wrong(expression: str) -> int:
        compiled = jmespath.compile(expression)
        return sum(1 for o in others if compiled.search(o))

    single = [c for c in conditions if wrong(c) == 0]
    if single:
        return single[0]
    for n, one in enumerate(conditions):
        for two in conditions[n + 1 :]:
            if wrong(f"{one} && {two}") == 0:
                return f"{one} && {two}"
    return next(
        (
            p
            for p in firsts
            if isinstance(firsts[p], str)
            and all(p in dict(leaves(w)) for w in wanted)
            and not any(p in dict(leaves(o)) for o in others)
        ),
        None,
    )
