"""Guards against blaming the frontend for the backend's fault: the same questions, asked without the browser."""

from e2e.analysis.checks import backend
from e2e.analysis.model.run import Run
from e2e.plugin.verdicts import CheckFixture


def test_the_backend_spreads_fresh_sessions(run: Run, check: CheckFixture) -> None:
    """20 fresh session IDs reach several providers, and so do the patterns that make unique IDs."""
    check(backend.assigns(run))


def test_the_backend_keeps_a_session_with_its_provider(run: Run, check: CheckFixture) -> None:
    """The same session ID gets the same provider each time it is asked for."""
    check(backend.persists(run))


def test_the_backend_forgets_a_removed_session(run: Run, check: CheckFixture) -> None:
    """A session that was removed is gone."""
    check(backend.cleans_up(run))


def test_the_backend_has_a_sound_state(run: Run, check: CheckFixture) -> None:
    """The sessions that the backend counts right now add up and spread over its providers."""
    check(backend.state(run))
