"""The variables of make's command line become options; nothing else does."""

from __future__ import annotations

import pytest

from e2e.plugin.settings.from_make import command_line, exported, flags, notices


@pytest.mark.parametrize(
    ("makeflags", "variables"),
    [
        ("", {}),
        ("k -j2 --jobserver-auth=3,4", {}),
        (" -- CHATS=40", {"CHATS": "40"}),
        ("k -- FAULT=a\\ b CHATS=40", {"CHATS": "40", "FAULT": "a b"}),
        (" -- BASE_URL=https://chat.example.org/?a=b", {"BASE_URL": "https://chat.example.org/?a=b"}),
        (" -- TARGET=a$$b\\\\c", {"TARGET": "a$b\\c"}),
        (" -- ARGS=-k\\ x PY=python CHATS=4", {"CHATS": "4"}),
    ],
)
def test_the_command_line_is_read_from_makeflags(makeflags: str, variables: dict[str, str]) -> None:
    assert command_line(makeflags) == variables


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CHATS": "40", "ID_PATTERN": "uuid"}, ["--chats", "40", "--id-pattern", "uuid"]),
        ({"FAULT": "slow stale-state"}, ["--fault", "slow", "--fault", "stale-state"]),
        ({"STRICT_EVIDENCE": "1"}, ["--strict-evidence"]),
        ({"STRICT_EVIDENCE": "0", "TARGET": ""}, []),
        ({"EXPERIMENTS": "off"}, ["--experiments", "off"]),
        ({"SCENARIOS": "reload two-tabs"}, ["--scenarios", "reload two-tabs"]),
        ({"PORT": "8766"}, ["--port", "8766"]),
    ],
)
def test_a_variable_becomes_its_flag(variables: dict[str, str], expected: list[str]) -> None:
    assert flags(variables) == expected


def test_a_switch_is_on_or_off() -> None:
    with pytest.raises(ValueError, match="STRICT_EVIDENCE=maybe: expected 1 or 0"):
        flags({"STRICT_EVIDENCE": "maybe"})


def test_an_unknown_variable_is_named_with_a_hint() -> None:
    [notice] = notices({"CHAT": "40", "LANES": "2"})
    assert (
        notice == "make: CHAT=40 is not an option of the suite, and is ignored\n  hint: did you mean CHATS?"
    )


def test_variables_of_an_outer_make_are_found() -> None:
    environment = {
        "MAKEFLAGS": " -- ARGS=-x OUT=o",
        "MAKELEVEL": "1",
        "ARGS": "-x",
        "OUT": "o",
        "HOME": "/root",
    }
    assert exported(environment) == ["ARGS", "MAKEFLAGS", "MAKELEVEL", "OUT"]
    assert exported({"ARGS": "-x"}) == []
