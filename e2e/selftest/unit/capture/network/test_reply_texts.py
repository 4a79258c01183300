"""Late text: that of an older chat's reply which arrives in the new chat. Its own reply and message are none."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from e2e.capture.network.bodies.reply_texts import ReplyTexts, texts_in

EARLY = "The first ferry of the day leaves the harbour at seven. "
LATE = "After that you can take the slow boat across the northern lake."
OWN = "Bridges are closed to lorries on every second Sunday of the month."


def streamed() -> ReplyTexts:
    """A reply as plain text, of which a part came after New Chat."""
    texts = ReplyTexts()
    texts.add_text(0, 0, EARLY, "a")
    texts.add_text(0, 1, LATE, "a")
    return texts


def as_values() -> ReplyTexts:
    texts = ReplyTexts()
    texts.add(0, 0, {"delta": EARLY}, "a")
    for word in LATE.split(" "):
        texts.add(0, 1, {"delta": word + " "}, "a")
    return texts


@pytest.mark.parametrize("make", [streamed, as_values])
class TestBothKinds:
    def test_only_the_part_after_new_chat_is_late(self, make: Callable[[], ReplyTexts]) -> None:
        texts = make()
        assert texts.found_in(f"bot: {LATE}", 1) == 0
        assert texts.found_in(f"bot: {EARLY}", 1) is None

    def test_in_its_own_chat_it_is_not_late(self, make: Callable[[], ReplyTexts]) -> None:
        assert make().found_in(LATE, 0) is None

    def test_a_text_that_the_new_chats_own_reply_has_too_shows_nothing(
        self, make: Callable[[], ReplyTexts]
    ) -> None:
        texts = make()
        texts.add_text(1, 1, LATE, "b")
        assert texts.found_in(LATE, 1) is None
        texts = make()
        texts.add(1, 1, {"text": LATE}, "b")
        assert texts.found_in(LATE, 1) is None

    def test_a_text_that_the_user_typed_shows_nothing(self, make: Callable[[], ReplyTexts]) -> None:
        texts = make()
        texts.typed(1, LATE)
        assert texts.found_in(LATE, 1) is None

    def test_other_texts_are_not_found(self, make: Callable[[], ReplyTexts]) -> None:
        assert make().found_in(OWN, 1) is None
        assert make().found_in("", 1) is None

    def test_a_new_play_forgets_all(self, make: Callable[[], ReplyTexts]) -> None:
        texts = make()
        texts.forget()
        assert texts.found_in(LATE, 1) is None

    def test_a_reply_of_words_was_followed(self, make: Callable[[], ReplyTexts]) -> None:
        texts = make()
        assert texts.followed(0)
        assert not texts.followed(1)
        texts.typed(0, EARLY + LATE)
        assert not texts.followed(0), "a reply that repeats the message has no words of its own"


def test_the_latest_chat_whose_text_it_is_is_named() -> None:
    texts = ReplyTexts()
    for chat in (0, 1):
        texts.add_text(chat, 2, LATE, f"r{chat}")
    assert texts.found_in(LATE, 2) == 1


def test_a_reply_that_ended_in_its_own_chat_is_never_late() -> None:
    texts = ReplyTexts()
    texts.add_text(0, 0, EARLY + LATE, "a")
    texts.add_text(1, 1, OWN, "b")
    assert texts.found_in(EARLY + LATE, 1) is None


def test_what_belongs_to_no_chat_is_left_out() -> None:
    texts = ReplyTexts()
    texts.add_text(None, 1, LATE, "a")
    texts.add(None, 1, {"t": LATE}, "a")
    texts.add_text(0, None, LATE, "a")
    texts.add(0, None, {"t": LATE}, "a")
    assert texts.found_in(LATE, 1) is None


def test_json_of_a_body_is_read_by_its_strings() -> None:
    line = json.dumps({"id": "x", "text": "One two\nthree"})
    assert texts_in(line)[:2] == ["x", "One two\nthree"]
    assert "One two" in " ".join(texts_in(f"data: {line}\n\n"))
    cut = line[: line.index("three")]
    assert any(text.endswith("One two\n") for text in texts_in(cut))


def test_markup_and_scripts_are_no_text() -> None:
    (shown,) = texts_in("<p>Fish &amp; <b>chips</b></p><script>var x = 1</script>")
    assert shown.split() == ["Fish", "&", "chips"]
