"""Code locations: which frame of a stack is named, and when two paths are one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.facts import code_locations as code
from e2e.records.records import CodePlace


def place(source: str, line: int = 1, function: str = "f", column: int = 1, **kind: Any) -> CodePlace:
    return CodePlace(source, line, column, function, **({"mapped": True, "vendor": False} | kind))


INNER, OUTER = place("a.ts", 1, "save"), place("a.ts", 9, "start")
CALLER = place("b.tsx", 5, "click")


def test_the_caller_is_the_nearest_frame_of_another_file() -> None:
    assert code.innermost((INNER, OUTER, CALLER)) == INNER
    assert code.caller((INNER, OUTER, CALLER)) == CALLER
    assert code.caller((INNER, OUTER)) == INNER
    assert (code.innermost(()), code.caller(())) == (None, None)
    assert code.both((INNER, OUTER, CALLER)) == (INNER, CALLER)
    assert code.both((INNER,)) == (INNER,)
    assert code.both(()) == ()


def test_a_name_shows_whether_there_is_a_source_map() -> None:
    assert code.name(INNER) == "a.ts:1 save"
    assert code.name(place("a.ts", 3, "")) == "a.ts:3"
    assert code.name(place("x.js", 1, "a", 77, mapped=False)) == "x.js:1:77 a (no source map)"
    assert code.at(INNER) == " at a.ts:1"
    assert code.at(None) == ""


def test_the_usual_path_is_the_most_frequent_one() -> None:
    assert code.usual([(), (INNER,), (CALLER,), (CALLER,), ()]) == (CALLER,)
    assert code.usual([(INNER,), (CALLER,)]) == (INNER,)
    assert code.usual([(), ()]) == ()


def test_two_places_are_one_statement() -> None:
    assert code.same(place("a.ts", 1, column=1), place("a.ts", 1, column=8))
    assert not code.same(place("a.ts", 1), place("a.ts", 2))
    assert not code.same(place("a.ts", 1), place("b.ts", 1))
    assert not code.same(place("x.js", 1, column=1, mapped=False), place("x.js", 1, column=8, mapped=False))
    assert not code.same(None, None)
    assert not code.same(INNER, None)


def test_statements_of_one_function_are_one_path() -> None:
    assert code.functions((place("a.ts", 1, "fg"), place("a.ts", 2, "fg"))) == {("a.ts", "fg")}
    statement = ("x.js", 1, 7)
    found = [code.functions((place("x.js", 1, name, 7, mapped=False),)) for name in ("abc", "ab", "")]
    assert found == [{("x.js", "abc")}, {statement}, {statement}]
    assert code.functions((place("a.ts", 1, ""),)) == {("a.ts", 1, 0)}


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        ([{}, {"mapped": False}], [0]),
        ([{"mapped": False}, {"mapped": False, "readable": True}], [1]),
        ([{"library_like": True}, {"mapped": False, "readable": True}], [1]),
        ([{"library_like": True}, {"mapped": False}], [0]),
        ([{"mapped": False, "library_like": True}, {"mapped": False}], [1]),
        ([{"vendor": True}, {"mapped": False, "library_like": True}], [1]),
        ([{}, {}], [0, 1]),
        ([{"vendor": True}], []),
    ],
)
def test_a_stack_is_the_frames_of_the_best_kind(kinds: list[dict[str, Any]], kept: list[int]) -> None:
    places = [place(f"{n}.js", **kind) for n, kind in enumerate(kinds)]
    run: Any = SimpleNamespace(
        once=lambda _, make: make(), code_of=lambda run_id: {f"u:{n}:2": p for n, p in enumerate(places)}
    )
    stack: Any = [{"url": "u", "line": n, "column": 2} for n in (*range(len(kinds)), 99)]
    assert code.trail(run, "r", stack) == tuple(places[n] for n in kept)
    assert code.trail(run, "r", None) == ()


def test_what_may_be_a_librarys_comes_last_and_each_once() -> None:
    library = place("lib.js", library_like=True)
    assert code.own_first([library, INNER, library, CALLER, INNER]) == (INNER, CALLER, library)
