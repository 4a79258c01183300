"""Which lane plays what, what the profile forbids, and what a reply that comes too late is told by."""

from __future__ import annotations

import pytest

from e2e.capture.experiments.direct import fresh_like
from e2e.capture.network.bodies.reply_texts import ReplyTexts
from e2e.capture.network.exchange import Exchange
from e2e.capture.network.replay import Request
from e2e.capture.network.wire_rules import Rule
from e2e.capture.scenarios.catalogue import SCENARIOS, programme
from e2e.profile.profile import Limits, Profile, load

NAMES = tuple(s.name for s in SCENARIOS)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load("reference")


class TestProgramme:
    @pytest.mark.parametrize("lanes", [1, 2, 3, 4, 8])
    def test_each_scenario_is_played_twice_or_once_by_a_single_lane(
        self, profile: Profile, lanes: int
    ) -> None:
        found = programme(profile, NAMES, lanes, None)
        assert found.times() == dict.fromkeys(NAMES, min(2, lanes))
        assert found.left_out == {}
        assert all(len(set(plays)) == len(plays) for plays in found.plays), "no lane plays one twice"
        lengths = [sum(scenario.length for scenario in plays) for plays in found.plays]
        assert max(lengths) - min(lengths) <= max(scenario.length for scenario in SCENARIOS)

    def test_a_budget_is_kept(self, profile: Profile) -> None:
        found = programme(profile, NAMES, 4, 9)
        assert sum(s.messages for plays in found.plays for s in plays) <= 9
        assert "limits.messages" in next(iter(found.left_out.values()))

    def test_what_the_profile_does_not_show_is_left_out_with_the_reason(self, profile: Profile) -> None:
        silent = profile.model_copy(update={"steps": profile.steps.model_copy(update={"return_to_chat": ()})})
        assert "steps.return_to_chat" in programme(silent, NAMES, 2, None).left_out["return-to-chat"]

    def test_a_browser_that_may_say_little_plays_little(self, profile: Profile) -> None:
        strict = profile.model_copy(update={"limits": Limits(messages_per_context=4)})
        found = programme(strict, NAMES, 2, None)
        assert set(found.left_out) == {"rapid-send", "two-tabs"}

    def test_a_scenario_that_was_not_requested_is_listed_as_left_out(self, profile: Profile) -> None:
        found = programme(profile, ("reload",), 2, None)
        assert found.times() == {"reload": 2}
        assert found.left_out["two-tabs"] == "not requested"


class TestReplyTexts:
    def late(self, *parts: str) -> ReplyTexts:
        texts = ReplyTexts()
        for part in parts:
            texts.add(1, 2, {"choices": [{"delta": {"content": part}}], "id": "c-1"})
        return texts

    def test_parts_of_a_late_reply_are_found_on_the_screen(self) -> None:
        texts = self.late("Once up", "on a time ", "there was a hat ", "that nobody wore")
        assert texts.found_in("You: hello\nReply: there was a hat that\nnobody wore", 2) == 1

    def test_another_text_is_not(self) -> None:
        assert (
            self.late("Once upon a time there was a hat").found_in("There is no such thing here", 2) is None
        )

    def test_names_and_ids_are_no_text(self) -> None:
        texts = ReplyTexts()
        texts.add(1, 2, {"id": "stream_0123456789abcdef0123", "provider": "Big hat"})
        assert texts.found_in("Big hat stream_0123456789abcdef0123", 2) is None

    def test_what_the_new_chat_was_answered_too_shows_nothing(self) -> None:
        texts = self.late("Hello, how can I help you today?")
        texts.add(2, 2, {"choices": [{"delta": {"content": "Hello, how can I help you today?"}}]})
        assert texts.found_in("Hello, how can I help you today?", 2) is None

    def test_what_came_in_time_is_not_late(self) -> None:
        texts = ReplyTexts()
        texts.add(1, 1, {"text": "Once upon a time there was a hat"})
        assert texts.found_in("Once upon a time there was a hat", 2) is None

    @pytest.mark.parametrize(
        ("pieces", "shown"),
        [
            (["Once upon a ", "time there was a hat"], "time there was a hat"),
            (["<li>Once upon a <b>ti", "me</b> there &amp; was<br>a hat</li>"], "me there & was\na hat"),
            (['{"a": "Once upon \\"a\\" ti', "me there was\\na hat"], "me there was\n\na hat"),
            (['0:"Once upon"\n0:" a ti', 'me"\n0:" there was"\n0:" a hat"\n'], "time there was a hat"),
            (
                [
                    'data: {"w": "Once upon"}\n\n',
                    'data: {"w": " a time"}\n\ndata: {"w": " there was a hat"}\n\n',
                ],
                "a time there was a hat",
            ),
            (["# Once upon **a", " time** there was\n* a `hat`"], "time there was\na hat"),
            (
                ["从前有一个人，", "他有一顶很大的帽子，谁也没有见过这样的帽子"],
                "他有一顶很大的帽子，谁也没有见过这样的",
            ),
        ],
        ids=["plain", "html", "json", "0: lines", "data: lines", "markdown", "no spaces"],
    )
    def test_a_late_body_of_any_type_is_found_on_the_screen(self, pieces: list[str], shown: str) -> None:
        texts = ReplyTexts()
        texts.add_text(1, 1, pieces[0], "r-1")
        texts.add_text(1, 2, pieces[1], "r-1")
        assert texts.found_in(f"You\nhello\n{shown}", 2) == 1
        assert texts.found_in(f"You\nhello\n{pieces[0][:14]}", 2) is None

    def test_the_form_of_a_body_is_no_text(self) -> None:
        texts = ReplyTexts()
        for body in (
            '{"messages": [{"role": "assistant", "content": "',
            '{\n "role": "assistant",\n "content": "',
        ):
            texts.add_text(1, 2, body + 'Once upon a time"}]}', body)
        assert texts.found_in('{"messages": [{"role": "assistant", "content": "Hello"}]}', 2) is None
        assert texts.found_in('{\n "role": "assistant",\n "content": "Hello"}', 2) is None

    def test_a_message_that_the_reply_repeats_is_no_text_of_the_reply(self) -> None:
        texts = ReplyTexts()
        texts.typed(1, "A short question about hats (0123abcd)")
        texts.typed(2, "A short question about hats (4567cdef)")
        texts.add_text(1, 2, "A short question about hats (0123abcd)", "r-1")
        assert texts.found_in("A short question about hats (4567cdef)", 2) is None
        assert not texts.followed(1)

    def test_what_can_be_followed_has_words(self) -> None:
        texts = ReplyTexts()
        texts.add(1, 1, {"id": "c-0123456789abcdef0123", "ok": True})
        texts.add_text(1, 1, bytes(range(256)).decode(errors="replace") * 40, "r-1")
        assert not texts.followed(1)
        texts.add_text(1, 1, "Once upon a time there was", "r-2")
        assert texts.followed(1)

    def test_a_new_play_begins_with_nothing(self) -> None:
        texts = self.late("Once upon a time there was a hat")
        texts.forget()
        assert texts.found_in("Once upon a time there was a hat", 2) is None


class TestDirect:
    @pytest.mark.parametrize(
        "session", ["session_1763860000123_k3j9x0a1b", "8b5e6f0a-3c1d-4e2f-9a7b-0c1d2e3f4a5b", "ABC-123.x"]
    )
    def test_a_fresh_id_has_the_same_form(self, session: str) -> None:
        fresh = fresh_like(session)
        assert fresh != session
        assert len(fresh) == len(session)
        assert [c.isdigit() for c in fresh if not c.isalnum()] == [
            c.isdigit() for c in session if not c.isalnum()
        ]
        assert fresh[: len(session) // 3] == session[: len(session) // 3]

    @pytest.mark.parametrize(
        ("changes", "sendable"),
        [
            ({}, True),
            ({"transport": "websocket"}, False),
            ({"session": None}, False),
            ({"body": "{}"}, False),
        ],
    )
    def test_only_what_holds_its_id_can_be_sent_again(
        self, profile: Profile, changes: dict[str, object], sendable: bool
    ) -> None:
        fields: dict[str, object] = {
            "request": "1",
            "rule": Rule(profile.wire[0]),
            "transport": "http",
            "method": "POST",
            "url": "http://127.0.0.1/api/chat",
            "sent_at": 0.0,
            "session": "session_1",
            "history": None,
            "body": '{"session_id": "session_1"}',
            "stack": [],
        }
        exchange = Exchange(**fields | changes)  # type: ignore[arg-type]
        assert (Request.of(exchange) is not None) is sendable
