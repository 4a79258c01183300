"""Guards the stated rate of false claims: 10,000 runs of 20 random IDs of each common form, none of them called structured.

Judging 10,000 runs one by one takes minutes. A rule must hold for every sample, so a run can only be called structured when all its
samples show a hint of one (a time near the writing, a small step, a hash that fits, a UUID's version, the same ID). The hints of a
pool of IDs are computed once, 10,000 runs are drawn from it, and only those with a hint common to all are judged; that no run without
one is called structured is itself tested.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import random
import string
import uuid
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from e2e.analysis.id_patterns.recognise import FALSE_CLAIMS, recognise
from e2e.analysis.id_patterns.samples import Sample
from e2e.capture.session_ids.features import features

POOL, RUNS = 1499, 10_000
BASE36 = string.digits + string.ascii_lowercase
BASE62 = string.ascii_letters + string.digits
NANOID = BASE62 + "-_"
START = 1_763_860_000.0
Rows = npt.NDArray[np.int64]


def pick(rng: random.Random, alphabet: str, n: int) -> str:
    return "".join(rng.choices(alphabet, k=n))


FORMS: dict[str, Callable[[random.Random], str]] = {
    "uuid4": lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)),
    "nanoid 21": lambda r: pick(r, NANOID, 21),
    "hex 32": lambda r: r.randbytes(16).hex(),
    "base 36 9": lambda r: pick(r, BASE36, 9),
    "base 62 22": lambda r: pick(r, BASE62, 22),
    "base64url 43": lambda r: pick(r, NANOID, 43),
    "prefix and hex 16": lambda r: "sess_" + r.randbytes(8).hex(),
    # the likeliest to be mistaken: as long as a time is
    "base 36 8": lambda r: pick(r, BASE36, 8),
    "hex 8": lambda r: r.randbytes(4).hex(),
    "digits 10": lambda r: pick(r, string.digits, 10),
    "digits 13": lambda r: "1" + pick(r, string.digits, 12),
    "digits 19": lambda r: "1" + pick(r, string.digits, 18),
    "digits 4": lambda r: pick(r, string.digits, 4),
}


def reference(text: str) -> str:
    return hmac.new(b"key", text.encode(), hashlib.sha256).hexdigest()[:12]


@cache
def pool(form: str) -> tuple[Sample, ...]:
    """Features of random IDs, each written at its own time within 20 s and judged against the one before it."""
    rng, previous, out = random.Random(f"pool of {form}"), None, []
    for i in range(POOL):
        made = FORMS[form](rng)
        out.append(Sample(features(made, START + (i % 200) / 10, previous, reference), order=i % 200))
        previous = made
    return tuple(out)


def hints(sample: Sample) -> set[str]:
    """What any rule needs of a sample, whichever part it is about."""
    found = {"jwt"} if "jwt" in sample.features else set()
    for piece in sample.features["pieces"].values():
        found |= {f"time {label}" for label, _ in piece.get("time", ())}
        found |= {f"hash {label}" for label in piece.get("hash", ())}
        found |= {f"step {base}" for base, step in piece.get("step", {}).items() if step}
        found |= {"flake"} if "flake" in piece else set()
        found |= {f"uuid {piece['uuid']}"} if piece.get("uuid") not in (None, 0, 4) else set()
    return found


def suspects(form: str, rows: Rows) -> Rows:
    """The runs that could be called structured: all samples with a common hint, or with an ID that occurs twice.

    The first sample of a lane has no step from another, so a hint of 19 in 20 counts.
    """
    seen = [hints(sample) for sample in pool(form)]
    found = np.zeros(len(rows), dtype=bool)
    for hint in set().union(*seen):
        has = np.array([hint in s for s in seen])
        found |= has[rows[:, 1:]].all(axis=1)
    _, ref = np.unique([s.ref for s in pool(form)], return_inverse=True)
    same = np.sort(ref[rows], axis=1)
    found |= (same[:, 1:] == same[:, :-1]).any(axis=1)
    return rows[found]


def runs_of(form: str, n: int) -> Rows:
    """10,000 times ``n`` places in the pool, all different within a run: a start and a stride, the pool's size being prime."""
    rng = np.random.default_rng([n, *form.encode()])
    start, stride = rng.integers(0, POOL, size=RUNS), rng.integers(1, POOL, size=RUNS)
    return (start[:, None] + stride[:, None] * np.arange(n)) % POOL


def structured(form: str, rows: Rows) -> list[str]:
    samples = pool(form)
    found = (recognise([samples[i] for i in row]) for row in rows)
    return [f.name for f in found if f.structured]


@pytest.mark.parametrize("n", [20, 5, 2])
@pytest.mark.parametrize("form", FORMS)
def test_random_ids_are_not_called_structured_in_ten_thousand_runs(form: str, n: int) -> None:
    claimed = structured(form, suspects(form, runs_of(form, n)))
    assert len(claimed) <= math.floor(FALSE_CLAIMS * RUNS), claimed
    assert form == "digits 4" or claimed == []


@pytest.mark.parametrize("form", FORMS)
def test_no_run_is_called_structured_when_each_is_judged_in_full(form: str) -> None:
    assert structured(form, runs_of(form, 20)[:40]) == []
    assert structured(form, runs_of(form, 3)[:80]) == []


def test_the_screen_lets_structure_through() -> None:
    """A sample of every kind of rule has a hint, so that the runs left out above could not have been claimed."""
    made = {
        "time": features("1763860000123", START, None, reference),
        "step": features("s_12", START, "s_11", reference),
        "hash": features(hashlib.sha256(b"1763860000").hexdigest(), START, None, reference),
        "uuid": features("a8098c1a-f86e-11da-bd1a-00112444be1e", START, None, reference),
        "flake": features("7300000000000000001", START, "7300000000000000000", reference),
    }
    for kind, found in made.items():
        assert any(hint.startswith(kind) for hint in hints(Sample(found))), kind


@pytest.mark.parametrize(
    "form", ["uuid4", "hex 32", "base 36 9", "base 62 22", "prefix and hex 16", "digits 13"]
)
def test_features_of_random_ids_differ_in_nothing_but_hashes_and_classes(form: str) -> None:
    def bare(sample: Sample) -> str:
        reported = json.loads(json.dumps(sample.features))
        del reported["ref"], reported["symbols"], reported["written"]
        for piece in reported["pieces"].values():
            del piece["ref"], piece["has"]
            piece.pop("uuid", None)
        for key in [k for k in reported["pieces"] if k[-1] in "wn" and k != "whole"]:
            del reported["pieces"][key]  # "letters, then digits" is a class too
        return json.dumps(reported)

    kinds = Counter(bare(s) for s in pool(form))
    assert kinds.most_common(1)[0][1] >= 0.998 * POOL


@pytest.mark.parametrize("form", FORMS)
def test_features_hold_no_part_of_the_id(form: str) -> None:
    def upper(text: str) -> str:
        return reference(text).translate(str.maketrans("0123456789abcdef", "αβγδεζηθικλμνξοπ"))

    rng = random.Random(5)
    for _ in range(20):
        made, before = FORMS[form](rng), FORMS[form](rng)
        reported = features(made, START, before, upper)
        reported.pop("written")
        text = json.dumps(reported, ensure_ascii=False)
        secret = made.removeprefix("sess_")
        assert not any(secret[i : i + 4] in text for i in range(len(secret) - 3))


@pytest.mark.parametrize(
    "text", ["", "-", "---", "é", "٣٤٥", "\ud800", "a" * 5000, "ey.ey.ey", "0" * 19, "2" * 14, "c" * 25, "{}"]
)
def test_any_text_has_features(text: str) -> None:
    def safe(part: str) -> str:
        return hashlib.sha256(part.encode(errors="surrogatepass")).hexdigest()[:12]

    reported = [Sample(features(text, START, text, safe)) for _ in range(3)]
    json.dumps(reported[0].features)
    recognise(reported)
