"""A reply knows a code word that it has by itself; one that only repeats what was typed knows nothing."""

from __future__ import annotations

import re

import pytest

from e2e.capture.recording.code_words import CodeWord, CodeWords, Recalled, expression, new_word, reply_texts

TYPED = "Please remember this code word: otter4827. Reply with OK. (a1b2c3d4)"
NONCE = "deadbee1"
ECHO = "the reply repeats the message that gave the word, which shows no knowledge of its own"


WORD = CodeWord("otter4827", 0, 3, TYPED, "")


def recalled_in(texts: list[str], shown: str | None, knows: str = "{word}") -> Recalled:
    words = CodeWords()
    words.add(3, TYPED, "otter4827", "")
    words.replies = ["OK, otter4827 it is."]
    return words.recalled_in(texts, shown, NONCE, knows, words=words.given)


@pytest.mark.parametrize(
    "shown", ["It is otter4827.", "**Otter-4827**", "OTTER 4827!", "_otter4827_", "Das Wort war »otter4827«"]
)
def test_a_word_in_any_spelling_is_known(shown: str) -> None:
    assert recalled_in([], shown) == Recalled(True, WORD)


@pytest.mark.parametrize("shown", ["I do not know.", "otter", "potter4827", "otter48271", "我不知道"])
def test_another_text_on_the_screen_does_not_know_it(shown: str) -> None:
    assert recalled_in([], shown) == Recalled(False)


@pytest.mark.parametrize(
    "text",
    [
        TYPED,
        "You wrote: please remember this code word - OTTER4827",  # a title is the message's beginning
        f"{TYPED} OK, otter4827 it is. Sorry?",  # a reply with the whole conversation
    ],
)
def test_an_echo_of_the_message_that_gave_it_shows_nothing(text: str) -> None:
    assert recalled_in([text], None) == Recalled(None, why=ECHO)
    assert recalled_in([], text) == Recalled(None, why=ECHO)


def test_what_comes_after_the_question_in_a_whole_conversation_counts() -> None:
    conversation = f"{TYPED}OK, otter4827 it is.Which code word was it? ({NONCE})"
    assert recalled_in([f"{conversation}You never said."], None) == Recalled(False)
    assert recalled_in([f"{conversation}It is otter4827."], None) == Recalled(True, WORD)


def test_the_same_words_as_before_are_an_answer_where_nothing_is_echoed() -> None:
    assert recalled_in(["OK, otter4827 it is."], None) == Recalled(True, WORD)


@pytest.mark.parametrize("texts", [[], ["ok"], ["c9a1", "200"], ["OK, otter4827 it is"[:3]]])
def test_a_reply_without_a_text_cannot_be_judged(texts: list[str]) -> None:
    assert recalled_in(texts, None).knows is None
    assert "no text of the reply could be read" in recalled_in(texts, None).why


def test_an_acknowledgement_is_no_reply() -> None:
    """Each message is accepted in the same words, and the reply itself comes where the profile does not look."""
    words = CodeWords()
    words.add(3, TYPED, "otter4827", "")
    words.replies = ["Message received"]
    found = words.recalled_in(["Message received"], None, NONCE, "{word}", words=words.given)
    assert found.knows is None
    assert "screen.messages" in found.why


def test_a_word_that_only_the_data_of_a_reply_holds_is_not_decided() -> None:
    assert recalled_in(["Your word: otter4827"], "I do not know.").knows is None


def test_the_profile_names_what_knowing_means() -> None:
    assert recalled_in([], "Was it otter4827?", "your word is {word}") == Recalled(False)
    assert recalled_in([], "Sure, your word is Otter4827", "your word is {word}") == Recalled(True, WORD)


def test_the_latest_word_of_several_is_named_with_its_chat() -> None:
    words = CodeWords()
    words.add(3, TYPED, "otter4827", "")
    words.add(5, TYPED.replace("otter4827", "maple1234"), "maple1234", "")
    for one in words.given:
        assert words.recalled_in([], f"It is {one.word}.", NONCE, "{word}", words=words.given) == Recalled(
            True, one
        )
    assert [one.chat for one in words.in_payload('{"m": "maple1234"}')] == [5]


def test_a_word_of_another_lane_is_named_as_that() -> None:
    """A backend with one memory for all: it knows a word, and not the one that this chat was given."""
    words = CodeWords(lane=1)
    words.given.append(WORD)
    words.add(2, TYPED.replace("otter4827", "maple1234"), "maple1234", "")
    assert [one.word for one in words.own] == ["maple1234"]
    assert words.recalled_in([], "It is otter4827.", NONCE, "{word}", words=words.own) == Recalled(
        False, WORD
    )


def test_words_are_random_and_match_themselves() -> None:
    found = {new_word() for _ in range(200)}
    assert len(found) > 150
    assert all(
        re.fullmatch(r"[a-z]+\d{4}", word) and expression("{word}", word).search(word) for word in found
    )
    assert not any(
        re.search(r"[0-9a-f]{8}", word) for word in found
    )  # that is how messages are distinguished


def test_the_texts_of_a_body_are_those_of_its_values() -> None:
    assert "It is otter4827." in reply_texts(['{"text": "It is otter4827."}'])
    assert any("It is otter4827." in text for text in reply_texts(["<p>It is <b>otter4827</b>.</p>"]))


def test_a_reply_that_quotes_another_chats_message_knows_it() -> None:
    """Nobody gave the word in this chat: the quotation is the strongest sign that the backend mixes them up."""
    words = CodeWords()
    words.add(3, TYPED, "otter4827", "")
    quoted = f"It was in: {TYPED}"
    for elsewhere, found in ((True, Recalled(True, WORD)), (False, Recalled(None, why=ECHO))):
        assert words.recalled_in([], quoted, NONCE, "{word}", words=words.given, elsewhere=elsewhere) == found
    # Other texts of the response, such as a list of chats with their first messages, are no reply.
    assert words.recalled_in([TYPED], None, NONCE, "{word}", words=words.given, elsewhere=True).knows is None


def test_a_reply_that_may_come_from_a_cache_shows_no_fault_and_may_show_that_there_is_none() -> None:
    why = "a service worker replied; from where was not seen"
    assert Recalled(False).perhaps_cached(elsewhere=False) == Recalled(None, why=why)
    assert Recalled(True, WORD).perhaps_cached(elsewhere=True) == Recalled(None, why=why)
    assert Recalled(False, WORD).perhaps_cached(elsewhere=True) == Recalled(None, why=why)
    for kept, elsewhere in (
        (Recalled(True, WORD), False),
        (Recalled(False), True),
        (Recalled(None, why=ECHO), False),
    ):
        assert kept.perhaps_cached(elsewhere=elsewhere) is kept


def test_of_several_texts_one_that_is_new_is_a_reply() -> None:
    words = CodeWords()
    words.add(3, TYPED, "otter4827", "")
    words.replies = ["Message received"]
    for texts, knows in (
        (["Message received", "I do not know it"], False),
        (["Message received", "a1"], None),
    ):
        found = words.recalled_in(texts, None, NONCE, "{word}", words=words.given)
        assert found.knows is knows
