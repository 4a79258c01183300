"""A code word is given in one message and asked for in the next: in the same chat, and in the new one after it."""

from __future__ import annotations

import time
from collections.abc import Generator

from e2e.capture.recording.code_words import CodeWord, Recalled, new_word, reply_texts
from e2e.capture.recording.owners import nonce_of
from e2e.capture.scenarios import opening, turns
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.capture.scenarios.sending import POLL
from e2e.pages.waits import Steps, Wait, pause
from e2e.profile.parts.memory import WORD
from e2e.records.records import SERVED_UNSEEN

MESSAGES = 3
"""Of each chat that is given a word: the word, the question, and the question in the next chat."""
_SHOWN_WITHIN = 1.5
"""Seconds for a reply to be on the screen after its end on the wire."""
_STILL = 0.3
"""Seconds without a change on the screen: a page may write a reply letter by letter, after it has come."""


def memory(context: LaneContext) -> Steps:
    """Give a word, ask for it; New Chat, ask again; as often as the profile says, each time with another word."""
    assert context.profile.memory is not None
    words = context.recorder.chats.words
    yield from opening.new_chat(context)
    for _ in range(context.profile.memory.chats):
        yield from _give_word(context)
        yield from _ask(context, words.own[-1:])
        context.recorder.end_chat()
        yield from opening.new_chat(context)
        yield from _ask(context, words.own)
    context.recorder.end_chat()


def _give_word(context: LaneContext) -> Steps:
    recorder, profile = context.recorder, context.profile.memory
    assert profile is not None
    assert recorder.chat is not None
    word = new_word()
    yield from turns.message(context, text=profile.tell.replace(WORD, word))
    exchange = recorder.exchange
    line = (
        exchange.request.rpartition("#")[0]
        if exchange is not None and exchange.transport == "websocket"
        else ""
    )
    recorder.chats.words.add(recorder.chat.number, recorder.last_text, word, line)
    if exchange is not None:
        recorder.chats.words.replies += reply_texts(exchange.reply.texts())


def _ask(context: LaneContext, words: list[CodeWord]) -> Steps:
    profile = context.profile.memory
    assert profile is not None
    yield from turns.message(context, text=profile.recall)
    found = yield from _recalled(context, words)
    context.recorder.recalled(words[-1], found)


def _recalled(context: LaneContext, words: list[CodeWord]) -> Generator[Wait, None, Recalled]:
    """What the reply shows, by the screen, as soon as it stands there and no longer grows."""
    recorder, profile, page = context.recorder, context.profile.memory, context.page
    assert profile is not None
    message, exchange, nonce = recorder.last_message, recorder.exchange, nonce_of(recorder.last_text)
    if message is None or message.outcome != "ok" or exchange is None:
        return Recalled(None, why="the backend did not take the question")
    texts = reply_texts(exchange.reply.texts())
    elsewhere = recorder.chat is not None and all(one.chat != recorder.chat.number for one in words)
    began = changed = time.monotonic()
    shown: str | None = None
    whole = [" ".join(text.split()) for text in recorder.chats.words.prose(texts)]

    def recalled_in() -> Recalled:
        return recorder.chats.words.recalled_in(
            texts, shown, nonce, profile.knows, words=words, elsewhere=elsewhere
        )

    def settled(now: float) -> bool:
        """Nothing that comes to the screen later can change what it shows of the words."""
        if shown is None:
            return now - began > _SHOWN_WITHIN
        stands = " ".join(shown.split())
        all_there = bool(whole) and all(text in stands for text in whole)
        return (
            all_there or recalled_in().knows is True or now - changed >= _STILL or now - began > _SHOWN_WITHIN
        )

    while (conversation := (yield from page.conversing())) is not None:
        now, before = time.monotonic(), shown
        shown = conversation.partition(nonce)[2].strip(" )\n\t") or None
        changed = changed if shown == before else now
        if settled(now):
            break
        yield from pause(POLL * 4)
    return (
        recalled_in().perhaps_cached(elsewhere=elsewhere)
        if exchange.cached == SERVED_UNSEEN
        else recalled_in()
    )
