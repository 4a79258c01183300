"""All causes, collected from the folders beside this module: a new file there is a new cause.

``<folder>/some_cause.py`` holds ``CAUSE = CauseDefinition(name="some-cause", ...)``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import e2e.analysis.causes
from e2e.analysis.causes.definition import CauseDefinition, ChatRule, RunRule
from e2e.analysis.model.verdict import UNEXPLAINED

_HELPERS = "evidence"


class ChatCandidate(NamedTuple):
    """A rule about single chats with its cause."""

    cause: CauseDefinition
    rule: ChatRule


class RunCandidate(NamedTuple):
    """A rule about the whole run with its cause."""

    cause: CauseDefinition
    rule: RunRule


_C = TypeVar("_C", ChatCandidate, RunCandidate)


@cache
def definitions() -> Mapping[str, CauseDefinition]:
    """Name -> definition of every cause.

    Raises ``ValueError`` for a module without ``CAUSE``, for a name that does not match its file, and for an order that two
    rules have.
    """
    found: dict[str, CauseDefinition] = {}
    for module in _modules():
        cause = getattr(import_module(module), "CAUSE", None)
        if not isinstance(cause, CauseDefinition):
            raise ValueError(f"{module}: no cause; hint: CAUSE = CauseDefinition(...)")
        expected = module.rpartition(".")[2].replace("_", "-")
        if cause.name != expected:
            raise ValueError(
                f"{module}: name is {cause.name!r}; hint: name the cause as its file, {expected!r}"
            )
        if cause.name in found:
            raise ValueError(f"{module}: a second cause with the name {cause.name!r}; hint: remove one")
        found[cause.name] = cause
    return MappingProxyType(found)


@cache
def chat_rules() -> tuple[ChatCandidate, ...]:
    """The rules about single chats, in their order: the first that fits explains the chat."""
    rules = [ChatCandidate(cause, rule) for cause in definitions().values() for rule in cause.chat_rules]
    return tuple(_in_order(rules))


@cache
def run_rules() -> tuple[RunCandidate, ...]:
    """The rules about the whole run, in their order: the first that claims a verdict explains it."""
    causes = definitions().values()
    return tuple(_in_order([RunCandidate(c, c.run_rule) for c in causes if c.run_rule is not None]))


def definition(name: str) -> CauseDefinition:
    """The cause of that name; ``unexplained`` where there is none (an older report may name one that is gone)."""
    return definitions().get(name) or definitions()[UNEXPLAINED]


def _modules() -> Iterator[str]:
    root = e2e.analysis.causes
    for folder in pkgutil.iter_modules(root.__path__, f"{root.__name__}."):
        if folder.ispkg and not folder.name.endswith(f".{_HELPERS}"):
            path = import_module(folder.name).__path__
            yield from (module.name for module in pkgutil.iter_modules(path, f"{folder.name}."))


def _in_order(candidates: Sequence[_C]) -> list[_C]:
    by_order: dict[int, _C] = {}
    for candidate in candidates:
        if (other := by_order.setdefault(candidate.rule.order, candidate)) is not candidate:
            raise ValueError(
                f"order {candidate.rule.order} is used by rules of {other.cause.name} and {candidate.cause.name}; "
                "hint: choose a number between two others"
            )
    return [by_order[order] for order in sorted(by_order)]
