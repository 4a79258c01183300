"""Guards what a pattern of session IDs is called: each kind met in the wild from 20 samples, and from their features alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import random
import string
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.id_patterns.parts import Part
from e2e.analysis.id_patterns.recognise import Recognition, _form, recognise
from e2e.analysis.id_patterns.samples import Sample
from e2e.capture.session_ids.features import features

BASE36 = string.digits + string.ascii_lowercase
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NANOID = string.ascii_letters + string.digits + "-_"
START = 1_763_860_000.123
KNOWN = {"the user agent": "Mozilla/5.0 (X11; Linux x86_64) Test"}
Make = Callable[[random.Random, float, int, int], str]
"""(generator, epoch seconds, number in the run, lane) -> ID"""


def reference(text: str) -> str:
    return hmac.new(b"key", text.encode(), hashlib.sha256).hexdigest()[:12]


def collect(
    make: Make, n: int = 20, lanes: int = 1, gap: float = 1.7, seed: int = 1, late: float = 0.4
) -> list[Sample]:
    """IDs as ``n`` chats get them, one after the other over the lanes, each written up to ``late`` s after it was made."""
    previous: dict[int, str] = {}
    rng, out, now = random.Random(seed), [], START
    contexts = ("Firefox", "Chrome")
    for i in range(n):
        lane = i % lanes
        made = make(rng, now, i, lane)
        written = now + rng.uniform(0, late)
        reported = json.loads(json.dumps(features(made, written, previous.get(lane), reference, KNOWN)))
        out.append(Sample(reported, lane=lane, context=contexts[lane % 2], order=i))
        previous[lane] = made
        now += gap * rng.uniform(0.5, 1.5)
    return out


def pick(rng: random.Random, alphabet: str, n: int) -> str:
    return "".join(rng.choices(alphabet, k=n))


def number(value: int, alphabet: str, width: int = 0) -> str:
    out = ""
    while value:
        value, digit = divmod(value, len(alphabet))
        out = alphabet[digit] + out
    return out.rjust(width, alphabet[0])


def ms(now: float) -> int:
    return int(now * 1000)


def jwt(rng: random.Random, now: float) -> str:
    def coded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    header = coded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = coded(json.dumps({"sub": pick(rng, BASE36, 5), "iat": int(now)}).encode())
    return f"{header}.{body}.{coded(rng.randbytes(32))}"


def uuid1(rng: random.Random, now: float) -> str:
    ticks = int(now * 1e7) + 0x01B21DD213814000
    return str(
        uuid.UUID(
            fields=(
                ticks & 0xFFFFFFFF,
                ticks >> 32 & 0xFFFF,
                ticks >> 48 & 0xFFF | 0x1000,
                0x93,
                0x12,
                0xA0B1C2D3E4F5,
            )
        )
    )


def uuid6(rng: random.Random, now: float) -> str:
    ticks = int(now * 1e7) + 0x01B21DD213814000
    digits = f"{ticks:015x}"
    return str(uuid.UUID(f"{digits[:12]}6{digits[12:]}9312{'a0b1c2d3e4f5'}"))


def uuid7(rng: random.Random, now: float) -> str:
    tail = rng.getrandbits(62)
    return str(uuid.UUID(int=ms(now) << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | tail))


def uuid4(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def hashed(text: str, name: str = "sha256") -> str:
    return hashlib.new(name, text.encode()).hexdigest()


def xid(rng: random.Random, now: float, i: int) -> str:
    raw = int(now).to_bytes(4, "big") + b"\x01\x02\x03\x04\x05" + (700 + i).to_bytes(3, "big")
    return base64.b32hexencode(raw).decode().lower().rstrip("=")


STORY: dict[str, tuple[Make, str]] = {
    "timestamp": (lambda r, t, i, k: f"session_{ms(t)}_{pick(r, BASE36, 9)}", "timestamp+random"),
    "counter": (lambda r, t, i, k: f"session_5e55f00d_{i + 1}", "counter"),
    "fixed": (lambda r, t, i, k: "session_probe_fixed", "fixed"),
    "userBased": (lambda r, t, i, k: f"session_{hashed(str(k))[:8]}_{ms(t)}", "timestamp"),
    "browserBased": (lambda r, t, i, k: f"session_probe_{hashed('fp')[:12]}", "fixed"),
    "chatBased": (lambda r, t, i, k: f"session_chat_{i + 1}_{r.randbytes(4).hex()}", "counter+random"),
    "uuid": (lambda r, t, i, k: uuid4(r), "uuid4"),
}

WILD: dict[str, tuple[Make, str]] = {
    "uuid v1": (lambda r, t, i, k: uuid1(r, t), "uuid1"),
    "uuid v6": (lambda r, t, i, k: uuid6(r, t), "uuid6"),
    "uuid v7": (lambda r, t, i, k: uuid7(r, t), "uuid7"),
    "uuid v7 bare": (lambda r, t, i, k: uuid7(r, t).replace("-", ""), "uuid7"),
    "uuid v4 bare": (lambda r, t, i, k: uuid4(r).replace("-", ""), "uuid4"),
    "uuid v4 upper": (lambda r, t, i, k: uuid4(r).upper(), "uuid4"),
    "uuid v5": (lambda r, t, i, k: str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{i}{r.random()}")), "uuid5"),
    "prefixed uuid": (lambda r, t, i, k: f"chat_{uuid4(r)}", "uuid4"),
    "time and uuid": (lambda r, t, i, k: f"{ms(t)}-{uuid4(r)}", "timestamp+uuid4"),
    "ulid": (lambda r, t, i, k: number(ms(t), CROCKFORD, 10) + pick(r, CROCKFORD, 16), "ulid"),
    "ksuid": (lambda r, t, i, k: number(int(t - 14e8) << 128 | r.getrandbits(128), BASE62, 27), "ksuid"),
    "objectid": (lambda r, t, i, k: f"{int(t):08x}a1b2c3d4e5{0x7F00 + i:06x}", "objectid"),
    "xid": (lambda r, t, i, k: xid(r, t, i), "xid"),
    "cuid": (lambda r, t, i, k: f"c{number(ms(t), BASE36)}{i:04d}abcd{pick(r, BASE36, 8)}", "cuid"),
    "nanoid": (lambda r, t, i, k: pick(r, NANOID, 21), "random"),
    "nanoid 10": (lambda r, t, i, k: pick(r, NANOID, 10), "random"),
    "time nanoid": (lambda r, t, i, k: f"s_{ms(t)}_{pick(r, NANOID, 21)}", "timestamp+random"),
    "nanoid time": (lambda r, t, i, k: f"{pick(r, BASE62, 20)}-{ms(t)}", "timestamp+random"),
    "snowflake": (lambda r, t, i, k: str((ms(t) - 1288834974657) << 22 | r.getrandbits(12)), "snowflake"),
    "snowflake discord": (lambda r, t, i, k: str((ms(t) - 1420070400000) << 22 | i), "snowflake"),
    "snowflake own": (lambda r, t, i, k: str((ms(t) - 1577836800000) << 22 | i), "snowflake"),
    "seconds": (lambda r, t, i, k: str(int(t)), "timestamp"),
    "ms": (lambda r, t, i, k: str(ms(t)), "timestamp"),
    "µs": (lambda r, t, i, k: str(int(t * 1e6)), "timestamp"),
    "hex ms": (lambda r, t, i, k: f"{ms(t):x}", "timestamp"),
    "hex s and random": (lambda r, t, i, k: f"{int(t):x}{r.randbytes(6).hex()}x", "timestamp+random"),
    "base 36 ms": (lambda r, t, i, k: number(ms(t), BASE36), "timestamp"),
    "base 62 ms": (lambda r, t, i, k: number(ms(t), BASE62), "timestamp"),
    "base 36 ms and random": (
        lambda r, t, i, k: number(ms(t), BASE36) + pick(r, BASE36, 11),
        "timestamp+random",
    ),
    "random and base 36 ms": (
        lambda r, t, i, k: pick(r, BASE36, 11) + number(ms(t), BASE36),
        "timestamp+random",
    ),
    "ms and digits": (lambda r, t, i, k: f"{ms(t)}{r.randrange(100000):05d}", "timestamp+random"),
    "date": (lambda r, t, i, k: time.strftime("%Y%m%d%H%M%S", time.gmtime(t)), "timestamp"),
    "ISO date": (lambda r, t, i, k: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)), "timestamp"),
    "server's clock": (lambda r, t, i, k: f"s-{ms(t + 77)}", "timestamp"),
    "bare counter": (lambda r, t, i, k: str(i + 1), "counter"),
    "word counter": (lambda r, t, i, k: f"chat{i + 1}", "counter"),
    "hex counter": (lambda r, t, i, k: f"{0xAF0 + i:x}", "counter"),
    "base 36 counter": (lambda r, t, i, k: f"s-{number(45000 + i, BASE36)}", "counter"),
    "padded counter": (lambda r, t, i, k: f"conv_{i + 8:06d}", "counter"),
    "steps of ten": (lambda r, t, i, k: f"conv_{10 * i + 4000}", "counter"),
    "md5 of ms": (lambda r, t, i, k: hashed(str(ms(t)), "md5"), "hash"),
    "sha256 of s": (lambda r, t, i, k: hashed(str(int(t))), "hash"),
    "sha1 of a counter, cut": (lambda r, t, i, k: "sess_" + hashed(str(i), "sha1")[:12], "hash"),
    "sha256 of prefix and counter": (lambda r, t, i, k: "user_" + hashed(f"user_{i}")[:16], "hash"),
    "base64 hash": (
        lambda r, t, i, k: (
            base64.urlsafe_b64encode(hashlib.sha256(str(ms(t)).encode()).digest()).decode().rstrip("=")
        ),
        "hash",
    ),
    "jwt": (lambda r, t, i, k: jwt(r, t), "jwt"),
    "hex 32": (lambda r, t, i, k: r.randbytes(16).hex(), "random"),
    "base 62 22": (lambda r, t, i, k: pick(r, BASE62, 22), "random"),
    "base64url 43": (lambda r, t, i, k: pick(r, NANOID, 43), "random"),
    "prefixed base64url": (lambda r, t, i, k: "sk-" + pick(r, NANOID, 43), "random"),
    "Math.random": (lambda r, t, i, k: pick(r, BASE36, r.choice((10, 11, 11, 12))), "random"),
    "words": (
        lambda r, t, i, k: f"{r.choice(('happy', 'sad', 'brave'))}-{r.choice(('otter', 'ox', 'bear'))}",
        "words",
    ),
}


@pytest.mark.parametrize("name", [*STORY, *WILD])
def test_a_pattern_is_named_from_twenty_samples(name: str) -> None:
    make, expected = (STORY | WILD)[name]
    found = recognise(collect(make))
    assert (found.name, found.n) == (expected, 20), found
    assert found.evidence
    assert found.structured is (expected not in ("random", "uuid4", "words"))


@pytest.mark.parametrize("name", [name for name in STORY if name not in ("fixed", "browserBased")])
@pytest.mark.parametrize("seed", range(5))
def test_the_storys_patterns_are_named_over_four_browsers_too(name: str, seed: int) -> None:
    make, expected = STORY[name]
    expected = {"userBased": "browser+timestamp"}.get(name, expected)
    assert recognise(collect(make, lanes=4, seed=seed)).name == expected


@pytest.mark.parametrize("gap", [0.02, 0.1, 30.0])
@pytest.mark.parametrize("name", ["ms", "base 36 ms", "timestamp", "ulid", "objectid", "uuid v7"])
def test_a_time_is_distinguished_from_fast_and_slow_clicks(name: str, gap: float) -> None:
    make, expected = (STORY | WILD)[name]
    found = recognise(collect(make, gap=gap, late=0.1))
    assert found.name == expected


def test_parts_are_named_from_the_left() -> None:
    found = recognise(collect(STORY["timestamp"][0]))
    assert found.parts == ("prefix", "timestamp ms base 10", "random 9 of base 36")
    assert found.nominal_bits == pytest.approx(9 * math.log2(36), abs=0.1)
    assert found.supported_bits == 6.0
    assert "within 0." in found.evidence[0]
    assert "correlated" in found.evidence[0]


def test_a_fingerprint_is_recognised_by_browsers_that_differ() -> None:
    def make(rng: random.Random, now: float, i: int, lane: int) -> str:
        return f"s_{hashed('Firefox Chrome'.split()[lane % 2])[:12]}"

    found = recognise(collect(make, lanes=4))
    assert (found.name, found.parts) == ("shared", ("fingerprint",))


def test_a_fixed_id_that_is_a_hash_of_the_user_agent_states_it() -> None:
    found = recognise(collect(lambda r, t, i, k: f"fp_{hashed(KNOWN['the user agent'])[:12]}"))
    assert found.name == "fixed"
    assert "sha256 of the user agent" in " ".join(found.evidence)


def test_each_browser_keeping_its_own_is_fixed() -> None:
    found = recognise(collect(lambda r, t, i, k: hashed(str(k), "md5"), lanes=4))
    assert (found.name, found.parts) == ("fixed", ("one per browser",))


@pytest.mark.parametrize(("n", "kept"), [(6, False), (40, True)])
def test_a_short_part_that_stays_in_a_browser_may_be_chance(n: int, kept: bool) -> None:
    """One digit in each of two browsers: a rule that holds four times by chance is none."""
    found = recognise(collect(lambda r, t, i, k: f"{k + 3}-{pick(r, BASE36, 9)}", n=n, lanes=2))
    assert ("one per browser" in found.parts) is kept


def test_the_same_counter_in_every_browser_is_shared() -> None:
    found = recognise(collect(lambda r, t, i, k: f"session_{i // 4}", lanes=4))
    assert (found.name, found.supported_bits) == ("shared", 0.0)


def test_a_page_loads_time_is_not_taken_for_random() -> None:
    found = recognise(collect(lambda r, t, i, k: str(ms(START) - 900 + 7 * r.randrange(300)), gap=0.1))
    assert (found.name, found.structured, found.nominal_bits) == ("unknown", False, 0.0)


def test_one_time_that_is_off_leaves_no_random_number() -> None:
    found = recognise(collect(lambda r, t, i, k: str(ms(t) - (60_000 if i == 7 else 0))))
    assert (found.name, found.nominal_bits) == ("unknown", 0.0)
    assert "near the write in" in found.evidence[0]


def test_two_forms_are_no_pattern() -> None:
    found = recognise(collect(lambda r, t, i, k: uuid4(r) if i % 2 else pick(r, BASE36, 9)))
    assert (found.name, found.nominal_bits) == ("unknown", 0.0)


def test_a_repeat_supports_nothing() -> None:
    found = recognise(collect(lambda r, t, i, k: f"{r.randrange(12):016x}"))
    assert found.supported_bits == 0.0
    assert any("are different" in line for line in found.evidence)


def test_positions_that_never_change_are_no_room_for_randomness() -> None:
    found = recognise(collect(lambda r, t, i, k: f"ab12cd{r.randbytes(4).hex()}ff"))
    assert found.nominal_bits == 32.0


def test_positions_are_counted_through_a_word_with_a_number() -> None:
    """``chat7`` and five random digits: of the six digits one never changes, and two separators come after them only."""
    found = recognise(
        collect(lambda r, t, i, k: f"chat7{pick(r, string.digits, 5)}--{pick(r, BASE36, 9)}", n=60)
    )
    assert found.nominal_bits == pytest.approx(5 * math.log2(10) + 9 * math.log2(36), abs=0.1)


def test_one_sample_and_unreadable_features_name_nothing() -> None:
    assert recognise(collect(WILD["ulid"][0], n=1)).name == "unknown"
    assert recognise([]).n == 0
    old = [Sample({"version": 0})] * 20
    assert recognise(old).n == 0


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_samples_are_enough_for_a_time_and_too_few_for_a_digit(n: int) -> None:
    assert recognise(collect(WILD["ulid"][0], n=n)).name == "ulid"
    assert not recognise(collect(lambda r, t, i, k: str(i + 1), n=n)).structured


def test_it_is_frozen() -> None:
    found = recognise(collect(WILD["ulid"][0]))
    assert isinstance(found, Recognition)
    with pytest.raises(AttributeError):
        found.name = "random"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["timestamp", "uuid", "chatBased"])
def test_an_id_that_is_put_back_later_does_not_hide_the_pattern(name: str) -> None:
    """Going back to an older chat writes its ID again, seconds after the time that is in it."""
    make, expected = STORY[name]
    samples = collect(make)
    last = max(s.order for s in samples)
    back = [
        replace(
            s,
            order=last + 100 + n,
            features=_read_later(dict(s.features), 4.3),
        )
        for n, s in enumerate(samples[5:8])
    ]
    found = recognise([*samples, *back])
    assert found.name == expected
    assert any("only 20 of 23 written IDs" in line for line in found.evidence)


def _read_later(features: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The features of an ID that is written again: the times in it are so much older."""
    pieces = {}
    for key, piece in features["pieces"].items():
        times = [[label, off - seconds] for label, off in piece.get("time", [])]
        pieces[key] = dict(piece) | ({"time": times} if times else {})
    return features | {"pieces": pieces, "written": features["written"] + seconds}


@pytest.mark.parametrize(
    ("kind", "evidence", "line"),
    [
        ("random", "", "3 IDs: hex, and no rule that all of them follow"),
        ("constant", "all 3 are equal", None),
        ("counter", "each is one more", None),
        ("counter", "", None),
    ],
)
def test_only_a_form_without_rule_and_evidence_is_described_as_such(
    kind: str, evidence: str, line: str | None
) -> None:
    assert _form([Part(kind, "hex", evidence)], 3) == (() if line is None else (line,))


class TestTokens:
    """JSON web tokens, by what their heads and claims say."""

    @staticmethod
    def samples(*tokens: dict[str, Any] | None) -> list[Sample]:
        found = collect(lambda rng, now, i, lane: pick(rng, BASE36, 24), n=len(tokens))
        return [
            replace(s, features={**s.features, **({"jwt": t} if t else {})})
            for s, t in zip(found, tokens, strict=True)
        ]

    def test_their_algorithms_claims_and_age_are_reported(self) -> None:
        one = {"alg": "HS256", "claims": ["sub", "iat"], "issued": -1.25}
        other = {"alg": "ES256", "claims": ["iat", "exp"], "issued": 3.04}
        found = recognise(self.samples(one, other))
        assert (found.name, found.parts, found.structured, found.nominal_bits) == (
            "jwt",
            ("JSON web token",),
            True,
            0.0,
        )
        assert found.evidence == (
            "2 JSON web tokens, signed by ES256, HS256",
            "each with the claims iat; a signature adds no randomness",
            "issued within 3.0 s of the write",
        )

    def test_without_common_claims_or_times_nothing_is_reported_of_them(self) -> None:
        found = recognise(
            self.samples({"alg": "none", "claims": ["a"], "issued": 1.0}, {"alg": "none", "claims": ["b"]})
        )
        assert found.evidence == ("2 JSON web tokens, signed by none",)

    def test_ids_of_which_some_are_none_are_no_tokens(self) -> None:
        one = {"alg": "HS256", "claims": ["sub"]}
        assert recognise(self.samples(one, None, one)).name != "jwt"
