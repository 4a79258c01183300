"""Guards against a conversation that leaks into the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.plugin.verdicts import CheckFixture


@pytest.mark.check("chat.starts_empty")
def test_a_new_chat_starts_empty(run: Run, check: CheckFixture) -> None:
    """A new chat shows and sends nothing of the chat before."""
    check(run)


@pytest.mark.check("reply.is_live")
def test_every_reply_is_live(run: Run, check: CheckFixture) -> None:
    """Every reply comes from the backend, not from a cache or a service worker."""
    check(run)


@pytest.mark.check("chat.remembers")
def test_a_chat_knows_what_it_was_given(run: Run, check: CheckFixture) -> None:
    """A code word that one message gives is known in the next message of the same chat."""
    check(run)


@pytest.mark.check("chat.forgets")
def test_a_new_chat_does_not_know_what_an_earlier_one_was_given(run: Run, check: CheckFixture) -> None:
    """A code word that one chat was given is not known in the chat after New Chat."""
    check(run)
