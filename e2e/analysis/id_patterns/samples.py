"""One session ID as the analysis sees it, and the ways to cut all of a run's IDs into parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VERSION = 1
"""Of the features that can be read here; others are left out."""

_MANY = 10  # IDs from which on their agreeing in every separator tells a form, even where lengths differ
_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """The features of one ID, and where it came from."""

    features: Mapping[str, Any]
    lane: int = 0
    context: str = ""
    """What this lane's browser shares with others, so that an ID made of it is recognised: its user agent, its user."""
    order: float = 0.0

    @property
    def ref(self) -> str:
        """The keyed hash of the whole ID."""
        return str(self.features["ref"])

    @property
    def written(self) -> float:
        """Epoch seconds of the writing."""
        return float(self.features["written"])

    @property
    def gaps(self) -> list[str]:
        """What stands before, between and after the words."""
        return list(self.features["gaps"])


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to cut every ID: the keys of its pieces, from the left."""

    keys: tuple[str, ...]
    rest: str = ""
    """The piece that may hold separators of its own; ``""`` when the IDs are cut at every one."""

    def columns(self, samples: Sequence[Sample]) -> list[list[Mapping[str, Any]]]:
        """For each piece, its features in every sample."""
        return [[s.features["pieces"][key] for s in samples] for key in self.keys]


def readable(samples: Sequence[Sample]) -> list[Sample]:
    """The samples whose features are of a version that is known here, lane by lane in order."""
    found = [s for s in samples if s.features.get("version") == VERSION]
    return sorted(found, key=lambda s: (s.lane, s.order))


def cuts(samples: Sequence[Sample]) -> Iterator[Cut]:
    """The ways in which all samples can be cut, finest first. An ID with a separator by chance does not agree with the others."""
    first = samples[0]
    count = int(first.features["tokens"])
    alike = all(s.features["tokens"] == count and s.gaps == first.gaps for s in samples)
    if alike and 1 <= count <= _TOKENS:
        keys = tuple(str(i) for i in range(count))
        worded = tuple(part for key in keys for part in _worded(samples, key))
        if worded != keys:
            yield Cut(worded)
        yield Cut(keys)
    least = min(int(s.features["tokens"]) for s in samples)
    for k in (3, 2, 1):
        if least > k and all(s.gaps[: k + 1] == first.gaps[: k + 1] for s in samples):
            keys = (*(str(i) for i in range(k)), f"{k}+")
            worded = (*(part for key in keys[:-1] for part in _worded(samples, key)), keys[-1])
            if worded != keys:
                yield Cut(worded, rest=keys[-1])
            yield Cut(keys, rest=keys[-1])
    few = all(s.features["tokens"] <= _TOKENS for s in samples)
    if least > 1 and few and len({s.gaps[-2] for s in samples}) == 1:
        yield Cut(("..-1", "-1"), rest="..-1")


def _worded(samples: Sequence[Sample], key: str) -> tuple[str, ...]:
    """``chat`` and ``12`` of ``chat12``, when every sample has a number there after the same letters."""
    pieces = [s.features["pieces"] for s in samples]
    if any(f"{key}w" not in p for p in pieces) or len({p[key]["ref"] for p in pieces}) == 1:
        return (key,)
    if len({p[f"{key}w"]["ref"] for p in pieces}) > 1:
        return (key,)
    return (f"{key}w", f"{key}n")


def even(column: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a part without any rule may be one part: of one length, or of about one in many IDs."""
    lengths = [int(p["length"]) for p in column]
    spread = max(lengths) - min(lengths)
    return spread == 0 or (spread <= 4 and len(lengths) >= _MANY)
