"""Each experiment changes one thing before the page is opened, and nothing else."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from unittest.mock import MagicMock

import pytest

from e2e.capture.experiments.catalogue import EXPERIMENTS, OTHER_AGENT, Experiment
from e2e.capture.scenarios.races import SLOW

BY_NAME = {one.name: one for one in EXPERIMENTS}


def calls(experiment: Experiment) -> list[Any]:
    context = MagicMock()
    experiment.before(context)
    return context.mock_calls


def test_the_clock_stands_still_at_the_present_for_scripts() -> None:
    ((name, (script,), _),) = calls(BY_NAME["frozen-clock"])
    assert name == "page.page.add_init_script"
    fixed = re.search(r"fixed = (\w+);", script)
    assert fixed is not None
    assert abs(json.loads(fixed[1]) / 1000 - time.time()) < 60
    assert "NOW" not in script


def test_each_experiment_changes_one_thing() -> None:
    made = {
        name: [(call[0], call[1]) for call in calls(one)]
        for name, one in BY_NAME.items()
        if name != "frozen-clock"
    }
    assert made == {
        "new-context": [],
        "user-agent": [],
        "user": [],
        "reload": [],
        "cache-off": [("wire.bypass_caches", ())],
        "slow-network": [("network", (SLOW,))],
    }
    assert {name for name, one in BY_NAME.items() if one.reloads} == {"reload"}
    assert {name for name, one in BY_NAME.items() if one.other_user} == {"user"}
    assert {name: dict(one.context) for name, one in BY_NAME.items() if one.context} == {
        "user-agent": {"user_agent": OTHER_AGENT}
    }
    assert {name for name, one in BY_NAME.items() if not one.about_ids} == {"cache-off"}


@pytest.mark.parametrize(("accounts", "able"), [(None, False), (1, False), (2, True)])
def test_another_user_needs_a_second_account(accounts: int | None, able: bool) -> None:
    profile = MagicMock()
    if accounts is None:
        profile.login = None
    else:
        profile.login.accounts = ["a", "b"][:accounts]
    assert BY_NAME["user"].lacks(profile) == (
        "" if able else "the profile names no second account (login.accounts)"
    )
    assert all(one.lacks(profile) == "" for name, one in BY_NAME.items() if name != "user")
