"""An earlier name of a key is refused with the present name, wherever the key may be."""

from __future__ import annotations

import datetime as dt
import itertools
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from e2e.errors import InvalidProfile
from e2e.profile.profile import Profile, parse, toml_value
from e2e.profile.recipes import MINIMAL
from e2e.profile.values.error_messages import key_of, models_of
from e2e.profile.values.renamed_keys import RENAMED, matches, new_name


def paths(model: type[BaseModel] = Profile, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key of a profile. A list has one item; a locator within a locator is left out."""
    for name, field in model.model_fields.items():
        here = (*at, field.alias or name)
        yield here
        for inner in models_of(field.annotation):
            if inner.__name__ != "Locate":
                yield from paths(inner, (*here, 0) if "tuple" in str(field.annotation) else here)


PLACES = [
    (old, path, new.rpartition(".")[2])
    for old, new in RENAMED.items()
    for path in paths()
    if matches(new, path)
]


def with_value(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The minimal profile with ``value`` at ``path``."""
    raw = tomllib.loads(MINIMAL)
    table: Any = raw
    for key, following in itertools.pairwise(path):
        if isinstance(key, int):
            table.extend([{}] * (key + 1 - len(table)))
            table = table[key]
        else:
            table = table.setdefault(key, [] if isinstance(following, int) else {})
    table[path[-1]] = value
    return raw


@pytest.mark.parametrize(("old", "path", "new"), PLACES, ids=[key_of(path) for _, path, _ in PLACES])
def test_the_earlier_name_is_refused_with_the_present_one(old: str, path: tuple[Any, ...], new: str) -> None:
    earlier = (*path[:-1], old.rpartition(".")[2])
    with pytest.raises(InvalidProfile) as refused:
        parse(with_value(earlier, 1), "acme.toml")
    assert (
        f"acme.toml: {key_of(earlier)}\n  got 1: renamed: the key is now {new}\n  hint: "
        in f"{refused.value}"
    )


def test_each_renamed_key_exists_under_its_present_name() -> None:
    assert {old for old, _, _ in PLACES} == RENAMED.keys()


def test_no_earlier_name_is_a_key_again() -> None:
    assert [key_of(path) for path in paths() if new_name(path) is not None] == []


def test_the_hint_is_the_line_with_the_present_name() -> None:
    with pytest.raises(InvalidProfile) as refused:
        parse(with_value(("policy", "bearer"), True), "acme.toml")
    assert str(refused.value).splitlines() == [
        "acme.toml: policy.bearer",
        "  got true: renamed: the key is now id_is_secret",
        "  hint: id_is_secret = true",
    ]


def test_the_hint_for_a_list_of_tables_is_its_heading() -> None:
    known = {"cause": "label-stale", "until": dt.date(2027, 1, 31), "reason": "known"}
    with pytest.raises(InvalidProfile) as refused:
        parse(with_value(("accepted",), [known]), "acme.toml")
    assert str(refused.value).splitlines() == [
        "acme.toml: accepted",
        f"  got [{toml_value(known)}]: renamed: the key is now known_issues",
        "  hint: [[known_issues]]",
    ]


def test_a_hint_masks_secrets() -> None:
    action = {"fill": {"password": "hunter2"}}
    with pytest.raises(InvalidProfile) as refused:
        parse(with_value(("steps", "second_send"), [action]), "acme.toml")
    assert "hunter2" not in str(refused.value)
