"""What is kept of a reply: its texts by place, and when an ID first came in it."""

from __future__ import annotations

import pytest

from e2e.capture.network.bodies import reply_so_far
from e2e.capture.network.bodies.reply_so_far import RAW, ReplySoFar, leaves

ID = "conv-0a1b"


def test_pieces_of_one_place_make_up_one_text_and_the_body_comes_first() -> None:
    reply = ReplySoFar()
    reply.add_value(1.0, {"delta": [{"text": "Big"}], "model": "m"})
    reply.add_text(1.5, "raw ")
    reply.add_value(2.0, {"delta": [{"text": " hat"}]})
    reply.add_text(2.5, "text")
    assert list(reply.texts()) == ["raw text", "Big hat", "m"]
    assert reply.body == "raw text"
    assert ReplySoFar().body == ""


def test_the_leaves_of_a_value_are_its_texts_and_whole_numbers() -> None:
    value = {"a": "x", "b": [{"c": 7}, {"c": "y"}], "d": True, "e": None, "f": 1.5}
    assert leaves(value) == [(".a", "x"), (".b[].c", "7"), (".b[].c", "y")]
    assert leaves("x", RAW) == [(RAW, "x")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ID, True),
        (f"the session {ID}, and more", True),
        (f"/chat/{ID}/turns", True),
        ("conv%2D0a1b", True),
        (f"x{ID}", False),
        (f"{ID}2", False),
        (f"{ID}2 {ID}", True),
        ("", False),
    ],
)
def test_an_id_is_found_as_a_whole_word_only(text: str, found: bool) -> None:
    """An ID may be the beginning of another one, as ``chat-1`` of ``chat-12``."""
    in_value, in_header = ReplySoFar(), ReplySoFar()
    in_value.add_value(3.0, {"t": text})
    in_header.add_headers(3.0, {"h": text})
    for reply in (in_value, in_header):
        assert reply.carried_at(ID) == (3.0 if found else None)


def test_the_first_time_counts_over_values_headers_and_the_raw_body() -> None:
    reply = ReplySoFar()
    reply.add_value(5.0, ID)
    reply.add_value(6.0, ID)
    assert reply.carried_at(ID) == 5.0
    reply.add_text(3.0, "id: conv-")
    reply.add_text(4.0, "0a1b;")
    reply.add_text(7.0, " end")
    assert reply.carried_at(ID) == 4.0, "it is whole with the piece that ends it"
    early = ReplySoFar()
    early.add_headers(2.0, {"x": ID})
    early.add_text(4.0, ID)
    assert early.carried_at(ID) == 2.0


def test_a_short_id_is_never_looked_for() -> None:
    reply = ReplySoFar()
    reply.add_value(1.0, {"n": 12345, "m": 123456})
    reply.add_text(1.0, "12345 123456")
    assert reply.carried_at("12345") is None
    assert reply.carried_at("123456") == 1.0


def test_a_long_reply_is_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_so_far, "_MOST", 20)
    reply = ReplySoFar()
    reply.add_value(1.0, "x" * 10)
    reply.add_text(2.0, "y" * 10)
    reply.add_text(3.0, "z")
    reply.add_value(3.0, ID)
    assert list(reply.texts()) == ["y" * 10, "x" * 10]
    assert reply.carried_at(ID) is None
