"""Regular expressions and JMESPath expressions of a profile, with a limit on the time that a text of the target can make them take.

Python's ``re`` has none: ``(a+)+$`` on 40 letters of a page would run for hours, and nothing could interrupt it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NoReturn

import jmespath
import regex
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from e2e.errors import InvalidProfile

SECONDS = 2.0
"""CPU time that one search may take. A search of a usual pattern in a text of 1 MB takes some milliseconds."""
_MOST_COPIES = 10_000
_MOST_JOINED = 50_000_000


class Pattern:
    """A regular expression of a profile; ``key`` is its place there, for messages."""

    __slots__ = ("_regex", "groups", "key", "text")

    def __init__(self, text: str, key: str, *, ignore_case: bool = False) -> None:
        """Raises ``regex.error`` when ``text`` is no regular expression."""
        self.text = text
        self.key = key
        self._regex = regex.compile(text, regex.VERSION0 | (regex.IGNORECASE if ignore_case else 0))
        self.groups: int = self._regex.groups

    def search(self, text: str) -> regex.Match[str] | None:
        """Raises `InvalidProfile` when the search takes too long."""
        try:
            return self._regex.search(text, timeout=SECONDS)
        except TimeoutError:
            raise InvalidProfile(
                f"the regular expression {self.text!r} took more than {SECONDS:g} s on a text of {len(text)} characters",
                where=self.key,
                hint="avoid a repetition inside of a repetition, such as (a+)+",
            ) from None

    def find(self, text: str) -> str | None:
        """The first group, or the whole match of an expression without groups; None where nothing matches."""
        match = self.search(text)
        return None if match is None else match.group(1 if self.groups else 0)


class Expression:
    """A JMESPath expression of a profile; ``key`` is its place there, for messages."""

    __slots__ = ("_parsed", "key", "text")

    def __init__(self, text: str, key: str) -> None:
        """Raises ``JMESPathError`` when ``text`` is no expression."""
        self.text = text
        self.key = key
        self._parsed: Any = jmespath.compile(text).parsed

    def search(self, value: Any) -> Any:
        """What it finds; None when one of its functions is not for a value of this form.

        Raises `InvalidProfile` when it takes too long.
        """
        try:
            return _Interpreter(self._too_long).visit(self._parsed, value)
        except (JMESPathTypeError, RecursionError):
            return None

    def _too_long(self) -> NoReturn:
        raise InvalidProfile(
            f"the JMESPath expression {self.text!r} took more than {SECONDS:g} s on a value of the target",
            where=self.key,
            hint="name the field more directly, with fewer projections",
        )


class _Functions(Functions):
    """JMESPath's own; ``join`` builds no text of any length."""

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str | None:
        if len(separator) * len(array) + sum(map(len, array)) > _MOST_JOINED:
            return None
        return separator.join(array)


_OPTIONS = Options(custom_functions=_Functions())


class _Interpreter(TreeInterpreter):
    """Looks at the clock wherever an expression goes through a list: nothing else can take long (see `copies`)."""

    def __init__(self, too_long: Callable[[], NoReturn]) -> None:
        super().__init__(_OPTIONS)
        self._too_long = too_long
        self._end = 0.0

    def _look_at_clock(self) -> None:
        now = time.thread_time()
        self._end = self._end or now + SECONDS
        if now > self._end:
            self._too_long()

    def visit_projection(self, node: Any, value: Any) -> Any:
        self._look_at_clock()
        return super().visit_projection(node, value)

    def visit_value_projection(self, node: Any, value: Any) -> Any:
        self._look_at_clock()
        return super().visit_value_projection(node, value)

    def visit_filter_projection(self, node: Any, value: Any) -> Any:
        self._look_at_clock()
        return super().visit_filter_projection(node, value)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        self._look_at_clock()
        return super().visit_flatten(node, value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        self._look_at_clock()
        return super().visit_function_expression(node, value)


def copies(parsed: dict[str, Any]) -> int:
    """How often an expression can repeat its input: ``[@, @] | [@, @]`` has it four times, and twenty such steps a million times.

    Each list or table that an expression makes counts with its number of parts, as if all stood in a row.
    """
    found = 1
    for child in parsed["children"]:
        if isinstance(child, dict):  # the children of a slice are numbers
            found = min(found * copies(child), _MOST_COPIES + 1)
    if parsed["type"] in ("multi_select_list", "multi_select_dict"):
        found *= max(1, len(parsed["children"]))
    if parsed["type"] == "function_expression" and parsed["value"] in ("join", "merge"):
        found *= max(2, len(parsed["children"]))
    return min(found, _MOST_COPIES + 1)


def compiled(expression: str) -> dict[str, Any]:
    """What JMESPath makes of ``expression``. Raises ``JMESPathError`` when it is none, ``ValueError`` when it is too large."""
    try:
        parsed: dict[str, Any] = dict(jmespath.compile(expression).parsed)
        too_large = copies(parsed) > _MOST_COPIES
    except RecursionError:
        too_large = True
        parsed = {}
    except JMESPathError:
        raise
    if too_large:
        raise ValueError("too large for a JMESPath expression: it nests or repeats too much")
    return parsed
