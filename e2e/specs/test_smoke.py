"""Guards against judging nothing: a chat round trip must work, and every planned chat must be observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.plugin.assertions import require_complete

if TYPE_CHECKING:
    from e2e.analysis.model.run import Run
    from e2e.plugin.verdicts import CheckFixture


@pytest.mark.check("smoke")
def test_a_chat_round_trip_works(run: Run, check: CheckFixture) -> None:
    """The page opens, a message gets its reply, and one stored and one sent session ID are observed."""
    check(run)


@pytest.mark.completeness
def test_every_planned_chat_was_observed(run: Run) -> None:
    """The suite observed every planned chat completely."""
    require_complete(run)
