"""Each thing that a lane's recorder writes down, field by field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.capture.recording.code_words import CodeWord, Recalled
from e2e.selftest.unit.capture.recording.test_recorder import NEW, OLD, Desk, changed, desk, make_desk

__all__ = ["desk", "make_desk"]  # fixtures


def data(desk: Desk, kind: str) -> dict[str, Any]:
    return dict(desk.only(kind).data)


class TestLookUps:
    @pytest.mark.parametrize(("status", "found"), [(200, True), (399, True), (400, False), (404, False)])
    def test_the_backends_answer(self, desk: Desk, status: int, found: bool) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.backend("prov_x", status, desk.clock.now - 3)
        assert data(desk, "backend") == {
            "question": "lookup", "session": desk.ref(NEW), "provider": "prov_x", "status": status, "probe": "chat",
            "pattern": None, "found": found, "message": 0,
        }  # fmt: skip
        event = desk.only("backend")
        assert (event.t, event.lane, event.chat) == (desk.clock.now - 3, 3, 0)
        assert desk.end().messages[0].backend_provider == "prov_x"

    @pytest.mark.parametrize("shown", ["Big hat", None])
    def test_the_label(self, desk: Desk, shown: str | None) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.label(shown)
        assert data(desk, "label") == {"message": 0, "provider": shown}
        assert desk.end().messages[0].label_provider == shown

    def test_known_names_stand_for_what_they_map(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(changed(providers={"map": {"prov_1": "Big hat"}}))
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.backend("prov_1", 200, desk.clock.now)
        desk.recorder.label("prov_1")
        (message,) = desk.end().messages
        assert (message.backend_provider, message.label_provider) == ("Big hat", "Big hat")


class TestMessages:
    def test_sending_and_its_end(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.message("Again", stored=NEW, sent=NEW, request="r-2", after="reload")
        assert [dict(e.data) for e in desk.events("send")] == [{"message": 0}, {"message": 1}]
        ends = [dict(e.data) for e in desk.events("reply_end")]
        assert ends == [{"message": n, "how": "exchange finished"} for n in (0, 1)]
        assert (desk.recorder.sent_messages, desk.recorder.last_text, desk.recorder.sent_ids) == (
            2,
            "Again",
            [NEW],
        )
        first, second = desk.end().messages
        assert (first.number, first.after, first.outcome) == (0, "", "ok")
        assert (second.number, second.after, second.ended_at) == (1, "reload", desk.clock.now)

    @pytest.mark.parametrize(("outcome", "answered"), [("ok", True), ("failed", False)])
    def test_a_reply_that_came_is_remembered_for_the_lane(
        self, desk: Desk, outcome: Any, answered: bool
    ) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.payload(NEW)
        desk.recorder.message_ended("timeout", outcome)
        assert desk.recorder.chats.answered is answered

    def test_one_that_the_page_lost(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.recorder.message_lost("the box was emptied")
        (message,) = desk.end().messages
        assert (message.accepted, message.sent_seen) == ("the box was emptied", False)

    @pytest.mark.parametrize(
        ("tabs", "after", "tab", "session", "found"),
        [
            ("share", "other-tab", 0, OLD, True),
            ("own", "other-tab", 0, OLD, False),
            ("share", "reload", 0, OLD, False),
            ("share", "other-tab", 1, OLD, False),
            ("share", "other-tab", 0, NEW, False),
        ],
    )
    def test_a_session_that_new_chat_in_another_tab_ended(
        self, make_desk: Callable[..., Desk], tabs: str, after: Any, tab: int, session: str, found: bool
    ) -> None:
        desk = make_desk(changed(policy={"tabs": tabs}))
        desk.recorder.tab = 1
        desk.new_chat()
        desk.recorder.begin_message("Hello", after=after)
        desk.payload(session)
        desk.recorder.chats.ended = (tab, frozenset({OLD}))
        assert desk.recorder.refused_for_another_tab() is found
        assert desk.end().messages[0].ended_elsewhere is found


class TestChats:
    def test_a_chat_of_a_scenario(self, desk: Desk) -> None:
        desk.recorder.begin_play("reload")
        assert data(desk, "play") == {"scenario": "reload"}
        desk.start(OLD)
        desk.new_chat()
        assert desk.recorder.place == "lane 3, chat 0 (reload)"
        chat = desk.end()
        assert (chat.scenario, chat.via, chat.lane, chat.chat, chat.tab) == ("reload", "new_chat", 3, 0, 0)
        assert (chat.stored_before, chat.stored_end, chat.stored_end_seen) == (
            desk.ref(OLD),
            desk.ref(OLD),
            True,
        )
        assert (chat.status, chat.reason, chat.messages) == ("observed", "", ())
        assert desk.recorder.place == "lane 3 (reload)"

    def test_a_chat_that_was_lost_names_the_reason_without_ids(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        chat = desk.recorder.end_chat("lost", f"{NEW} is gone " + "x" * 400)
        assert chat is not None
        assert (chat.status, len(chat.reason), NEW in chat.reason) == ("lost", 300, False)
        assert chat.reason.startswith(desk.ref(NEW))
        assert desk.recorder.end_chat() is None

    def test_one_that_is_left_goes_on(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        draft = desk.recorder.pause_chat()
        assert desk.recorder.chat is None
        desk.recorder.resume_chat(draft)
        assert desk.only("return").chat == 0
        desk.message("Again", stored=NEW, sent=NEW, request="r-2")
        assert len(desk.end().messages) == 2

    def test_one_that_was_none_of_the_users_is_dropped(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.drop_chat()
        assert desk.recorder.end_chat() is None
        assert desk.records().chats == ()

    def test_one_whose_reply_goes_on_is_written_with_the_next_one(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.leave_chat()
        assert desk.records().chats == ()
        desk.new_chat()
        desk.end()
        assert [c.chat for c in desk.records().chats] == [0, 1]

    def test_an_address_may_begin_one(self, desk: Desk) -> None:
        desk.recorder.new_chat_by_address()
        assert (desk.recorder.clicks, desk.end().via) == (1, "new_chat")

    def test_a_page_load_begins_the_first(self, desk: Desk) -> None:
        desk.recorder.begin_chat("load", 5.0)
        chat = desk.end()
        assert (chat.via, chat.began, desk.events("new_chat")) == ("load", 5.0, [])

    def test_what_a_new_chat_shows(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.screen(2)
        assert data(desk, "screen") == {"messages": 2, "compared": False, "screen_from": None}
        chat = desk.end()
        assert (chat.screen_messages, chat.screen_compared, chat.screen_from) == (2, False, None)
        desk.new_chat()
        desk.recorder.screen(0, "")
        assert desk.events("screen")[1].data["compared"] is True
        assert desk.end().screen_compared

    def test_another_tab_has_a_number_of_its_own_and_the_same_chats(self, desk: Desk) -> None:
        desk.recorder.context, desk.recorder.experiment = 2, "reload"
        other = desk.recorder.beside()
        assert (other.tab, other.lane, other.context, other.experiment) == (1, 3, 2, "reload")
        assert other.chats is desk.recorder.chats
        assert other.beside().tab == 2


class TestNotes:
    def test_texts_have_no_ids_and_an_end(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.note("retry", seconds=1.5, why=f"{NEW} " + "x" * 300)
        noted = data(desk, "retry")
        assert (noted["seconds"], len(noted["why"]), NEW in noted["why"]) == (1.5, 200, False)
        desk.recorder.page_error(f"{NEW} " + "x" * 600)
        text = data(desk, "page_error")["text"]
        assert (len(text), NEW in text) == (500, False)
        assert desk.recorder.clean("x" * 300, limit=10) == "x" * 9 + "…"

    def test_signals_of_the_page(self, desk: Desk) -> None:
        desk.signal("restored")
        desk.signal("tampered")
        assert (desk.recorder.restores, desk.recorder.last_signal) == (1, desk.clock.now)
        assert data(desk, "page_error")["text"].startswith("the page changed what the suite had kept")

    def test_frames_that_could_not_be_read(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        from e2e.capture.network.traffic import Decoded

        one = Decoded("ws://a/ws?token=secret", "json", 9, 2, 1)
        traffic = desk.recorder.chats.traffic
        traffic._decoded = {("1", "json"): one, ("2", "json"): replace(one, frames=5)}
        desk.recorder.record_undecoded()
        first, second = (dict(e.data) for e in desk.events("undecoded"))
        assert first == {"url": "ws://a/ws", "framing": "json", "frames": 9, "undecoded": 2, "replaced": 1}
        assert second["frames"] == 5

    def test_what_ids_are_made_of_is_reported_with_their_chats(self, desk: Desk) -> None:
        desk.start(None)
        desk.new_chat()
        desk.write(OLD)
        desk.message("Hello", stored=OLD, sent=OLD)
        desk.end()
        desk.clock.now += 60
        desk.new_chat()
        desk.write(NEW)
        desk.end()
        desk.recorder.record_generated_ids({})
        events = desk.events("minted")
        assert [(e.chat, e.data["session"]) for e in events] == [(0, desk.ref(OLD)), (1, desk.ref(NEW))]
        assert [e.t for e in events] == [desk.clock.now - 61, desk.clock.now]


class TestRecall:
    """What a reply shows of code words."""

    def written(self, desk: Desk, found: Recalled, *, asked_for: int = 0, **payload: Any) -> dict[str, Any]:
        desk.new_chat()
        desk.recorder.begin_message("Which word?")
        held = payload.pop("held", ())
        exchange = desk.payload(NEW)
        exchange.extras["words"] = held
        for name, value in payload.items():
            setattr(exchange, name, value)
        desk.recorder.recalled(CodeWord("otter4827", 3, asked_for, "", "7"), found)
        return data(desk, "recall")

    def test_a_word_that_was_named(self, desk: Desk) -> None:
        named = CodeWord("maple1234", 2, 5, "", "")
        found = self.written(desk, Recalled(False, named, "x"), held=(named,))
        assert found == {
            "message": 0, "word_of": 0, "knows": False, "why": "x", "same_line": None, "names": 5, "names_lane": 2,
            "in_payload": False, "named_in_payload": True,
        }  # fmt: skip

    def test_none_that_was_named(self, desk: Desk) -> None:
        found = self.written(desk, Recalled(False))
        assert (found["names"], found["names_lane"], found["in_payload"], found["named_in_payload"]) == (
            None, None, False, None,
        )  # fmt: skip

    @pytest.mark.parametrize(("asked_for", "in_payload"), [(0, False), (4, True)])
    def test_in_another_chat_any_word_in_the_payload_counts(
        self, desk: Desk, asked_for: int, in_payload: bool
    ) -> None:
        other = CodeWord("maple1234", 3, 5, "", "")
        assert (
            self.written(desk, Recalled(False), asked_for=asked_for, held=(other,))["in_payload"]
            is in_payload
        )

    def test_of_a_payload_that_cannot_be_read_nothing_is_known(self, desk: Desk) -> None:
        named = CodeWord("maple1234", 2, 5, "", "")
        found = self.written(desk, Recalled(True, named), held=(named,), unreadable="it is binary")
        assert (found["in_payload"], found["named_in_payload"]) == (None, None)

    @pytest.mark.parametrize(("request_", "same"), [("7#2", True), ("8#2", False)])
    def test_the_websocket_is_that_of_the_word_or_another(
        self, desk: Desk, request_: str, same: bool
    ) -> None:
        assert (
            self.written(desk, Recalled(True), transport="websocket", request=request_)["same_line"] is same
        )
