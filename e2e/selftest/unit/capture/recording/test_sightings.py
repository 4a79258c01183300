"""An ID is found wherever the page puts it, in every form, and never where it is not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

import pytest

from e2e.capture.network.bodies.encodings import body_of
from e2e.capture.network.traffic import Seen, Traffic
from e2e.capture.recording.sightings import _leaves, find_in_traffic, find_in_values, form_in

ID = "0f3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f"
OTHER = "7a3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f"
URL = "https://chat.example/api/chat"
JSON = {"Content-Type": "application/json"}


def seen(
    url: str = URL, headers: Mapping[str, str] | None = None, body: str | bytes = "{}", method: str = "POST"
) -> Seen:
    return Seen(method, url, headers or JSON, body_of(body, headers or JSON))


@pytest.mark.parametrize(
    ("request_", "place", "toml"),
    [
        (seen(headers={"X-Thread": ID}), "header x-thread", '{ header = "x-thread" }'),
        (seen(headers={"Authorization": f"Bearer {ID}"}), "header authorization", '{ header = "authorization" }'),
        (seen(f"{URL}?thread={ID}"), "query parameter thread", '{ query = "thread" }'),
        (seen(f"{URL}/c/{ID}/messages"), "the URL's path", '{ path = "chat/c/([^/]+)" }'),
        (seen(body=json.dumps({"meta": [{"thread": ID}]})), "body meta[0].thread", '{ json = "meta[0].thread" }'),
        (seen(body=json.dumps({"data": json.dumps({"id": ID})})), "body data.id", '{ json = "data.id" }'),
        (
            seen(headers={"Content-Type": "application/x-www-form-urlencoded"}, body=f"a=1&thread={ID}"),
            "body thread",
            '{ form = "thread" }',
        ),
        (seen("wss://chat.example/ws", {}, json.dumps({"sid": ID}), "SEND"), "frame sid", '{ json = "sid" }'),
        (seen(f"wss://chat.example/ws?sid={ID}", {}, "{}", "SEND"), "query parameter sid", '{ query = "sid" }'),
    ],
)  # fmt: skip
def test_the_place_is_named_as_the_profile_writes_it(request_: Seen, place: str, toml: str) -> None:
    found = find_in_traffic([OTHER, ID], [seen(), request_])
    assert found is not None
    assert (found.session, found.place, found.toml) == (ID, place, toml)


@pytest.mark.parametrize(
    ("value", "session", "form"),
    [
        (ID, ID, ""),
        (quote("a/b c 1"), "a/b c 1", "percent-encoded"),
        (quote(quote("a/b c 1", safe=""), safe=""), "a/b c 1", "percent-encoded twice"),
        (f'"{ID}"', ID, "in quotes"),
        (f"Bearer {ID}", ID, "inside a longer text"),
        (base64.b64encode(ID.encode()).decode(), ID, "in base64"),
        (base64.urlsafe_b64encode(b"session_?>?>_1").decode().rstrip("="), "session_?>?>_1", "in base64"),
        ("Basic " + base64.b64encode(f"user:{ID}".encode()).decode(), ID, "in base64"),
        (ID.replace("-", ""), ID, "without its dashes"),
        (ID.upper(), ID, "in other letters (upper or lower case)"),
        (ID.encode().hex(), ID, "in hexadecimal digits"),
        (OTHER, ID, None),
        ("17", "7", None),
        ("7", "7", ""),
        ("", ID, None),
    ],
)
def test_it_is_known_in_every_form(value: str, session: str, form: str | None) -> None:
    assert form_in(value, session) == form


def test_one_short_id_alone_is_chance_and_several_at_one_place_are_not() -> None:
    requests = [seen(body='{"n": 1, "thread": 7}'), seen(body='{"n": 1, "thread": 8}')]
    assert find_in_traffic(["7"], requests) is None
    found = find_in_traffic(["7", "8"], requests)
    assert found is not None
    assert found.place == "body thread"


def test_a_referer_is_no_place_of_its_own() -> None:
    assert find_in_traffic([ID], [seen(headers={"Referer": f"{URL}/{ID}"})]) is None


def test_a_stored_value_is_named_by_store_and_key() -> None:
    values = {
        "localStorage": {"theme": "dark"},
        "sessionStorage": {"chat": json.dumps({"state": {"id": ID}})},
    }
    found = find_in_values([ID], values)
    assert found is not None
    assert found.toml == 'session = { store = "sessionStorage", key = "chat", id = "state.id" }'
    assert find_in_values([OTHER], values) is None


def test_the_memory_is_bounded() -> None:
    traffic = Traffic()
    for n in range(1000):
        traffic.add(seen(f"{URL}/{n}", body="x" * 100_000))
    assert len(traffic.seen) < 100
    assert traffic.seen[-1].url.endswith("/999")


def test_texts_and_numbers_of_a_body_are_leaves_and_nothing_else() -> None:
    body = {
        "a": True,
        "b": None,
        "n": 5,
        "f": 1.5,
        "x y": ["t", {"deep": "u"}],
        "json": '{"in": [7]}',
        "flag": False,
    }
    assert dict(_leaves(body)) == {
        "n": "5", "f": "1.5", '"x y"[0]': "t", '"x y"[1].deep': "u", "json.in[0]": "7",
    }  # fmt: skip


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_hexadecimal_digits_may_be_of_either_case(change: Callable[[str], str]) -> None:
    session = "session_Ünïcode_0123456789"
    assert form_in(change(session.encode().hex()), session) == "in hexadecimal digits"
