"""Guards against what nobody thought of: any order of clicks, reloads, tabs and lost networks must leave sessions as they are."""

from e2e.plugin.assertions import Walk, check_walk


def test_nothing_breaks_in_any_order(walk: Walk) -> None:
    """Whatever a person does, in whatever order, each chat keeps a session ID of its own."""
    check_walk(walk)
