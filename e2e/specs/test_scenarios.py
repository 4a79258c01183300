"""Guards against sessions that go wrong only in less quiet moments: fast clicks, other tabs, reloads, Back, older chats."""

from e2e.analysis.checks import scenarios
from e2e.analysis.model.run import Run
from e2e.plugin.verdicts import CheckFixture


def test_a_message_sent_at_once_has_the_new_session(run: Run, check: CheckFixture) -> None:
    """A message typed and sent the instant New Chat is clicked carries the new chat's session ID."""
    check(scenarios.rapid_send(run))


def test_a_double_click_begins_one_session(run: Run, check: CheckFixture) -> None:
    """A double click on New Chat leads to one fresh session ID, stored and sent."""
    check(scenarios.double_click(run))


def test_a_reply_left_behind_stays_behind(run: Run, check: CheckFixture) -> None:
    """Nothing of a reply that still streams reaches the new chat: not on screen, not in storage, not on the wire."""
    check(scenarios.mid_stream(run))


def test_a_reload_brings_nothing_back(run: Run, check: CheckFixture) -> None:
    """A reload goes on with the chat's session, and brings no ended one back."""
    check(scenarios.reload(run))


def test_two_tabs_leave_each_other_alone(run: Run, check: CheckFixture) -> None:
    """New Chat in one tab leaves the running chat of another tab as it is."""
    check(scenarios.two_tabs(run))


def test_back_and_forward_bring_nothing_back(run: Run, check: CheckFixture) -> None:
    """The browser's Back and Forward go on with the chat's session, and bring no ended one back."""
    check(scenarios.back_forward(run))


def test_an_empty_chat_costs_nothing(run: Run, check: CheckFixture) -> None:
    """New Chat on a chat without messages leads to one fresh session ID."""
    check(scenarios.empty_chat(run))


def test_an_older_chat_keeps_its_session(run: Run, check: CheckFixture) -> None:
    """A chat that is gone back to goes on with its own session ID."""
    check(scenarios.return_to_chat(run))
