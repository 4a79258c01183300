"""The backend's own check asks with the IDs of the story's table: each pattern has to be what it is called."""

from __future__ import annotations

import re
import uuid

import pytest

from e2e.capture.session_ids.identity import shape, time_offset
from e2e.capture.session_ids.patterns import PATTERNS
from fixtures.reference_chat.backend.settings import ID_PATTERNS

NOW = 1_763_860_000.5


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.capture.session_ids.patterns.time.time_ns", lambda: int(NOW * 1e9))


def make(name: str, n: int = 5) -> list[str]:
    return PATTERNS[name].make(n)


def test_the_seven_are_those_of_the_option() -> None:
    assert tuple(PATTERNS) == ID_PATTERNS
    assert [pattern.name for pattern in PATTERNS.values()] == list(ID_PATTERNS)


@pytest.mark.parametrize(
    ("name", "distinct"),
    [
        ("timestamp", 5),
        ("counter", 5),
        ("fixed", 1),
        ("userBased", 5),
        ("browserBased", 1),
        ("chatBased", 5),
        ("uuid", 5),
    ],
)
def test_so_many_of_five_ids_are_different(name: str, distinct: int) -> None:
    ids = make(name)
    assert len(ids) == 5
    assert len(set(ids)) == distinct


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("timestamp", r"session_\d{13}_[0-9a-z]{9}"),
        ("counter", r"session_[0-9a-f]{8}_\d"),
        ("fixed", r"session_probe_fixed"),
        ("userBased", r"session_[0-9a-f]{8}_\d{13}"),
        ("browserBased", r"session_probe_[0-9a-f]{12}"),
        ("chatBased", r"session_chat_\d_[0-9a-f]{8}"),
        ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ],
)
def test_the_ids_look_like_a_browsers(name: str, form: str) -> None:
    assert [i for i in make(name) if not re.fullmatch(form, i)] == []


@pytest.mark.parametrize("name", ["fixed", "browserBased"])
def test_the_broken_ones_are_the_same_in_every_run(name: str) -> None:
    assert make(name) == make(name)


@pytest.mark.parametrize("name", ["timestamp", "counter", "userBased", "chatBased", "uuid"])
def test_the_good_ones_are_other_ones_in_every_run(name: str) -> None:
    assert not set(make(name)) & set(make(name))


@pytest.mark.parametrize("name", ["timestamp", "userBased"])
def test_a_time_is_the_time_of_making(name: str) -> None:
    assert [time_offset(i, NOW) for i in make(name, 3)] == [0.0, 0.001, 0.002]


@pytest.mark.parametrize("name", ["counter", "chatBased"])
def test_a_count_begins_at_1(name: str) -> None:
    assert [i.split("_")[2] for i in make(name, 3)] == ["1", "2", "3"]


def test_one_browser_and_one_user_stay_the_same_within_a_run() -> None:
    assert len({i.rsplit("_", 1)[0] for i in make("counter")}) == 1
    assert len({i.rsplit("_", 1)[0] for i in make("userBased")}) == 1


def test_uuids_are_random_ones() -> None:
    assert {uuid.UUID(i).version for i in make("uuid")} == {4}


@pytest.mark.parametrize("name", PATTERNS)
def test_none_asked_for_none_made(name: str) -> None:
    assert make(name, 0) == []
    assert all(shape(i) for i in make(name, 1))
