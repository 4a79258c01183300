"""What an ID is, and what is written down of one: its form, never its secret."""

from __future__ import annotations

import base64
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.capture.session_ids.identity import KnownIds, StoredId, as_text, canonical, shape, time_offset

NOW = 1_763_860_000.123
BASE36 = string.digits + string.ascii_lowercase

few = settings(max_examples=40, deadline=None, database=None)


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = BASE36[digit] + digits
    return digits


class TestStoredId:
    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ("session_1", "session_1"),
            ('"session_1"', "session_1"),
            ("  session_1\n", "session_1"),
            ('{"sessionId": "a"}', '{"sessionId": "a"}'),
            ('""', None),
            ("", None),
            ("   ", None),
            (None, None),
        ],
    )
    def test_without_a_path_the_value_is_the_id(self, value: str | None, found: str | None) -> None:
        assert StoredId(None).read(value) == found

    @pytest.mark.parametrize(
        ("path", "value", "found"),
        [
            ("sessionId", '{"sessionId": "session_1", "lastUsed": 3}', "session_1"),
            ("state.chats[-1].id", '{"state": {"chats": [{"id": "a"}, {"id": "b"}]}}', "b"),
            ("id", '{"id": 1763860000123}', "1763860000123"),
            ("id", '{"id": ""}', None),
            ("id", '{"id": null}', None),
            ("id", '{"id": true}', None),
            ("id", '{"id": ["a"]}', None),
            ("id", "{}", None),
            ("id", "[]", None),
            ("id", "null", None),
            ("id", '{"id": "session_1"', None),
            ("id", "session_1", None),
            ("join('-', parts)", '{"parts": 7}', None),
            ("id", "", None),
            ("id", None, None),
        ],
    )
    def test_with_a_path_the_id_is_what_stands_there(
        self, path: str, value: str | None, found: str | None
    ) -> None:
        assert StoredId(path).read(value) == found


UUID = "0f3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f"


class TestCanonical:
    @pytest.mark.parametrize(
        ("raw", "session", "form"),
        [
            ("kx2f/New conversation 1", "kx2f/New conversation 1", ""),
            ("kx2f%2FNew%20conversation%201", "kx2f/New conversation 1", "percent-encoded"),
            ("kx2f%2fNew%20conversation%201", "kx2f/New conversation 1", "percent-encoded"),
            ("kx2f/New%20conversation%201", "kx2f/New conversation 1", "percent-encoded"),  # encodeURI
            ("kx2f%252FNew%2520conversation%25201", "kx2f/New conversation 1", "percent-encoded twice"),
            ("%D1%87%D0%B0%D1%82", "чат", "percent-encoded"),
            ('"session_1"', "session_1", "in quotes"),
            ('"a\\u002fb"', "a/b", "in quotes"),
            ("%22session_1%22", "session_1", "percent-encoded, in quotes"),
            (UUID, UUID, ""),
        ],
    )
    def test_what_encodes_an_id_for_its_place_is_taken_off(self, raw: str, session: str, form: str) -> None:
        assert canonical(raw) == (session, form)

    @pytest.mark.parametrize(
        "raw", ["a%41", "100%", "50%zz", "%00%01%02", "%FF%FE", "a%2", '"', '"a', 'a"', "A", "a", "a+b"]
    )
    def test_what_no_encoder_writes_stays(self, raw: str) -> None:
        assert canonical(raw) == (raw, "")

    @few
    @given(st.text(string.ascii_letters + string.digits + "%/ +-_.~=", min_size=1, max_size=30))
    def test_an_id_and_its_encoded_form_are_one(self, session: str) -> None:
        encoded = quote(session, safe="!'()*")
        assert canonical(encoded)[0] == canonical(session)[0]
        assert canonical(quote(encoded, safe="!'()*"))[0] == canonical(session)[0]

    @few
    @given(
        st.text(string.ascii_letters + string.digits + "/ +-_.~=", min_size=1, max_size=30),
        st.text(string.ascii_letters + string.digits + "/ +-_.~=", min_size=1, max_size=30),
    )
    def test_two_ids_never_become_one(self, one: str, other: str) -> None:
        assert (canonical(quote(one))[0] == canonical(quote(other))[0]) is (one == other)

    def test_a_stored_id_comes_with_its_form(self) -> None:
        reader = StoredId(None)
        assert (reader.read("a%2Fb"), reader.form) == ("a/b", "percent-encoded")
        assert (reader.read("a/b"), reader.form) == ("a/b", "")


class TestKnownIds:
    @pytest.mark.parametrize(
        "form",
        [
            base64.b64encode(b"session_1763860000123_k3j9?>").decode(),
            base64.urlsafe_b64encode(b"session_1763860000123_k3j9?>").decode(),
            base64.urlsafe_b64encode(b"session_1763860000123_k3j9?>").decode().rstrip("="),
        ],
    )
    def test_base64_of_a_known_id_is_that_id_in_either_order(self, form: str) -> None:
        session = "session_1763860000123_k3j9?>"
        ids = KnownIds()
        assert ids.resolve(session) == ids.resolve(form)
        other = KnownIds()
        assert other.resolve(form) == other.resolve(session)

    def test_a_uuid_without_dashes_is_the_uuid(self) -> None:
        ids = KnownIds()
        assert ids.resolve(UUID.replace("-", "")) == ids.resolve(UUID)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("abcdEFGH", "ABCDefgh"),
            (UUID, UUID.upper()),
            (base64.b64encode(b"session_one").decode(), base64.b64encode(b"session_two").decode()),
            ("session_one", base64.b64encode(b"session_two").decode()),
        ],
    )
    def test_ids_that_differ_stay_two(self, one: str, other: str) -> None:
        ids = KnownIds()
        assert ids.resolve(one) != ids.resolve(other)


class TestAsText:
    @pytest.mark.parametrize(("found", "text"), [("a", "a"), (7, "7"), (1.5, "1.5"), (0, "0")])
    def test_texts_and_numbers_are_there(self, found: object, text: str) -> None:
        assert as_text(found) == text

    @pytest.mark.parametrize("found", [None, "", True, False, [], ["a"], {"a": 1}])
    def test_anything_else_is_not(self, found: object) -> None:
        assert as_text(found) is None


class TestShape:
    @pytest.mark.parametrize(
        ("session_id", "form"),
        [
            ("session_1763860000123_k3j9x0a1b", "session_{d13}_{x9}"),
            ("0f3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f", "{h8}-{h4}-{h4}-{h4}-{h12}"),
            ("deadbeef-12345678", "{h8}-{d8}"),
            ("session_chat_3_9f1e4b7d", "session_{w4}_{d1}_{h8}"),
            ("QWertZ", "{w6}"),
            ("Ab3/x+9==", "{X3}/{w1}+{d1}=="),
            ("", ""),
        ],
    )
    def test_parts_become_class_and_length(self, session_id: str, form: str) -> None:
        assert shape(session_id) == form

    @pytest.mark.parametrize(
        "session_id", ["-ключ", "a-ключ", "…секрет", "chat_🔑🔑", "日本語", "x\ttab\x00"]
    )
    def test_what_is_not_ascii_is_never_a_separator(self, session_id: str) -> None:
        assert not set(shape(session_id)) & {c for c in session_id if not 32 <= ord(c) < 127}

    def test_two_ids_of_one_make_have_one_shape(self) -> None:
        assert shape("session_1763860000123_k3j9x0a1b") == shape("session_1763860999999_zzzz0zzz1")

    @few
    @given(st.lists(st.text(st.characters(exclude_categories=()), min_size=1), min_size=1))
    def test_nothing_of_an_id_is_kept_but_its_prefix_and_ascii_separators(self, parts: list[str]) -> None:
        form = shape("session_" + "_".join(parts))
        assert form.startswith("session_")
        classes = set(string.ascii_letters + string.digits)
        kept = [c for c in form.removeprefix("session_") if c not in classes]
        assert all(c in " " + string.punctuation for c in kept)
        # Letters and digits stand in class marks only: take those out and none is left.
        inside = "".join(kept)
        assert not any(c.isalnum() for c in inside)

    @few
    @given(st.text(string.ascii_letters + string.digits, min_size=7, max_size=40))
    def test_a_secret_of_letters_and_digits_never_shows(self, secret: str) -> None:
        assert secret not in shape(secret)
        assert secret not in shape("session_" + secret)
        assert shape("session_" + secret) in {f"session_{{{kind}{len(secret)}}}" for kind in "dhwxX"}


class TestTimeOffset:
    @pytest.mark.parametrize(
        "part",
        ["1763860000", "1763860000123", "1763860000123456", base36(1763860000123)],
        ids=["s", "ms", "µs", "base36 ms"],
    )
    def test_a_time_of_now_is_found_in_every_unit(self, part: str) -> None:
        offset = time_offset(f"session_{part}_k3j9x0a1b", NOW)
        assert offset is not None
        assert abs(offset) <= 0.124

    def test_it_is_the_ids_time_minus_the_writing(self) -> None:
        assert time_offset("session_1763860000123", NOW + 5) == -5.0
        assert time_offset("session_1763860000123", NOW - 1.5) == 1.5

    def test_the_nearest_of_several_times_counts(self) -> None:
        assert time_offset("1763860300-1763860000123", NOW) == 0.0
        assert time_offset("1763860000123-1763860300", NOW) == 0.0

    @pytest.mark.parametrize(
        "session_id",
        [
            "0f3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f",
            "session_42",
            "session_9999999999999",
            "session_17638600001234",
            "session_deadbeef",
            "no-time-at-all",
            "²²²²²²²²²²",
            "",
        ],
    )
    def test_without_a_time_there_is_none(self, session_id: str) -> None:
        assert time_offset(session_id, NOW) is None

    @pytest.mark.parametrize(
        ("away", "known"), [(86_300, True), (86_500, False), (-86_300, True), (-86_500, False)]
    )
    def test_a_time_counts_within_one_day(self, away: int, known: bool) -> None:
        assert (time_offset(str(1763860000 + away), 1763860000.0) is not None) is known

    @few
    @given(st.text(), st.floats(0, 4e9))
    def test_no_text_breaks_it(self, session_id: str, written: float) -> None:
        offset = time_offset(session_id, written)
        assert offset is None or abs(offset) <= 86_400


@few
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_stored_text_breaks_the_reader(value: str) -> None:
    for path in (None, "a.b", "[0]"):
        found = StoredId(path).read(value)
        assert found is None or found
    assert StoredId("v").read(json.dumps({"v": value})) == (canonical(value)[0] or None)
