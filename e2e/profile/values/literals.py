"""The literal text that every match of a regular expression contains.

A page can be given no regular expression of a profile: JavaScript has no time limit for one either. It looks for this text, and the
suite then looks at what it found with the expression itself.
"""

from __future__ import annotations

import re

_FLAGS = re.compile(r"\(\?[a-zA-Z-]+[:)]")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_TIMES = re.compile(r"[*?]|\{\d*,?\d*\}")
_MORE = re.compile(r"\+")


def literal_of(pattern: str) -> str:
    """The longest such text that is easily seen; ``""`` where there is none for sure, as with flags or alternatives."""
    if _FLAGS.search(pattern):
        return ""
    runs, run, at = [], "", 0
    while at < len(pattern):
        sign = pattern[at]
        literal = ""
        if sign == "|":
            return ""
        if sign == "\\":
            literal = "" if pattern[at + 1].isalnum() else pattern[at + 1]
            at += 2
        elif sign == "[" and (found := _CLASS.match(pattern, at)):
            at = found.end()
        elif sign == "(":
            at = _after_group(pattern, at)
        else:
            literal = "" if sign in ".^$*+?{" and sign != "{" else sign
            at += 1
        optional = _TIMES.match(pattern, at)
        repeated = _MORE.match(pattern, at)
        if literal and not optional:
            run += literal
        if not literal or optional or repeated:
            runs.append(run)
            run = ""
        at = (optional or repeated).end() if (optional or repeated) else at  # type: ignore[union-attr]
    return max([*runs, run], key=len)


def _after_group(pattern: str, at: int) -> int:
    depth = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 2
            continue
        if pattern[at] == "[" and (found := _CLASS.match(pattern, at)):
            at = found.end()
            continue
        depth += (pattern[at] == "(") - (pattern[at] == ")")
        at += 1
        if depth == 0:
            break
    return at
