"""Code words: which messages a chat gets, and how long its reply is looked for on the screen. No browser."""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.recording.code_words import CodeWord, CodeWords, Recalled
from e2e.capture.scenarios import memory, opening, turns
from e2e.pages import waits
from e2e.pages.waits import Steps, Wait
from e2e.profile.parts.memory import Memory
from e2e.records.records import SERVED_UNSEEN

QUESTION = "Which code word did I give you in this chat? (deadbee1)"
TYPED = "Please remember this code word: otter4827. Reply with OK. (a1b2c3d4)"
REFUSED = "the backend did not take the question"
CACHED = "a service worker replied; from where was not seen"


class Scene:
    """A chat whose reply has ended on the wire; ``screen`` gives what the page shows after so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.began, self.looks = 100.0, 100.0, 0
        self.screen: Callable[[float], str | None] = lambda _: ""
        clock = SimpleNamespace(monotonic=lambda: self.now)
        for module in (memory, waits):
            monkeypatch.setattr(module, "time", clock)
        self.words = CodeWords()
        self.words.add(3, TYPED, "otter4827", "")
        self.texts: list[str] = []
        self.exchange: Any = SimpleNamespace(
            reply=SimpleNamespace(texts=lambda: self.texts), cached="", transport="http", request="r-1"
        )
        self.recorder: Any = SimpleNamespace(
            last_message=SimpleNamespace(outcome="ok"), exchange=self.exchange, last_text=QUESTION,
            chat=SimpleNamespace(number=3), chats=SimpleNamespace(words=self.words),
        )  # fmt: skip
        self.context: Any = SimpleNamespace(
            recorder=self.recorder, profile=SimpleNamespace(memory=Memory()), page=SimpleNamespace(conversing=self._shown)
        )  # fmt: skip

    def _shown(self) -> Generator[Wait, None, str | None]:
        self.looks += 1
        yield from ()
        return self.screen(self.now - self.began)

    def recalled(self, words: list[CodeWord] | None = None) -> Recalled:
        steps = memory._recalled(self.context, self.words.given if words is None else words)
        while True:
            try:
                wait = next(steps)
            except StopIteration as end:
                found: Recalled = end.value
                return found
            while not wait.until():
                self.now += 0.01

    @property
    def took(self) -> float:
        return round(self.now - self.began, 2)


def after(text: str) -> str:
    """The conversation on the screen with ``text`` after the question."""
    return f"{QUESTION}\n{text}"


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


class TestRecalled:
    @pytest.mark.parametrize("broken", ["no message", "failed", "no exchange"])
    def test_a_question_that_was_not_taken_shows_nothing(self, scene: Scene, broken: str) -> None:
        if broken == "no message":
            scene.recorder.last_message = None
        elif broken == "failed":
            scene.recorder.last_message.outcome = "timeout"
        else:
            scene.recorder.exchange = None
        assert scene.recalled() == Recalled(None, why=REFUSED)
        assert scene.looks == 0

    def test_one_look_is_enough_where_the_whole_reply_is_shown(self, scene: Scene) -> None:
        scene.texts = ["I do not know.", "You gave me none."]
        scene.screen = lambda _: after("I do  not\nknow. You gave me none.")
        assert scene.recalled() == Recalled(False)
        assert (scene.looks, scene.took) == (1, 0.0)

    def test_one_look_is_enough_where_the_word_is_shown(self, scene: Scene) -> None:
        scene.texts = ["It is **otter4827**, of course."]
        scene.screen = lambda _: after("It is otter4827")
        assert scene.recalled() == Recalled(True, scene.words.given[0])
        assert (scene.looks, scene.took) == (1, 0.0)

    def test_a_part_of_the_reply_is_not_the_end(self, scene: Scene) -> None:
        scene.texts = ["Let me think.", "It is otter4827."]
        scene.screen = lambda t: after("Let me think." if t < 0.1 else "Let me think. It is otter4827.")
        assert scene.recalled().knows is True
        assert 0.1 <= scene.took < 0.2

    def test_a_reply_without_readable_text_may_still_grow(self, scene: Scene) -> None:
        scene.texts = ["1"]
        scene.screen = lambda t: after("Hm" if t < 0.2 else "Hm, otter4827")
        assert scene.recalled().knows is True
        assert 0.2 <= scene.took < 0.3

    def test_text_that_no_longer_changes_is_all(self, scene: Scene) -> None:
        scene.texts = ["# I **do** not know"]
        scene.screen = lambda t: after("I do not know"[: int(t / 0.05)])
        assert scene.recalled() == Recalled(False)
        assert 0.9 <= scene.took <= 1.05  # 13 letters in 0.65 s, and 0.3 s without a change

    def test_text_that_changes_for_ever_is_taken_after_a_limit(self, scene: Scene) -> None:
        scene.texts = ["# I **do** not know"]
        scene.screen = lambda t: after(f"I do not know {int(t * 100)}")
        assert scene.recalled() == Recalled(False)
        assert 1.5 <= scene.took < 1.6

    @pytest.mark.parametrize("screen", ["", "Something else", after(" )\n\t")])
    def test_a_reply_that_is_never_shown_is_read_from_the_wire_after_a_limit(
        self, scene: Scene, screen: str
    ) -> None:
        scene.texts = ["It is otter4827, of course."]
        scene.screen = lambda _: screen
        assert scene.recalled() == Recalled(True, scene.words.given[0])
        assert 1.5 <= scene.took < 1.6

    def test_a_page_without_readable_messages_is_not_waited_for(self, scene: Scene) -> None:
        scene.texts = ["I do not know it."]
        scene.screen = lambda _: None
        assert scene.recalled() == Recalled(False)
        assert (scene.looks, scene.took) == (1, 0.0)

    def test_the_words_of_the_question_itself_count_for_nothing(self, scene: Scene) -> None:
        scene.texts = ["I do not know it."]
        scene.screen = lambda _: f"otter4827 is what an earlier reply named. {after('I do not know it.')}"
        assert scene.recalled() == Recalled(False)

    @pytest.mark.parametrize(("chat", "knows"), [(3, None), (4, True)])
    def test_a_quote_of_the_message_shows_knowledge_in_another_chat_only(
        self, scene: Scene, chat: int, knows: bool | None
    ) -> None:
        scene.recorder.chat.number = chat
        scene.screen = lambda _: after(f"Your first message was: {TYPED}")
        assert scene.recalled().knows is knows

    @pytest.mark.parametrize(
        ("chat", "text", "found"),
        [
            (3, "It is otter4827.", True),
            (3, "I do not know.", None),  # an old reply to another message
            (4, "It is otter4827.", None),
            (4, "I do not know.", False),
        ],
    )
    def test_a_reply_that_may_be_cached_shows_no_fault(
        self, scene: Scene, chat: int, text: str, found: bool | None
    ) -> None:
        scene.exchange.cached, scene.recorder.chat.number = SERVED_UNSEEN, chat
        scene.screen = lambda _: after(text)
        recalled = scene.recalled()
        assert (recalled.knows, recalled.why) == (found, CACHED if found is None else "")


class TestScenario:
    def test_each_word_is_given_asked_for_and_asked_for_again_in_the_next_chat(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[Any] = []
        names = iter(("maple1000", "copper2000"))
        scene.words.given.clear()
        scene.recorder.chat.number = 0
        scene.context.profile.memory = Memory(tell="Keep {word}", recall="Which?", chats=2)
        scene.recorder.end_chat = lambda: done.append("end")
        scene.recorder.recalled = lambda word, found: done.append((word.word, word.chat, found.knows))

        def new_chat(context: Any) -> Steps:
            done.append("new chat")
            context.recorder.chat.number += 1
            yield from ()

        def message(context: Any, *, text: str) -> Steps:
            done.append(text)
            context.recorder.last_text = f"{text} (deadbee{len(done):x})"
            scene.texts = ["OK, I will keep it."] if text.startswith("Keep") else ["I do not know it."]
            yield from ()

        monkeypatch.setattr(opening, "new_chat", new_chat)
        monkeypatch.setattr(turns, "message", message)
        monkeypatch.setattr(memory, "new_word", lambda: next(names))
        scene.screen = lambda _: None
        assert list(memory.memory(scene.context)) == []
        one = ("maple1000", 1, False)
        two = ("copper2000", 2, False)
        assert done == [
            "new chat", "Keep maple1000", "Which?", one, "end",
            "new chat", "Which?", one, "Keep copper2000", "Which?", two, "end",
            "new chat", "Which?", two, "end",
        ]  # fmt: skip
        assert set(scene.words.replies) == {"OK, I will keep it."}
        assert [word.typed for word in scene.words.given] == [
            "Keep maple1000 (deadbee2)",
            "Keep copper2000 (deadbee9)",
        ]

    def test_a_chat_is_asked_for_its_own_word_and_a_new_one_for_all_before(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_for: list[list[str]] = []

        def recalled(context: Any, words: list[CodeWord]) -> Generator[Wait, None, Recalled]:
            looked_for.append([one.word for one in words])
            yield from ()
            return Recalled(False)

        names = iter(("maple1000", "copper2000"))
        scene.words.given.clear()
        scene.recorder.end_chat = lambda: None
        scene.recorder.recalled = lambda word, found: None
        monkeypatch.setattr(opening, "new_chat", lambda *_: iter(()))
        monkeypatch.setattr(turns, "message", lambda *_, **__: iter(()))
        monkeypatch.setattr(memory, "new_word", lambda: next(names))
        monkeypatch.setattr(memory, "_recalled", recalled)
        assert list(memory.memory(scene.context)) == []
        assert looked_for == [["maple1000"], ["maple1000"], ["copper2000"], ["maple1000", "copper2000"]]

    @pytest.mark.parametrize(
        ("transport", "request_", "line"),
        [("websocket", "7#3", "7"), ("http", "7#3", ""), ("websocket", "7", "")],
    )
    def test_a_word_is_kept_with_the_websocket_that_carried_it(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, transport: str, request_: str, line: str
    ) -> None:
        monkeypatch.setattr(turns, "message", lambda *_, **__: iter(()))
        scene.exchange.transport, scene.exchange.request = transport, request_
        assert list(memory._give_word(scene.context)) == []
        assert scene.words.given[-1].line == line

    def test_a_message_without_an_exchange_leaves_no_reply(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(turns, "message", lambda *_, **__: iter(()))
        scene.recorder.exchange = None
        assert list(memory._give_word(scene.context)) == []
        assert (len(scene.words.given), scene.words.given[-1].line, scene.words.replies) == (2, "", [])
