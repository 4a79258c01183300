"""Guards the one promise of every recorded run: no session ID can be read from it."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.capture.session_ids.identity import word_prefix
from e2e.capture.session_ids.redaction import MASK_KEY_VARIABLE, Redactor

ID = "session_1763860000123_k3j9x0a1b"

few = settings(max_examples=40, deadline=None, database=None)


@pytest.fixture(autouse=True)
def no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MASK_KEY_VARIABLE, raising=False)


class TestReference:
    def test_it_is_the_wordy_prefix_and_twelve_digits_of_a_hash(self) -> None:
        prefix, ellipsis, digits = Redactor(key="k").reference(ID).partition("…")
        assert (prefix, ellipsis) == ("session_", "…")
        assert len(digits) == 12
        assert set(digits) <= set("0123456789abcdef")

    def test_equal_ids_are_equal_under_one_key(self) -> None:
        assert Redactor(key="k").reference(ID) == Redactor(key="k").reference(ID)

    def test_different_ids_differ_under_one_key(self) -> None:
        masked = Redactor(key="k")
        assert masked.reference(ID) != masked.reference(ID + "c")

    def test_equal_ids_differ_under_different_keys(self) -> None:
        assert Redactor(key="k").reference(ID) != Redactor(key="l").reference(ID)

    def test_without_a_key_every_run_has_its_own(self) -> None:
        assert Redactor().reference(ID) != Redactor().reference(ID)

    def test_the_key_of_the_environment_is_shared_by_all_shards(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(MASK_KEY_VARIABLE, "nightly")
        assert Redactor().reference(ID) == Redactor().reference(ID) == Redactor(key="nightly").reference(ID)

    def test_an_empty_key_in_the_environment_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(MASK_KEY_VARIABLE, "")
        assert Redactor().reference(ID) != Redactor().reference(ID)

    def test_a_key_that_is_given_goes_before_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(MASK_KEY_VARIABLE, "nightly")
        assert Redactor(key="k").reference(ID) == Redactor(key="k").reference(ID)
        assert Redactor(key="k").fingerprint != Redactor().fingerprint

    def test_an_id_that_is_no_text_of_any_encoding_has_one_too(self) -> None:
        assert Redactor(key="k").reference("session_\ud800").startswith("session_…")


class TestPrefix:
    @pytest.mark.parametrize(
        ("session_id", "prefix"),
        [
            (ID, "session_"),
            ("chat-17", "chat-"),
            ("conv:17", "conv:"),
            ("user.17", "user."),
            ("deadbeef-0000-4000-8000-000000000000", ""),  # a UUID of which the first part has no digit
            ("cafe_17", ""),
            ("0f3c2a11-9f1e-4b7d-8a55-0a1b2c3d4e5f", ""),
            ("kqjwznvbtx", ""),
            ("session", ""),
            ("s_17", ""),
            ("abcdefghijklmnopqrs_17", ""),
            ("", ""),
        ],
    )
    def test_only_a_leading_word_with_its_separator_is_kept(self, session_id: str, prefix: str) -> None:
        assert word_prefix(session_id) == prefix

    @pytest.mark.parametrize("session_id", ["kqjwznvbtx", "deadbeef-0000", "17", "é-17"])
    def test_without_one_the_reference_is_the_hash_alone(self, session_id: str) -> None:
        assert Redactor(key="k").reference(session_id).startswith("…")


class TestFingerprint:
    def test_it_is_equal_for_one_key_only(self) -> None:
        assert Redactor(key="k").fingerprint == Redactor(key="k").fingerprint != Redactor(key="l").fingerprint

    def test_it_is_that_of_earlier_versions(self) -> None:
        """Runs are compared ID by ID only under one mask key: another form would part new runs from old ones."""
        assert Redactor(key="k").fingerprint == hmac.new(b"k", b"fingerprint", "sha256").hexdigest()[:12]

    def test_it_does_not_show_the_key(self) -> None:
        assert "nightly" not in Redactor(key="nightly").fingerprint

    def test_it_says_when_nothing_is_masked(self) -> None:
        assert Redactor(show=True, key="k").fingerprint == "clear"


class TestText:
    def test_every_id_that_was_seen_is_taken_out(self) -> None:
        masked = Redactor(key="k")
        one, two = masked.reference("first-1111"), masked.reference("other-2222")
        assert masked.text("first-1111, other-2222, first-1111!") == f"{one}, {two}, {one}!"

    def test_a_text_that_was_clean_is_not_once_its_id_is_known(self) -> None:
        redactor = Redactor(key="k")
        redactor.reference("session_1763_ab")
        clean = "left with session_9999_zz"
        assert redactor.text(clean) == clean
        reference = redactor.reference("session_9999_zz")
        assert redactor.text(clean) == redactor.text(clean) == f"left with {reference}"

    def test_only_ids_that_are_new_are_looked_for_in_a_text_that_was_clean(self) -> None:
        """To look for all IDs of a long run in each key and address took longer than its chats."""
        looks: list[str] = []

        class Text(str):
            __slots__ = ()

            def __contains__(self, form: object) -> bool:
                looks.append(str(form))
                return False

        redactor = Redactor(key="k")
        for n in range(50):
            redactor.reference(f"session-{n:04d}")
        redactor.text(Text("chat_session"))
        assert len(looks) == 50
        redactor.reference("session-9999")
        redactor.text(Text("chat_session"))
        redactor.text(Text("chat_session"))
        assert looks[50:] == ["session-9999"]

    def test_an_id_that_begins_with_another_one_gets_its_own_reference(self) -> None:
        masked = Redactor(key="k")
        short, long = masked.reference("session_1"), masked.reference("session_12")
        assert masked.text("session_12 after session_1") == f"{long} after {short}"

    @pytest.mark.parametrize(
        "session_id", ["user:42|k3j9", "ab/cd+ef==", "zwölf-1234", "with space", "it's(4)2"]
    )
    def test_an_id_is_found_in_its_encoded_form_too(self, session_id: str) -> None:
        encoded = {  # as JavaScript's encodeURIComponent gives it
            "user:42|k3j9": "user%3A42%7Ck3j9",
            "ab/cd+ef==": "ab%2Fcd%2Bef%3D%3D",
            "zwölf-1234": "zw%C3%B6lf-1234",
            "with space": "with%20space",
            "it's(4)2": "it's(4)2",
        }[session_id]
        masked = Redactor(key="k")
        reference = masked.reference(session_id)
        assert masked.text(f"GET /chats/{encoded} 404") == f"GET /chats/{reference} 404"

    def test_ids_that_are_as_short_as_words_are_left(self) -> None:
        masked = Redactor(key="k")
        masked.reference("at")
        assert masked.text("that chat") == "that chat"

    def test_a_long_text_is_cut_after_masking(self) -> None:
        masked = Redactor(key="k")
        masked.reference(ID)
        cut = masked.text("x" * 10 + ID, limit=20)
        assert cut == "x" * 10 + "session_…" + "…"

    def test_a_text_of_just_the_limit_is_whole(self) -> None:
        assert Redactor().text("x" * 20, limit=20) == "x" * 20
        assert Redactor().text("x" * 2000) == "x" * 2000
        assert Redactor().text("x" * 2001) == "x" * 1999 + "…"

    @few
    @given(
        st.lists(st.text("ABC", min_size=4, max_size=8), min_size=1, max_size=6),
        st.text("ABC ", max_size=3),
    )
    def test_no_id_that_was_seen_stands_in_any_text(self, ids: list[str], between: str) -> None:
        masked = Redactor(key="k")
        for session_id in ids:
            masked.reference(session_id)
        masked_text = masked.text(between.join(ids))
        assert not [session_id for session_id in ids if session_id in masked_text]


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "left"),
        [
            ("https://ann:pass@chat.example/api?token=t#frag", "https://chat.example/api"),
            ("https://ann@chat.example:8443/", "https://chat.example:8443/"),
            ("http://[::1]:8765/api/chat?session=s", "http://[::1]:8765/api/chat"),
            ("wss://chat.example/ws?auth=a", "wss://chat.example/ws"),
            ("/relative?x=1#y", "/relative"),
            ("blob:https://chat.example/0f3c", "blob:https://chat.example/0f3c"),
        ],
    )
    def test_credentials_query_and_fragment_are_left_out(self, url: str, left: str) -> None:
        assert Redactor().url(url) == left

    def test_an_id_in_the_path_is_masked(self) -> None:
        masked = Redactor(key="k")
        reference = masked.reference(ID)
        assert masked.url(f"https://chat.example/api/{ID}/messages?x") == (
            f"https://chat.example/api/{reference}/messages"
        )

    @pytest.mark.parametrize("url", ["http://host:port/x?token=t", "http://host:99999/", "http://[::1/x"])
    def test_what_is_no_address_is_not_reported_at_all(self, url: str) -> None:
        assert Redactor().url(url) == "(no address)"


class TestShow:
    def test_ids_texts_and_addresses_stay_as_they_are(self) -> None:
        shown = Redactor(show=True)
        assert shown.reference(ID) == ID
        assert shown.text(f"lost {ID}") == f"lost {ID}"
        assert (
            shown.url(f"https://ann:pass@chat.example/{ID}?a#b") == f"https://ann:pass@chat.example/{ID}?a#b"
        )

    def test_a_long_text_is_cut_all_the_same(self) -> None:
        assert Redactor(show=True).text("x" * 30, limit=20) == "x" * 19 + "…"


class TestSecrets:
    def test_a_secret_is_in_no_text(self) -> None:
        redactor = Redactor()
        redactor.hide("hunter2-token")
        assert redactor.text("Bearer hunter2-token was refused") == "Bearer [secret] was refused"

    def test_not_even_when_ids_are_shown(self) -> None:
        redactor = Redactor(show=True)
        redactor.hide("hunter2-token")
        assert redactor.text("hunter2-token") == "[secret]"

    def test_a_variable_that_is_empty_hides_nothing(self) -> None:
        redactor = Redactor()
        redactor.hide("")
        assert redactor.text("as it was") == "as it was"
