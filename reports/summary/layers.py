"""The status of each layer: works, does not work, suspected or not judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from e2e.analysis.checks.registry import CHECKS
from e2e.analysis.judge import Judgement
from e2e.analysis.model.check import Check
from e2e.analysis.model.check import Layer as LayerName
from e2e.analysis.model.verdict import UNEXPLAINED, Verdict

Status = Literal["works", "does not work", "suspected", "not judged"]


class Layer(NamedTuple):
    """A layer of the product, the checks of it, and the layers of the causes that belong to it."""

    name: LayerName
    checks: tuple[str, ...]
    causes: tuple[str, ...]


_CAUSES: Mapping[LayerName, tuple[str, ...]] = {
    "New Chat on the page": ("frontend UI",),
    "session store": ("frontend storage", "storage scope"),
    "session in the frontend's state": ("frontend state", "race"),
    "ID generator": ("ID generator",),
    "conversation and delivery": ("delivery",),
    "backend": ("backend",),
    "screen": ("presentation",),
}
"""Layer of the product -> the layers of the causes that lie in it."""


def layers_of(checks: Sequence[Check]) -> tuple[Layer, ...]:
    """The layers with their checks: those of plain chats before those of scenarios, the spread of the backend first.

    The first check that passes speaks for its layer.
    """
    ordered = sorted(checks, key=lambda check: (check.scenario != "plain", not check.statistical))
    return tuple(
        Layer(name, tuple(check.name for check in ordered if check.layer == name), causes)
        for name, causes in _CAUSES.items()
    )


LAYERS = layers_of(CHECKS)


class Standing(NamedTuple):
    """The status of a layer with its reason."""

    layer: Layer
    status: Status
    because: str


def standings(judgement: Judgement) -> list[Standing]:
    """One `Standing` per layer, in the order of a message: page, store, state, backend, screen.

    A layer does not work when a cause belongs to it. If its checks failed by a cause of another layer, it works as far as its other
    checks show. It is suspected when no cause explains a failure.
    """
    verdicts = {v.name: v for v in judgement.verdicts}
    return [_standing(layer, verdicts, judgement) for layer in LAYERS]


def _standing(layer: Layer, verdicts: dict[str, Verdict], judgement: Judgement) -> Standing:
    mine = [verdicts[name] for name in layer.checks if name in verdicts and verdicts[name].requested]
    causes = [c for c in judgement.causes if c.layer in layer.causes]
    if causes:
        named = "; ".join(f"{c.name}: {c.explanation}" for c in causes)
        return Standing(layer, "does not work", named)
    failed = [v for v in mine if v.outcome == "fail"]
    if failed:
        elsewhere = sorted({c.name for v in failed for c in v.causes if c.name != UNEXPLAINED})
        if elsewhere and all(v.cause != UNEXPLAINED for v in failed):
            why = f"{_names(failed)} failed by a cause in another layer, {', '.join(elsewhere)}"
            held = next((v.headline for v in mine if v.outcome == "pass"), None)
            return Standing(layer, "works" if held else "not judged", f"{held}; {why}" if held else why)
        return Standing(layer, "suspected", f"{_names(failed)} failed, and no known cause explains it")
    passed = [v for v in mine if v.outcome == "pass"]
    thin = [v for v in mine if v.outcome == "inconclusive"]
    if not passed:
        return Standing(layer, "not judged", thin[0].headline if thin else "no check covers it")
    because = passed[0].headline
    if thin:
        because += f" ({len(thin)} of {len(mine)} checks inconclusive: {_names(thin)})"
    return Standing(layer, "works", because)


def _names(verdicts: Sequence[Verdict]) -> str:
    return ", ".join(v.name for v in verdicts[:3]) + (
        f" and {len(verdicts) - 3} more" if len(verdicts) > 3 else ""
    )
