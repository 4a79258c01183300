"""Code words that chats were given, and whether a reply knows one. Held in memory; a word is no secret, and is written nowhere.

A reply may repeat what was typed: a backend that echoes, a reply with the whole conversation, a chat list with the first messages as
titles. A word inside such an echo shows no knowledge, and is told apart from one that the reply has by itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from e2e.capture.network.bodies.reply_texts import texts_in
from e2e.profile.values.bounded import Pattern

_NOUNS = (
    "otter", "maple", "copper", "lantern", "pepper", "granite", "walnut", "harbor", "velvet", "pigeon", "saffron", "cobalt",
    "juniper", "marble", "thistle", "falcon",
)  # fmt: skip
_WORD = "{word}"
_ECHO = "the reply repeats the message that gave the word, which shows no knowledge of its own"
_NO_SCREEN = " (screen.messages in the profile would show it)"
_BEGINS = 3
"""Words of the message, the code word among them, from which on its beginning is recognised where it was cut off."""
_PROSE = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}|[\u2e80-\ufaff]{4,}")
"""Two words in a row, or as much in a script without spaces: text that somebody reads, no ID and no status."""


@dataclass(frozen=True, slots=True)
class CodeWord:
    """The word of one chat."""

    word: str
    lane: int
    chat: int
    typed: str
    """The message that gave it, as it was typed."""
    line: str
    """The WebSocket that carried that message, or ``""``."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a reply shows of the code words."""

    knows: bool | None
    """It named one of the words that were looked for; None where that is not known."""
    named: CodeWord | None = None
    """The word that it named: one of those, or else another chat's."""
    why: str = ""
    """Why it is not known."""

    def perhaps_cached(self, *, elsewhere: bool) -> Recalled:
        """The same, of a reply that a service worker may have had from its cache: an old reply to another message shows no fault.

        ``elsewhere``: the words were given in other chats, which this one must not know.
        """
        wrong = self.named is not None if elsewhere else self.knows is False
        return Recalled(None, why="a service worker replied; from where was not seen") if wrong else self


@dataclass(slots=True)
class CodeWords:
    """The words of one lane's chats, in the order in which they were given."""

    lane: int = 0
    given: list[CodeWord] = field(default_factory=list)
    """Those of all lanes of the run: a backend may mix up its users."""
    replies: list[str] = field(default_factory=list)
    """Texts of the replies since the words were given: a reply may repeat them with the conversation."""

    def add(self, chat: int, typed: str, word: str, line: str) -> None:
        """The chat was given ``word`` by the message ``typed``."""
        self.given.append(CodeWord(word, self.lane, chat, typed, line))

    @property
    def own(self) -> list[CodeWord]:
        """Those of this lane."""
        return [one for one in self.given if one.lane == self.lane]

    def in_payload(self, body: str) -> tuple[CodeWord, ...]:
        """The words that are in a payload."""
        return tuple(one for one in self.given if one.word in body)

    def prose(self, texts: Sequence[str]) -> list[str]:
        """Those that somebody reads."""
        return [text for text in texts if _PROSE.search(text)]

    def recalled_in(
        self, texts: Sequence[str], shown: str | None, nonce: str, knows: str, *,
        words: Sequence[CodeWord], elsewhere: bool = False,
    ) -> Recalled:  # fmt: skip
        """Whether a reply knows one of ``words``: by what the page shows after the question, or by its ``texts`` where that is None.

        ``nonce`` is the part of the question that no other message has; ``knows`` the profile's expression. The words were
        given ``elsewhere``, in other chats: a reply on the screen that quotes such a message knows it from there.
        """
        by_text = self._known([_after(text, nonce) for text in texts], knows, words)
        if shown is None:
            return by_text if by_text.knows else self._by_text_only(texts, by_text)
        by_screen = self._known([shown], knows, words, quotes=elsewhere)
        if by_screen.knows is False and by_text.knows:
            return Recalled(
                None, why="the word is in the reply's data, and not in the text that the page shows"
            )
        return by_screen

    def _known(
        self, read: Sequence[str], knows: str, words: Sequence[CodeWord], *, quotes: bool = False
    ) -> Recalled:
        doubtful = False
        for one in reversed(words):
            pattern = expression(knows, one.word)
            if any(pattern.search(text if quotes else self._own(text, one)) for text in read):
                return Recalled(True, one)
            doubtful = doubtful or any(pattern.search(text) for text in read)
        if doubtful:
            return Recalled(None, why=_ECHO)
        others = [one for one in reversed(self.given) if one not in words]
        return Recalled(
            False, next((o for o in others if any(_names(text, o, knows) for text in read)), None)
        )

    def _by_text_only(self, texts: Sequence[str], found: Recalled) -> Recalled:
        """Without a screen to look at, what reads like a reply may be an acknowledgement: one that says the same to each message."""
        prose = self.prose(texts)
        if found.knows is not False or found.named is not None:
            return found
        if not prose:
            return Recalled(None, why=f"no text of the reply could be read{_NO_SCREEN}")
        if all(text in self.replies for text in prose):
            return Recalled(
                None, why=f"the reply reads like the one to the message that gave the word{_NO_SCREEN}"
            )
        return found

    def _own(self, text: str, one: CodeWord) -> str:
        """``text`` without the message that gave the word; and where that was in it, without the replies that came after it."""
        rest = _echo(one).sub("\n", text)
        if rest != text:
            for reply in self.replies:
                rest = rest.replace(reply, "\n", 1)
        return rest


def _names(text: str, one: CodeWord, knows: str) -> bool:
    return expression(knows, one.word).search(_echo(one).sub("\n", text)) is not None


def new_word() -> str:
    """A random code word, ``otter4827``: letters of any language's keyboard, and no word of a model's own choice."""
    return f"{secrets.choice(_NOUNS)}{secrets.randbelow(9000) + 1000}"


def expression(knows: str, word: str) -> Pattern:
    """The profile's expression for this word, which matches in small and capital letters, and with a separator before its digits."""
    name = word.rstrip("0123456789")
    spelled = rf"(?<![^\W_])(?i:{name})[\s_-]*{word.removeprefix(name)}(?![^\W_])"
    return Pattern(knows.replace(_WORD, f"(?:{spelled})"), "memory.knows")


def reply_texts(places: Iterable[str]) -> list[str]:
    """The texts of a reply as a person reads them: of a body that is no stream of values, without its markup."""
    return [text for place in places for text in (place, *texts_in(place)) if text.strip()]


def _after(text: str, nonce: str) -> str:
    """What comes after the question, where the text repeats that."""
    return text.rpartition(nonce)[2] if nonce in text else text


def _echo(one: CodeWord) -> re.Pattern[str]:
    """The message that gave the word, from its beginning at least up to the word, whatever became of its punctuation."""
    tokens = re.findall(r"\w+", one.typed)
    at = next((n for n, token in enumerate(tokens) if one.word in token), len(tokens) - 1)
    at = at if at + 1 >= _BEGINS else len(tokens) - 1
    head = r"\W+".join(map(re.escape, tokens[: at + 1]))
    tail = "".join(rf"(?:\W+{re.escape(token)}" for token in tokens[at + 1 :]) + ")?" * (len(tokens) - at - 1)
    return re.compile(head + tail, re.IGNORECASE)
