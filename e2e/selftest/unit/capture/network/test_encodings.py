"""A request's body is decoded as its sender encoded it, or is unreadable with a reason; it is never taken for empty."""

from __future__ import annotations

import base64
import gzip
import zlib

import brotli
import pytest
import zstandard

from e2e.capture.network.bodies.encodings import LIMIT, body_of, frame_of, looks_opaque
from e2e.capture.network.payloads import taken_by
from e2e.capture.network.wire_rules import Rule
from e2e.profile.profile import WireRule

TEXT = '{"session_id": "s-1", "text": "Grüße (0a1b2c3d)"}'
PLAIN = TEXT.encode()
NOISE = bytes(range(128, 256)) * 2
JSON = {"Content-Type": "application/json"}


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def _name(value: object) -> str:
    """A case's name has no bytes in it."""
    return value if isinstance(value, str) else "body"


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)),
        ("x-gzip", gzip.compress(PLAIN, mtime=0)),
        ("br", brotli.compress(PLAIN)),
        ("zstd", zstandard.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", raw_deflate(PLAIN)),
        ("gzip, br", brotli.compress(gzip.compress(PLAIN, mtime=0))),
        ("identity", PLAIN),
        ("", gzip.compress(PLAIN, mtime=0)),
        ("", zlib.compress(PLAIN)),
        ("", zstandard.compress(PLAIN)),
        ("", base64.b64encode(gzip.compress(PLAIN, mtime=0))),
        ("gzip", PLAIN),  # the browser took it off already, or the header lies
    ],
    ids=_name,
)
def test_a_body_is_decompressed_by_its_header_or_its_first_bytes(coding: str, sent: bytes) -> None:
    body = body_of(sent, {"content-encoding": coding, **JSON})
    assert (body.text, body.unreadable) == (TEXT, "")


@pytest.mark.parametrize(
    ("coding", "sent", "reason"),
    [
        ("", NOISE, "binary"),
        ("aes128gcm", NOISE, "'aes128gcm' is not known"),
        ("gzip", gzip.compress(PLAIN, mtime=0)[:-9], "not the gzip stream"),
        ("br", brotli.compress(PLAIN * 50)[:-4], "not the br stream"),
        ("zstd", zstandard.compress(PLAIN)[:-4], "not the zstd stream"),
        ("", b"\x0a\x05hello\x12\x03abc", "binary"),
        ("gzip", gzip.compress(bytes(LIMIT + 1), mtime=0), "larger than 16 MiB"),
        ("br", brotli.compress(bytes(LIMIT + 1)), "larger than 16 MiB"),
        ("zstd", zstandard.compress(bytes(LIMIT + 1)), "larger than 16 MiB"),
    ],
    ids=_name,
)
def test_what_cannot_be_decoded_has_a_reason(coding: str, sent: bytes, reason: str) -> None:
    body = body_of(sent, {"content-encoding": coding})
    assert reason in body.unreadable
    assert body.text == (sent.decode(errors="replace") if reason == "binary" else "")


def test_a_form_with_a_file_keeps_its_fields() -> None:
    sent = b'--b\r\nContent-Disposition: form-data; name="session_id"\r\n\r\ns-1\r\n--b--\r\n' + NOISE
    assert not body_of(sent, {"Content-Type": "multipart/form-data; boundary=b"}).unreadable


def test_a_compressed_frame_is_decompressed_and_any_other_is_left() -> None:
    assert frame_of(gzip.compress(PLAIN, mtime=0)) == PLAIN
    assert frame_of(NOISE) == NOISE
    assert frame_of("text") == "text"


@pytest.mark.parametrize(
    ("text", "opaque"),
    [
        ('{"data": "' + base64.b64encode(NOISE).decode() + '"}', True),
        (str(list(NOISE)), True),
        ('{"id": "0f3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f", "text": "a long message of words"}', False),
        ("-" * 80, False),
        ("ABCDEFGHI" * 5, False),
        ("ABCDEFGHIJ" * 4, True),
        ("ABCDEFGHIJ" * 3 + "ABCDEFGHI", False),
        ("the-longest-of-all-words-with-many-letters-in-it", False),
        (TEXT, False),
    ],
)
def test_a_long_run_of_encoded_data_may_hide_anything(text: str, opaque: bool) -> None:
    assert looks_opaque(text) is opaque


def rule(**fields: object) -> Rule:
    return Rule(WireRule.model_validate({"url": "/api/chat", "session": "session_id", **fields}))


class TestTaken:
    def test_a_compressed_body_is_read(self) -> None:
        headers = {"content-encoding": "gzip", **JSON}
        taken = taken_by([rule(when="text")], body_of(gzip.compress(PLAIN, mtime=0), headers), headers)
        assert taken is not None
        assert (taken.value["session_id"], taken.unreadable) == ("s-1", "")

    def test_bytes_of_a_framing_are_its_text(self) -> None:
        taken = taken_by(
            [rule(framing="socket.io", session="args[0].s")], body_of(b'42["chat", {"s": "s-1"}]', {}), {}
        )
        assert taken is not None
        assert taken.value["args"][0]["s"] == "s-1"

    def test_an_unreadable_body_is_a_payload_of_its_rule(self) -> None:
        taken = taken_by([rule()], body_of(NOISE, {}), {})
        assert taken is not None
        assert taken.unreadable
        assert not taken.doubtful

    def test_a_text_that_is_no_json_is_unreadable_and_not_without_an_id(self) -> None:
        taken = taken_by([rule()], body_of(b"U2FsdGVkX18=", {}), {})
        assert taken is not None
        assert "neither JSON nor a form" in taken.unreadable

    def test_where_only_the_body_would_tell_it_may_be_another_request(self) -> None:
        taken = taken_by([rule(when="text")], body_of(NOISE, {}), {})
        assert taken is not None
        assert taken.doubtful

    def test_another_rule_that_takes_it_as_it_is_comes_first(self) -> None:
        rules = [rule(when="text"), rule(session={"header": "x-session"})]
        taken = taken_by(rules, body_of(NOISE, {}), {})
        assert taken is not None
        assert taken.rule is rules[1]

    def test_a_body_that_was_read_and_is_not_meant_is_no_payload(self) -> None:
        assert taken_by([rule(when="text")], body_of(b'{"type": "ping"}', JSON), JSON) is None

    def test_an_empty_body_is_read(self) -> None:
        taken = taken_by([rule()], body_of(b"", {}), {})
        assert taken is not None
        assert not taken.unreadable
