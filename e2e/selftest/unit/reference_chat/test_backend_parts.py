"""The parts of the reference chat's backend: provider selector, reply texts, store, options, page."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from fixtures.reference_chat.backend.frontend_files import Frontend, with_config
from fixtures.reference_chat.backend.model.errors import ClientGone
from fixtures.reference_chat.backend.model.reply_text import ReplyWriter, chunks
from fixtures.reference_chat.backend.model.selection import Caller, RandomSelector
from fixtures.reference_chat.backend.model.store import Session, Store, StoreError
from fixtures.reference_chat.backend.options import Options, parse
from fixtures.reference_chat.backend.protocol.disconnect import DisconnectWatcher
from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS
from fixtures.reference_chat.backend.settings import Settings

CALLER = Caller("s")


def drawn(weights: Sequence[float] | None, number: int, seed: int | None = 1) -> Counter[str]:
    selector = RandomSelector(DEFAULT_PROVIDERS, weights, seed)
    return Counter(selector.select(CALLER) for _ in range(number))


def test_selection_is_uniform() -> None:
    counts = drawn(None, 9000)
    assert set(counts) == set(DEFAULT_PROVIDERS)
    # 1000 each, standard deviation 30; a uniform selector leaves these bounds in 1 of 3000 runs without a seed
    assert all(880 < count < 1120 for count in counts.values())


def test_selection_follows_the_weights() -> None:
    counts = drawn([8, 1, 1, 0, 0, 0, 0, 0, 0], 5000)
    assert set(counts) == set(DEFAULT_PROVIDERS[:3])
    assert 3850 < counts["Big hat"] < 4150  # 4000, standard deviation 28


def test_seed_repeats_the_draws() -> None:
    def sequence(selector: RandomSelector) -> list[str]:
        return [selector.select(CALLER) for _ in range(50)]

    seeded = RandomSelector(DEFAULT_PROVIDERS, None, 5)
    first = sequence(seeded)
    assert sequence(seeded) != first
    assert sequence(RandomSelector(DEFAULT_PROVIDERS, None, 5)) == first
    assert sequence(RandomSelector(DEFAULT_PROVIDERS, None, 6)) != first
    assert sequence(RandomSelector(DEFAULT_PROVIDERS, None, None)) != sequence(
        RandomSelector(DEFAULT_PROVIDERS, None, None)
    )


@pytest.mark.parametrize("weights", [None, [1.0, 0, 0, 0, 0, 0, 0, 0, 0]])
def test_selection_can_exclude_a_provider(weights: list[float] | None) -> None:
    selector = RandomSelector(DEFAULT_PROVIDERS, weights, 1)
    named = {selector.select(CALLER, exclude="Big hat") for _ in range(300)}
    assert named == set(DEFAULT_PROVIDERS[1:])
    assert RandomSelector(["Only"], None, 1).select(CALLER, exclude="Only") == "Only"


def test_no_provider_name_is_part_of_another() -> None:
    assert len(set(DEFAULT_PROVIDERS)) == 9
    assert not [(a, b) for a in DEFAULT_PROVIDERS for b in DEFAULT_PROVIDERS if a != b and a in b]


def test_replies_vary_and_have_four_to_six_chunks() -> None:
    writer = ReplyWriter(1)
    replies = [writer.write("Odd sock", first=True) for _ in range(200)]
    assert {len(reply) for reply in replies} == {4, 5, 6}
    assert len({"".join(reply) for reply in replies}) > 100
    assert all("".join(reply).startswith("Odd sock here: ") for reply in replies)
    assert all(all(reply) for reply in replies)


def test_only_a_first_reply_greets() -> None:
    greeting = re.compile("Hello|meet you")
    writer = ReplyWriter(1)
    assert all(greeting.search("".join(writer.write("x", first=True))) for _ in range(50))
    assert not any(greeting.search("".join(writer.write("x", first=False))) for _ in range(50))


def test_chunks_join_to_the_text() -> None:
    text = "one two  three four five six seven"
    for number in range(1, 8):
        assert "".join(chunks(text, number)) == text
        assert len(chunks(text, number)) == number


def test_store_adds_counts_moves_and_removes_sessions() -> None:
    store = Store()
    assert store.get("s") is None
    assert store.count_message("s") is None
    assert store.add("s", "A")
    assert not store.add("s", "B")
    assert store.count_message("s") == Session("s", "A", 1)
    store.move("s", "C")
    assert store.get("s") == Session("s", "C", 1)
    store.add("t", "C")
    assert store.distribution() == {"C": 2}
    assert store.remove("s")
    assert not store.remove("s")
    store.clear()
    assert store.distribution() == {}


def test_two_stores_on_one_file_share_sessions(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "chat.db"), Store(tmp_path / "chat.db")
    assert one.add("s", "A")
    assert not other.add("s", "B")
    assert other.get("s") == Session("s", "A", 0)
    one.close()
    other.close()


def test_foreign_file_and_later_schema_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text(
        "not a database, and longer than the header that SQLite would write into an empty file" * 9
    )
    with pytest.raises(StoreError, match="not a database"):
        Store(text)
    later = Store(tmp_path / "later.db")
    later._db.execute("PRAGMA user_version = 2")
    later.close()
    with pytest.raises(StoreError, match="schema version is 2; this program reads version 1"):
        Store(tmp_path / "later.db")


def test_options_without_arguments_are_the_defaults() -> None:
    assert parse([]) == Options()
    assert Options().port == 8765
    assert Options().control_port is None


def test_all_options_are_parsed() -> None:
    arguments = (
        "--host ::1 --port 0 --db x.db --fault slow --fault stale-state --fault slow --fault-after 3 --id-pattern uuid"
        " --transport json --store cookie --id-format bare --rotation on_first_message"
        " --providers 3 --weights 0.8,0.1,0.1 --seed -4 --reply-ms 5 --chunk-ms 6 --control"
        " --exit-with-parent --verbose"
    )
    options = parse(arguments.split())
    assert options == Options(
        host="::1",
        port=0,
        db=Path("x.db"),
        faults=("stale-state", "slow"),
        fault_after=3,
        settings=Settings(
            id_pattern="uuid",
            transport="json",
            store="cookie",
            id_format="bare",
            rotation="on_first_message",
            providers=DEFAULT_PROVIDERS[:3],
            weights=(0.8, 0.1, 0.1),
            seed=-4,
            reply_ms=5,
            chunk_ms=6,
        ),
        control_port=0,
        exit_with_parent=True,
        verbose=True,
    )
    assert parse(["--providers", "Red, Green "]).settings.providers == ("Red", "Green")
    assert parse(["--control-port", "4711"]).control_port == 4711


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("--port 65536", "--port: got '65536'; expected a whole number from 0 to 65535"),
        ("--port x", "--port: got 'x'; expected a whole number"),
        ("--control-port -1", "--control-port: got '-1'; expected a whole number"),
        ("--fault stale", "--fault: got 'stale', which is not a fault; known: new-chat-unavailable, "),
        ("--fault-after 1.5", "--fault-after: got '1.5'; expected a whole number"),
        ("--id-pattern uuid4", "--id-pattern: got 'uuid4'; expected one of timestamp, counter, fixed, "),
        ("--transport ws", "--transport: got 'ws'; expected one of json, sse, websocket"),
        ("--providers 0", "--providers: got '0'; expected a whole number from 1 to 9"),
        ("--providers 10", "--providers: got '10'; expected a whole number from 1 to 9"),
        ("--providers a,a", "--providers: got 'a,a'; expected a number, or at most 50 different names"),
        (
            "--providers a,,b",
            "--providers: got 'a,,b'; expected a number, or at most 50 different names of 1 to 60",
        ),
        ("--weights 1,2", "--weights: got 2; expected one number for each of the 9 providers"),
        ("--providers 2 --weights 2,-1", "--weights: got '2,-1'; expected numbers such as"),
        ("--providers 2 --weights 0,0", "--weights: got '0,0'; expected numbers such as"),
        ("--providers 2 --weights 1,nan", "--weights: got '1,nan'; expected numbers such as"),
        ("--providers 2 --weights 1,inf", "--weights: got '1,inf'; expected numbers such as"),
        ("--seed x", "--seed: got 'x'; expected a whole number"),
        ("--reply-ms -1", "--reply-ms: got '-1'; expected a whole number from 0 to 600000"),
        ("--chunk-ms 600001", "--chunk-ms: got '600001'; expected a whole number from 0 to 600000"),
        ("--chun 1", "unrecognized arguments: --chun 1"),
    ],
)
def test_invalid_option_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: str, names: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        parse(arguments.split(" "))
    output = capsys.readouterr()
    assert exited.value.code == 2
    assert output.err.startswith(f"reference chat: {names}")
    assert output.err.count("\n") == 1
    assert output.out == ""


HTML = '<!doctype html><html><head><title>x</title></head><body><script type="module" src="/assets/a-1.js"></script></body></html>'


def config_in(html: str) -> object:
    found = re.findall(r'<script type="application/json" id="chat-config">(.*?)</script>', html)
    assert len(found) == 1
    return json.loads(found[0])


@pytest.mark.parametrize(
    "html",
    [HTML, HTML.replace("</head>", '<script id="chat-config" type="application/json">{\n}</script></head>')],
)
def test_page_contains_its_configuration_escaped(html: str) -> None:
    config: dict[str, object] = {
        "providers": ["</script><script>alert(1)</script>", "<!--", "&amp;", "\u2028", r"\1"]
    }
    page = with_config(html, config)
    assert config_in(page) == config
    assert page.count("chat-config") == 1
    assert page.index("chat-config") < page.index("</head>")
    assert "alert(1)</script>" not in page
    assert "<!--" not in page


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(HTML)
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets/a-1.js").write_text("let a")
    (tmp_path / "assets/a-1.js.map").write_text("{}")
    return tmp_path


def get(frontend: Frontend, path: str, *, accept: str = "*/*", method: str = "GET") -> Response:
    scope = {"type": "http", "method": method, "path": path, "headers": [(b"accept", accept.encode())]}
    return asyncio.run(frontend.respond(Request(scope)))


def test_page_is_rendered_for_each_load_and_assets_are_cached(dist: Path) -> None:
    config: dict[str, object] = {"transport": "sse"}
    frontend = Frontend(lambda: dist, lambda: config)
    page = get(frontend, "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert config_in(bytes(page.body).decode()) == {"transport": "sse"}
    config["transport"] = "json"
    assert config_in(bytes(get(frontend, "/index.html").body).decode()) == {"transport": "json"}
    script = get(frontend, "/assets/a-1.js")
    assert (script.body, script.headers["content-type"]) == (b"let a", "text/javascript; charset=utf-8")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert get(frontend, "/assets/a-1.js.map").headers["content-type"] == "application/json"
    assert get(frontend, "/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/../../secret", "/../secret", "//etc/pass.wd", "/assets", "/assets/", "/assets/b.js"]
)
def test_only_built_files_are_served(dist: Path, path: str) -> None:
    (dist.parent / "secret").write_text("secret")
    assert get(Frontend(lambda: dist, dict), path, accept="text/html").status_code == 404


def test_page_is_served_for_app_routes_that_accept_html(dist: Path) -> None:
    frontend = Frontend(lambda: dist, dict)
    assert get(frontend, "/chats/7", accept="text/html,*/*").status_code == 200
    assert get(frontend, "/chats/7").status_code == 404
    assert get(frontend, "/chats/7", accept="text/html", method="POST").status_code == 404


def test_rebuilt_frontend_is_served_without_a_restart(dist: Path) -> None:
    frontend = Frontend(lambda: dist, dict)
    assert get(frontend, "/assets/b-2.js").status_code == 404
    (dist / "assets/b-2.js").write_text("let b")  # written after the page, which has not changed
    assert get(frontend, "/assets/b-2.js").status_code == 200
    (dist / "index.html").write_text(HTML.replace("a-1.js", "b-2.js"))
    later = (dist / "index.html").stat().st_mtime_ns + 10**9
    os.utime(dist / "index.html", ns=(later, later))
    assert b"b-2.js" in bytes(get(frontend, "/").body)


def test_missing_frontend_names_the_command_to_run(dist: Path) -> None:
    frontend = Frontend(lambda: dist / "nothing", dict)
    assert not frontend.is_built
    page = get(frontend, "/")
    assert (page.status_code, page.body) == (
        503,
        b"the frontend of the reference chat is not built: run `make setup`\n",
    )
    assert Frontend(lambda: dist, dict).is_built


def test_wait_ends_when_the_client_disconnects() -> None:
    async def wait() -> None:
        disconnected = asyncio.Event()

        async def receive() -> dict[str, str]:
            await disconnected.wait()
            return {"type": "http.disconnect"}

        client = DisconnectWatcher(receive)
        await client.wait(0)
        await client.wait(0.001)  # still connected
        asyncio.get_running_loop().call_soon(disconnected.set)
        async with asyncio.timeout(5):
            with pytest.raises(ClientGone):
                await client.wait(600)
        client.close()

    asyncio.run(wait())
