"""An ID that is a hash of something known is named as one, however it is cut and written."""

from __future__ import annotations

import base64
import hashlib

import pytest

from e2e.capture.session_ids.hashes import hashes_of

NOW = 1_763_860_000.5


def digest(text: str, name: str = "sha256") -> bytes:
    return hashlib.new(name, text.encode()).digest()


def found(text: str, prefix: str = "", known: dict[str, str] | None = None) -> list[str]:
    return hashes_of(text, NOW, prefix, known or {})


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("the time in s", "1763860000"),
        ("the time in ms", "1763860000999"),
        ("the time in ms", "1763860000000"),
        ("a small counter", "0"),
        ("a small counter", "999"),
    ],
)
def test_a_hash_of_a_time_or_a_counter_is_named(name: str, what: str, text: str) -> None:
    assert found(digest(text, name).hex()) == [f"{name} of {what}"]


@pytest.mark.parametrize(("second", "near"), [(-6, False), (-5, True), (0, True), (1, True), (2, False)])
def test_a_hashed_time_lies_between_five_seconds_before_the_writing_and_one_after(
    second: int, near: bool
) -> None:
    text = digest(str(1_763_860_000 + second)).hex()
    assert found(text) == (["sha256 of the time in s"] if near else [])


@pytest.mark.parametrize(
    "form",
    [
        lambda raw: raw.hex(),
        lambda raw: raw.hex().upper(),
        lambda raw: raw.hex()[:8],
        lambda raw: base64.b64encode(raw).decode(),
        lambda raw: base64.urlsafe_b64encode(raw).decode(),
        lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
        lambda raw: base64.b64encode(raw).decode()[:8],
    ],
    ids=["hex", "upper", "cut-hex", "base64", "url-safe", "unpadded", "cut-base64"],
)
@pytest.mark.parametrize("counter", [3, 6, 17, 40])
def test_every_way_to_write_and_cut_a_digest_is_read(form: object, counter: int) -> None:
    assert callable(form)
    assert found(form(digest(str(counter)))) == ["sha256 of a small counter"]


def test_seven_characters_are_too_few() -> None:
    assert found(digest("5").hex()[:7]) == []


def test_a_counter_may_follow_the_prefix_with_and_without_its_separator() -> None:
    for text in ("user_12", "user12"):
        assert found(digest(text).hex(), "user_") == ["sha256 of its prefix and a small counter"]
        assert found(digest(text).hex()) == []


def test_a_known_text_is_named_in_every_algorithm() -> None:
    known = {"the user agent": "Mozilla/5.0"}
    for name in ("md5", "sha1", "sha256", "sha512"):
        assert found(digest("Mozilla/5.0", name).hex(), known=known) == [f"{name} of the user agent"]


@pytest.mark.parametrize("text", ["", "0" * 64, "no hash at all", "äöüäöüäö", "f" * 129])
def test_another_text_is_a_hash_of_nothing(text: str) -> None:
    assert found(text) == []


def test_a_text_that_only_begins_like_a_digest_is_none() -> None:
    raw = digest("5").hex()
    assert found(raw[:8] + ("0" if raw[8] != "0" else "1") + raw[9:]) == []
