"""IDs that are the same again: one for all, one for each browser, one for all browsers of a kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from e2e.analysis.id_patterns.parts import CHANCE, judge, space
from e2e.analysis.id_patterns.samples import Sample
from e2e.analysis.model.wording import plural

Found = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Name, evidence, parts."""


def fixed_or_shared(samples: Sequence[Sample]) -> Found | None:
    """``fixed``: new chats get the ID they had. ``shared``: different browsers get the same IDs. None when neither.

    One ID for all browsers is ``fixed``: a fixed text and a fingerprint of what the browsers have in common look the same. A
    fingerprint is recognised by browsers of different contexts, each context with an ID of its own.
    """
    lanes: dict[int, list[Sample]] = {}
    for sample in samples:
        lanes.setdefault(sample.lane, []).append(sample)
    digits = min(space([s.features["pieces"]["whole"] for s in samples]))
    constant = all(len({s.ref for s in lane}) == 1 for lane in lanes.values())
    if constant and len(samples) > len(lanes):
        return _constant(samples, lanes, digits)
    if len(lanes) > 1:
        return _common(lanes, digits)
    return None


def _constant(samples: Sequence[Sample], lanes: Mapping[int, Sequence[Sample]], digits: float) -> Found:
    refs = {s.ref for s in samples}
    if (len(samples) - len(refs)) * digits < -math.log10(CHANCE):
        return (
            "unknown",
            (f"only {plural(len(refs), 'ID')} among {len(samples)}, too short to rule out chance",),
            (),
        )
    browsers = plural(len(lanes), "browser")
    if len(refs) == 1:
        known = judge([s.features["pieces"]["whole"] for s in samples], samples)
        tail = judge(
            [s.features["pieces"].get("-1", {"ref": 0, "length": 0, "has": ""}) for s in samples], samples
        )
        hashed = known.evidence or tail.evidence
        description = f"one ID, written {len(samples)} times in {browsers}"
        return "fixed", (description, hashed) if hashed else (description,), ("fixed",)
    if len(refs) == len(lanes):
        return (
            "fixed",
            (f"{len(samples)} IDs written in {browsers}: each browser has one and keeps it",),
            ("one per browser",),
        )
    contexts = {ref: {s.context for s in samples if s.ref == ref} for ref in refs}
    description = f"{plural(len(refs), 'ID')} for {browsers}, {len(samples)} writes"
    if len({s.context for s in samples}) == len(refs) and all(len(c) == 1 for c in contexts.values()):
        return (
            "shared",
            (
                description,
                "browsers of one context have one ID, as when it is made of what they have in common",
            ),
            ("fingerprint",),
        )
    return "shared", (description,), ("shared",)


def _common(lanes: Mapping[int, Sequence[Sample]], digits: float) -> Found | None:
    """Different IDs one after the other, and the same ones in every browser."""
    rows = [[s.ref for s in lane] for lane in lanes.values()]
    length = min(map(len, rows))
    if any(row[:length] != rows[0][:length] for row in rows):
        return None
    if length * (len(rows) - 1) * digits < -math.log10(CHANCE):
        return None
    return (
        "shared",
        (f"{len(rows)} browsers get the same {plural(length, 'ID')}, in the same order",),
        ("shared",),
    )
