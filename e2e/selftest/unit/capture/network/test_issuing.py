"""Which reply issued an ID: the earliest that carried it, was not sent with it, and came before the ID was used."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from e2e.capture.network.bodies.reply_so_far import ReplySoFar
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.issuing import Issuing
from e2e.capture.network.wire_rules import Rule
from e2e.profile.profile import WireRule

RULE = Rule(WireRule.model_validate({"url": "/api", "session": "session"}))
ID = "conv-0a1b2c3d"


class Lane:
    def __init__(self) -> None:
        self.issuing = Issuing()
        self.issued: list[tuple[float, str, str]] = []

    def send(
        self, request: str, at: float, session: str | None = None, url: str = "https://x/api", body: str = ""
    ) -> Exchange:
        one = Exchange(request, RULE, "http", "POST", url, at, session, None, body, [])
        self.issuing.sent(one, self._issued)
        return one

    def appeared(self, t: float, session_id: str = ID) -> None:
        self.issuing.appeared(t, session_id, self._issued)

    def settle(self, now: float) -> None:
        self.issuing.settle(now, self._issued)

    def _issued(self, t: float, session_id: str, exchange: Exchange) -> None:
        self.issued.append((t, session_id, exchange.request))


def test_a_reply_before_the_write_issued_the_id() -> None:
    lane = Lane()
    lane.send("a", 1.0).reply.add_value(2.0, {"id": ID})
    lane.appeared(2.5)
    assert lane.issued == [(2.0, ID, "a")]
    lane.appeared(3.0)
    lane.settle(3.0)
    assert len(lane.issued) == 1, "an ID is issued once"


def test_the_earliest_of_several_replies_issued_it() -> None:
    lane = Lane()
    first, second = lane.send("a", 1.0), lane.send("b", 1.1)
    second.reply.add_value(2.0, ID)
    first.reply.add_value(2.4, ID)
    lane.appeared(2.5)
    assert lane.issued == [(2.0, ID, "b")]


def test_of_two_at_the_same_time_the_request_that_left_first_counts() -> None:
    lane = Lane()
    for one in (lane.send("a", 1.0), lane.send("b", 1.1)):
        one.reply.add_value(2.0, ID)
    lane.appeared(2.5)
    assert lane.issued == [(2.0, ID, "a")]


def test_an_id_that_is_sent_next_counts_like_a_stored_one() -> None:
    lane = Lane()
    lane.send("a", 1.0).reply.add_headers(2.0, {"x-session": ID})
    lane.send("b", 3.0, session=ID)
    assert lane.issued == [(2.0, ID, "a")]


@pytest.mark.parametrize(
    "carried",
    [
        {"session": ID},
        {"body": f'{{"chat": "{ID}"}}'},
        {"url": f"https://x/api/{ID}/messages"},
        {"url": "https://x/api?s=conv%2D0a1b2c3d"},
    ],
    ids=["session", "body", "address", "encoded-address"],
)
def test_a_reply_that_repeats_what_its_request_carried_issued_nothing(carried: dict[str, str]) -> None:
    lane = Lane()
    lane.send("a", 1.0, **carried).reply.add_value(2.0, {"id": ID})
    lane.appeared(2.5)
    assert lane.issued == []


def test_bytes_may_be_read_up_to_a_second_after_the_write_and_no_later() -> None:
    for late, expected in ((1.0, 1), (1.1, 0)):
        lane = Lane()
        one = lane.send("a", 1.0)
        lane.appeared(2.0)
        one.reply.add_value(2.0 + late, ID)
        lane.settle(4.0)
        assert len(lane.issued) == expected


def test_an_id_waits_five_seconds_for_its_reply() -> None:
    for now, expected in ((7.0, 1), (7.1, 0)):
        lane = Lane()
        one = lane.send("a", 1.0)
        lane.appeared(2.0)
        lane.settle(now)  # nothing was read so far
        one.reply.add_value(2.5, ID)
        lane.settle(now)
        assert len(lane.issued) == expected


def test_what_was_there_before_is_issued_by_no_reply() -> None:
    lane = Lane()
    lane.issuing.knows(ID)
    lane.send("a", 1.0).reply.add_value(2.0, ID)
    lane.appeared(2.5)
    assert lane.issued == []


def test_only_the_last_sixteen_replies_are_looked_through() -> None:
    for later, expected in ((15, 1), (16, 0)):
        lane = Lane()
        lane.send("a", 1.0).reply.add_value(2.0, ID)
        for n in range(later):
            lane.send(f"b{n}", 2.1)
        lane.appeared(2.5)
        assert len(lane.issued) == expected


def test_replies_are_searched_again_only_for_what_has_come_since(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search of all replies for all open IDs was a quarter of Python's work for a chat."""
    looks: list[str] = []
    carried_at = ReplySoFar.carried_at

    def counted(reply: ReplySoFar, session_id: str) -> float | None:
        looks.append(session_id)
        return carried_at(reply, session_id)

    monkeypatch.setattr(ReplySoFar, "carried_at", counted)
    lane = Lane()
    first, second = lane.send("a", 1.0), lane.send("b", 1.1)
    for n in range(20):
        lane.appeared(1.2, f"session-{n:04d}")
    looks.clear()
    lane.settle(1.3)
    assert looks == []
    second.reply.add_value(1.4, "session-0007")
    lane.settle(1.5)
    assert len(looks) == 20
    assert lane.issued == [(1.4, "session-0007", "b")]
    looks.clear()
    first.reply.add_text(1.5, "nothing of interest")
    lane.appeared(1.6)
    lane.settle(1.7)
    assert lane.issued[1:] == []
    assert looks.count(ID) == 2, "a new ID is looked for in every reply, once"


@pytest.mark.parametrize(
    ("value", "found"),
    [(f"id={ID}", True), (quote(f'"{ID}"', safe="").replace("-", "%2D"), True), (f"{ID}4", False)],
)
def test_an_id_is_found_as_a_whole_word_in_whatever_form(value: str, found: bool) -> None:
    lane = Lane()
    lane.send("a", 1.0).reply.add_headers(2.0, {"location": value})
    lane.appeared(2.5)
    assert bool(lane.issued) is found
