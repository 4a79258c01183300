"""From a recorded stack to the product's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import Frame, Stack
from e2e.records.records import CodePlace

Trail = tuple[CodePlace, ...]
"""The product's own frames of one stack, innermost first."""


def trail(run: Run, run_id: str, stack: Stack | None) -> Trail:
    """The frames of ``stack`` that are most surely the product's own code: those of the best kind that it has."""
    # Equal stacks are one object in evidence that was read, and a run keeps its events.
    paths: dict[tuple[str, int], tuple[Stack, Trail]] = run.once("trails", dict)
    if not stack:
        return ()
    at = (run_id, id(stack))
    if at not in paths:
        paths[at] = (stack, _trail(run, run_id, stack))  # holds the stack: its place in memory is its name
    return paths[at][1]


def _trail(run: Run, run_id: str, stack: Stack) -> Trail:
    code = run.code_of(run_id)
    known = [code[position] for frame in stack if (position := _position(frame)) in code]
    own = [place for place in known if not place.vendor]
    best = min(map(_kind, own), default=0)
    return tuple(place for place in own if _kind(place) == best)


def writing(run: Run, run_id: str, stack: Stack | None) -> Trail:
    """The `trail` of a write; in a run whose code was not resolved, for it was killed, all frames as they were recorded.

    They still show whether two writes are one statement; whose code they are they do not.
    """
    if run.code_of(run_id):
        return trail(run, run_id, stack)
    return tuple(map(_recorded, stack or ()))


def _recorded(frame: Frame) -> CodePlace:
    source = urlsplit(str(frame["url"])).path.lstrip("/")
    return CodePlace(
        source, int(frame["line"]), int(frame["column"]), str(frame["function"]), mapped=False, vendor=False
    )


def _kind(place: CodePlace) -> int:
    """Mapped code first; a page's own readable script before what looks like a library, mapped or not."""
    if place.library_like:
        return 2 if place.mapped else 4
    if place.mapped:
        return 0
    return 1 if place.readable else 3


def _position(frame: Frame) -> str:
    return f"{frame['url']}:{frame['line']}:{frame['column']}"


def innermost(path: Trail) -> CodePlace | None:
    """Where the product itself did it."""
    return path[0] if path else None


def caller(path: Trail) -> CodePlace | None:
    """Who had it done: the nearest frame in another file; the innermost when all are in one."""
    return next((place for place in path if place.source != path[0].source), innermost(path))


def both(path: Trail) -> Trail:
    """`innermost` and, when it is another, `caller`."""
    ends = (innermost(path), caller(path))
    return tuple(dict.fromkeys(place for place in ends if place is not None))


def own_first(found: Iterable[CodePlace]) -> Trail:
    """Each once, those that may be a library's behind the others."""
    return tuple(sorted(dict.fromkeys(found), key=lambda place: place.library_like))


def at(place: CodePlace | None) -> str:
    """`` at src/lib/session.ts:97``, or ``""``."""
    return f" at {place.source}:{place.line}" if place else ""


def name(place: CodePlace) -> str:
    """``src/lib/session.ts:97 endSession``; says so when there is no source map."""
    text = f"{place.source}:{place.line}"
    if not place.mapped:
        text += f":{place.column}"  # a bundle is often one long line
    if place.function:
        text += f" {place.function}"
    return text if place.mapped else f"{text} (no source map)"


def usual(trails: Iterable[Trail]) -> Trail:
    """The most frequent one that is not empty; the first of several."""
    objects: dict[int, Trail] = {}
    times: Counter[int] = Counter()
    for one in trails:  # equal ones are mostly one object: to compare them by their contents took 10 us each
        if one:
            objects[id(one)] = one
            times[id(one)] += 1
    counts: Counter[Trail] = Counter()
    for name_, n in times.items():
        counts[objects[name_]] += n
    return counts.most_common(1)[0][0] if counts else ()


def same(one: CodePlace | None, other: CodePlace | None) -> bool:
    """Both known, and one statement."""
    return one is not None and other is not None and _statement(one) == _statement(other)


def _statement(place: CodePlace) -> tuple[str, int, int]:
    """In a bundle the whole code may be one line."""
    return place.source, place.line, 0 if place.mapped else place.column


_READABLE = 3  # letters of a function's name from which on a minifier has not made it up


def functions(path: Trail) -> frozenset[tuple[str, ...] | tuple[str, int, int]]:
    """The functions of a path; statements of one function differ, and it is still one path."""
    return frozenset(
        (place.source, place.function)
        if (place.mapped and place.function) or len(place.function) >= _READABLE
        else _statement(place)
        for place in path
    )
