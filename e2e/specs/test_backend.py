"""Guards against blaming the frontend for a fault of the backend: tested directly through its API, without the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.plugin.verdicts import CheckFixture


@pytest.mark.check("backend.assigns")
def test_the_backend_distributes_fresh_sessions(run: Run, check: CheckFixture) -> None:
    """20 fresh session IDs reach several providers, and so do the patterns that make unique IDs."""
    check(run)


@pytest.mark.check("backend.persists")
def test_the_backend_keeps_a_session_with_its_provider(run: Run, check: CheckFixture) -> None:
    """The same session ID gets the same provider in every request."""
    check(run)


@pytest.mark.check("backend.cleans_up")
def test_the_backend_forgets_a_removed_session(run: Run, check: CheckFixture) -> None:
    """A session that was removed is gone."""
    check(run)


@pytest.mark.check("backend.state")
def test_the_backend_state_is_consistent(run: Run, check: CheckFixture) -> None:
    """The active sessions that the backend counts add up and spread over its providers."""
    check(run)
