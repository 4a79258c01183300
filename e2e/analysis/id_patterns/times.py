"""Times in session IDs: near the writing in every ID, and moving along with it."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from e2e.analysis.id_patterns.bits import alphabet
from e2e.analysis.id_patterns.samples import Sample

ON_TIME = 5.0
"""Seconds between the time in an ID and its writing."""
CORRELATED = 0.99
_SLACK = 0.3  # seconds: features are rounded to tenths, and a write takes its time
_ENOUGH = 5  # IDs from which on a clock may be off, if it is off by the same
_SIZES = {
    "s base 10": 10,
    "ms base 10": 13,
    "µs base 10": 16,
    "ns base 10": 19,
    "s base 16": 8,
    "ms base 16": 11,
    "padded ms base 16": 12,
    "µs base 16": 13,
    "s base 36": 6,
    "ms base 36": 8,
    "µs base 36": 10,
    "s base 62": 6,
    "ms base 62": 7,
    "s base 62 (upper case first)": 6,
    "ms base 62 (upper case first)": 7,
}
# label -> kind, bits left for randomness, coarseness of the time in seconds
_FORMATS = {
    "UUID v1": ("uuid1", 0.0, 1e-3),
    "UUID v6": ("uuid6", 0.0, 1e-3),
    "UUID v7": ("uuid7", 74.0, 1e-3),
    "ULID": ("ulid", 80.0, 1e-3),
    "KSUID": ("ksuid", 128.0, 1.0),
    "ObjectId": ("objectid", 0.0, 1.0),
    "xid": ("xid", 0.0, 1.0),
    "push ID": ("pushid", 72.0, 1e-3),
    "cuid": ("cuid", 41.4, 1e-3),
    "Snowflake (Twitter)": ("snowflake", 0.0, 1e-3),
    "Snowflake (Discord)": ("snowflake", 0.0, 1e-3),
    "Snowflake (1970)": ("snowflake", 0.0, 1e-3),
    "date and time": ("timestamp", 0.0, 1.0),
}
Column = Sequence[Mapping[str, Any]]
Found = tuple[str, str, str, float, bool]
"""Kind, name, evidence, bits, loose: the fields of a `Part`."""


def judge_time(column: Column, samples: Sequence[Sample]) -> Found | None:
    """The time in a part: the same reading of all samples, within 5 s of the writing and correlated with it above 0.99.

    A reading that is near the writing in every ID and does not move along with it is ``unknown``, so that nobody takes it for random.
    """
    offsets = [dict(reversed(p.get("time", []))) for p in column]
    common = set(offsets[0]).intersection(*offsets[1:])
    written = [s.written for s in samples]
    stuck = ""
    for label in sorted(common, key=lambda name: _rank(name, column)):
        off = [float(o[label]) for o in offsets]
        if not _near(off):
            continue
        if _follows(off, written, _coarse(label)):
            return _named(label, off, written, column)
        stuck = stuck or label
    flake = _snowflake(column, samples)
    if flake:
        return flake
    if not stuck:
        return _some(offsets)
    description = (
        f"a part reads as a time ({stuck}) near the write in all {len(column)}, but does not change with it"
    )
    return "unknown", f"number near the time ({stuck})", description, 0.0, False


def _some(offsets: Sequence[Mapping[str, float]]) -> Found | None:
    """A time in more than half of the IDs is none of chance, and none that all follow."""
    counts = Counter(label for o in offsets for label in o)
    label, n = max(counts.items(), key=lambda item: item[1], default=("", 0))
    if n < 2 or 2 * n <= len(offsets):
        return None
    description = f"a part reads as a time ({label}) near the write in {n} of {len(offsets)}, not in all within {ON_TIME:g} s"
    return "unknown", f"number near the time ({label})", description, 0.0, False


def _rank(label: str, column: Column) -> tuple[int, int]:
    """Formats first, then the reading that covers most."""
    if label in _FORMATS:
        return 0, 0
    return 1, -min(_covered(label), int(column[0]["length"]))


def _covered(label: str) -> int:
    return _SIZES[label.removeprefix("head ").removeprefix("tail ")]


def _coarse(label: str) -> float:
    if label in _FORMATS:
        return _FORMATS[label][2]
    return 1.0 if label.removeprefix("head ").removeprefix("tail ").startswith("s ") else 1e-3


def _near(off: Sequence[float]) -> bool:
    if max(map(abs, off)) <= ON_TIME:
        return True
    return len(off) >= _ENOUGH and max(off) - min(off) <= ON_TIME


def _follows(off: Sequence[float], written: Sequence[float], coarse: float) -> bool:
    """Whether the times move with the writing: correlated and at its pace, or apart by no more than the unit of the time."""
    if max(off) - min(off) <= coarse + _SLACK:
        return True
    inside = [w + o for w, o in zip(written, off, strict=True)]
    r = correlation(inside, written)
    if r is None or r <= CORRELATED:
        return False
    pace = r * statistics.pstdev(inside) / statistics.pstdev(written)
    return 0.8 <= pace <= 1.25


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson's r; None when one of them does not vary."""
    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    return statistics.correlation(a, b)


def _named(label: str, off: Sequence[float], written: Sequence[float], column: Column) -> Found:
    typical = statistics.median(off)
    description = f"{label}: a time within {max(map(abs, off)):.1f} s of the write in all {len(off)}"
    if max(map(abs, off)) > ON_TIME:
        description = f"{label}: a time {abs(typical):.0f} s {'after' if typical > 0 else 'before'} the write in all {len(off)}"
        description += " (another clock)"
    r = correlation([w + o for w, o in zip(written, off, strict=True)], written)
    if r is not None and r > CORRELATED:
        description += f", correlated with it ({r:.4f})"
    elif max(written) - min(written) < 2:
        description += (
            f"; the writes lie within {max(written) - min(written):.1f} s, too close for a correlation"
        )
    if label in _FORMATS:
        kind, bits, _ = _FORMATS[label]
        return kind, label, description, bits, False
    place = next((p for p in ("head ", "tail ") if label.startswith(p)), "")
    name = f"timestamp {label.removeprefix(place)}"
    if not place:
        return "timestamp", name, description, 0.0, False
    left = min(int(p["length"]) for p in column) - _covered(label)
    size, letters = alphabet("".join({c for p in column for c in p["has"]}))
    order = (name, f"{left} of {letters}") if place == "head " else (f"{left} of {letters}", name)
    return "timestamp", " then ".join(order), description, left * math.log2(size), True


def _snowflake(column: Column, samples: Sequence[Sample]) -> Found | None:
    """A Snowflake of an epoch of its own: the same one in all that have one before them."""
    later = [i for i, s in enumerate(samples) if i and samples[i - 1].lane == s.lane]
    if len(later) < 2 or any("flake" not in column[i] for i in later):
        return None
    epochs = [float(column[i]["flake"][1]) for i in later]
    if max(epochs) - min(epochs) > ON_TIME:
        return None
    epoch = datetime.fromtimestamp(statistics.median(epochs), UTC)
    description = (
        f"the upper bits of {len(column)} numbers count the milliseconds since {epoch:%Y-%m-%d %H:%M:%S} UTC"
    )
    return "snowflake", f"Snowflake (epoch {epoch:%Y-%m-%d})", description, 0.0, False
