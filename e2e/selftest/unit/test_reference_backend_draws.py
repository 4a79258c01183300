"""Who answers and for how long: the faults of the lottery, the visitor whom it must not look at, long replies."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from time import monotonic

import pytest

from e2e.selftest.unit.reference_client import Client, hear_reply, say
from fixtures.reference_chat.backend.pages import VISITOR
from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS
from fixtures.reference_chat.launcher import ReferenceChat

ANNA, BELA = f"{VISITOR}=a11a", f"{VISITOR}=be1a"


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


def test_the_page_makes_a_visitor_of_whom_it_does_not_know(client: Client) -> None:
    html = {"Accept": "text/html"}
    cookies = [client.ask("GET", "/", headers=html).headers["set-cookie"] for _ in range(2)]
    assert cookies[0] != cookies[1]
    for cookie in cookies:
        value, *flags = cookie.split("; ")
        name, _, tag = value.partition("=")
        assert (name, len(tag), int(tag, 16) > 0) == (VISITOR, 32, True)
        assert {flag.lower() for flag in flags} == {"httponly", "samesite=lax", "path=/"}
    assert "set-cookie" not in client.ask("GET", "/", headers=html | {"Cookie": ANNA}).headers
    assert "set-cookie" not in client.chat().headers


def test_a_healthy_lottery_does_not_look_at_the_visitor(client: Client, chat: ReferenceChat) -> None:
    known = draws(client, 12, cookie=ANNA)
    assert len(set(known)) > 2
    chat.reset()
    assert draws(client, 12) == known


def test_sticky_a_visitor_keeps_the_provider_of_the_first_draw(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-sticky"])
    of_visitors = {client.provider(f"v{n}", cookie=f"{VISITOR}={n}") for n in range(12)}
    assert len(of_visitors) > 2
    [annas] = set(draws(client, 6, cookie=ANNA))
    with client.socket(cookie=ANNA) as socket:
        say(socket, "over-a-socket")
        assert hear_reply(socket)[0]["provider"] == annas
    assigned = client.ask("PUT", "/api/sessions/by-hand", headers={"Cookie": ANNA})
    assert assigned.json["provider"] == annas
    assert len(set(draws(client, 12, name="stranger"))) > 2


def test_sticky_stays_so_when_the_environment_turns_rough(client: Client, chat: ReferenceChat) -> None:
    """Both sides of the switch remember the same draws."""
    chat.set_faults(["provider-sticky", "stream-cut"], after=1)
    first = client.provider("first", cookie=ANNA)
    later = [client.ask("PUT", f"/api/sessions/p{n}", headers={"Cookie": ANNA}).json for n in range(12)]
    assert chat.state()["environment_begun"]
    assert {session["provider"] for session in later} == {first}


def test_skewed_the_first_provider_gets_three_quarters(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-skewed"])
    assigned = Counter(client.ask("PUT", f"/api/sessions/k{n}").json["provider"] for n in range(400))
    assert 0.65 < assigned[DEFAULT_PROVIDERS[0]] / 400 < 0.85
    others = [assigned[name] for name in DEFAULT_PROVIDERS[1:]]
    assert min(others) > 0
    assert max(others) < 40


def test_skewed_whatever_the_weights_say() -> None:
    with ReferenceChat.start(seed=1, providers=2, weights=[0, 1], faults=["provider-skewed"]) as chat:
        assert set(draws(Client(chat.url), 40)) == set(DEFAULT_PROVIDERS[:2])


def test_cycles_the_providers_take_turns(client: Client, chat: ReferenceChat) -> None:
    chat.set_faults(["provider-cycles"])
    assert draws(client, 20) == [DEFAULT_PROVIDERS[n % 9] for n in range(20)]
    assert draws(client, 3) == list(DEFAULT_PROVIDERS[:3]), "a session keeps the provider of its turn"


@pytest.mark.parametrize("fault", ["provider-sticky", "provider-skewed", "provider-cycles"])
def test_the_seed_repeats_the_draws(client: Client, chat: ReferenceChat, fault: str) -> None:
    def once() -> list[str]:
        chat.reset()
        chat.set_faults([fault])
        return draws(client, 8) + [client.provider(f"v{n}", cookie=f"{VISITOR}={n}") for n in range(8)]

    assert once() == once()


@pytest.mark.parametrize("fault", ["provider-sticky", "provider-skewed", "provider-cycles"])
def test_a_flapping_session_still_flaps(client: Client, chat: ReferenceChat, fault: str) -> None:
    chat.set_faults([fault, "provider-flaps"])
    named = [client.provider(cookie=ANNA) for _ in range(6)]
    assert all(one != other for one, other in itertools.pairwise(named))


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
def test_a_long_story_takes_its_time(client: Client, accept: str) -> None:
    begun = monotonic()
    answer = client.chat(accept=accept, message="Tell me a LONG Story, please")
    assert monotonic() - begun >= 39 * 0.030
    if accept == "text/event-stream":
        assert [name for name, _ in answer.events].count("chunk") == 40


def test_a_long_story_is_told_over_a_socket_in_as_many_pieces(client: Client) -> None:
    with client.socket(cookie=BELA) as socket:
        say(socket, message="a long story")
        assert [frame["type"] for frame in hear_reply(socket)].count("chunk") == 40


def test_the_pace_can_make_a_long_story_longer_only(client: Client, chat: ReferenceChat) -> None:
    chat.configure(chunk_ms=45)
    begun = monotonic()
    client.chat(message="long story")
    assert monotonic() - begun >= 39 * 0.045
    begun = monotonic()
    assert [name for name, _ in client.chat(message="a story").events].count("chunk") < 7
    assert monotonic() - begun < 1
