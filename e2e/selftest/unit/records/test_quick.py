"""Records that are made at the cost of a plain object are otherwise what they were."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from e2e.quick import quick


@dataclass(frozen=True, slots=True)
class Guarded:
    name: str
    tags: list[str] = field(default_factory=list)
    seen: bool = False
    order: int = field(default=0, compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    tags: list[str] = field(default_factory=list)
    seen: bool = False
    order: int = field(default=0, compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Wider(Quick):
    more: int = 1


def test_it_takes_the_same_arguments_and_has_the_same_defaults() -> None:
    for args, named in ((("a",), {}), (("a", ["x"], True), {"order": 3})):
        one, other = Guarded(*args, **named), Quick(*args, **named)  # type: ignore[arg-type]
        assert (one.name, one.tags, one.seen, one.order) == (other.name, other.tags, other.seen, other.order)
    assert Quick("a").tags is not Quick("a").tags
    with pytest.raises(TypeError):
        Quick()  # type: ignore[call-arg]


def test_it_compares_copies_and_is_replaced_as_before() -> None:
    one = Quick("a", ["x"], order=1)
    assert one == Quick("a", ["x"], order=2) != Quick("b", ["x"])
    assert replace(one, name="b") == Quick("b", ["x"])
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert repr(Wider("a")) == "Wider(name='a', tags=[], seen=False, order=0, more=1)"


def test_no_guard_of_a_base_class_slows_it_down() -> None:
    for cls in (Quick, Wider):
        assert cls.__setattr__ is object.__setattr__
        assert not hasattr(cls("a"), "__dict__")
    with pytest.raises(FrozenInstanceError):
        Guarded("a").name = "b"  # type: ignore[misc]


def test_a_class_that_does_more_at_its_start_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Started:
        name: str

        def __post_init__(self) -> None: ...

    with pytest.raises(TypeError, match="__post_init__"):
        quick(Started)
