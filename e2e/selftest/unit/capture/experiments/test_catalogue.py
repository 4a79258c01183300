"""Each experiment changes one thing before the page is opened, and nothing else."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from e2e.capture.experiments.catalogue import EXPERIMENTS, OTHER_AGENT, Experiment
from e2e.capture.scenarios import opening, turns
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


@pytest.mark.parametrize(
    ("name", "rotation", "done"),
    [
        (
            "new-context",
            "on_click",
            ["begin load", "open_page", "message", "end", "new_chat", "message", "end"],
        ),
        (
            "new-context",
            "on_first_reply",
            ["begin load", "open_page", "message", "message", "end", "new_chat", "message", "end"],
        ),
        (
            "reload",
            "on_click",
            [
                "begin load",
                "open_page",
                "message",
                "end",
                "new_chat",
                "reload",
                "message after reload",
                "end",
            ],
        ),
    ],
)
def test_an_experiment_is_a_chat_and_another_one_after_new_chat(
    name: str, rotation: str, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []

    def step(what: str) -> Any:
        def play(_: Any, *, after: str = "") -> Any:
            found.append(f"{what} after {after}" if after else what)
            yield from ()

        return play

    for module, names in ((opening, ("open_page", "new_chat", "reload")), (turns, ("message",))):
        for what in names:
            monkeypatch.setattr(module, what, step(what))
    context: Any = SimpleNamespace(
        recorder=SimpleNamespace(
            begin_chat=lambda via: found.append(f"begin {via}"), end_chat=lambda: found.append("end")
        ),
        profile=SimpleNamespace(policy=SimpleNamespace(rotation=rotation)),
    )
    assert list(BY_NAME[name].play(context)) == []
    assert found == done
