"""Guards against the production fault that began it all: New Chat ended the session, and the page went on with its ID."""

from e2e.analysis.checks import rotation, session_ids
from e2e.analysis.model.run import Run
from e2e.plugin.verdicts import CheckFixture


def test_every_new_chat_stores_its_own_session(run: Run, check: CheckFixture) -> None:
    """After New Chat the store holds a session ID that was never seen before, in any lane."""
    check(rotation.stored_id_is_fresh(run))


def test_every_new_chat_sends_its_own_session(run: Run, check: CheckFixture) -> None:
    """The messages of a new chat carry a session ID that no earlier chat has used."""
    check(rotation.sent_id_is_fresh(run))


def test_what_is_sent_is_what_is_stored(run: Run, check: CheckFixture) -> None:
    """The session ID in a payload is the one in the store at that moment."""
    check(rotation.sent_equals_stored(run))


def test_a_chat_keeps_to_one_session(run: Run, check: CheckFixture) -> None:
    """All messages of a chat carry one session ID."""
    check(rotation.one_id_per_chat(run))


def test_session_ids_can_be_told_apart(run: Run, check: CheckFixture) -> None:
    """The way in which session IDs are made gives each chat one of its own, hard to guess where it is a credential."""
    check(session_ids.pattern(run))
