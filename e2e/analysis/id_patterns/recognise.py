"""From the features of a run's session IDs to the name of their pattern, with its evidence.

**False claims.** Every rule must hold for all samples, and is claimed only where random parts of the same length and alphabet would
follow it with probability 1e-7 or less. At most some 500 rules are tried on a run (up to eight cuts, each with up to eight parts and
their readings), so that IDs without structure are called structured in at most 1 of 10,000 runs (5e-5), for any number of IDs from
two on. With the usual 20 IDs the rate is far below: a time must then have been hit 20 times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.analysis.id_patterns.bits import CAP, supported_bits
from e2e.analysis.id_patterns.parts import UNRULED, Part, judge
from e2e.analysis.id_patterns.positions import constant_positions
from e2e.analysis.id_patterns.samples import Cut, Sample, cuts, even, readable
from e2e.analysis.id_patterns.sharing import fixed_or_shared
from e2e.analysis.model.wording import plural

FALSE_CLAIMS = 1e-4
"""Share of runs with random IDs that may be called structured."""

_ORDER = ("browser", "counter", "timestamp", "hash", "uuid4", "words", "random")
_WHOLE = Cut(("whole",), rest="whole")
_MANY = 10  # IDs from which on a position that never changes is none of the random part


@dataclass(frozen=True, slots=True)
class Recognition:
    """The pattern of a run's session IDs. `unknown` where the samples do not tell."""

    name: str
    """fixed, shared, counter, timestamp, hash, uuid1, uuid4…, ulid, ksuid, objectid, xid, cuid, pushid, snowflake, jwt, words, random,
    uuid (of no one version), browser (a part that each browser keeps), two of them (``timestamp+random``), composite for more,
    or unknown."""
    parts: tuple[str, ...]
    """What each part is, from the left: ``prefix``, ``timestamp ms base 10``, ``random 9 of base 36``."""
    evidence: tuple[str, ...]
    nominal_bits: float
    """Room for randomness in the form: alphabet and length of what varies without a rule, at most 256."""
    supported_bits: float
    """What the absence of repeats supports at 95 %; 0 when an ID was repeated."""
    structured: bool
    n: int
    """Samples that were judged."""


def recognise(samples: Sequence[Sample]) -> Recognition:
    """The pattern that all samples follow. Takes two or more; 20 are usual.

    A sample is one minting: the same ID written again by its own chat is no sample.
    """
    known = readable(samples)
    n = len(known)
    if n < 2:
        return _unknown(
            n, f"{plural(n, 'ID was', 'IDs were')} written in the run; a pattern needs at least 2"
        )
    distinct = len({s.ref for s in known})
    supported = supported_bits(n) if distinct == n else 0.0
    lines = () if distinct == n else (f"only {distinct} of {n} written IDs are different",)
    same = fixed_or_shared(known)
    if same:
        name, description, parts = same
        return Recognition(name, parts, description, 0.0, 0.0, name != "unknown", n)
    jwt = _jwt(known)
    if jwt:
        return Recognition("jwt", ("JSON web token",), (*jwt, *lines), 0.0, supported, True, n)
    # An ID that is put back (by going back to its chat, by a fault) was made when it was written first.
    made = list({s.ref: s for s in reversed(known)}.values())[::-1]
    made = made if len(made) > 1 else known
    cut, found = _best(made)
    name = _name(found)
    return Recognition(
        name=name,
        parts=tuple(part.name for part in found),
        evidence=(*(part.evidence for part in found if part.evidence), *_form(found, len(made)), *lines),
        nominal_bits=_nominal(cut, found, made),
        supported_bits=supported,
        structured=name != "unknown" and any(part.ruled for part in found),
        n=n,
    )


def _unknown(n: int, why: str) -> Recognition:
    return Recognition("unknown", (), (why,), 0.0, 0.0, False, n)


def _best(samples: Sequence[Sample]) -> tuple[Cut, list[Part]]:
    """The whole ID when a rule covers all of it; else the finest cut whose parts are all parts; else the whole."""
    whole = _parts(_WHOLE, samples)
    if whole[0].kind == "uuid4" or (whole[0].ruled and not whole[0].loose):
        return _WHOLE, whole
    for cut in cuts(samples):
        found = _parts(cut, samples)
        if _holds(cut, found, cut.columns(samples)):
            return cut, found
    return _WHOLE, whole


def _parts(cut: Cut, samples: Sequence[Sample]) -> list[Part]:
    return [judge(column, samples, first=not i) for i, column in enumerate(cut.columns(samples))]


def _holds(cut: Cut, found: Sequence[Part], columns: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
    """Whether the separators are the form's own: beside them stands something regular, or parts of one length."""
    for key, part, column in zip(cut.keys, found, columns, strict=True):
        regular = part.ruled or part.kind in ("constant", "uuid4", "uuid")
        if key == cut.rest:
            continue  # the remainder may be anything
        if not regular and (cut.rest or not (even(column) or part.kind == "words")):
            return False
    return True


def _name(found: Sequence[Part]) -> str:
    kinds = {part.kind for part in found if part.kind != "constant"}
    if any(part.loose and part.bits for part in found):
        kinds.add("random")
    if "unknown" in kinds or not kinds:
        return "unknown"
    if len(kinds) > 2:
        return "composite"
    return "+".join(sorted(kinds, key=lambda kind: (_ORDER.index(kind) if kind in _ORDER else -1, kind)))


def _form(found: Sequence[Part], n: int) -> tuple[str, ...]:
    if len(found) > 1:
        return (f"all {n} IDs have the format: {', '.join(part.name for part in found)}",)
    if found[0].kind in UNRULED and not found[0].evidence:
        return (f"{plural(n, 'ID')}: {found[0].name}, and no rule that all of them follow",)
    return ()


def _nominal(cut: Cut, found: Sequence[Part], samples: Sequence[Sample]) -> float:
    """Bits of the parts, less the positions of random parts that never change."""
    total, columns = 0.0, cut.columns(samples)
    still = constant_positions(samples) if len(samples) >= _MANY else frozenset()
    start: int | None = (
        len(samples[0].gaps[0]) if cut.keys[0] != "whole" and not cut.keys[0].startswith("..") else 0
    )
    gaps = iter(samples[0].gaps[1:])
    for key, part, column in zip(cut.keys, found, columns, strict=True):
        sizes = {int(p["length"]) for p in column}
        bits = part.bits
        if part.kind == "random" and start is not None and len(sizes) == 1:
            size = next(iter(sizes))
            bits *= 1 - sum(start <= i < start + size for i in still) / size
        total += bits
        if start is not None:
            start = start + next(iter(sizes)) if len(sizes) == 1 else None
        if start is not None and not key.endswith("w"):
            start += len(next(gaps, ""))
    return round(min(total, CAP), 1)


def _jwt(samples: Sequence[Sample]) -> tuple[str, ...] | None:
    tokens = [s.features.get("jwt") for s in samples]
    if not all(tokens):
        return None
    found = [t for t in tokens if t]
    algorithms = sorted({str(t["alg"]) for t in found})
    claims = sorted(set(found[0]["claims"]).intersection(*(t["claims"] for t in found[1:])))
    lines = [f"{len(found)} JSON web tokens, signed by {', '.join(algorithms)}"]
    if claims:
        lines.append(f"each with the claims {', '.join(claims)}; a signature adds no randomness")
    issued = [abs(float(t["issued"])) for t in found if "issued" in t]
    if len(issued) == len(found):
        lines.append(f"issued within {max(issued):.1f} s of the write")
    return tuple(lines)
