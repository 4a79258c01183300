"""Guards against a conversation that leaks into the next one."""

from e2e.analysis.checks import chat
from e2e.analysis.model.run import Run
from e2e.plugin.verdicts import CheckFixture


def test_a_new_chat_starts_empty(run: Run, check: CheckFixture) -> None:
    """A new chat shows and sends nothing of the chat before."""
    check(chat.starts_empty(run))


def test_every_reply_is_live(run: Run, check: CheckFixture) -> None:
    """Every reply comes from the backend, not from a cache or a service worker."""
    check(chat.is_live(run))
