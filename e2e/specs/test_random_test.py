"""Guards against faults that no scenario covers: random clicks, reloads, tabs and lost networks must keep sessions intact."""

from __future__ import annotations

from e2e.plugin.assertions import RandomTestResult, check_random_test


def test_random_user_actions_break_no_session(random_test: RandomTestResult) -> None:
    """After any sequence of user actions each chat still has a session ID of its own."""
    check_random_test(random_test)
