"""How the session IDs of a run are made, and how much randomness the data support."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from e2e.analysis.facts.freshness import freshness, holders
from e2e.analysis.id_patterns.bits import bearer, supported_bits
from e2e.analysis.id_patterns.recognise import Recognition, recognise
from e2e.analysis.id_patterns.samples import Sample
from e2e.analysis.ids.writes import new_ids, writes_of_new_ids
from e2e.analysis.model.check import SESSIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MintedRow, StorageRow
from e2e.analysis.model.verdict import ChatKey, Number, Verdict
from e2e.analysis.model.wording import key_of, no_id, not_seen, plural

_ON_TIME = 5.0  # seconds between the time in an ID and its writing
_ENOUGH = 5  # IDs from which on "no repeat" and "one form" say something
_PART = re.compile(r"\{([dhwxX])(\d+)\}")
_UUID = [8, 4, 4, 4, 12]
_TIMES = (("d", 10), ("d", 13), ("d", 16), ("x", 8))


@check(
    "session_ids.pattern",
    title="Does the way IDs are made give each chat its own?",
    layer="ID generator",
    group=SESSIONS,
    story="How IDs are made",
    detection_limit="a repeat among the IDs of the run; the entropy that their number supports",
    position=140,
)
def pattern(run: Run) -> Verdict:
    """The way IDs are made gives each chat its own ID, and one that is hard to guess where it is a credential."""
    name = "session_ids.pattern"
    if not run.policy.sends_id:
        return no_id(name, run, ids=0)
    if (n := minted(run).described) < _ENOUGH:
        why = f"{plural(n, 'new ID was', 'new IDs were')} recorded"
        return not_seen(name, run, why, f"needs at least {_ENOUGH} new IDs", ids=n)
    found = _recognised(run)
    limits = bearer(found.nominal_bits, found.supported_bits)
    guessable = run.policy.bearer and limits.enough is False
    numbers: dict[str, Number] = {
        "ids": found.n,
        "pattern": found.name,
        "nominal_bits": found.nominal_bits,
        "supported_bits": found.supported_bits,
        "guessable": int(guessable),
    }
    expected = "a new ID for every chat" + (
        ", hard to guess because it is a credential" if run.policy.bearer else ""
    )
    if found.name in _BROKEN:
        chats = tuple(
            dict.fromkeys(key_of(m) for m in run.those(MintedRow, lambda m: m.chat is not None, only=()))
        )
        headline = f"the IDs are {found.name}: {found.evidence[0]}"
        return Verdict(
            name,
            "fail",
            headline,
            expected,
            found.evidence,
            numbers,
            chats=_repeats(run, chats),
            evidence=run.evidence,
        )
    if guessable:
        lines = (*found.evidence, limits.owasp, limits.asvs)
        headline = (
            f"a {found.name} ID has at most {found.nominal_bits:g} random bits, too few for a credential"
        )
        return Verdict(name, "fail", headline, expected, lines, numbers, evidence=run.evidence)
    if found.name == "unknown":
        return not_seen(name, run, found.evidence[0], "needs IDs of one format", **numbers)
    headline = f"{plural(found.n, 'ID')}: {found.name}"
    limit = f"{found.n} different IDs support {found.supported_bits:g} random bits; their format has room for {found.nominal_bits:g}"
    return Verdict(name, "pass", headline, expected, found.evidence, numbers, limit, evidence=run.evidence)


_BROKEN = ("fixed", "shared")


def _repeats(run: Run, chats: Sequence[ChatKey]) -> tuple[ChatKey, ...]:
    """Those of ``chats`` that had an old ID; all of them where none is known to be old."""
    bad = {f.key for layer in ("stored", "sent") for f in freshness(run, layer) if f.bad}
    return tuple(key for key in chats if key in bad) or tuple(chats)


@dataclass(slots=True)
class Minted:
    """What the features of all new IDs come to. Kept as rows they took 1 kB a chat."""

    ids: int = 0
    described: int = 0
    """Those with features."""
    distinct: int = 0
    """Of those."""
    samples: list[Sample] = field(default_factory=list)
    """The features of each new ID, in order of writing; of a long run those of the first IDs. Features do not reveal the ID."""


def minted(run: Run) -> Minted:
    """Counted once."""

    def collect() -> Minted:
        found, hashes = Minted(), set[str]()
        for m in run.each(MintedRow):
            found.ids += 1
            if m.features is None:
                continue
            found.described += 1
            hashes.add(str(m.features["ref"]))
            if not m.features.get("left_out"):
                found.samples.append(Sample(m.features, lane=m.lane, order=m.t))
        found.distinct = len(hashes)
        found.samples.sort(key=attrgetter("order"))
        return found

    return run.once("minted", collect)


def _recognised(run: Run) -> Recognition:
    return run.once("recognised", lambda: _of_all(recognise(minted(run).samples), run))


def _of_all(found: Recognition, run: Run) -> Recognition:
    """The pattern of a long run: its form is that of the first IDs, a repeat may be anywhere."""
    n, distinct, judged = minted(run).described, minted(run).distinct, len(minted(run).samples)
    if n == judged:
        return found
    lines = [f"the form of the first {judged} of {n} IDs was judged"]
    if distinct < n and found.supported_bits:
        lines.append(f"only {distinct} of {n} written IDs are different")
    supported = supported_bits(n) if distinct == n else 0.0
    return replace(found, n=n, supported_bits=supported, evidence=(*found.evidence, *lines))


@dataclass(frozen=True, slots=True)
class SessionIds:
    """For the summary. ``pattern`` is ``unknown`` where the records do not tell."""

    distinct_stored: int
    distinct_sent: int
    pattern: str
    supported_bits: float
    """Entropy per ID that the absence of repeats supports at 95 %; 0 when there was a repeat, or only one ID."""
    evidence: str


def describe(run: Run) -> SessionIds:
    """Count the IDs and name their pattern."""
    return run.once("session IDs", lambda: _describe(run))


def _describe(run: Run) -> SessionIds:
    if minted(run).ids:
        found = _recognised(run)
        pattern, evidence = found.name, "; ".join(found.evidence)
    else:  # evidence from before features were recorded
        pattern, evidence = _pattern(writes_of_new_ids(run))
    drawn, distinct = new_ids(run)
    if not drawn:
        drawn = distinct = len(holders(run, "sent"))
    return SessionIds(
        distinct_stored=len(holders(run, "stored")),
        distinct_sent=len(holders(run, "sent")),
        pattern=pattern,
        supported_bits=supported_bits(distinct) if distinct == drawn else 0.0,
        evidence=evidence,
    )


def _pattern(minted: Sequence[StorageRow]) -> tuple[str, str]:
    n = len(minted)
    if n < 2:
        return "unknown", f"{plural(n, 'ID was', 'IDs were')} written in the run; a pattern needs at least 2"
    distinct = len({(w.mask_key, w.session) for w in minted})
    if distinct == 1:
        return "fixed", f"one ID, written {n} times"
    shapes = [w.shape for w in minted if w.shape]
    if n < _ENOUGH or len(shapes) < n:
        return (
            "unknown",
            f"the format of {plural(len(shapes), 'ID')} is known; a pattern needs at least {_ENOUGH}",
        )
    parts = {tuple(int(size) for _, size in _PART.findall(shape)) for shape in shapes}
    if len(parts) != 1 or len({_PART.sub("", shape) for shape in shapes}) != 1:
        return "unknown", f"{plural(n, 'ID')} of {plural(len(set(shapes)), 'format')}"
    sizes, form = next(iter(parts)), _common(shapes)
    description = f"{plural(n, 'ID')} of the format {form}"
    offsets = [w.time_offset for w in minted]
    known = [abs(o) for o in offsets if o is not None]
    if len(known) == n and max(known) <= _ON_TIME:
        description += f", with a time within {max(known):.3f} s of the write"
        return _with_time(form), description
    if known:
        return "unknown", description + ", some with a time in them"
    if list(sizes) == _UUID and distinct == n:
        return "uuid", description  # masked, the version's digit cannot be read
    if len(sizes) == 1 and sizes[0] >= 16 and distinct == n:
        return "random", description + ", without a repeat"
    return "unknown", description


def _common(shapes: Sequence[str]) -> str:
    """One format for all: a part with digits in one ID and letters in another is of the wider class."""
    kinds = [{kind for kind, _ in column} for column in zip(*map(_PART.findall, shapes), strict=True)]
    wider = iter([_wider(k) for k in kinds])
    return _PART.sub(lambda part: f"{{{next(wider)}{part[2]}}}", shapes[0])


def _wider(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "h" if kinds == {"d", "h"} else "X" if "X" in kinds else "x"


def _with_time(form: str) -> str:
    """The time is one part; another counts as random when it is long and of mixed characters."""
    others = [(kind, int(size)) for kind, size in _PART.findall(form)]
    others.remove(next((part for part in others if part in _TIMES), others[0]))
    if not others:
        return "timestamp"
    [(kind, size), *more] = others
    mixed = (kind in "xX" and size >= 6) or (kind == "h" and size >= 16)
    return "timestamp+random" if mixed and not more else "timestamp+part"
