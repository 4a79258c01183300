"""What a new chat shows: a greeting is nothing of an earlier chat; its messages and replies are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.capture.recording.screen_texts import ScreenTexts
from e2e.selftest.unit.capture.recording.test_recorder import NEW, OLD, Desk, desk, make_desk

__all__ = ["desk", "make_desk"]  # fixtures

FIRST, SECOND = "Hello there (0a1b2c3d)", "Good morning (4e5f6071)"
GREETING = "Hi there! My name is Nathan. How can I assist you today?"
REPLY = "The ferry leaves at noon, and it comes back at six in the evening, when the tide is high enough."


def reply(desk: Desk, *parts: str) -> None:
    exchange = desk.recorder.exchange
    assert exchange is not None
    for n, part in enumerate(parts):
        desk.recorder.on_chunk(exchange, desk.clock.now + n, "", {"delta": part, "provider": "Big hat"})


@pytest.fixture
def talk(make_desk: Callable[..., Desk]) -> Desk:
    """A lane with one chat behind it, in the second one before anything is sent."""
    desk = make_desk()
    desk.recorder.begin_chat("load")
    desk.recorder.greeting(GREETING)
    desk.message(FIRST, stored=OLD, sent=OLD)
    reply(desk, REPLY[:30], REPLY[30:])
    desk.end()
    desk.new_chat()
    return desk


@pytest.mark.parametrize(
    ("shown", "earlier"),
    [
        ("", None),
        (GREETING, None),
        ("Good evening. Which of our ships may I tell you about?", None),
        (f"{GREETING}\n{FIRST}", 0),
        (f"You: {FIRST}", 0),
        (REPLY, 0),
        (REPLY[:70], 0),
        (f"{GREETING}\nBig hat:  {REPLY}", 0),
        ("Big hat", None),
        ("The ferry leaves", None),
    ],
)
def test_only_text_of_an_earlier_chat_is_one(talk: Desk, shown: str, earlier: int | None) -> None:
    talk.recorder.screen(1 if shown else 0, shown)
    talk.message(SECOND, stored=NEW, sent=NEW)
    chat = talk.end()
    assert (chat.screen_compared, chat.screen_from) == (True, earlier)


def test_a_reply_that_is_the_greeting_is_no_text_of_the_chat_before(talk: Desk) -> None:
    talk.message(SECOND, stored=NEW, sent=NEW)
    reply(talk, GREETING)
    talk.end()
    talk.new_chat()
    talk.recorder.screen(1, GREETING)
    assert talk.end().screen_from is None


def test_a_greeting_that_came_too_late_to_be_the_first_chats_counts_as_one(talk: Desk) -> None:
    late = "Welcome aboard! Ask me anything about ferries."
    talk.recorder.screen(1, late)
    talk.message(SECOND, stored=NEW, sent=NEW)
    reply(talk, late)
    talk.end()
    talk.new_chat()
    talk.recorder.screen(1, late)
    assert talk.end().screen_from is None


def test_a_conversation_that_a_page_load_brings_back_is_no_greeting(talk: Desk) -> None:
    talk.end()
    talk.recorder.begin_chat("load")
    talk.recorder.greeting(f"{FIRST}\n{REPLY}")
    talk.message(SECOND, stored=NEW, sent=NEW)
    talk.end()
    talk.new_chat()
    talk.recorder.screen(2, f"{FIRST}\n{REPLY}")
    assert talk.end().screen_from == 0


def test_a_screen_that_was_not_read_is_not_compared(talk: Desk) -> None:
    talk.recorder.screen(2)
    chat = talk.end()
    assert (chat.screen_messages, chat.screen_compared, chat.screen_from) == (2, False, None)


def test_the_answer_to_a_title_request_is_no_reply(talk: Desk) -> None:
    late = talk.payload(OLD, body=FIRST, request="title")
    talk.recorder.on_chunk(late, talk.clock.now, "", {"title": "A question about the ferry"})
    assert talk.recorder.earlier_chat_in("A question about the ferry") is None


def test_only_the_last_chats_are_kept() -> None:
    texts = ScreenTexts()
    for chat in range(20):
        texts.add_reply(chat, "r", f"In chat number {chat} the ferry left at noon.")
    assert texts.earlier("In chat number 2 the ferry left at noon.", 20, []) is None
    assert texts.earlier("In chat number 19 the ferry left at noon.", 20, []) == 19


def test_no_text_is_written(talk: Desk) -> None:
    talk.recorder.screen(2, f"{FIRST}\n{REPLY}")
    talk.end()
    talk.writer.flush()
    written = "".join(path.read_text() for path in talk.folder.iterdir())
    assert "0a1b2c3d" not in written
    assert "ferry" not in written


def test_the_body_of_a_reply_that_is_no_stream_of_values_is_known_too(desk: Desk) -> None:
    desk.recorder.begin_chat("load")
    exchange = desk.message(FIRST, stored=OLD, sent=OLD)
    exchange.outcome = "ok"
    desk.recorder.on_finished(exchange)
    exchange.reply.add_text(desk.clock.now, REPLY)
    desk.recorder.on_finished(exchange)
    desk.end()
    desk.new_chat()
    assert desk.recorder.earlier_chat_in(REPLY) == 0
