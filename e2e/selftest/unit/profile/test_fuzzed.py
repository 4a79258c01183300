"""Profiles of any content: an accepted profile, or an error that names file, rule and hint; never a traceback or a hang."""

from __future__ import annotations

import datetime as dt
import re
import time
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2e.errors import InvalidProfile
from e2e.profile.profile import TARGETS, Profile, load, parse
from e2e.profile.values.bounded import Expression, Pattern
from e2e.profile.values.error_messages import toml_value

SHIPPED = sorted(path.stem for path in TARGETS.glob("*.toml"))
DEEP: Any = []
for _ in range(90):
    DEEP = [DEEP, {"a": DEEP}] if _ < 6 else [DEEP]
EVIL: tuple[Any, ...] = (
    True, False, 0, -1, 1.5, 10**400, -(10**15), 1e308, float("inf"), float("nan"), "", " ", "x" * 10_000,
    "\u202e<b>\x1b[31m=1+1\x00",
    "\x00", "\n", "\u2028", "../../etc/passwd", "/etc/passwd", "~nobody-here/x", "${HOME}", "${", "$(id)", "{{ 7*7 }}", "http://[", "http://x:99999/",
    "javascript:alert(1)", "file:///etc/passwd", "a" * 300 + "/", "(a+)+$", "(?P<x", "(" * 500, "[" * 2000, "a{1000000}", "(?R)", "\\",
    "*",
    "(.*.*.*.*.*)*x", "`" * 99, "a[?b=='", "[*].[*].[*]", "@" * 50, "join(@, @)",
    " | ".join(["[@,@]"] * 40), "a." * 2000 + "a", [], [[]], {}, {"a": 1},
    {"": ""}, [{}], [1, "a", None.__class__.__name__], DEEP, dt.date(2027, 1, 31), dt.datetime(2027, 1, 31, tzinfo=dt.UTC), dt.time(1, 2),
    ["x"] * 5000, {f"k{n}": n for n in range(2000)}, "Ⅷ℀", "é\u200d", "\ufeff",
)  # fmt: skip


def raw_of(name: str) -> dict[str, Any]:
    return tomllib.loads((TARGETS / f"{name}.toml").read_text(encoding="utf-8"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values of a table."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


PLACES = [(name, place) for name in SHIPPED for place in places(raw_of(name))]
TEXT = "héllo\u2028wörld"
"""A text of the target in which the patterns and expressions of an accepted profile search."""


def fair(refused: InvalidProfile) -> None:
    """The message is short, has a rule and a hint, and does nothing to a terminal."""
    text = str(refused)
    assert refused.what
    assert refused.hint
    assert len(text) < 20_000, len(text)
    assert "\n  got " in text or refused.what.count("\n") == 0, text[:300]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text), ascii(
        text
    )[:400]


def tried(raw: Any) -> bool:
    """Whether a profile with these tables is accepted."""
    began = time.process_time()
    try:
        profile = parse(raw, "x.toml")
    except InvalidProfile as refused:
        fair(refused)
        profile = None
    if profile is not None:
        searched(profile)
    assert time.process_time() - began < 5
    return profile is not None


def searched(profile: Profile) -> None:
    for rule in profile.wire:
        Pattern(rule.url, "wire.url").search(TEXT * 100)
        for location in (rule.session, rule.provider):
            expression = getattr(location, "json_", None)
            if isinstance(expression, str):
                Expression(expression, "wire").search({"provider": [TEXT], "a": {"a": 1}})


def with_evil(raw: dict[str, Any], place: tuple[Any, ...], evil: Any) -> dict[str, Any]:
    """One value replaced, or taken away (``...``)."""
    raw = deepcopy(raw)
    at: Any = raw
    for key in place[:-1]:
        at = at[key]
    if evil is ...:
        del at[place[-1]]
    else:
        at[place[-1]] = evil
    return raw


usual = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@given(place=st.sampled_from(PLACES), evil=st.sampled_from((..., *EVIL)))
@settings(usual, max_examples=150)
def test_a_value_of_another_kind_is_an_error_or_accepted(
    place: tuple[str, tuple[Any, ...]], evil: Any
) -> None:
    tried(with_evil(raw_of(place[0]), place[1], evil))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_value_of_every_other_kind_is_an_error_or_accepted(name: str) -> None:
    raw = raw_of(name)
    for place in places(raw):
        for evil in (..., *EVIL):
            tried(with_evil(raw, place, evil))


anything = st.recursive(
    st.one_of(
        st.none().map(lambda _: 0), st.booleans(), st.integers(), st.floats(), st.text(max_size=40), st.dates(),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(place=st.sampled_from(PLACES), value=anything, key=st.text(max_size=20))
@settings(usual, max_examples=3000, derandomize=False)
def test_any_value_and_any_key_is_an_error_or_accepted(
    place: tuple[str, tuple[Any, ...]], value: Any, key: str
) -> None:
    raw = with_evil(raw_of(place[0]), place[1], value)
    tried(raw)
    tried(raw | {key: value})


def written(folder: Path, data: bytes) -> bool:
    """Whether a file with these bytes is a profile."""
    path = folder / "x.toml"
    path.write_bytes(data)
    began = time.process_time()
    try:
        load(str(path))
        accepted = True
    except InvalidProfile as refused:
        fair(refused)
        accepted = False
    assert time.process_time() - began < 5
    assert {p.name for p in folder.iterdir()} == {"x.toml"}
    return accepted


def cuts(name: str) -> bytes:
    return (TARGETS / f"{name}.toml").read_bytes()


def test_a_profile_that_was_cut_off_is_an_error_or_a_profile(tmp_path: Path) -> None:
    data = cuts("reference")
    ends = [len(data) * n // 12 for n in range(12)]
    accepted = [written(tmp_path, data[:at]) for at in ends]
    assert not accepted[0]


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_is_an_error_or_a_profile_wherever_it_was_cut_off(name: str, tmp_path: Path) -> None:
    data = cuts(name)
    accepted = [written(tmp_path, data[:at]) for at in range(len(data))]
    assert not accepted[0]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00", b"\x00" * 100, b"[" * 5000, b"a = " + b"[" * 5000, b"a = " + b"{ a = " * 5000, b"a = " + b"9" * 5000,
        b"[" + b"a." * 5000 + b"a]",
        b"a." * 5000 + b"a = 1", b"a = 2027-99-99", b"a = 1e999999", b"a = 0x" + b"f" * 9000, b'a = "\\ud800"', b'a = "\xed\xa0\x80"',
        b"\xff\xfea\x00", "name = 'ä'".encode("latin-1"), b'a = "' + b"x" * 999_000, b"a = 1\n" * 50_000, b"x" * 2_000_000,
        "a = 1\u2028b".encode(), b"password = \x1b[31m", b'"\\u001b[31m" = 1\nname = "x"', "title = '\u202egnp'".encode(),
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_profile_is_an_error(data: bytes, tmp_path: Path) -> None:
    assert not written(tmp_path, data)


def test_a_byte_order_mark_and_other_line_breaks_do_not_matter(tmp_path: Path) -> None:
    data = cuts("reference")
    assert written(tmp_path, b"\xef\xbb\xbf" + data)
    assert written(tmp_path, data.replace(b"\n", b"\r\n"))
    assert not written(tmp_path, data.decode().encode("utf-16"))
    assert not written(tmp_path, data.replace(b"\n", b"\x00\n", 1))


def test_the_line_of_a_mistake_is_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = '\x85\u2028'\nb = 1\nc =\n", encoding="utf-8")
    with pytest.raises(InvalidProfile, match="line 3, column 4"):
        load(str(path))


@pytest.mark.parametrize(
    "name",
    ["", " ", "~nobody-here/x.toml", "a" * 5000, "a/" * 3000, "a\x00b", "\ud800", "\x1b[31m", "../..", "/", "/dev/null", "-", "\u202ex"]
)  # fmt: skip
def test_a_name_that_no_file_can_have_is_an_error(name: str) -> None:
    with pytest.raises(InvalidProfile) as raised:
        load(name)
    fair(raised.value)


@pytest.mark.parametrize(
    "text",
    [e for e in EVIL if isinstance(e, str)] + ["a\x1b\\b", "\ud800", "it's \\ \n", "\x7f\x85", "'\"\\"],
)
def test_any_text_becomes_a_toml_value(text: str) -> None:
    """Discovery writes names and texts of a page into a proposed profile."""
    found = tomllib.loads(f"a = {toml_value(text)}")["a"]
    assert found == "".join("\ufffd" if "\ud800" <= c < "\ue000" else c for c in text)
    toml_value(text).encode()
