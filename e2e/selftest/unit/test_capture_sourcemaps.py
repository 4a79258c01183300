"""From a place in the bundle to a place in the source."""

from __future__ import annotations

import base64
import json
from typing import Any

from e2e.capture.sourcemaps import resolve
from e2e.capture.stacks import parse, position

SOURCE = "export function endSession() {\n  localStorage.removeItem(KEY);\n}\n"
# One segment: bundle 1:11 (from 1) -> source 0, line 2, column 3; written as VLQ deltas 10, 0, 1, 2.
MAP: dict[str, Any] = {
    "version": 3,
    "sources": ["../../src/lib/session.ts"],
    "sourcesContent": [SOURCE],
    "mappings": "UACE",
}
SCRIPT = "https://chat.example/assets/app.js"
FRAME = {"function": "x", "url": SCRIPT, "line": 1, "column": 20}


def served(**files: str | None) -> Any:
    return lambda url: files.get(url.rsplit("/", 1)[-1].replace(".", "_"))


def test_a_mapped_place_has_file_line_function_and_context() -> None:
    fetch = served(app_js="code\n//# sourceMappingURL=app.js.map", app_js_map=json.dumps(MAP))
    place = resolve([FRAME], fetch)[position(FRAME)]
    assert (place.source, place.line, place.column, place.function) == (
        "src/lib/session.ts",
        2,
        3,
        "endSession",
    )
    assert place.mapped
    assert not place.vendor
    assert (2, "  localStorage.removeItem(KEY);") in place.context


def test_a_map_inside_the_script_is_read() -> None:
    data = base64.b64encode(json.dumps(MAP).encode()).decode()
    place = resolve([FRAME], served(app_js=f"code\n//# sourceMappingURL=data:application/json;base64,{data}"))
    assert place[position(FRAME)].source == "src/lib/session.ts"


def test_without_a_map_the_place_in_the_bundle_is_told() -> None:
    for fetch in (
        served(),
        served(app_js="code"),
        served(app_js="//# sourceMappingURL=app.js.map", app_js_map="no map"),
    ):
        place = resolve([FRAME], fetch)[position(FRAME)]
        assert (place.source, place.line, place.column, place.mapped) == ("assets/app.js", 1, 20, False)


def test_a_library_is_marked_as_such() -> None:
    library = {**MAP, "sources": ["../../node_modules/react-dom/index.js"]}
    fetch = served(app_js="//# sourceMappingURL=app.js.map", app_js_map=json.dumps(library))
    assert resolve([FRAME], fetch)[position(FRAME)].vendor


def test_stacks_keep_the_page_s_own_frames() -> None:
    text = (
        "Error\n    at stack (<anonymous>:40:20)\n    at async endSession (https://x/a.js:1:20)\n"
        "    at https://x/b.js:3:4\n    at new Foo (https://x/c.js:5:6)\n"
    )
    assert [(f["function"], f["url"], f["line"], f["column"]) for f in parse(text)] == [
        ("endSession", "https://x/a.js", 1, 20),
        ("", "https://x/b.js", 3, 4),
        ("Foo", "https://x/c.js", 5, 6),
    ]
