"""The parts of the reference chat's backend one by one: lottery, replies, store, options, page."""

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

from fixtures.reference_chat.backend.errors import ClientGone
from fixtures.reference_chat.backend.line import Line
from fixtures.reference_chat.backend.options import Options, parse
from fixtures.reference_chat.backend.pages import Frontend, with_config
from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS, Caller, Lottery
from fixtures.reference_chat.backend.replies import Writer, pieces
from fixtures.reference_chat.backend.store import Session, Store, StoreError

ANYBODY = Caller("s")


def drawn(weights: Sequence[float] | None, number: int, seed: int | None = 1) -> Counter[str]:
    lottery = Lottery(DEFAULT_PROVIDERS, weights, seed)
    return Counter(lottery.choose(ANYBODY) for _ in range(number))


def test_the_lottery_is_uniform() -> None:
    counts = drawn(None, 9000)
    assert set(counts) == set(DEFAULT_PROVIDERS)
    # 1000 each, standard deviation 30: with this seed; a fair lottery would leave these bounds in 1 of 3000 runs
    assert all(880 < count < 1120 for count in counts.values())


def test_the_lottery_follows_its_weights() -> None:
    counts = drawn([8, 1, 1, 0, 0, 0, 0, 0, 0], 5000)
    assert set(counts) == set(DEFAULT_PROVIDERS[:3])
    assert 3850 < counts["Big hat"] < 4150  # 4000, standard deviation 28


def test_a_seed_repeats_the_draws_and_no_seed_does_not() -> None:
    def sequence(lottery: Lottery) -> list[str]:
        return [lottery.choose(ANYBODY) for _ in range(50)]

    seeded = Lottery(DEFAULT_PROVIDERS, None, 5)
    first = sequence(seeded)
    assert sequence(seeded) != first
    seeded.restart()
    assert sequence(seeded) == first
    assert sequence(Lottery(DEFAULT_PROVIDERS, None, 6)) != first
    assert sequence(Lottery(DEFAULT_PROVIDERS, None, None)) != sequence(
        Lottery(DEFAULT_PROVIDERS, None, None)
    )


@pytest.mark.parametrize("weights", [None, [1.0, 0, 0, 0, 0, 0, 0, 0, 0]])
def test_the_lottery_can_leave_one_out(weights: list[float] | None) -> None:
    lottery = Lottery(DEFAULT_PROVIDERS, weights, 1)
    named = {lottery.choose(ANYBODY, other_than="Big hat") for _ in range(300)}
    assert named == set(DEFAULT_PROVIDERS[1:])
    assert Lottery(["Only"], None, 1).choose(ANYBODY, other_than="Only") == "Only"


def test_the_nine_names_are_distinct_and_none_is_part_of_another() -> None:
    assert len(set(DEFAULT_PROVIDERS)) == 9
    assert not [(a, b) for a in DEFAULT_PROVIDERS for b in DEFAULT_PROVIDERS if a != b and a in b]


def test_replies_vary_and_come_in_four_to_six_pieces() -> None:
    writer = Writer(1)
    replies = [writer.write("Odd sock", first=True) for _ in range(200)]
    assert {len(reply) for reply in replies} == {4, 5, 6}
    assert len({"".join(reply) for reply in replies}) > 100
    assert all("".join(reply).startswith("Odd sock here: ") for reply in replies)
    assert all(all(reply) for reply in replies)


def test_a_first_reply_greets_and_later_ones_do_not() -> None:
    greeting = re.compile("Hello|meet you")
    writer = Writer(1)
    assert all(greeting.search("".join(writer.write("x", first=True))) for _ in range(50))
    assert not any(greeting.search("".join(writer.write("x", first=False))) for _ in range(50))


def test_pieces_lose_nothing() -> None:
    text = "one two  three four five six seven"
    for number in range(1, 8):
        assert "".join(pieces(text, number)) == text
        assert len(pieces(text, number)) == number


def test_the_store_counts_moves_and_forgets() -> None:
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


def test_two_stores_on_one_file_agree(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "chat.db"), Store(tmp_path / "chat.db")
    assert one.add("s", "A")
    assert not other.add("s", "B")
    assert other.get("s") == Session("s", "A", 0)
    one.close()
    other.close()


def test_a_file_that_is_no_database_or_a_later_one_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text(
        "not a database, and longer than the header that SQLite would write into an empty file" * 9
    )
    with pytest.raises(StoreError, match="not a database"):
        Store(text)
    later = Store(tmp_path / "later.db")
    later._db.execute("PRAGMA user_version = 2")
    later.close()
    with pytest.raises(StoreError, match="layout is number 2, this version reads number 1"):
        Store(tmp_path / "later.db")


def test_options_have_the_documented_defaults() -> None:
    assert parse([]) == Options()
    assert Options().port == 8765
    assert Options().control_port is None


def test_options_are_read() -> None:
    line = (
        "--host ::1 --port 0 --db x.db --fault slow --fault stale-state --fault slow --fault-after 3 --id-pattern uuid"
        " --transport json --providers 3 --weights 0.8,0.1,0.1 --seed -4 --reply-ms 5 --chunk-ms 6 --control"
        " --exit-with-parent --verbose"
    )
    options = parse(line.split())
    assert options == Options(
        host="::1",
        port=0,
        db=Path("x.db"),
        faults=("stale-state", "slow"),
        fault_after=3,
        id_pattern="uuid",
        transport="json",
        providers=DEFAULT_PROVIDERS[:3],
        weights=(0.8, 0.1, 0.1),
        seed=-4,
        reply_ms=5,
        chunk_ms=6,
        control_port=0,
        exit_with_parent=True,
        verbose=True,
    )
    assert parse(["--providers", "Red, Green "]).providers == ("Red", "Green")
    assert parse(["--control-port", "4711"]).control_port == 4711


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("--port 65536", "--port: got '65536'; a whole number from 0 to 65535"),
        ("--port x", "--port: got 'x'; a whole number"),
        ("--control-port -1", "--control-port: got '-1'; a whole number"),
        ("--fault stale", "--fault: got 'stale', which is not a fault; known: new-chat-unavailable, "),
        ("--fault-after 1.5", "--fault-after: got '1.5'; a whole number"),
        ("--id-pattern uuid4", "--id-pattern: got 'uuid4'; one of timestamp, counter, fixed, "),
        ("--transport ws", "--transport: got 'ws'; one of json, sse, websocket"),
        ("--providers 0", "--providers: got '0'; a whole number from 1 to 9"),
        ("--providers 10", "--providers: got '10'; a whole number from 1 to 9"),
        ("--providers a,a", "--providers: got 'a,a'; at most 50 names, no name twice"),
        ("--providers a,,b", "--providers: got 'a,,b'; a number, or names of 1 to 60 printable characters"),
        ("--weights 1,2", "--weights: got 2; give one number for each of the 9 providers"),
        ("--providers 2 --weights 2,-1", "--weights: got '2,-1'; numbers such as"),
        ("--providers 2 --weights 0,0", "--weights: got '0,0'; numbers such as"),
        ("--providers 2 --weights 1,nan", "--weights: got '1,nan'; numbers such as"),
        ("--providers 2 --weights 1,inf", "--weights: got '1,inf'; numbers such as"),
        ("--seed x", "--seed: got 'x'; a whole number"),
        ("--reply-ms -1", "--reply-ms: got '-1'; a whole number from 0 to 600000"),
        ("--chunk-ms 600001", "--chunk-ms: got '600001'; a whole number from 0 to 600000"),
        ("--chun 1", "unrecognized arguments: --chun 1"),
    ],
)
def test_a_bad_option_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: str, names: str
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(arguments.split(" "))
    told = capsys.readouterr()
    assert left.value.code == 2
    assert told.err.startswith(f"reference chat: {names}")
    assert told.err.count("\n") == 1
    assert told.out == ""


HTML = '<!doctype html><html><head><title>x</title></head><body><script type="module" src="/assets/a-1.js"></script></body></html>'


def config_in(html: str) -> object:
    found = re.findall(r'<script type="application/json" id="chat-config">(.*?)</script>', html)
    assert len(found) == 1
    return json.loads(found[0])


@pytest.mark.parametrize(
    "html",
    [HTML, HTML.replace("</head>", '<script id="chat-config" type="application/json">{\n}</script></head>')],
)
def test_the_page_carries_its_configuration_and_no_value_can_break_out(html: str) -> None:
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


def ask(frontend: Frontend, path: str, *, accept: str = "*/*", method: str = "GET") -> Response:
    scope = {"type": "http", "method": method, "path": path, "headers": [(b"accept", accept.encode())]}
    return asyncio.run(frontend.respond(Request(scope)))


def test_the_page_is_made_for_each_load_and_its_files_are_kept(dist: Path) -> None:
    config: dict[str, object] = {"transport": "sse"}
    frontend = Frontend(lambda: dist, lambda: config)
    page = ask(frontend, "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert config_in(bytes(page.body).decode()) == {"transport": "sse"}
    config["transport"] = "json"
    assert config_in(bytes(ask(frontend, "/index.html").body).decode()) == {"transport": "json"}
    script = ask(frontend, "/assets/a-1.js")
    assert (script.body, script.headers["content-type"]) == (b"let a", "text/javascript; charset=utf-8")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert ask(frontend, "/assets/a-1.js.map").headers["content-type"] == "application/json"
    assert ask(frontend, "/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/../../secret", "/../secret", "//etc/pass.wd", "/assets", "/assets/", "/assets/b.js"]
)
def test_nothing_but_the_built_files_is_served(dist: Path, path: str) -> None:
    (dist.parent / "secret").write_text("secret")
    assert ask(Frontend(lambda: dist, dict), path, accept="text/html").status_code == 404


def test_an_address_of_the_app_serves_the_page_to_a_browser_only(dist: Path) -> None:
    frontend = Frontend(lambda: dist, dict)
    assert ask(frontend, "/chats/7", accept="text/html,*/*").status_code == 200
    assert ask(frontend, "/chats/7").status_code == 404
    assert ask(frontend, "/chats/7", accept="text/html", method="POST").status_code == 404


def test_a_rebuilt_frontend_is_served_at_once(dist: Path) -> None:
    frontend = Frontend(lambda: dist, dict)
    assert ask(frontend, "/assets/b-2.js").status_code == 404
    (dist / "assets/b-2.js").write_text("let b")  # written after the page, which is the same still
    assert ask(frontend, "/assets/b-2.js").status_code == 200
    (dist / "index.html").write_text(HTML.replace("a-1.js", "b-2.js"))
    later = (dist / "index.html").stat().st_mtime_ns + 10**9
    os.utime(dist / "index.html", ns=(later, later))
    assert b"b-2.js" in bytes(ask(frontend, "/").body)


def test_a_missing_frontend_says_what_to_run(dist: Path) -> None:
    frontend = Frontend(lambda: dist / "nothing", dict)
    assert not frontend.is_built
    page = ask(frontend, "/")
    assert (page.status_code, page.body) == (
        503,
        b"the frontend of the reference chat is not built: run `make setup`\n",
    )
    assert Frontend(lambda: dist, dict).is_built


def test_a_wait_ends_when_the_client_leaves() -> None:
    async def scene() -> None:
        left = asyncio.Event()

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        line = Line(receive)
        await line.pause(0)
        await line.pause(0.001)  # nobody has left yet
        asyncio.get_running_loop().call_soon(left.set)
        async with asyncio.timeout(5):
            with pytest.raises(ClientGone):
                await line.pause(600)
        line.close()

    asyncio.run(scene())
