"""Which answer belongs to which payload: by an ID, as the next frames, on another channel, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.exchanges import Exchanges
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.profile.profile import RefusalRule, WireRule


class Log:
    """What a listener got."""

    def __init__(self) -> None:
        self.payloads: list[Exchange] = []
        self.chunks: list[tuple[str, Any]] = []
        self.finished: list[str] = []

    def on_payload(self, exchange: Exchange) -> None:
        self.payloads.append(exchange)

    def on_response(self, exchange: Exchange, t: float) -> None: ...

    def on_chunk(self, exchange: Exchange, t: float, event: str, value: Any) -> None:
        self.chunks.append((exchange.request, value))

    def on_text(self, exchange: Exchange, t: float, text: str) -> None: ...

    def on_finished(self, exchange: Exchange) -> None:
        self.finished.append(exchange.request)

    def on_cookie(self, t: float, name: str, value: str | None) -> None: ...


def rule(**fields: Any) -> Rule:
    return Rule(WireRule.model_validate({"url": "/ws", "transport": "websocket", "session": "s", **fields}))


class Desk:
    def __init__(self, *rules: Rule, refusals: tuple[Refusal, ...] = ()) -> None:
        self.log = Log()
        self.rules = rules
        self.exchanges = Exchanges(rules, self.log, refusals)

    def send(self, request: str, key: str | None = None, number: int = 0, **fields: Any) -> Exchange:
        one = Exchange(
            request=request, rule=self.rules[number], transport="websocket", method="SEND", url="ws://x/ws", sent_at=1.0,
            session="s-1", history=None, body="", stack=[], reply_key=key, **fields,
        )  # fmt: skip
        self.exchanges.begin(one, "socket:1")
        return one

    def receive(
        self, value: Any, *, t: float = 2.0, line: str = "socket:1", number: int = 0, **fields: Any
    ) -> None:
        self.exchanges.received(line, self.rules[number], t, value, size=3, **fields)


class TestTextOfTheReply:
    def test_words_of_a_stream_name_the_provider_together(self) -> None:
        desk = Desk(rule(answer_when="w", done="last", provider={"regex": "by (\\w+ hat)"}))
        one = desk.send("a")
        for word in ("Told", " by Big", " hat", "."):
            desk.receive({"w": word, "last": word == "."})
        assert (one.outcome, one.provider) == ("ok", "Big hat")

    def test_a_place_of_its_own_is_not_looked_for_in_the_text(self) -> None:
        desk = Desk(rule(provider={"json": "who", "regex": "(\\w+ hat)"}))
        one = desk.send("a")
        desk.receive({"w": "Told by Big hat"})
        assert (one.outcome, one.provider) == ("ok", None)


class TestByKey:
    def test_each_answer_goes_to_its_own(self) -> None:
        desk = Desk(rule(reply_to="id", done="last"))
        one, two = desk.send("a", "1"), desk.send("b", "2")
        desk.receive({"id": 2, "x": 1})
        desk.receive({"id": 1, "last": True}, t=3.0)
        assert desk.log.chunks == [("b", {"id": 2, "x": 1}), ("a", {"id": 1, "last": True})]
        assert (one.outcome, one.ended_at, two.outcome) == ("ok", 3.0, "")

    @pytest.mark.parametrize("frame", [{"id": 9}, {"type": "ping"}, None, 7])
    def test_what_is_nobodys_is_left(self, frame: Any) -> None:
        desk = Desk(rule(reply_to="id"))
        desk.send("a", "1")
        desk.receive(frame)
        assert desk.log.chunks == []

    def test_what_came_after_the_end_changes_nothing(self) -> None:
        desk = Desk(rule(reply_to="id", provider="p"))
        one = desk.send("a", "1")
        desk.receive({"id": 1, "p": "Big hat"})
        desk.receive({"id": 1, "p": "Tall boot"})
        assert (one.provider, one.chunks, desk.log.finished) == ("Big hat", 1, ["a"])

    def test_the_framings_own_key_and_end_serve_too(self) -> None:
        desk = Desk(rule())
        one = desk.send("a", "7")
        desk.receive({"x": 1}, key="7", final=False)
        assert one.outcome == ""
        desk.receive({"x": 2}, key="7", final=True)
        assert (one.outcome, one.chunks, one.bytes) == ("ok", 2, 6)

    def test_a_frame_without_the_framings_key_is_no_part(self) -> None:
        desk = Desk(rule())
        one = desk.send("a", "7")
        desk.receive({"event": "presence"})
        assert (one.outcome, desk.log.chunks) == ("", [])

    def test_unless_the_profile_names_what_a_part_is(self) -> None:
        desk = Desk(rule(answer_when="event == 'token'", provider="p"))
        one = desk.send("a", "7")
        desk.receive({"event": "presence"})
        desk.receive({"event": "token", "p": "Big hat"})
        assert (one.outcome, one.provider, one.chunks) == ("", "Big hat", 1)
        desk.receive({"event": "token"}, key="7", final=True)
        assert one.outcome == "ok"


class TestNextFrames:
    def test_the_first_frame_is_the_answer_when_nothing_says_more(self) -> None:
        desk = Desk(rule())
        one = desk.send("a")
        desk.receive({"x": 1})
        assert (one.outcome, one.chunks) == ("ok", 1)

    def test_the_frames_up_to_the_end_are_when_the_profile_shows_the_end(self) -> None:
        desk = Desk(rule(done="type == 'done'"))
        one = desk.send("a")
        for frame in ({"type": "t"}, {"type": "t"}, {"type": "done"}, {"type": "t"}):
            desk.receive(frame)
        assert (one.outcome, one.chunks) == ("ok", 3)

    def test_they_are_the_newest_payloads(self) -> None:
        desk = Desk(rule(done="type == 'done'"))
        old, new = desk.send("a"), desk.send("b")
        desk.receive({"type": "done"})
        assert (old.outcome, new.outcome) == ("", "ok")

    def test_of_two_that_wait_nobody_knows_whose_a_part_is(self) -> None:
        desk = Desk(rule(done="type == 'done'"))
        old = desk.send("a")
        desk.receive({"type": "t"})
        alone = old.shares_line
        new = desk.send("b")
        desk.receive({"type": "done"})
        assert (alone, old.shares_line, new.shares_line) == (False, True, True)

    def test_an_answer_that_was_abandoned_long_ago_shares_nothing(self) -> None:
        desk = Desk(rule(done="type == 'done'"))
        old = desk.send("a")
        desk.receive({"type": "t"})
        new = desk.send("b")
        desk.receive({"type": "done"}, t=60.0)
        assert not old.shares_line
        assert not new.shares_line

    def test_answers_with_ids_share_nothing(self) -> None:
        desk = Desk(rule(reply_to="id"))
        old, new = desk.send("a", "1"), desk.send("b", "2")
        desk.receive({"id": 2})
        assert not old.shares_line
        assert not new.shares_line

    def test_frames_that_are_no_answer_are_skipped(self) -> None:
        desk = Desk(rule(answer_when="type == 'answer'"))
        one = desk.send("a")
        desk.receive({"type": "ping"})
        assert one.outcome == ""
        desk.receive({"type": "answer"})
        assert one.outcome == "ok"

    def test_frames_of_another_socket_are_nobodys(self) -> None:
        desk = Desk(rule())
        one = desk.send("a")
        desk.receive({"x": 1}, line="socket:2")
        assert one.outcome == ""


class TestOtherChannel:
    def rules(self) -> tuple[Rule, Rule]:
        sent = Rule(
            WireRule.model_validate(
                {"url": "/send", "session": "s", "answered_by": "events", "reply_to": "id"}
            )
        )
        events = Rule(
            WireRule.model_validate(
                {"name": "events", "url": "/events", "direction": "received", "reply_to": "of", "done": "event == 'end'",
                 "provider": "who"}
            )
        )  # fmt: skip
        return sent, events

    def test_the_answer_comes_there_and_not_in_the_own_exchange(self) -> None:
        desk = Desk(*self.rules())
        one = desk.send("a")
        desk.exchanges.head(one, 202, {}, 1.1)
        desk.exchanges.own_value(one, 1.2, "", {"id": "m-1"}, {})
        desk.exchanges.own_end(one, 1.2, "ok", "")
        assert (one.outcome, one.reply_key) == ("", "m-1")
        desk.receive({"of": "m-0"}, line="rule:events", number=1, event="end")
        assert one.outcome == ""
        desk.receive({"of": "m-1", "who": "Big hat"}, line="rule:events", number=1, event="token")
        desk.receive({"of": "m-1"}, line="rule:events", number=1, event="end")
        assert (one.outcome, one.provider, one.chunks) == ("ok", "Big hat", 2)

    @pytest.mark.parametrize(("status", "outcome"), [(500, "ok"), (202, "failed")])
    def test_a_refused_or_broken_send_ends_it_at_once(self, status: int, outcome: str) -> None:
        desk = Desk(*self.rules())
        one = desk.send("a")
        desk.exchanges.head(one, status, {}, 1.1)
        desk.exchanges.own_end(one, 1.2, outcome, "")
        assert one.ended

    def test_its_end_ends_all_that_wait(self) -> None:
        desk = Desk(*self.rules())
        one = desk.send("a")
        desk.exchanges.line_closed("rule:events", 5.0, "gone")
        assert (one.outcome, one.error, one.ended_at) == ("failed", "gone", 5.0)

    def test_only_the_channel_of_its_replies_names_the_provider_in_their_text(self) -> None:
        channel = {"url": "/e", "direction": "received", "done": "event == 'end'"}
        fields = {"name": "events", **channel, "provider": {"regex": "by (\\w+ hat)"}}
        other = {"name": "news", **channel, "provider": {"regex": "by (\\w+)"}}
        send = {"url": "/send", "session": "s", "answered_by": "events"}
        for text, name in (("Told by Big hat", "Big hat"), ("Told by nobody", None)):
            desk = Desk(*(Rule(WireRule.model_validate(one)) for one in (send, other, fields)))
            one = desk.send("a")
            desk.receive({"w": text}, line="rule:events", number=2, event="token")
            desk.receive({}, line="rule:events", number=2, event="end")
            assert (one.outcome, one.provider) == ("ok", name)


class TestRefusals:
    def test_an_answer_that_states_it_is_kept(self) -> None:
        desk = Desk(rule(), refusals=(Refusal(RefusalRule(kind="daily-limit", answer="error == 'quota'")),))
        one = desk.send("a")
        desk.receive({"error": "quota"})
        assert one.refused == "daily-limit"

    def test_a_status_too(self) -> None:
        desk = Desk(rule(), refusals=(Refusal(RefusalRule(kind="captcha", status=(403,))),))
        one = desk.send("a")
        desk.exchanges.head(one, 403, {"retry-after": "3"}, 1.0)
        assert (one.refused, one.retry_after) == ("captcha", 3.0)

    @pytest.mark.parametrize(
        ("fields", "seconds"), [("0", 0.0), ("soon", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)]
    )
    def test_when_to_come_back(self, fields: str, seconds: float | None) -> None:
        desk = Desk(rule())
        one = desk.send("a")
        desk.exchanges.head(one, 429, {"retry-after": fields}, 1.0)
        assert one.retry_after == seconds

    def test_an_answer_that_says_it_failed_ends_the_exchange(self) -> None:
        desk = Desk(rule(failed="success == `false`"))
        one = desk.send("a")
        desk.receive({"success": False})
        assert one.outcome == "failed"


def test_a_service_worker_that_passes_a_request_on_is_known() -> None:
    desk = Desk(Rule(WireRule.model_validate({"url": "/send", "session": "s"})))
    one = Exchange(
        request="1", rule=desk.rules[0], transport="http", method="POST", url="http://x/send", sent_at=1.0, session="s-1",
        history=None, body="abc", stack=[], size=3,
    )  # fmt: skip
    desk.exchanges.begin(one)
    assert desk.exchanges.relayed("POST", "http://x/send", 3)
    assert not desk.exchanges.relayed("POST", "http://x/send", 5)
    assert not desk.exchanges.relayed("POST", "http://x/else", 3)
    desk.exchanges.head(one, 200, {}, 2.0)
    assert not desk.exchanges.relayed("POST", "http://x/send", 3)
