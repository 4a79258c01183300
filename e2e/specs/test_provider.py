"""Guards against users who always get the same provider, and against a provider that changes under a conversation."""

from e2e.analysis.checks import provider
from e2e.analysis.model.run import Run
from e2e.plugin.verdicts import CheckFixture


def test_a_session_keeps_its_provider(run: Run, check: CheckFixture) -> None:
    """All replies of one session come from one provider, also after a reload."""
    check(provider.persists(run))


def test_the_label_names_the_provider_that_answered(run: Run, check: CheckFixture) -> None:
    """The provider on the screen is the one in the reply."""
    check(provider.label_is_true(run))


def test_new_sessions_reach_several_providers(run: Run, check: CheckFixture) -> None:
    """The sessions are not pinned to one provider."""
    check(provider.varies(run))


def test_providers_get_their_expected_shares(run: Run, check: CheckFixture) -> None:
    """The sessions spread over the providers as the profile expects."""
    check(provider.balanced(run))


def test_a_provider_is_a_free_draw(run: Run, check: CheckFixture) -> None:
    """The provider of a new session depends on no chat before, no lane, no browser and no hour."""
    check(provider.independent(run))
