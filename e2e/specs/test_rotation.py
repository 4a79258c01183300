"""Guards against the production fault that this suite was built for: New Chat ended the session, and the page kept its ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.plugin.verdicts import CheckFixture


@pytest.mark.check("rotation.stored_id_is_fresh")
def test_every_new_chat_stores_its_own_session(run: Run, check: CheckFixture) -> None:
    """After New Chat the store holds a session ID that no lane has had before."""
    check(run)


@pytest.mark.check("rotation.sent_id_is_fresh")
def test_every_new_chat_sends_its_own_session(run: Run, check: CheckFixture) -> None:
    """The messages of a new chat carry a session ID that no earlier chat has used."""
    check(run)


@pytest.mark.check("rotation.sent_equals_stored")
def test_the_sent_id_equals_the_stored_id(run: Run, check: CheckFixture) -> None:
    """The session ID in a payload is the one in the store at that moment."""
    check(run)


@pytest.mark.check("rotation.one_id_per_chat")
def test_a_chat_keeps_one_session(run: Run, check: CheckFixture) -> None:
    """All messages of a chat carry one session ID."""
    check(run)


@pytest.mark.check("session_ids.pattern")
def test_the_id_pattern_gives_each_chat_its_own_id(run: Run, check: CheckFixture) -> None:
    """The pattern of the session IDs gives each chat its own ID, hard to guess where the ID is a credential."""
    check(run)
