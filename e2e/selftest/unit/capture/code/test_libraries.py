"""Without a source map the code locations are the application's, not a library's; excerpts hold no secrets; maps come from a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.analysis.facts.code_locations import same, trail
from e2e.analysis.model.run import assemble
from e2e.capture.code import excerpts
from e2e.capture.code.libraries import infrastructure, is_library, is_readable, looks_like_library
from e2e.capture.code.local_maps import LocalMaps
from e2e.capture.code.source_maps import frames_of, resolve
from e2e.capture.code.stacks import Frame
from e2e.records.records import CodePlace
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.capture.code.test_source_maps import SESSION, mappings

PAGE = "https://chat.example/"
READABLE = "function a() {\n  b();\n}\n"
MINIFIED = "var a=1;" * 200


def map_of(source: str, **fields: Any) -> str:
    """The text of a map whose first position is line 3 of ``source``."""
    raw = {
        "version": 3,
        "sources": [source],
        "sourcesContent": [SESSION],
        "mappings": mappings([(0, 0, 2, 0)]),
    }
    return json.dumps(raw | fields)


def frame(url: str, line: int = 1, column: int = 5, function: str = "a") -> Frame:
    return {"function": function, "url": url, "line": line, "column": column}


def own(stack: list[Frame], scripts: Mapping[str, str], **fields: Any) -> list[str]:
    """The sources of the frames that count as the product's own."""
    fetch: Callable[[str], str | None] = scripts.get
    places = resolve(stack, fetch, page=PAGE, **fields)
    run = assemble([with_meta(make_run(), code=dict(places))])
    return [place.source for place in trail(run, run.metas[0].run_id, stack)]


@pytest.mark.parametrize(
    "source",
    [
        "https://chat.example/node_modules/ws/index.js",
        "https://unpkg.com/x@1/dist/a.js",
        "https://cdn.jsdelivr.net/npm/x",
        "https://chat.example/assets/vendor-3f2a1b.js",
        "https://chat.example/js/chunk-vendors.8a7b.js",
        "https://chat.example/_next/static/chunks/framework-0f8b31729833af61.js",
        "https://chat.example/_next/static/chunks/polyfills-42372ed130431b0a.js",
        "https://chat.example/react-dom.production.min.js",
        "https://chat.example/static/jquery-3.7.1.min.js",
        "https://chat.example/static/socket.io.esm.min.js",
        "https://chat.example/static/htmx.min.js",
        "https://chat.example/vendors~main.js",
    ],
)
def test_these_can_only_be_libraries(source: str) -> None:
    assert is_library(source)


@pytest.mark.parametrize(
    "name",
    [
        "index-1a2b3c4d.js",
        "main.min.js",
        "app.bundle.js",
        "app/host.js",
        "vendorPortal.js",
        "reactions.js",
        "chat.js",
        "dist/main.js",
        "runtimeChat.js",
        "vendor/chat.js",
    ],
)
def test_these_may_be_the_application(name: str) -> None:
    assert not is_library(f"https://chat.example/{name}")


def test_the_page_that_embeds_a_widget_is_named_and_not_the_widget() -> None:
    """A widget's bundle below /lib calls back into the page's own script."""
    widget, host = f"{PAGE}lib/dist/chat.bundle.es.js", f"{PAGE}app/host.js"
    stack = [frame(widget, 1, 900), frame(host, 2), frame(widget, 1, 300)]
    assert own(stack, {widget: MINIFIED, host: READABLE}) == ["app/host.js"]


def test_a_widget_with_a_published_map_is_a_widget_all_the_same() -> None:
    widget, host = f"{PAGE}lib/chat.js", f"{PAGE}app/host.js"
    source_map = map_of("src/chat.ts")
    scripts = {
        widget: MINIFIED + "\n//# sourceMappingURL=chat.js.map\n",
        f"{widget}.map": source_map,
        host: READABLE,
    }
    assert own([frame(widget), frame(host, 2)], scripts) == ["app/host.js"]
    assert own([frame(widget)], scripts) == ["src/chat.ts"]


def test_an_application_below_dist_with_a_map_is_not_given_up_for_an_inline_handler() -> None:
    bundle = f"{PAGE}dist/app.bundle.js"
    source_map = map_of("src/chat.ts")
    scripts = {
        bundle: MINIFIED + "\n//# sourceMappingURL=app.bundle.js.map\n",
        f"{bundle}.map": source_map,
        PAGE: "<html>",
    }
    assert own([frame(bundle), frame(PAGE, 9, function="HTMLButtonElement.onclick")], scripts) == [
        "src/chat.ts"
    ]


def test_a_bundle_that_is_all_there_is_is_reported() -> None:
    bundle = f"{PAGE}dist/main.min.js"
    assert own([frame(bundle)], {bundle: MINIFIED}) == ["dist/main.min.js"]


def test_a_library_of_another_host_or_with_its_banner_loses() -> None:
    app = f"{PAGE}index-1.js"
    for url, text in (
        ("https://static.example.org/ws.js", MINIFIED),
        (f"{PAGE}ws.js", "/*! ws v2.1.0 */\nfunction send() {}\n"),
        (f"{PAGE}ws.js", "(function (g, f) {\n typeof exports === 'object' ? f() : g();\n})\n"),
    ):
        assert looks_like_library(url, text, PAGE)
        assert own([frame(url), frame(app)], {url: text, app: MINIFIED}) == ["index-1.js"]


def test_what_all_stacks_go_through_is_not_named() -> None:
    """One position sends all requests, another one dispatches all events: neither says anything about this one."""
    app = f"{PAGE}index-1.js"
    client, dispatcher = frame(app, 1, 11), frame(app, 1, 22)
    payloads = [
        {"rule": rule, "stack": [client, frame(app, 1, at), dispatcher]}
        for rule, at in (("chat", 100), ("title", 200))
        for _ in range(4)
    ]
    writes = [{"op": "set", "stack": [frame(app, 1, 300 + n), dispatcher]} for n in range(2)]
    common = infrastructure([*payloads, *writes])
    assert common == {f"{app}:1:11", f"{app}:1:22"}
    places = resolve(frames_of([payloads[0]]), {app: MINIFIED}.get, common=common)
    assert [p.column for p in places.values() if not p.library_like] == [100]


def test_the_sender_of_the_only_rule_is_not_what_all_go_through() -> None:
    app = f"{PAGE}index-1.js"
    payloads = [{"rule": "chat", "stack": [frame(app, 1, 11)]} for _ in range(20)]
    assert (
        infrastructure([*payloads, *[{"op": "set", "stack": [frame(app, 1, 5)]} for _ in range(5)]])
        == frozenset()
    )


def test_two_statements_of_a_bundle_of_one_line_are_two() -> None:
    one = CodePlace("a.js", 1, 10, "a", mapped=False, vendor=False)
    assert not same(one, CodePlace("a.js", 1, 20, "a", mapped=False, vendor=False))
    assert same(one, CodePlace("a.js", 1, 10, "b", mapped=False, vendor=False))


class TestExcerpts:
    def test_a_readable_script_shows_its_lines(self) -> None:
        script = "\n".join(f"line{n}();" for n in range(1, 20))
        assert [n for n, _ in excerpts.of_script(script, 10, 1)] == [7, 8, 9, 10, 11, 12, 13]

    def test_a_line_that_is_the_whole_bundle_shows_what_is_around_the_column(self) -> None:
        script = "x();" * 500 + "here();" + "y();" * 500
        [(line, text)] = excerpts.of_script(script, 1, 2001)
        assert line == 1
        assert "here();" in text
        assert len(text) <= 165
        assert text.startswith("…")
        assert text.endswith("…")

    @pytest.mark.parametrize(
        "secret",
        [
            "session_1763860000_ab12cd",
            "3f9a1b2c-5d6e-4f70-8a91-b2c3d4e5f607",
            "sk-proj-abcdef0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
        ],
    )
    def test_secrets_are_left_out(self, secret: str) -> None:
        for script, column in (
            (f'a();\nset("{secret}");\nb();', 2),
            ("x();" * 500 + f'set("{secret}");' + "y();" * 500, 2003),
        ):
            shown = "\n".join(text for _, text in excerpts.of_script(script, 2 if column == 2 else 1, column))
            assert "set(" in shown
            assert secret not in shown
            assert secret[4:14] not in shown

    @pytest.mark.parametrize("head", ["<html>", " \n <!doctype html>"])
    def test_a_document_is_recognised_by_its_first_characters(self, head: str) -> None:
        line = head.count("\n") + 2
        assert excerpts.of_script(f"{head}\n" + "x();" * 500, line, 100) == ()
        assert excerpts.of_script(f"{head[:0]}\n" * (line - 1) + "x();" * 500, line, 100) != ()
        assert excerpts.of_script("x();" * 500, 1, 2001) == ()

    def test_half_a_secret_is_one_too(self) -> None:
        secret = "session_1763860000_ab12cd34ef56"
        script = "x();" * 500 + f'set("{secret}");' + "y();" * 500
        for column in range(1920, 2120):
            [(_, text)] = excerpts.of_script(script, 1, column)
            assert "1763" not in text
            assert "ef56" not in text

    def test_names_of_keys_stay(self) -> None:
        assert (
            excerpts.masked('localStorage.removeItem("chat_session");')
            == 'localStorage.removeItem("chat_session");'
        )

    def test_a_long_line_of_a_document_is_not_shown(self) -> None:
        assert excerpts.of_script("<html><script>" + "x();" * 500, 1, 800) == ()

    @pytest.mark.parametrize(
        ("script", "line", "column"), [(None, 1, 1), ("", 3, 1), ("a", 0, 1), ("a" * 500, 1, 501)]
    )
    def test_a_place_that_is_not_there_shows_nothing(
        self, script: str | None, line: int, column: int
    ) -> None:
        assert excerpts.of_script(script, line, column) == ()


class TestLocalMaps:
    def source_map(self, **fields: Any) -> str:
        return map_of("src/session.ts", **fields)

    def place(self, folder: Path, script: str = MINIFIED, url: str = f"{PAGE}assets/index-abc.js") -> str:
        [place] = resolve([frame(url, 1, 5)], {url: script}.get, local=LocalMaps(folder)).values()
        return place.source

    def test_by_the_name_of_the_script(self, tmp_path: Path) -> None:
        (tmp_path / "assets").mkdir()
        (tmp_path / "assets" / "index-abc.js.map").write_text(self.source_map())
        assert self.place(tmp_path) == "src/session.ts"

    def test_by_the_link_that_leads_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "hidden.map").write_text(self.source_map())
        assert (
            self.place(tmp_path, MINIFIED + "\n//# sourceMappingURL=https://maps.example/hidden.map?v=1\n")
            == "src/session.ts"
        )

    def test_by_the_debug_id(self, tmp_path: Path) -> None:
        debug_id = "85314830-023f-4cf1-a267-535f4e37bb17"
        (tmp_path / "other.map").write_text(self.source_map(debugId=debug_id.upper()))
        (tmp_path / "index-abc.js.map").write_text(self.source_map(sources=["src/yesterday.ts"], file="\\x"))
        assert self.place(tmp_path, MINIFIED + f"\n//# debugId={debug_id}\n") == "src/session.ts"

    def test_by_the_file_that_the_map_names(self, tmp_path: Path) -> None:
        (tmp_path / "out.map").write_text(self.source_map(file="index-abc.js"))
        assert self.place(tmp_path) == "src/session.ts"

    def test_of_two_with_one_name_the_one_in_the_same_folders(self, tmp_path: Path) -> None:
        for folder, source in (("admin/assets", "src/admin.ts"), ("chat/assets", "src/session.ts")):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "main.js.map").write_text(self.source_map(sources=[source]))
        assert self.place(tmp_path, url=f"{PAGE}chat/assets/main.js").endswith("src/session.ts")
        assert self.place(tmp_path, url=f"{PAGE}main.js") == "main.js", "a wrong map names wrong lines"

    def test_a_published_map_is_the_deployed_one(self, tmp_path: Path) -> None:
        url = f"{PAGE}main.js"
        (tmp_path / "main.js.map").write_text(self.source_map(sources=["src/local.ts"]))
        scripts = {url: MINIFIED + "\n//# sourceMappingURL=main.js.map\n", f"{url}.map": self.source_map()}
        [place] = resolve([frame(url)], scripts.get, local=LocalMaps(tmp_path)).values()
        assert place.source == "src/session.ts"

    def test_no_folder_has_none(self) -> None:
        assert not LocalMaps(None)
        assert LocalMaps(None).find(f"{PAGE}main.js", MINIFIED) is None


@pytest.mark.parametrize(
    ("source_map", "shown"),
    [
        ("Object.c [as loadSession]", "loadSession"),
        ("Object.send", "send"),
        ("Chat.send", "Chat.send"),
        ("", ""),
    ],
)
def test_a_function_has_its_readable_name(source_map: str, shown: str) -> None:
    [place] = resolve([frame(PAGE, function=source_map)], lambda _: None).values()
    assert place.function == shown


def test_readable_is_what_a_person_wrote() -> None:
    assert is_readable(READABLE)
    assert not is_readable(MINIFIED)
    assert not is_readable(None)
