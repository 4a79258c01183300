"""Whose payload is it? A page sends more than messages, and when it likes; no verdict rests on another chat's payload."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.wire_rules import Rule
from e2e.capture.recording.drafts import MessageDraft
from e2e.capture.recording.owners import Owners
from e2e.profile.profile import Profile, WireRule, load
from e2e.records.records import Chat, Event
from e2e.selftest.unit.capture.recording.test_recorder import NEW, OLD, Desk, desk, make_desk

__all__ = ["desk", "make_desk"]  # fixtures

FIRST, SECOND, THIRD = "Hello there (0a1b2c3d)", "Good morning (4e5f6071)", "One more (8293a4b5)"
TITLE = WireRule.model_validate({"name": "title", "url": "/api/title$", "session": "session"})
OLDER = "session_1763850000000_ccccccccc"


def titled(**fields: object) -> Profile:
    """The reference profile, with a rule for title requests after that of the messages."""
    profile = load("reference")
    title = TITLE.model_copy(update=fields)
    return profile.model_copy(update={"wire": (profile.wire[0], title)})


class Two:
    """A desk whose page also asks for titles."""

    def __init__(self, desk: Desk, title: WireRule = TITLE) -> None:
        self.desk = desk
        self.chat_rule, self.title_rule = desk.rule, Rule(title)

    def sends(
        self, session: str | None, body: str, request: str, *, title: bool = False, url: str = ""
    ) -> Exchange:
        self.desk.rule = self.title_rule if title else self.chat_rule
        self.desk.clock.now += 0.01
        fields = {"url": url} if url else {}
        return self.desk.payload(session, body=body, request=request, **fields)

    def turn(self, text: str, session: str, request: str) -> None:
        self.desk.recorder.begin_message(text)
        self.sends(session, f'{{"text": "{text}"}}', request)
        self.over()

    def over(self) -> None:
        self.desk.clock.now += 0.1
        self.desk.recorder.message_ended("exchange finished", "ok")

    def next_chat(self) -> Chat:
        chat = self.desk.end()
        self.desk.new_chat()
        return chat

    def payload(self, request: str) -> Event:
        (found,) = [e for e in self.desk.events("payload") if e.data["request"] == request]
        return found


@pytest.fixture
def two(make_desk: Callable[..., Desk]) -> Two:
    two = Two(make_desk(titled()))
    two.desk.new_chat()
    return two


class TestByText:
    @pytest.mark.parametrize(
        "form",
        ['{{"text": "{0}"}}', "text={1}", '{{"text": "{2}"}}'],
        ids=["plain", "percent", "json-escapes"],
    )
    def test_an_older_chats_late_payload_is_not_the_new_chats_message(self, two: Two, form: str) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.next_chat()
        two.desk.recorder.begin_message(SECOND)
        hard = "".join(f"%{ord(c):02X}" for c in FIRST)
        body = form.format(FIRST, hard, "".join(f"\\u{ord(c):04x}" for c in FIRST))
        two.sends(OLD, body, "late")
        assert two.desk.recorder.exchange is None
        two.sends(NEW, f'{{"text": "{SECOND}"}}', "m-2")
        two.over()
        (message,) = two.desk.end().messages
        assert (message.request, message.sent, message.bleeds_from) == ("m-2", two.desk.ref(NEW), None)
        late = two.payload("late")
        assert (late.chat, late.data["message"], late.data["bleeds_from"]) == (0, 0, None)

    def test_the_text_in_the_address_counts_too(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.next_chat()
        two.desk.recorder.begin_message(SECOND)
        two.sends(OLD, "", "late", title=True, url=f"http://a/api/title?text={quote(FIRST)}")
        assert two.payload("late").chat == 0

    def test_the_newest_messages_payload_may_contain_older_texts(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.next_chat()
        two.turn(f"{SECOND}", NEW, "m-2")
        two.desk.recorder.begin_message(THIRD)
        two.sends(NEW, f'["{FIRST}", "{SECOND}", "{THIRD}"]', "m-3")
        second, third = two.desk.end().messages
        assert (second.bleeds_from, third.bleeds_from, third.request) == (None, 0, "m-3")

    def test_the_first_rule_of_the_profile_is_the_messages(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.desk.recorder.begin_message(SECOND)
        two.sends(None, f'{{"text": "{SECOND}"}}', "t-2", title=True)
        assert two.desk.recorder.exchange is None
        two.sends(OLD, f'{{"text": "{SECOND}"}}', "m-2")
        assert two.desk.end().messages[1].request == "m-2"

    def test_a_later_rule_that_alone_carries_a_message_is_taken_after_a_while(self, two: Two) -> None:
        two.desk.recorder.begin_message(FIRST)
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "t-1", title=True)
        two.desk.recorder.settle_for(0.15)
        assert two.desk.recorder.exchange is None
        two.desk.clock.now += 0.2
        two.desk.recorder.settle_for(0.15)
        assert two.desk.recorder.sent_id == OLD
        two.over()
        two.desk.recorder.begin_message(SECOND)
        two.sends(OLD, f'{{"text": "{SECOND}"}}', "t-2", title=True)
        assert two.desk.recorder.sent_id == OLD  # known by now

    def test_a_rule_that_is_not_judged_carries_no_message(self, make_desk: Callable[..., Desk]) -> None:
        two = Two(make_desk(titled(judged=False)), TITLE.model_copy(update={"judged": False}))
        two.desk.new_chat()
        two.desk.recorder.begin_message(FIRST)
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "t-1", title=True)
        two.desk.clock.now += 1
        two.desk.recorder.settle_for(0.15)
        assert two.desk.recorder.exchange is None
        assert two.payload("t-1").data["judged"] is False


class TestByOrder:
    def test_a_text_that_cannot_be_found_leaves_the_order(self, two: Two) -> None:
        for text, session, request in ((FIRST, OLD, "m-1"), (SECOND, NEW, "m-2")):
            two.desk.recorder.begin_message(text)
            two.sends(session, "b64:AAAA", request)
            two.over()
            assert two.next_chat().messages[0].request == request

    def test_where_texts_are_found_a_payload_without_one_is_no_message(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.next_chat()
        two.desk.recorder.begin_message(SECOND)
        two.sends(NEW, '{"seen": true}', "receipt")
        assert two.desk.recorder.exchange is None

    def test_it_gives_way_to_the_one_with_the_text(self, two: Two) -> None:
        two.desk.recorder.begin_message(FIRST)
        two.sends(OLD, '{"start": true}', "start")
        two.sends(NEW, f'{{"text": "{FIRST}"}}', "m-1")
        assert two.desk.end().messages[0].request == "m-1"

    def test_once_the_reply_is_over_nothing_gives_way(self, two: Two) -> None:
        two.desk.recorder.begin_message(FIRST)
        two.sends(OLD, "b64:AAAA", "m-1")
        two.over()
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "t-1", title=True)
        assert two.desk.end().messages[0].request == "m-1"

    def test_between_new_chat_and_its_first_message_it_is_the_older_chats(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.next_chat()
        two.sends(OLD, '{"seen": true}', "receipt", title=True)
        receipt = two.payload("receipt")
        assert (receipt.chat, receipt.data["message"]) == (0, 0)

    def test_an_older_chat_that_is_owed_one_gets_it(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.next_chat()
        two.turn(SECOND, NEW, "m-2")
        two.sends(OLD, '{"rate": 1}', "late", title=True)
        two.sends(OLD, '{"rate": 1}', "again", title=True)
        assert (two.payload("late").chat, two.payload("again").chat) == (0, 1)

    def test_a_receipt_that_comes_two_chats_later_is_its_own_chats(self, two: Two) -> None:
        """Between New Chat and the first message, and while no chat is under way."""
        two.turn(FIRST, OLDER, "m-1")
        two.next_chat()
        two.turn(SECOND, OLD, "m-2")
        two.next_chat()
        two.sends(OLDER, '{"seen": true}', "r-1", title=True)
        two.turn(THIRD, NEW, "m-3")
        two.desk.end()
        two.sends(OLD, '{"seen": true}', "r-2", title=True)
        two.desk.new_chat()
        two.sends(NEW, '{"seen": true}', "r-3", title=True)
        assert [two.payload(f"r-{n}").chat for n in (1, 2, 3)] == [0, 1, 2]

    def test_two_messages_have_two_receipts(self, two: Two) -> None:
        two.turn(FIRST, OLD, "m-1")
        two.turn(SECOND, OLD, "m-2")
        two.next_chat()
        two.turn(THIRD, NEW, "m-3")
        for n in (1, 2, 3):
            two.sends(OLD, '{"seen": true}', f"r-{n}", title=True)
        assert [two.payload(f"r-{n}").chat for n in (1, 2, 3)] == [0, 0, 1]

    def test_chats_that_share_a_session_are_owed_as_many_as_they_have_messages(self, two: Two) -> None:
        """Another tab goes on with the session of the first."""
        two.turn(FIRST, OLD, "m-1")
        two.sends(OLD, '{"seen": true}', "r-1", title=True)
        two.next_chat()
        two.turn(SECOND, OLD, "m-2")
        two.next_chat()
        two.turn(THIRD, NEW, "m-3")
        two.sends(OLD, '{"seen": true}', "r-2", title=True)
        two.sends(OLD, '{"seen": true}', "r-3", title=True)
        assert [two.payload(f"r-{n}").chat for n in (1, 2, 3)] == [0, 1, 2]


class TestRetry:
    def test_the_message_is_the_retrys(self, two: Two) -> None:
        two.desk.recorder.begin_message(FIRST)
        first = two.sends(OLD, f'{{"text": "{FIRST}"}}', "m-1")
        first.status = 502
        two.sends(NEW, f'{{"text": "{FIRST}"}}', "m-2")
        two.over()
        (message,) = two.desk.end().messages
        assert (message.request, message.sent) == ("m-2", two.desk.ref(NEW))
        assert [e.data["retry"] for e in two.desk.events("payload")] == [False, True]

    def test_a_second_payload_while_the_first_is_well_is_none(self, two: Two) -> None:
        two.desk.recorder.begin_message(FIRST)
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "m-1").status = 200
        two.sends(NEW, f'{{"text": "{FIRST}"}}', "m-2")
        assert two.desk.end().messages[0].request == "m-1"
        assert not two.payload("m-2").data["retry"]

    def test_one_that_left_before_the_end_of_the_first_was_reported(self, two: Two) -> None:
        """The page gives a request up and sends it again in the same moment."""
        two.desk.recorder.begin_message(FIRST)
        first = two.sends(OLD, f'{{"text": "{FIRST}"}}', "m-1")
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "m-2")
        first.outcome = "cancelled"
        two.desk.recorder.on_finished(first)
        two.over()
        assert two.desk.end().messages[0].request == "m-2"

    def test_a_title_request_after_a_failure_is_none(self, two: Two) -> None:
        two.desk.recorder.begin_message(FIRST)
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "m-1").outcome = "failed"
        two.sends(OLD, f'{{"text": "{FIRST}"}}', "t-1", title=True)
        assert two.desk.end().messages[0].request == "m-1"


def test_a_secondary_payload_is_no_session_of_a_chat(make_desk: Callable[..., Desk]) -> None:
    """Where nothing is stored, the IDs whose making is examined are those that messages carried."""
    two = Two(make_desk(titled()))
    two.desk.new_chat()
    two.turn(FIRST, OLD, "m-1")
    two.sends(OLDER, f'{{"text": "{FIRST}"}}', "t-1", title=True)
    two.desk.end()
    two.desk.recorder.record_generated_ids({})
    assert [e.data["session"] for e in two.desk.events("minted")] == [two.desk.ref(OLD)]


def test_a_late_payload_is_known_by_the_text_of_any_of_the_last_64_messages() -> None:
    """A page that sends its whole history must not fill the memory with the texts of a long run."""
    owners = Owners()
    texts = [f"Hello there ({n:08x})" for n in range(65)]
    for chat, text in enumerate(texts):
        owners.add(text, chat, MessageDraft(0, "", 0.0))
    assert [one.chat for one in owners.found_in(" ".join(texts))] == list(range(64, 0, -1))
