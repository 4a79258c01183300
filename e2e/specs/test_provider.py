"""Guards against users who always get the same provider, and against a provider that changes under a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.plugin.verdicts import CheckFixture


@pytest.mark.check("provider.persists")
def test_a_session_keeps_its_provider(run: Run, check: CheckFixture) -> None:
    """All replies of one session come from one provider, also after a reload."""
    check(run)


@pytest.mark.check("provider.label_is_true")
def test_the_label_names_the_provider_that_answered(run: Run, check: CheckFixture) -> None:
    """The provider on the screen is the one in the reply."""
    check(run)


@pytest.mark.check("provider.varies")
def test_new_sessions_reach_several_providers(run: Run, check: CheckFixture) -> None:
    """The sessions are not pinned to one provider."""
    check(run)


@pytest.mark.check("provider.balanced")
def test_providers_get_their_expected_shares(run: Run, check: CheckFixture) -> None:
    """The sessions spread over the providers as the profile expects."""
    check(run)


@pytest.mark.check("provider.independent")
def test_the_provider_of_a_session_is_independent(run: Run, check: CheckFixture) -> None:
    """The provider of a new session does not depend on the chat before, the lane, the browser or the hour."""
    check(run)
