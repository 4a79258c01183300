"""Guards against judging nothing: a chat must be possible, and every planned chat must have been seen."""

from e2e.analysis.checks import smoke
from e2e.analysis.model.run import Run
from e2e.plugin.assertions import require_complete
from e2e.plugin.verdicts import CheckFixture


def test_a_chat_can_be_had(run: Run, check: CheckFixture) -> None:
    """The page opens, a message gets its reply, and one stored and one sent session ID are seen."""
    check(smoke.smoke(run))


def test_every_planned_chat_was_observed(run: Run) -> None:
    """The suite could look at all that it was asked to look at."""
    require_complete(run)
