"""Judges one part of the IDs, over all samples at once: a rule holds for every ID, or it is no rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.analysis.id_patterns import times
from e2e.analysis.id_patterns.bits import alphabet
from e2e.analysis.id_patterns.samples import Sample, even

CHANCE = 1e-7
"""No rule is claimed that a random part would follow with a larger probability."""

_HASHED = 30_000  # texts and algorithms that the capture tries for one part
_HASHED_KNOWN = 100
_STEP = 1000  # larger steps are not in the features

Column = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the IDs is: a kind for the pattern's name, a name of its own, and why."""

    kind: str
    name: str
    evidence: str = ""
    bits: float = 0.0
    """Room for randomness."""
    loose: bool = False
    """The rule covers the part's head or tail only; the remainder is taken for random."""

    @property
    def ruled(self) -> bool:
        """Whether it follows a rule: not random, and not the same in all IDs."""
        return self.kind not in UNRULED


UNRULED = frozenset({"constant", "random", "uuid", "uuid4", "words", "unknown"})


def judge(column: Column, samples: Sequence[Sample], *, first: bool = False) -> Part:
    """The first rule that all samples follow, in the order: constant, one per browser, time, counter, hash, UUID; else random.

    A number near the time that moves along with it is a time, also where it happens to go in equal steps.
    """
    refs = {p["ref"] for p in column}
    if len(refs) == 1:
        return _constant(column, first)
    time = times.judge_time(column, samples)
    return (
        _per_browser(column, samples)
        or (Part(*time) if time else None)
        or _counter(column, samples)
        or _hash(column)
        or _uuid(column)
        or _random(column)
    )


def space(column: Column) -> list[float]:
    """For each sample, log10 of how many texts of this length and alphabet there are."""
    size, _ = classes(column)
    return [float(p["length"]) * math.log10(size) for p in column]


def classes(column: Column) -> tuple[int, str]:
    """Size and name of the alphabet seen over all samples."""
    return alphabet("".join({c for p in column for c in p["has"]}))


def lengths(column: Column) -> str:
    """``9`` or ``9 to 11``."""
    found = [int(p["length"]) for p in column]
    return str(min(found)) if min(found) == max(found) else f"{min(found)} to {max(found)}"


def _constant(column: Column, first: bool) -> Part:
    hashed = _hash_labels(column)
    known = [h for h in hashed if "counter" not in h and "the time" not in h]
    if known and _HASHED_KNOWN * 10 ** -space(column)[0] <= CHANCE:
        return Part("constant", known[0], f"the same {known[0]} in all {len(column)}")
    wordy = first and not set(column[0]["has"]) & {"0", "?"}
    return Part("constant", "prefix" if wordy else "constant")


def _per_browser(column: Column, samples: Sequence[Sample]) -> Part | None:
    by_lane: dict[int, set[str]] = {}
    for piece, sample in zip(column, samples, strict=True):
        by_lane.setdefault(sample.lane, set()).add(piece["ref"])
    repeats = len(column) - len(by_lane)
    if len(by_lane) < 2 or any(len(refs) > 1 for refs in by_lane.values()):
        return None
    if repeats * min(space(column)) < -math.log10(CHANCE):
        return None
    return Part(
        "browser",
        "one per browser",
        f"a part of {lengths(column)} characters stays the same in each of {len(by_lane)} browsers and differs between them",
    )


def _counter(column: Column, samples: Sequence[Sample]) -> Part | None:
    later = [i for i, s in enumerate(samples) if i and samples[i - 1].lane == s.lane]
    if not later:
        return None
    sizes = space(column)
    found = list(_counts([column[i].get("step", {}) for i in later], [sizes[i] for i in later]))
    if not found:
        return None
    base, steps = found[0]
    if len(set(steps)) == 1:
        description = f"counts in steps of {steps[0]}"
    else:
        description = f"counts in steps of {min(steps)} to {max(steps)}, so others count too"
    return Part(
        "counter", f"counter base {base}", f"a part {description}, base {base} ({len(steps)} steps seen)"
    )


def _counts(steps: Sequence[Mapping[str, int]], sizes: Sequence[float]) -> Iterator[tuple[str, list[int]]]:
    """Bases in which all steps are one, or all go one way, beyond chance."""
    for base in ("10", "16", "36"):
        if not all(base in s for s in steps):
            continue
        seen = [s[base] for s in steps]
        alike = len(set(seen)) == 1 and seen[0] != 0
        one_way = all(step > 0 for step in seen) or all(step < 0 for step in seen)
        # a step of one is foretold; of another, the first one says which
        digits = sum(sizes if seen[0] == 1 else sizes[1:]) if alike else 0.0
        widest = math.log10(max(map(abs, seen)) or 1)
        slack = sum(max(0.0, size - widest) for size in sizes[1:])
        if (alike and digits >= -math.log10(CHANCE)) or (one_way and slack >= -math.log10(CHANCE)):
            yield base, seen


def _hash_labels(column: Column) -> list[str]:
    common = set(column[0].get("hash", ()))
    for piece in column[1:]:
        common &= set(piece.get("hash", ()))
    return sorted(common)


def _hash(column: Column) -> Part | None:
    common = _hash_labels(column)
    distinct = len({p["ref"] for p in column})
    if not common or distinct * (min(space(column)) - math.log10(_HASHED)) < -math.log10(CHANCE):
        return None
    cut = f", {lengths(column)} characters of it"
    return Part("hash", common[0], f"each of {len(column)} is the {common[0]}{cut}")


def _uuid(column: Column) -> Part | None:
    versions = {p.get("uuid") for p in column}
    if None in versions:
        return None
    bare = any(int(p["length"]) == 32 for p in column)
    n = len({p["ref"] for p in column})
    significant = 64.0**-n <= CHANCE  # version and variant are 6 bits
    form = f"{len(column)} UUIDs" + (" without hyphens" if bare else "")
    version = next(iter(versions)) if len(versions) == 1 else 0
    if version == 4 and (significant or not bare):
        return Part("uuid4", "UUID v4", f"{form} of version 4", 122.0)
    if version and significant:
        description = ", with no time near the write" if version in (1, 6, 7) else ""
        return Part(f"uuid{version}", f"UUID v{version}", f"{form} of version {version}{description}")
    if bare:
        return None
    if version:
        return Part("unknown", f"UUID v{version}", f"{form} of version {version}: too few to find a rule")
    return Part("uuid", "UUID of mixed versions", f"{form} of versions {_versions(versions)}")


def _versions(versions: set[Any]) -> str:
    return ", ".join("none" if v == 0 else str(v) for v in sorted(versions))


def _random(column: Column) -> Part:
    size, name = classes(column)
    shortest = min(int(p["length"]) for p in column)
    if "letters" in name and " to " in lengths(column):
        return Part("words", f"words of {lengths(column)} letters")
    if not even(column):
        description = f"{lengths(column)} characters of {name}"
        return Part("unknown", description, f"{len(column)} IDs without a common format: {description}")
    return Part("random", f"random {lengths(column)} of {name}", bits=shortest * math.log2(size))
