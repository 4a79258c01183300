"""Prompts that test a chat's sessions by their content: what it is given, what it is asked for."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, model_validator

from e2e.profile.values.fields import InvalidValue, Part, Text

WORD = "{word}"
"""In a prompt or an expression: the code word, another one for each chat."""


class Memory(Part):
    """A code word is given in one message of a chat and asked for in the next one: the chat must know it, and the next chat must not.

    An empty table is enough for a chat with a language model.
    """

    tell: Text = Field(
        default="Please remember this code word: {word}. Reply with OK.",
        examples=["Bitte merke dir dieses Codewort: {word}"],
    )
    """The message that gives the word. ``{word}`` is a random one, such as ``otter4827``."""
    recall: Text = Field(
        default="Which code word did I give you in this chat? If I gave you none, please say so.",
        examples=["Welches Codewort habe ich dir genannt?"],
    )
    """The message that asks for it."""
    knows: Text = Field(default="{word}", examples=["(?i)your word is {word}"])
    """Regular expression on the reply's text that shows that the chat knows the word. ``{word}`` matches it in any letters."""
    chats: int = Field(default=2, ge=1, le=20, examples=[4])
    """How many chats are given a word, in each of the lanes that play it (two, if there are two). Each takes 3 messages."""

    @model_validator(mode="after")
    def _words_where_they_belong(self) -> Self:
        if WORD not in self.tell:
            raise InvalidValue(
                "tell", self.tell, f'must contain {WORD}; hint: tell = "Remember this word: {WORD}"'
            )
        if WORD in self.recall:
            raise InvalidValue(
                "recall",
                self.recall,
                f'must not contain {WORD}: the question would give the word away; hint: recall = "Which word did I give you?"',
            )
        if WORD not in self.knows:
            raise InvalidValue("knows", self.knows, f'must contain {WORD}; hint: knows = "{WORD}"')
        try:
            re.compile(self.knows.replace(WORD, "(?:otter)"))
        except re.error as error:
            raise InvalidValue(
                "knows",
                self.knows,
                f'not a regular expression ({error.msg}); hint: knows = "(?i)your word is {WORD}"',
            ) from None
        return self
