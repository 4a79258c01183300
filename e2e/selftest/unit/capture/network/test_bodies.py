"""Bodies of requests as values: what each content type says, and that no body whatever raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.capture.network.bodies.parsing import cookies_of, form_of, multipart_of, payload_of
from e2e.framings.base.json_text import loads

few = settings(max_examples=60, deadline=None, database=None)

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=----WebKitFormBoundaryx7"


def multipart(*parts: str, end: str = "------WebKitFormBoundaryx7--\r\n") -> bytes:
    return ("".join(f"------WebKitFormBoundaryx7\r\n{part}\r\n" for part in parts) + end).encode()


def text(name: str, value: str, more: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}'


class TestPayload:
    @pytest.mark.parametrize(
        ("body", "content_type", "value"),
        [
            ('{"a": 1}', "application/json", {"a": 1}),
            (b'{"a": "\xc3\xa9"}', "application/json; charset=utf-8", {"a": "é"}),
            (b'\xef\xbb\xbf{"a": 1}', "application/json", {"a": 1}),
            ('{"a": 1}', "application/vnd.api+json", {"a": 1}),
            ('{"a": 1}', "text/plain;charset=UTF-8", {"a": 1}),
            ('{"a": 1}', "", {"a": 1}),
            ("hello", "text/plain", None),
            ('{"a": 1}', "image/png", None),
            ('{"a": ', "application/json", None),
            ('{"a": NaN}', "application/json", None),
            ("", "application/json", None),
            (None, "application/json", None),
            ('{"a": 1}\n\n{"b": 2}\r\n', "application/x-ndjson", [{"a": 1}, {"b": 2}]),
            ('{"a": 1}\n{"b": ', "application/x-ndjson", None),
            ("a=1&b=x%20y+z&b=&c", FORM, {"a": "1", "b": ["x y z", ""], "c": ""}),
            ("a=%E9", FORM + "; charset=iso-8859-1", {"a": "é"}),
            ('{"session": "s-1"}', FORM, {"session": "s-1"}),
            ("{a=1", FORM, {"{a": "1"}),
        ],
    )
    def test_it_is_what_the_type_says(self, body: bytes | str | None, content_type: str, value: Any) -> None:
        assert payload_of(body, content_type) == value

    @pytest.mark.parametrize(
        ("body", "charset", "read"),
        [
            ('"é"'.encode(), "iso-8859-1", "é"),  # the header is wrong
            ('"é"'.encode("iso-8859-1"), "iso-8859-1", "é"),
            ('"é"'.encode("utf-16-le"), "utf-16le", "é"),
            (b'"\xff"', "no-such-charset", "\ufffd"),
            (b'"\xff"', "unicode_escape", "\ufffd"),
            (b'"\xff"', "rot13", "\ufffd"),
        ],
    )
    def test_the_bytes_count_more_than_the_charset(self, body: bytes, charset: str, read: str) -> None:
        assert payload_of(body, f"application/json; charset={charset}") == read

    def test_nesting_without_end_is_no_value(self) -> None:
        deep = "[" * 200_000
        assert payload_of(deep, "application/json") is None
        assert payload_of(deep + "]" * 200_000, "application/x-ndjson") is None
        with pytest.raises(ValueError, match="nested too deep"):
            loads(deep)

    @few
    @given(
        st.one_of(st.binary(), st.text()),
        st.sampled_from(["application/json", FORM, MULTIPART, "multipart/form-data", "application/x-ndjson"]),
        st.one_of(st.just(""), st.text().map(lambda name: f"; charset={name}")),
    )
    def test_garbage_is_none_or_a_value(self, body: bytes | str, kind: str, charset: str) -> None:
        value = payload_of(body, kind + charset)
        assert isinstance(value, dict) or kind != MULTIPART or value is None


class TestForm:
    def test_without_a_field_there_is_nothing(self) -> None:
        assert form_of("") is None
        assert form_of("&&") is None

    def test_a_value_stays_text(self) -> None:
        assert form_of("n=1&j=%7B%22a%22%3A1%7D") == {"n": "1", "j": '{"a":1}'}


class TestMultipart:
    def test_fields_files_and_repeated_names(self) -> None:
        body = multipart(
            text("session", "s-1"),
            text("q", "one\r\n--two"),
            text("q", ""),
            text("f", "12345", '; filename="a%22b.txt"\r\nContent-Type: text/plain'),
            text("none", "", '; filename=""\r\nContent-Type: application/octet-stream'),
        )
        assert payload_of(body, MULTIPART) == {
            "session": "s-1",
            "q": ["one\r\n--two", ""],
            "f": {"filename": 'a"b.txt', "size": 5},
            "none": {"filename": "", "size": 0},
        }

    def test_json_stays_text_also_as_a_blob(self) -> None:
        kind = "\r\nContent-Type: application/json"
        body = multipart(text("a", '{"s":1}', kind), text("b", '{"s":2}', f'; filename="blob"{kind}'))
        assert multipart_of(body, MULTIPART) == {"a": '{"s":1}', "b": '{"s":2}'}

    def test_the_boundary_may_be_quoted_or_missing(self) -> None:
        body = multipart(text("a", "1"))
        quoted = 'multipart/form-data; charset=utf-8; boundary="----WebKitFormBoundaryx7"'
        assert multipart_of(body, quoted) == {"a": "1"}
        assert multipart_of(body.decode(), "multipart/form-data") == {"a": "1"}
        assert multipart_of(b"no boundary at all", "multipart/form-data") is None
        assert multipart_of(body, "multipart/form-data; boundary=other") is None

    def test_bare_line_feeds_do(self) -> None:
        assert multipart_of(multipart(text("a", "1")).replace(b"\r\n", b"\n"), MULTIPART) == {"a": "1"}

    def test_a_part_cut_off_is_left_out_and_what_follows_the_end_is_not_read(self) -> None:
        assert multipart_of(multipart(text("a", "1")) + multipart(text("b", "2")), MULTIPART) == {"a": "1"}
        cut = multipart(text("a", "1"), text("session", "s-12345"), end="")[:-4]
        assert multipart_of(cut, MULTIPART) == {"a": "1"}

    def test_a_part_without_a_name_is_passed_over(self) -> None:
        body = multipart("Content-Disposition: form-data\r\n\r\nx", "no head", text("a", "1"))
        assert multipart_of(body, MULTIPART) == {"a": "1"}

    def test_a_value_is_text_whatever_its_bytes_are(self) -> None:
        body = multipart(text("a", "é@")).replace(b"@", b"\xff")
        assert multipart_of(body, MULTIPART) == {"a": "é\ufffd"}


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        (
            'sid=s%3A1.x==; theme="dark"; flag; =x; empty=',
            {"sid": "s%3A1.x==", "theme": '"dark"', "empty": ""},
        ),
        ("a=deep; a=root", {"a": "deep"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
    ],
)
def test_cookies_are_read_as_they_stand(header: str, cookies: dict[str, str]) -> None:
    assert cookies_of(header) == cookies
