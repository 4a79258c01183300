"""Guards against sessions that break only under fast clicks, other tabs, reloads, Back, or in older chats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.plugin.verdicts import CheckFixture


@pytest.mark.check("rotation.rapid_send")
def test_a_message_sent_at_once_carries_the_new_session(run: Run, check: CheckFixture) -> None:
    """A message sent immediately after the New Chat click carries the new chat's session ID."""
    check(run)


@pytest.mark.check("rotation.double_click")
def test_a_double_click_begins_one_session(run: Run, check: CheckFixture) -> None:
    """A double click on New Chat leads to one fresh session ID, stored and sent."""
    check(run)


@pytest.mark.check("rotation.mid_stream")
def test_an_old_reply_does_not_reach_the_new_chat(run: Run, check: CheckFixture) -> None:
    """Nothing of a reply that still streams reaches the new chat: not on screen, not in storage, not on the wire."""
    check(run)


@pytest.mark.check("rotation.reload")
def test_a_reload_keeps_the_session(run: Run, check: CheckFixture) -> None:
    """A reload continues the chat's session, and restores no ended one."""
    check(run)


@pytest.mark.check("rotation.two_tabs")
def test_two_tabs_keep_their_own_sessions(run: Run, check: CheckFixture) -> None:
    """New Chat in one tab leaves the running chat of another tab as it is."""
    check(run)


@pytest.mark.check("rotation.back_forward")
def test_back_and_forward_keep_the_session(run: Run, check: CheckFixture) -> None:
    """The browser's Back and Forward continue the chat's session, and restore no ended one."""
    check(run)


@pytest.mark.check("rotation.empty_chat")
def test_new_chat_on_an_empty_chat_begins_one_session(run: Run, check: CheckFixture) -> None:
    """New Chat on a chat without messages leads to one fresh session ID."""
    check(run)


@pytest.mark.check("rotation.return_to_chat")
def test_an_older_chat_keeps_its_session(run: Run, check: CheckFixture) -> None:
    """An older chat that the user returns to continues with its own session ID."""
    check(run)
