"""Whatever a target sends, no decoder raises and none takes long: what it cannot read, it counts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2e.framings.base.json_text import loads, parse_nested_json
from e2e.framings.registry import FRAMINGS

SEEDS: tuple[str | bytes, ...] = (
    '42["message",{"session":"s","text":"hi"}]', '451-["m",{"_placeholder":true,"num":0}]', '0{"sid":"x"}', "12:42[\"a\",1]", "a[\"x\"]",
    '{"type":"next","id":"1","payload":{"data":{"chat":{"provider":"p"}}}}', '{"type":1,"target":"Chat","arguments":["s"]}\x1e',
    '{"jsonrpc":"2.0","id":1,"result":{}}', 'data: {"a":1}\n\n', '[null,"1","topic","phx_reply",{}]', "MESSAGE\nid:1\n\n{}\x00",
    b"\x00\x00\x00\x00\x05\x0a\x03abc", b"\x08\x96\x01\x12\x03abc", b"\x82\xa1a\x01\xa1b\xa3xyz", b"\x1f\x8b\x08\x00", b"\x00\x01\x02",
    "[" * 20_000, '{"a":' * 20_000, "9" * 5_000, '{"a":1e999}', '["\\ud800"]', "\x00\x1b[31m\u202e\u2028", "", b"", "999999999:",
    b"\x00\x09\x09\xff", "42" + "[" * 5_000, "51-" * 1000, "4" * 100_000, "AAAA" * 20_000 + "=", b"\xff" * 10_000, b"\x80" * 10_000,
)  # fmt: skip


def decode(name: str, frames: list[str | bytes]) -> None:
    began = time.process_time()
    decoder = FRAMINGS[name].decoder()
    for number, frame in enumerate(frames):
        for message in list(decoder.decode(frame, number % 2 == 0)):
            json.dumps(message.value, default=str)
    assert time.process_time() - began < 5, name


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_malformed_frame_does_not_raise(name: str) -> None:
    decode(name, [cut for seed in SEEDS for cut in (seed, seed[: len(seed) // 2], seed[1:])])


def mutate(seed: str | bytes, at: int, piece: str, count: int) -> str | bytes:
    at %= len(seed) + 1
    if isinstance(seed, str):
        return seed[:at] + piece * count + seed[at + 1 :]
    return seed[:at] + piece.encode("utf-8", "replace") * count + seed[at + 1 :]


frames = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.binary(max_size=60),
        st.builds(
            mutate, st.sampled_from(SEEDS), st.integers(0, 60), st.text(max_size=3), st.integers(0, 50)
        ),
    ),
    max_size=6,
)
usual = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@given(name=st.sampled_from(sorted(FRAMINGS)), some=frames)
@settings(usual, max_examples=200)
def test_any_frames_in_any_order_do_not_raise(name: str, some: list[str | bytes]) -> None:
    decode(name, some)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(name=st.sampled_from(sorted(FRAMINGS)), some=frames)
@settings(usual, max_examples=50_000, derandomize=False)
def test_very_many_frames_do_not_raise(name: str, some: list[str | bytes]) -> None:
    decode(name, some)


@pytest.mark.parametrize("text", [s for s in SEEDS if isinstance(s, str)])
def test_nested_json_is_bounded(text: str) -> None:
    try:
        value: Any = loads(text)
    except ValueError:
        value = {"a": text}
    for _ in range(100):
        value = {"in": json.dumps(value)[:1_000_000]} if len(str(value)) < 100_000 else value
    parse_nested_json(value)
