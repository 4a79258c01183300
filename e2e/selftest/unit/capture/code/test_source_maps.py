"""From a bundle's position to a line that a developer can open; whatever is wrong with a map, the bundle's own position is reported."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.capture.code import source_maps
from e2e.capture.code.source_maps import SourceMap, _decode, _vlq, frames_of, resolve
from e2e.capture.code.stacks import parse, position
from e2e.records.records import CodePlace

few = settings(max_examples=40, deadline=None, database=None)

BUNDLE = "https://chat.example/assets/index-1.js"
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

SESSION = """\
const KEY = "chat_session";

export function endSession(): void {
  const store = localStorage;
  if (store.getItem(KEY)) {
    store.removeItem(KEY);
  }
}

export const startNew = useCallback(async () => {
  mint();
}, []);

class Api {
  async send(text: string): Promise<void> {
    await fetch("/api/chat", { body: text });
  }
}
mint();
"""


def vlq(*values: int) -> str:
    out = ""
    for value in values:
        rest = -value << 1 | 1 if value < 0 else value << 1
        while True:
            rest, digit = rest >> 5, rest & 31
            out += DIGITS[digit | 32 * (rest > 0)]
            if not rest:
                break
    return out


def mappings(*lines: Sequence[tuple[int, ...]]) -> str:
    """Absolute segments (column, source, line, column: all from 0), as the format's differences."""
    source = line = column = 0
    groups = []
    for segments in lines:
        at, texts = 0, []
        for segment in segments:
            if len(segment) == 1:
                texts.append(vlq(segment[0] - at))
            else:
                texts.append(
                    vlq(segment[0] - at, segment[1] - source, segment[2] - line, segment[3] - column)
                )
                _, source, line, column = segment
            at = segment[0]
        groups.append(",".join(texts))
    return ";".join(groups)


def map_text(*lines: Sequence[tuple[int, ...]], **fields: Any) -> str:
    """A map of ``src/lib/session.ts``, unless more is given."""
    raw = {
        "version": 3,
        "sources": ["../../src/lib/session.ts"],
        "sourcesContent": [SESSION],
        "names": [],
        "mappings": mappings(*lines),
    }
    return json.dumps({**raw, **fields})


def frame(column: int, line: int = 1, *, url: str = BUNDLE, function: str = "a") -> dict[str, Any]:
    return {"function": function, "url": url, "line": line, "column": column}


def web(**files: str) -> Callable[[str], str | None]:
    """A fetch of ``script`` (the bundle) and ``map`` beside it; ``fetched`` remembers what was asked for."""
    known = {BUNDLE: files.get("script", "a()\n//# sourceMappingURL=index-1.js.map\n")}
    if "map" in files:
        known[BUNDLE + ".map"] = files["map"]
    return known.get


def place_of(fetch: Callable[[str], str | None], column: int = 1, line: int = 1) -> CodePlace:
    (place,) = resolve([frame(column, line)], fetch).values()
    return place


def bare(place: CodePlace) -> CodePlace:
    """Without what the served script itself says."""
    return replace(place, context=(), readable=False)


BUNDLED = CodePlace("assets/index-1.js", 1, 1, "a", mapped=False, vendor=False)


class TestVlq:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("A", [0]),
            ("C", [1]),
            ("D", [-1]),
            ("e", [15]),
            ("f", [-15]),
            ("gB", [16]),
            ("hB", [-16]),
            ("2H", [123]),
            ("gqjG", [100000]),
            ("AAgBC", [0, 0, 16, 1]),
            ("", []),
        ],
    )
    def test_known_values(self, text: str, values: list[int]) -> None:
        assert _vlq(text) == values

    @few
    @given(st.lists(st.integers(-(2**31) + 1, 2**31 - 1)))
    def test_what_was_encoded_is_read_back(self, values: list[int]) -> None:
        assert _vlq(vlq(*values)) == values

    def test_lines_and_segments_are_differences(self) -> None:
        assert _decode("AAAA,SAASA;;EACA") == [
            [(0, 0, 0, 0), (9, 0, 0, 9)],
            [],
            [(2, 0, 1, 9)],
        ]

    def test_segments_without_a_source_and_out_of_order(self) -> None:
        assert _decode(mappings([(8, 0, 1, 1), (3,)])) == [[(3, -1, 0, 0), (8, 0, 1, 1)]]


class TestPlace:
    def test_a_position_belongs_to_the_segment_before_it(self) -> None:
        fetch = web(map=map_text([(0, 0, 2, 0), (10, 0, 5, 4), (20, 0, 10, 2)]))
        assert [place_of(fetch, column).line for column in (1, 10, 11, 20, 21, 999)] == [3, 3, 6, 6, 11, 11]

    def test_lines_and_columns_are_counted_from_1(self) -> None:
        place = place_of(web(map=map_text([], [(0, 0, 5, 4)])), column=1, line=2)
        assert (place.source, place.line, place.column, place.mapped) == ("src/lib/session.ts", 6, 5, True)

    @pytest.mark.parametrize(("line", "column"), [(1, 3), (2, 1), (1, 9), (7, 1), (0, 1)])
    def test_where_the_map_contains_nothing_the_bundle_is_reported(self, line: int, column: int) -> None:
        # the first segment begins at column 5, one without a source at column 8, line 2 has none, line 7 is not there
        fetch = web(map=map_text([(4, 0, 2, 0), (7,)], []))
        assert bare(place_of(fetch, column, line)) == CodePlace(
            "assets/index-1.js", line, column, "a", False, False
        )

    def test_the_lines_around_it_are_shown(self) -> None:
        place = place_of(web(map=map_text([(0, 0, 5, 4)])))
        assert [number for number, _ in place.context] == [3, 4, 5, 6, 7, 8, 9]
        assert dict(place.context)[6] == "    store.removeItem(KEY);"

    def test_at_the_top_of_a_file_there_are_fewer(self) -> None:
        place = place_of(web(map=map_text([(0, 0, 0, 0)])))
        assert [number for number, _ in place.context] == [1, 2, 3, 4]

    @pytest.mark.parametrize(
        "contents", [{"sourcesContent": [None]}, {"sourcesContent": None}, {"sourcesContent": []}]
    )
    def test_without_the_source_the_place_is_reported_alone(self, contents: dict[str, Any]) -> None:
        place = place_of(web(map=map_text([(0, 0, 5, 4)], **contents)))
        assert (place.line, place.function, place.context, place.mapped) == (6, "a", (), True)

    def test_a_line_behind_the_sources_end_has_no_context(self) -> None:
        place = place_of(web(map=map_text([(0, 0, 500, 0)])))
        assert (place.line, place.function, place.context) == (501, "a", ())


class TestFunction:
    @pytest.mark.parametrize("blank", ["", " ", "\t"])
    def test_a_blank_line_is_no_end_of_the_function(self, blank: str) -> None:
        content = ["function send() {", "  const a = 1;", blank, "  post();", "}"]
        assert source_maps._enclosing(content, 3) == "send"

    @pytest.mark.parametrize(
        ("line", "name"),
        [
            (6, "endSession"),  # inside of an if
            (4, "endSession"),
            (3, "endSession"),
            (11, "startNew"),  # a wrapped arrow function
            (16, "send"),  # a method
            (19, "a"),  # none: what the bundle calls it
        ],
    )
    def test_the_one_around_the_line_is_named(self, line: int, name: str) -> None:
        assert place_of(web(map=map_text([(0, 0, line - 1, 0)]))).function == name

    @pytest.mark.parametrize(
        ("head", "name"),
        [
            ("function* steps() {", "steps"),
            ("const send = (text) => {", "send"),
            ("const send = async text => {", "send"),
            ("let send: Send = function () {", "send"),
            ("const send = useCallback(", "send"),
            ("const Chat = React.memo(function () {", "Chat"),
            ("  private static async send(text: string) {", "send"),
            ("export default function App() {", "App"),
            ("if (ready) {", "outer"),
            ("while (ready) {", "outer"),
            ("const limit = 4", "outer"),
        ],
    )
    def test_ways_to_write_a_function(self, head: str, name: str) -> None:
        source = f"function outer() {{\n  {head}\n      here();\n"
        assert place_of(web(map=map_text([(0, 0, 2, 6)], sourcesContent=[source]))).function == name


class TestSources:
    @pytest.mark.parametrize(
        ("source", "root", "shown"),
        [
            ("../../src/a.ts", None, "src/a.ts"),
            ("./src/a.ts", "", "src/a.ts"),
            ("/src/a.ts", None, "src/a.ts"),
            ("webpack://app/./src/a.ts", None, "src/a.ts"),
            ("webpack:///src/a.ts", None, "src/a.ts"),
            ("https://chat.example/src/a.ts", None, "src/a.ts"),
            ("a.ts", "src/", "src/a.ts"),
            ("a.ts", "src", "src/a.ts"),
            ("a.ts", "https://chat.example/src/", "src/a.ts"),
            (None, None, "assets/index-1.js"),
        ],
    )
    def test_their_paths_are_as_a_developer_knows_them(
        self, source: str | None, root: str | None, shown: str
    ) -> None:
        fetch = web(map=map_text([(0, 0, 5, 4)], sources=[source], sourceRoot=root))
        assert place_of(fetch).source == shown

    @pytest.mark.parametrize(
        ("source", "vendor"),
        [
            ("../node_modules/react-dom/index.js", True),
            ("webpack/bootstrap", True),
            ("webpack://app/webpack/runtime", True),
            ("vite/preload-helper.js", True),
            ("src/node_modules_list.ts", False),
            ("src/vite/a.ts", False),
        ],
    )
    def test_a_librarys_code_is_distinguished_from_the_products(self, source: str, vendor: bool) -> None:
        text = map_text([(0, 0, 5, 4)], sources=[source, "src/a.ts"], sourcesContent=None)
        assert place_of(web(map=text)).vendor is vendor

    def test_a_map_of_libraries_alone_is_not_decoded(self) -> None:
        text = map_text(sources=["../node_modules/react/index.js", "webpack/runtime"], mappings="broken!")
        place = place_of(web(map=text), column=500)
        assert (place.vendor, place.mapped, place.function) == (True, False, "a")
        assert place.source == "node_modules/react/index.js"


class TestLoad:
    @pytest.mark.parametrize("form", ["base64", "base64 with charset", "percent"])
    def test_a_map_may_stand_in_the_script_itself(self, form: str) -> None:
        text = map_text([(0, 0, 5, 4)])
        data = {
            "base64": "application/json;base64," + base64.b64encode(text.encode()).decode(),
            "base64 with charset": "application/json;charset=utf-8;base64,"
            + base64.b64encode(text.encode()).decode(),
            "percent": "application/json," + quote(text),
        }[form]
        assert place_of(web(script=f"a()\n//# sourceMappingURL=data:{data}\n")).line == 6

    @pytest.mark.parametrize(
        "link",
        [
            "//# sourceMappingURL=index-1.js.map",
            "//@ sourceMappingURL=index-1.js.map",
            "//# sourceMappingURL=/assets/index-1.js.map",
            f"//# sourceMappingURL={BUNDLE}.map  ",
            "//# sourceMappingURL=old.map\n//# sourceMappingURL=index-1.js.map",
        ],
    )
    def test_ways_to_name_a_map(self, link: str) -> None:
        fetch = web(script=f"a();\n{link}\n", map=map_text([(0, 0, 5, 4)]))
        assert place_of(fetch).line == 6

    def test_a_map_may_begin_with_a_guard_against_inclusion(self) -> None:
        assert place_of(web(map=")]}'\n" + map_text([(0, 0, 5, 4)]))).line == 6

    @pytest.mark.parametrize("script", ["", "a();\n", 'a("//# sourceMappingURL=index-1.js.map")\n'])
    def test_a_script_without_a_map(self, script: str) -> None:
        assert bare(place_of(web(script=script, map=map_text([(0, 0, 5, 4)])))) == BUNDLED

    def test_a_script_that_cannot_be_had(self) -> None:
        assert bare(place_of(lambda url: None)) == BUNDLED

    def test_a_map_that_is_not_served(self) -> None:
        assert bare(place_of(web())) == BUNDLED

    @pytest.mark.parametrize(
        "text",
        [
            "<!doctype html>",
            "[]",
            "null",
            "{}",
            map_text(version=2),
            map_text(sections=[]),
            map_text(sources=None),
            map_text(sources=[7]),
            map_text(mappings=None),
            map_text(mappings="AAAA,,CAAA"),
            map_text(mappings="A!AA"),
            map_text(mappings="ACAA"),
            map_text(sourcesContent=[7]),
            "[" * 100_000,
        ],
    )
    def test_a_broken_map_is_as_good_as_none(self, text: str) -> None:
        assert bare(place_of(web(map=text))) == BUNDLED

    @pytest.mark.parametrize("data", ["application/json;base64,%%%", "application/json;base64,/w==", "x", ""])
    def test_a_broken_map_inside_of_the_script_too(self, data: str) -> None:
        assert bare(place_of(web(script=f"a()\n//# sourceMappingURL=data:{data}\n"))) == BUNDLED

    def test_what_is_no_map_of_version_3_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not a plain source map"):
            SourceMap('{"version": 2}', BUNDLE)


class TestResolve:
    def test_every_position_has_its_place(self) -> None:
        fetch = web(map=map_text([(0, 0, 2, 0), (10, 0, 10, 2)]))
        frames = [frame(1), frame(11), frame(5, url="https://chat.example/other.js", function="b")]
        found = resolve(frames, fetch)
        assert [found[position(f)].line for f in frames] == [3, 11, 1]
        assert found["https://chat.example/other.js:1:5"] == CodePlace("other.js", 1, 5, "b", False, False)

    def test_every_file_is_fetched_once(self) -> None:
        requested: list[str] = []
        known = web(map=map_text([(0, 0, 2, 0)]))

        def fetch(url: str) -> str | None:
            requested.append(url)
            return known(url)

        resolve([frame(1), frame(2), frame(1), frame(3, url="https://chat.example/none.js")], fetch)
        assert requested == [BUNDLE, BUNDLE + ".map", "https://chat.example/none.js"]

    def test_a_file_of_no_path_is_called_by_its_address(self) -> None:
        url = "https://chat.example"
        assert resolve([frame(1, url=url)], lambda _: None)[f"{url}:1:1"].source == url

    def test_the_frames_of_events(self) -> None:
        one, two = frame(1), frame(2)
        assert frames_of([{"stack": [one]}, {"op": "set"}, {"stack": [two, one]}]) == [one, two, one]


class TestStacks:
    def test_v8s_frames_are_read_without_the_suites_own(self) -> None:
        text = f"""Error
    at saw (<anonymous>:40:21)
    at proto.setItem (eval at x (:1:1), <anonymous>:52:7)
    at save ({BUNDLE}:1:200)
    at async Api.send ({BUNDLE}:2:5)
    at new Session ({BUNDLE}:3:6)
    at {BUNDLE}:4:7
    at Object.run (chrome-extension://abc/x.js:1:1)"""
        assert [(f["function"], f["line"], f["column"]) for f in parse(text)] == [
            ("save", 1, 200),
            ("Api.send", 2, 5),
            ("Session", 3, 6),
            ("", 4, 7),
        ]

    @pytest.mark.parametrize("text", ["", "Error", "Error: at the end of its life\n"])
    def test_no_stack_no_frames(self, text: str) -> None:
        assert parse(text) == []
