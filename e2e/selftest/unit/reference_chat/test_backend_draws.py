"""Provider selection, its faults and the visitor cookie; long replies."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from time import monotonic

import pytest

from e2e.selftest.unit.reference_chat.client import Client, receive_reply, send_message
from fixtures.reference_chat.backend.frontend_files import VISITOR_COOKIE
from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS
from fixtures.reference_chat.launcher import ReferenceChat

ANNA, BELA = f"{VISITOR_COOKIE}=a11a", f"{VISITOR_COOKIE}=be1a"


@pytest.fixture(scope="module")
def server() -> Iterator[ReferenceChat]:
    with ReferenceChat.start(seed=1) as chat:
        yield chat


@pytest.fixture
def chat(server: ReferenceChat) -> ReferenceChat:
    server.reset()
    return server


@pytest.fixture
def client(chat: ReferenceChat) -> Client:
    return Client(chat.url)


def draws(client: Client, number: int, *, cookie: str = "", name: str = "s") -> list[str]:
    return [client.provider(f"{name}{n}", cookie=cookie) for n in range(number)]


def test_page_sets_the_visitor_cookie_once(client: Client) -> None:
    html = {"Accept": "text/html"}
    cookies = [client.request("GET", "/", headers=html).headers["set-cookie"] for _ in range(2)]
    assert cookies[0] != cookies[1]
    for cookie in cookies:
        value, *flags = cookie.split("; ")
        name, _, tag = value.partition("=")
        assert (name, len(tag), int(tag, 16) > 0) == (VISITOR_COOKIE, 32, True)
        assert {flag.lower() for flag in flags} == {"httponly", "samesite=lax", "path=/"}
    assert "set-cookie" not in client.request("GET", "/", headers=html | {"Cookie": ANNA}).headers
    assert "set-cookie" not in client.chat().headers


def test_healthy_selection_ignores_the_visitor(client: Client, chat: ReferenceChat) -> None:
    with_cookie = draws(client, 12, cookie=ANNA)
    assert len(set(with_cookie)) > 2
    chat.reset()
    assert draws(client, 12) == with_cookie


def test_provider_sticky_repeats_the_first_draw_of_a_visitor(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-sticky"])
    of_visitors = {client.provider(f"v{n}", cookie=f"{VISITOR_COOKIE}={n}") for n in range(12)}
    assert len(of_visitors) > 2
    [annas] = set(draws(client, 6, cookie=ANNA))
    with client.socket(cookie=ANNA) as socket:
        send_message(socket, "over-a-socket")
        assert receive_reply(socket)[0]["provider"] == annas
    assigned = client.request("PUT", "/api/sessions/by-hand", headers={"Cookie": ANNA})
    assert assigned.json["provider"] == annas
    assert len(set(draws(client, 12, name="stranger"))) > 2


def test_provider_sticky_keeps_its_draws_when_environment_faults_begin(
    client: Client, chat: ReferenceChat
) -> None:
    """Both plans share one selector."""
    chat.set_faults(["provider-sticky", "stream-cut"], after=1)
    first = client.provider("first", cookie=ANNA)
    later = [client.request("PUT", f"/api/sessions/p{n}", headers={"Cookie": ANNA}).json for n in range(12)]
    assert chat.state()["environment_begun"]
    assert {session["provider"] for session in later} == {first}


def test_provider_skewed_gives_the_first_provider_three_quarters(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-skewed"])
    assigned = Counter(client.request("PUT", f"/api/sessions/k{n}").json["provider"] for n in range(400))
    assert 0.65 < assigned[DEFAULT_PROVIDERS[0]] / 400 < 0.85
    others = [assigned[name] for name in DEFAULT_PROVIDERS[1:]]
    assert min(others) > 0
    assert max(others) < 40


def test_provider_skewed_overrides_the_weights() -> None:
    with ReferenceChat.start(seed=1, providers=2, weights=[0, 1], faults=["provider-skewed"]) as chat:
        assert set(draws(Client(chat.url), 40)) == set(DEFAULT_PROVIDERS[:2])


def test_provider_cycles_assigns_in_a_fixed_order(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-cycles"])
    assert draws(client, 20) == [DEFAULT_PROVIDERS[n % 9] for n in range(20)]
    assert draws(client, 3) == list(DEFAULT_PROVIDERS[:3]), "a session keeps its provider"


@pytest.mark.parametrize("fault", ["provider-sticky", "provider-skewed", "provider-cycles"])
def test_seed_repeats_the_draws_of_a_fault(client: Client, chat: ReferenceChat, fault: str) -> None:
    def once() -> list[str]:
        chat.reset()
        chat.set_faults([fault])
        return draws(client, 8) + [client.provider(f"v{n}", cookie=f"{VISITOR_COOKIE}={n}") for n in range(8)]

    assert once() == once()


@pytest.mark.parametrize("fault", ["provider-sticky", "provider-skewed", "provider-cycles"])
def test_provider_flaps_combines_with_other_provider_faults(
    client: Client, chat: ReferenceChat, fault: str
) -> None:
    chat.set_faults([fault, "provider-flaps"])
    named = [client.provider(cookie=ANNA) for _ in range(6)]
    assert all(one != other for one, other in itertools.pairwise(named))


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
def test_long_reply_takes_at_least_its_shortest_time(client: Client, accept: str) -> None:
    begun = monotonic()
    answer = client.chat(accept=accept, message="Tell me a LONG Story, please")
    assert monotonic() - begun >= 39 * 0.030
    if accept == "text/event-stream":
        assert [name for name, _ in answer.events].count("chunk") == 40


def test_long_reply_over_a_websocket_has_forty_chunks(client: Client) -> None:
    with client.socket(cookie=BELA) as socket:
        send_message(socket, message="a long story")
        assert [frame["type"] for frame in receive_reply(socket)].count("chunk") == 40


def test_chunk_delay_can_only_lengthen_a_long_reply(client: Client, chat: ReferenceChat) -> None:
    chat.configure(chunk_ms=45)
    begun = monotonic()
    client.chat(message="long story")
    assert monotonic() - begun >= 39 * 0.045
    begun = monotonic()
    assert [name for name, _ in client.chat(message="a story").events].count("chunk") < 7
    assert monotonic() - begun < 1
