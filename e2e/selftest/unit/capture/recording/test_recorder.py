"""What a lane has seen becomes events and chats: stored beside sent, and "could not see" never as a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.wire_rules import Rule
from e2e.capture.recording import recorder as recorder_module
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.session_ids.redaction import Redactor
from e2e.profile.profile import Profile, load
from e2e.records.evidence import EvidenceWriter, read_run
from e2e.records.journal import Journal
from e2e.records.records import Chat, Event, Policy, RunMeta, RunRecords

URL = "http://127.0.0.1:8765/api/chat"
PAGE = "http://127.0.0.1:8765/assets/index.js"
OLD, NEW = "session_1763860000000_aaaaaaaaa", "session_1763860060000_k3j9x0a1b"


class Clock:
    """The suite's own clock; the page's signals bring their times with them."""

    now = 1_763_860_060.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Desk:
    """One recorder with everything around it, and short words for what the page and the wire tell it."""

    def __init__(self, folder: Path, clock: Clock, profile: Profile, *, show: bool = False) -> None:
        self.clock = clock
        self.folder = folder
        meta = RunMeta(
            run_id="run-1",
            target="reference",
            title="Reference chat",
            url=URL,
            started=clock.now,
            finished=None,
            planned_chats=1,
            lanes=1,
            masked=not show,
            mask_key="k",
            policy=Policy(),
            alarms_per_year=0.02,
            environment={},
        )
        self.writer = EvidenceWriter(folder, meta)
        self.journal = Journal("run-1", self.writer)
        self.redactor = Redactor(key="k", show=show)
        self.recorder = LaneRecorder(3, profile, self.journal, self.redactor)
        self.rule = Rule(profile.wire[0])

    def ref(self, session_id: str) -> str:
        return self.redactor.reference(session_id)

    # -- signals of the page

    def signal(self, kind: str, **fields: Any) -> None:
        self.recorder.on_signals([{"k": kind, "t": self.clock.now * 1000, **fields}])

    def start(self, session: str | None = None, *, readable: bool = True) -> None:
        self.signal("start", stored=self.values(session) if readable else None)

    def click(self, *hits: str) -> None:
        self.signal("click", hits=list(hits))

    def write(self, session: str | None, *, op: str = "", store: str = "localStorage", **fields: Any) -> None:
        value = None if session is None else json.dumps({"sessionId": session, "lastUsed": self.clock.now})
        op = op or ("set" if session else "remove")
        stack = f"Error\n    at save ({PAGE}:1:20)\n    at debugger eval code (<anonymous>:1:1)"
        fields = {"key": "chat_session", "value": value, "stack": stack, **fields}
        self.signal("storage", store=store, op=op, **fields)

    def fetch(self, session: str | None, *, url: str = URL, readable: bool = True) -> None:
        self.signal("send", url=url, size=0, stored=self.values(session) if readable else None, stack="")

    @staticmethod
    def values(session: str | None) -> dict[str, str]:
        return {} if session is None else {"chat_session": json.dumps({"sessionId": session})}

    # -- the wire

    def payload(
        self, session: str | None, *, body: str = "", request: str = "r-1", **fields: Any
    ) -> Exchange:
        exchange = Exchange(
            request=request,
            rule=self.rule,
            transport="http",
            method="POST",
            url=fields.pop("url", URL),
            sent_at=fields.pop("sent_at", self.clock.now),
            session=session,
            history=0,
            body=body,
            stack=fields.pop("stack", []),
        )
        self.recorder.on_payload(exchange)
        for name, value in fields.items():
            setattr(exchange, name, value)
        return exchange

    def message(self, text: str, *, stored: str | None, sent: str | None, **fields: Any) -> Exchange:
        """A message with its reply, as it usually goes."""
        self.recorder.begin_message(text, after=fields.pop("after", ""))
        self.fetch(stored)
        exchange = self.payload(
            sent, body=fields.pop("body", json.dumps({"text": text})), status=200, **fields
        )
        self.clock.now += 1
        self.recorder.message_ended("exchange finished", "ok")
        return exchange

    def new_chat(self) -> None:
        self.recorder.expect_new_chat()
        self.click("new_chat")

    # -- what was written

    def end(self) -> Chat:
        chat = self.recorder.end_chat()
        assert chat is not None
        return chat

    def records(self) -> RunRecords:
        self.writer.flush()
        return read_run(self.folder)

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.records().events if event.kind == kind]

    def only(self, kind: str) -> Event:
        (event,) = self.events(kind)
        return event


@pytest.fixture
def make_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    clock = Clock()
    monkeypatch.setattr(recorder_module, "time", clock)
    made: list[Desk] = []

    def make(profile: Profile | None = None, **fields: Any) -> Desk:
        made.append(Desk(tmp_path / "run", clock, profile or load("reference"), **fields))
        return made[-1]

    yield make
    for desk in made:
        desk.writer.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


def changed(**parts: dict[str, Any]) -> Profile:
    """The reference profile with some keys of its tables changed."""
    profile = load("reference")
    raw = profile.model_dump(by_alias=True, exclude_none=True)
    for part, keys in parts.items():
        raw[part] = {key: value for key, value in {**raw[part], **keys}.items() if value is not None}
    return Profile.model_validate(raw)


class TestStoredAndSent:
    def test_a_healthy_chat(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.write(NEW)
        desk.message("Hello", stored=NEW, sent=NEW)
        chat = desk.end()
        assert (chat.stored_before, chat.stored) == (desk.ref(OLD), desk.ref(NEW))
        assert (chat.messages[0].stored, chat.messages[0].sent) == (desk.ref(NEW), desk.ref(NEW))

    def test_the_fault_of_the_story_is_seen(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.write(None)
        desk.message("Hello", stored=None, sent=OLD)
        chat = desk.end()
        (message,) = chat.messages
        assert (chat.stored_seen, chat.stored) == (True, None)
        assert (message.sent_seen, message.sent) == (True, desk.ref(OLD))

    def test_stored_is_what_the_store_held_when_the_payload_left(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.fetch(OLD)
        desk.payload(OLD)
        desk.write(NEW)  # too late for this message
        assert desk.end().stored == desk.ref(OLD)

    def test_a_payload_without_an_id_was_seen_all_the_same(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=None)
        (message,) = desk.end().messages
        assert (message.sent_seen, message.sent) == (True, None)

    def test_without_the_pages_word_the_stored_id_is_unknown(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.payload(NEW)
        chat = desk.end()
        assert (chat.stored_seen, chat.messages[0].stored_seen) == (False, False)
        assert chat.messages[0].sent_seen

    def test_a_store_that_cannot_be_read_is_not_an_empty_one(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.fetch(None, readable=False)
        desk.payload(NEW)
        assert not desk.end().stored_seen

    def test_without_a_payload_nothing_was_sent(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        (message,) = desk.end().messages
        assert (message.sent_seen, message.sent_at, message.outcome) == (False, None, "unsent")

    def test_the_nearest_call_to_the_same_address_is_the_payloads(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.fetch(OLD)
        desk.clock.now += 0.1
        desk.fetch(NEW)
        desk.fetch(OLD, url=URL + "/other")
        desk.clock.now += 0.01
        desk.payload(NEW)
        assert desk.end().stored == desk.ref(NEW)

    def test_a_call_long_before_the_payload_is_another_one(self, desk: Desk) -> None:
        desk.new_chat()
        desk.fetch(OLD)
        desk.clock.now += 0.3
        desk.recorder.begin_message("Hello")
        desk.payload(NEW)
        assert not desk.end().stored_seen

    def test_a_payload_long_before_the_press_is_not_the_messages(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.payload(OLD, sent_at=desk.clock.now - 1)
        assert desk.recorder.exchange is None
        desk.payload(NEW, sent_at=desk.clock.now - 0.1)
        assert desk.recorder.sent_id == NEW

    def test_the_first_payload_after_the_press_is_the_messages(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        desk.payload(NEW, request="r-1")
        desk.payload(OLD, request="r-2")
        assert desk.end().messages[0].request == "r-1"


class TestPageStart:
    def test_what_the_store_holds_is_noted(self, desk: Desk) -> None:
        desk.start(OLD)
        event = desk.only("storage")
        assert event.data["by"] == "page-start"
        assert (event.data["op"], event.data["session"], event.data["previous"]) == (
            "start",
            desk.ref(OLD),
            None,
        )
        assert desk.recorder.loads == 1

    def test_a_start_with_an_empty_store_says_that_there_was_one(self, desk: Desk) -> None:
        desk.start(None)
        [event] = desk.events("storage")
        assert (event.data["op"], event.data["session"], event.data["previous"]) == ("start", None, None)
        assert desk.recorder.store.readable

    def test_an_id_that_a_reload_lost_is_one(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.start(None)
        event = desk.events("storage")[1]
        assert (event.data["session"], event.data["previous"]) == (None, desk.ref(OLD))

    def test_a_store_that_cannot_be_read_is_stated(self, desk: Desk) -> None:
        desk.start(readable=False)
        assert not desk.recorder.store.readable

    def test_a_target_without_a_store_has_none_to_read(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(changed(session={"store": "none", "key": None, "id": None}))
        desk.start(OLD)
        assert not desk.recorder.store.readable


class TestNewChat:
    def test_a_click_on_the_button_begins_a_chat(self, desk: Desk) -> None:
        desk.new_chat()
        assert (desk.recorder.clicks, desk.recorder.misses) == (1, 0)
        event = desk.only("new_chat")
        assert (event.lane, event.chat) == (3, 0)
        assert desk.end().via == "new_chat"

    def test_it_begins_at_the_time_of_the_click(self, desk: Desk) -> None:
        at = desk.clock.now
        desk.recorder.expect_new_chat()
        desk.recorder.on_signals([{"k": "click", "t": (at - 5) * 1000, "hits": ["new_chat"]}])
        assert desk.end().began == pytest.approx(at - 5, abs=1e-3)

    def test_a_click_beside_it_is_a_miss(self, desk: Desk) -> None:
        desk.recorder.expect_new_chat()
        desk.click("message_box")
        assert (desk.recorder.clicks, desk.recorder.misses, desk.recorder.chat) == (0, 1, None)
        desk.click("new_chat")
        assert (desk.recorder.clicks, desk.recorder.misses) == (1, 1)

    def test_a_click_that_nobody_waits_for_is_neither(self, desk: Desk) -> None:
        desk.click("new_chat")
        desk.click()
        assert (desk.recorder.clicks, desk.recorder.misses, desk.recorder.chat) == (0, 0, None)

    def test_a_second_click_begins_no_second_chat(self, desk: Desk) -> None:
        desk.new_chat()
        desk.click("new_chat")
        assert desk.recorder.clicks == 1
        assert len(desk.events("new_chat")) == 1

    def test_a_key_counts_only_when_a_key_starts_the_chat(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk()
        desk.recorder.expect_new_chat()
        desk.signal("keydown", hits=[], key="Enter")
        assert (desk.recorder.clicks, desk.recorder.misses) == (0, 0)

    def test_a_key_that_starts_the_chat_begins_it(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(changed(steps={"new_chat": [{"press": "Control+Shift+O"}]}))
        desk.recorder.expect_new_chat()
        desk.signal("keydown", hits=[], key="")
        assert desk.recorder.clicks == 1

    def test_chats_are_counted_in_their_lane(self, desk: Desk) -> None:
        desk.recorder.begin_chat("load")
        first = desk.end()
        desk.new_chat()
        second = desk.end()
        assert [(c.lane, c.chat, c.via) for c in (first, second)] == [(3, 0, "load"), (3, 1, "new_chat")]

    def test_what_was_stored_just_before_is_kept(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.write(NEW)
        assert desk.end().stored_before == desk.ref(OLD)


class TestStorage:
    def test_a_write_names_what_it_did_and_who_made_it(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.clock.now += 1
        desk.write(NEW)
        data = desk.events("storage")[1].data
        assert (data["op"], data["key"], data["by"]) == ("set", "chat_session", "page")
        assert (data["session"], data["previous"]) == (desk.ref(NEW), desk.ref(OLD))
        assert (data["same_value"], data["shape"]) == (False, "session_{d13}_{x9}")
        assert data["time_offset"] == -1.0
        assert data["stack"] == [{"function": "save", "url": PAGE, "line": 1, "column": 20}]

    def test_a_rotation_is_another_id_and_no_touch_or_removal(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.write(OLD)
        assert not desk.recorder.store.rotated
        assert desk.events("storage")[1].data["same_value"]
        desk.write(None)
        assert not desk.recorder.store.rotated
        desk.write(NEW)
        assert desk.recorder.store.rotated

    def test_every_new_chat_waits_for_a_rotation_of_its_own(self, desk: Desk) -> None:
        desk.write(NEW)
        desk.new_chat()
        assert not desk.recorder.store.rotated

    def test_clearing_an_empty_store_is_no_write(self, desk: Desk) -> None:
        desk.write(None, op="clear", key=None)
        assert desk.events("storage") == []

    def test_clearing_the_store_takes_the_id(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.write(None, op="clear", key=None)
        data = desk.events("storage")[1].data
        assert (data["op"], data["key"], data["session"], data["previous"]) == (
            "clear",
            None,
            None,
            desk.ref(OLD),
        )

    def test_another_keys_write_is_noted_without_its_value(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.signal("storage", store="localStorage", op="set", key=f"draft_{OLD}")
        data = desk.events("storage")[1].data
        assert data == {"store": "localStorage", "op": "set", "key": f"draft_{desk.ref(OLD)}"}

    def test_the_other_store_is_not_the_sessions(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.write(NEW, store="sessionStorage")
        assert "session" not in desk.events("storage")[1].data
        assert not desk.recorder.store.rotated

    def test_a_write_of_another_tab_counts(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.signal(
            "storage", store="localStorage", op="set", key="chat_session", value=desk.values(NEW)["chat_session"],
            by="other-tab",
        )  # fmt: skip
        data = desk.events("storage")[1].data
        assert (data["by"], data["session"], data["stack"]) == ("other-tab", desk.ref(NEW), [])
        assert desk.recorder.store.rotated

    def test_a_key_that_holds_the_id_does_not_show_it(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(changed(session={"key": None, "key_pattern": "^chat_"}))
        desk.write(NEW, key=f"chat_{NEW}")
        assert desk.only("storage").data["key"] == f"chat_{desk.ref(NEW)}"


class TestUnseen:
    """The store is read directly now and then: what no hook saw is reported as such."""

    def test_a_write_that_no_hook_saw(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.recorder.store.look(desk.values(NEW))
        data = desk.events("storage")[1].data
        assert (data["by"], data["op"], data["session"], data["previous"]) == (
            "unseen",
            "set",
            desk.ref(NEW),
            desk.ref(OLD),
        )
        assert desk.recorder.store.rotated

    def test_a_removal_that_no_hook_saw(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.recorder.store.look({})
        data = desk.events("storage")[1].data
        assert (data["by"], data["op"], data["key"], data["session"]) == (
            "unseen",
            "remove",
            "chat_session",
            None,
        )
        assert not desk.recorder.store.rotated

    def test_what_is_known_is_no_event(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.recorder.store.look(desk.values(OLD))
        assert len(desk.events("storage")) == 1

    def test_a_store_that_cannot_be_read_changes_nothing(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.recorder.store.look(None)
        assert not desk.recorder.store.readable
        assert len(desk.events("storage")) == 1


class TestMessages:
    def test_two_messages_of_one_chat(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW, request="r-1")
        desk.message("And more", stored=OLD, sent=OLD, request="r-2")
        chat = desk.end()
        assert [(m.number, m.request, m.stored, m.sent) for m in chat.messages] == [
            (0, "r-1", desk.ref(NEW), desk.ref(NEW)),
            (1, "r-2", desk.ref(OLD), desk.ref(OLD)),
        ]
        assert chat.stored == desk.ref(NEW)
        assert [e.data["message"] for e in desk.events("payload")] == [0, 1]

    def test_a_message_after_a_reload_is_marked_as_one(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.message("Again", stored=NEW, sent=NEW, after="reload")
        chat = desk.end()
        assert chat.scenario == "plain"
        assert [m.after for m in chat.messages] == ["", "reload"]
        assert [m.after_reload for m in chat.messages] == [False, True]

    def test_all_five_layers_reach_the_message(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(changed(providers={"map": {"big-hat-7b": "Big hat"}}))
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW, provider="big-hat-7b", first_chunk_at=5.0, chunks=4)
        desk.recorder.backend("big-hat-7b", 200, 7.0)
        desk.recorder.label("Big hat")
        (m,) = desk.end().messages
        assert (m.reply_provider, m.backend_provider, m.label_provider) == ("Big hat", "Big hat", "Big hat")
        assert (m.status, m.outcome, m.chunks, m.first_chunk_at, m.ended_at) == (
            200,
            "ok",
            4,
            5.0,
            desk.clock.now,
        )
        assert m.seen_on_screen

    def test_a_label_that_is_not_shown_was_looked_for(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.label(None)
        (m,) = desk.end().messages
        assert (m.seen_on_screen, m.label_provider) == (True, None)

    def test_a_label_that_was_not_looked_for_is_unknown(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        assert not desk.end().messages[0].seen_on_screen

    @pytest.mark.parametrize("shown", ["Big hat", None])
    def test_the_label_is_an_event_of_its_message(self, desk: Desk, shown: str | None) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.message("Again", stored=NEW, sent=NEW)
        desk.recorder.label(shown)
        assert desk.only("label").data == {"message": 1, "provider": shown}

    @pytest.mark.parametrize(("status", "found"), [(200, True), (404, False)])
    def test_the_backends_answer_is_an_event(self, desk: Desk, status: int, found: bool) -> None:
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        desk.recorder.backend("Big hat" if found else None, status, 7.0)
        data = desk.only("backend").data
        assert (data["session"], data["status"], data["found"], data["probe"]) == (
            desk.ref(NEW),
            status,
            found,
            "chat",
        )


class TestBleeding:
    def test_a_payload_with_an_earlier_chats_text_names_that_chat(self, desk: Desk) -> None:
        for text in ("first text", "second text"):
            desk.new_chat()
            desk.message(text, stored=NEW, sent=NEW)
            desk.end()
        desk.new_chat()
        desk.message(
            "third text", stored=NEW, sent=NEW, body='{"h": ["first text", "second text"], "t": "third text"}'
        )
        assert desk.end().messages[0].bleeds_from == 1  # the latest of them
        assert [e.data["bleeds_from"] for e in desk.events("payload")] == [None, None, 1]

    def test_a_chats_own_earlier_message_is_no_bleeding(self, desk: Desk) -> None:
        desk.new_chat()
        desk.message("first text", stored=NEW, sent=NEW)
        desk.message("second text", stored=NEW, sent=NEW, body="first text, second text")
        assert [m.bleeds_from for m in desk.end().messages] == [None, None]

    def test_a_payloads_text_is_not_kept(self, desk: Desk) -> None:
        desk.new_chat()
        exchange = desk.message("a secret text", stored=NEW, sent=NEW)
        desk.end()
        assert exchange.body == ""
        desk.records()
        assert not [p for p in desk.folder.iterdir() if "a secret text" in p.read_text()]


class TestWireEvents:
    def test_a_payload_is_reported_without_its_secrets(self, desk: Desk) -> None:
        desk.new_chat()
        frame = {"function": "post", "url": f"{PAGE}?v={NEW}", "line": 1, "column": 2}
        own = {"function": "x", "url": "", "line": 1, "column": 2}
        desk.payload(NEW, url=f"{URL}?session={NEW}#f", stack=[frame, own])
        data = desk.only("payload").data
        assert (data["url"], data["session"], data["method"], data["rule"]) == (
            URL,
            desk.ref(NEW),
            "POST",
            "chat",
        )
        assert data["stack"] == [{**frame, "url": PAGE}]

    def test_an_answer_is_reported_to_its_end(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        e = desk.payload(NEW, status=200)
        desk.recorder.on_response(e, 1.0)
        e.extras["said_provider"] = "Big hat"
        desk.recorder.on_chunk(e, 2.0, "token", {"provider": "Big hat"})
        e.extras["said_provider"] = None
        desk.recorder.on_chunk(e, 3.0, "token", {"text": "Hi"})
        e.outcome, e.error, e.chunks, e.bytes, e.ended_at = "failed", f"lost {NEW}", 2, 30, 4.0
        desk.recorder.on_finished(e)
        assert [(c.t, c.data["index"], c.data["provider"]) for c in desk.events("chunk")] == [
            (2.0, 0, "Big hat"),
            (3.0, 1, None),
        ]
        assert desk.only("response").data["status"] == 200
        end = desk.only("finished")
        assert (end.t, end.data["outcome"], end.data["chunks"], end.data["bytes"]) == (4.0, "failed", 2, 30)
        assert end.data["error"] == f"lost {desk.ref(NEW)}"
        assert desk.recorder.finished_exchanges == 1

    def test_an_answer_belongs_to_the_chat_that_asked(self, desk: Desk) -> None:
        desk.new_chat()
        desk.recorder.begin_message("Hello")
        late = desk.payload(NEW)
        desk.end()
        desk.new_chat()
        desk.recorder.on_response(late, 1.0)
        assert desk.only("response").chat == 0

    def test_a_payload_outside_of_any_chat_is_reported_all_the_same(self, desk: Desk) -> None:
        desk.payload(OLD)
        event = desk.only("payload")
        assert (event.chat, event.data["message"]) == (None, None)


class TestChatLine:
    def test_it_is_written_as_it_was_returned(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.write(NEW)
        desk.recorder.screen(0)
        desk.message("Hello", stored=NEW, sent=NEW)
        chat = desk.end()
        assert desk.records().chats == (chat,)
        assert (chat.run_id, chat.lane, chat.status, chat.reason, chat.screen_messages) == (
            "run-1",
            3,
            "observed",
            "",
            0,
        )

    def test_it_holds_no_id(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.write(NEW)
        desk.message("Hello", stored=NEW, sent=OLD)
        desk.recorder.page_error(f"no session {OLD}")
        desk.recorder.end_chat("lost", f"session {NEW} gone")
        desk.records()
        texts = "".join(path.read_text() for path in desk.folder.iterdir())
        assert "session_…" in texts
        assert not [i for i in (OLD, NEW, OLD[8:], NEW[8:]) if i in texts]

    def test_ids_are_shown_when_asked_for(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(show=True)
        desk.new_chat()
        desk.message("Hello", stored=NEW, sent=NEW)
        assert desk.end().stored == NEW

    @pytest.mark.parametrize("status", ["blocked", "lost"])
    def test_a_chat_that_ended_badly_names_the_reason(self, desk: Desk, status: Any) -> None:
        desk.new_chat()
        desk.recorder.end_chat(status, "the backend answered 429")
        (chat,) = desk.records().chats
        assert (chat.status, chat.reason, chat.messages, chat.stored_seen) == (
            status,
            "the backend answered 429",
            (),
            False,
        )

    def test_no_chat_no_line(self, desk: Desk) -> None:
        assert desk.recorder.end_chat() is None
        assert desk.records().chats == ()

    def test_a_chat_ends_once(self, desk: Desk) -> None:
        desk.new_chat()
        desk.end()
        assert desk.recorder.end_chat("lost", "the run ended") is None
        assert len(desk.records().chats) == 1


class TestJournal:
    def test_finished_chats_are_counted_and_reported(self, desk: Desk) -> None:
        reported: list[Chat] = []
        desk.journal.watchers.append(reported.append)
        desk.new_chat()
        chat = desk.end()
        desk.new_chat()
        desk.recorder.end_chat("lost", "x")
        assert desk.journal.chats == {"observed": 1, "lost": 1}
        assert reported[0] == chat

    def test_events_are_numbered_in_their_order_of_arrival(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        desk.recorder.note("reload")
        assert [(e.seq, e.kind) for e in desk.records().events] == [
            (0, "storage"),
            (1, "new_chat"),
            (2, "reload"),
        ]

    def test_without_a_writer_nothing_is_kept(self) -> None:
        journal = Journal("run-1", None)
        journal.event(1.0, 0, None, "open", {})
        assert journal.chats == {}


class TestUnreadable:
    """A body that could not be read is never "no session ID"."""

    def chat(self, desk: Desk, text: str = "Hi (0a1b2c3d)", **fields: Any) -> Exchange:
        desk.start(OLD)
        desk.recorder.begin_chat("load")
        desk.recorder.begin_message(text)
        exchange = Exchange(
            request="r-1", rule=desk.rule, transport="http", method="POST", url=URL, sent_at=desk.clock.now, session=None,
            history=None, stack=[], **{"body": "", **fields},
        )  # fmt: skip
        desk.recorder.on_payload(exchange)
        return exchange

    def test_the_message_names_the_reason_and_no_payload_was_seen(self, desk: Desk) -> None:
        self.chat(desk, unreadable="it is binary")
        chat = desk.recorder.end_chat()
        assert chat is not None
        assert (chat.messages[0].sent_seen, chat.messages[0].unreadable) == (False, "it is binary")
        assert desk.events("payload")[0].data["unreadable"] == "it is binary"
        (problem,) = desk.recorder.unread.problems()
        assert "it is binary" in problem.what

    def test_an_envelope_that_hides_the_message_is_unreadable(self, desk: Desk) -> None:
        self.chat(desk, body='{"data": "' + "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA0" + '"}')
        chat = desk.recorder.end_chat()
        assert chat is not None
        assert "encrypted" in chat.messages[0].unreadable

    def test_a_body_with_the_message_in_it_was_read(self, desk: Desk) -> None:
        self.chat(
            desk, body='{"text": "Hi (0a1b2c3d)", "key": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA0"}'
        )
        chat = desk.recorder.end_chat()
        assert chat is not None
        assert (chat.messages[0].sent_seen, chat.messages[0].sent) == (True, None)

    def test_what_may_be_something_else_counts_where_nothing_better_comes(self, desk: Desk) -> None:
        self.chat(desk, unreadable="it is binary", doubtful=True)
        assert not desk.recorder.exchange
        desk.clock.now += 2
        assert desk.events("payload") == []
        assert desk.recorder.exchange
        chat = desk.recorder.end_chat()
        assert chat is not None
        assert chat.messages[0].unreadable == "it is binary"

    def test_one_that_nothing_better_followed_is_a_problem_of_the_run(self, desk: Desk) -> None:
        """Also where the chat ended before the time was over."""
        for _ in range(2):
            self.chat(desk, unreadable="it is binary", doubtful=True)
            desk.end()
        (problem,) = desk.recorder.unread.problems()
        rule = desk.rule.name
        assert problem.what == (
            f"payloads of the wire rule {rule!r} could not be read, so their session ID is not known: it is binary"
        )
        assert problem.where == f"[[wire]] {rule} of the profile"
        assert desk.recorder.unread.rules == {rule: ("it is binary", 2)}

    def test_a_binary_body_with_the_message_in_it_may_be_the_messages(self, desk: Desk) -> None:
        self.chat(desk, unreadable="it is binary", doubtful=True, coded=True, body="\x00Hi (0a1b2c3d)\ufffd")
        desk.clock.now += 2
        assert desk.recorder.exchange
        chat = desk.recorder.end_chat()
        assert chat is not None
        assert chat.messages[0].unreadable == "it is binary"

    def test_it_is_forgotten_when_the_message_itself_comes(self, desk: Desk) -> None:
        self.chat(desk, unreadable="it is binary", doubtful=True)
        desk.payload(OLD, body="Hi (0a1b2c3d)", request="r-2")
        desk.clock.now += 2
        chat = desk.recorder.end_chat()
        assert chat is not None
        assert (chat.messages[0].unreadable, chat.messages[0].sent) == ("", desk.ref(OLD))
        assert [e.data["request"] for e in desk.events("payload")] == ["r-2"]
        assert desk.recorder.unread.problems() == []

    def test_a_payload_says_how_its_id_was_encoded(self, desk: Desk) -> None:
        exchange = self.chat(desk, body="Hi (0a1b2c3d)", form="percent-encoded")
        assert exchange.form
        assert desk.events("payload")[0].data["form"] == "percent-encoded in the payload"


class TestIssued:
    """An ID belongs to the chat whose reply brought it, whoever stores it."""

    def test_an_id_that_a_reply_brought_is_that_messages(self, desk: Desk) -> None:
        desk.new_chat()
        exchange = desk.message("Hello (0123abcd)", stored=None, sent=None)
        exchange.reply.add_value(desk.clock.now, {"meta": {"chatId": NEW}})
        desk.write(NEW)
        fields = desk.only("issued")
        assert (fields.chat, fields.t, fields.data["session"], fields.data["message"]) == (
            0,
            desk.clock.now,
            desk.ref(NEW),
            0,
        )
        assert desk.end().messages[0].issued == desk.ref(NEW)

    def test_the_end_of_an_old_reply_brings_the_old_chats_id(self, desk: Desk) -> None:
        desk.new_chat()
        left = desk.message("Hello (0123abcd)", stored=None, sent=None)
        desk.end()
        desk.new_chat()
        own = desk.message("Hello (4567cdef)", stored=None, sent=None, request="r-2")
        own.reply.add_value(desk.clock.now, {"chatId": NEW})
        desk.write(NEW)
        left.reply.add_text(desk.clock.now, f"<i data-chat='{OLD}'></i>")
        desk.write(OLD)
        assert [(e.chat, e.data["session"]) for e in desk.events("issued")] == [
            (1, desk.ref(NEW)),
            (0, desk.ref(OLD)),
        ]

    def test_a_reply_may_be_read_after_the_page_has_stored_its_id(self, desk: Desk) -> None:
        desk.new_chat()
        exchange = desk.message("Hello (0123abcd)", stored=None, sent=None)
        desk.write(NEW)
        assert desk.events("issued") == []
        exchange.reply.add_headers(desk.clock.now, {"location": f"/chats/{NEW}?new=1"})
        assert desk.end().messages[0].issued == desk.ref(NEW)

    @pytest.mark.parametrize(("sent", "body"), [(NEW, ""), (None, json.dumps({"draft": NEW}))])
    def test_an_id_that_the_payload_brought_is_echoed(self, desk: Desk, sent: str | None, body: str) -> None:
        desk.new_chat()
        exchange = desk.message("Hello (0123abcd)", stored=None, sent=sent, body=body)
        exchange.reply.add_value(desk.clock.now, {"chatId": NEW})
        desk.write(NEW)
        assert desk.end().messages[0].issued is None

    def test_an_id_that_was_stored_before_is_not_issued_again(self, desk: Desk) -> None:
        desk.start(OLD)
        desk.new_chat()
        exchange = desk.message("Hello (0123abcd)", stored=OLD, sent=None)
        exchange.reply.add_value(desk.clock.now, {"chatId": OLD})
        desk.write(None)
        desk.write(OLD)
        assert desk.events("issued") == []

    def test_a_part_of_another_id_is_none(self, desk: Desk) -> None:
        desk.new_chat()
        exchange = desk.message("Hello (0123abcd)", stored=None, sent=None)
        exchange.reply.add_value(desk.clock.now, {"trace": f"{NEW}0"})
        desk.write(NEW)
        assert desk.events("issued") == []


def test_the_line_of_a_chat_that_was_left_waits_for_its_reply(desk: Desk) -> None:
    desk.new_chat()
    exchange = desk.message("Hello (0123abcd)", stored=None, sent=NEW)
    desk.recorder.leave_chat()
    assert desk.records().chats == ()
    desk.recorder.left_behind(exchange)
    assert [c.reply_followed for c in desk.records().chats] == [False]
    desk.new_chat()
    exchange = desk.message("Hello (4567cdef)", stored=None, sent=OLD, request="r-2")
    desk.recorder.on_text(exchange, 1.0, "Once upon a time there was")
    desk.recorder.leave_chat()
    desk.recorder.end_chat()  # the run may end before the reply does
    assert [c.reply_followed for c in desk.records().chats] == [False, True]


class TestLateText:
    """A reply that was left goes on after New Chat; the page shows words of it in the new chat, or of the new chat's own reply."""

    def left_behind(self, desk: Desk) -> Exchange:
        desk.start("s-1")
        desk.new_chat()
        old = desk.message("A long story", stored="s-1", sent="s-1")
        desk.new_chat()
        return old

    def test_words_that_came_after_new_chat_are_the_old_replys(self, desk: Desk) -> None:
        old = self.left_behind(desk)
        desk.recorder.on_chunk(old, desk.clock.now, "", {"text": "once upon a time in a far country"})
        desk.recorder.shows("once upon a time in a far country")
        assert desk.end().shows_from == 0

    def test_where_two_replies_cannot_be_distinguished_they_may_be_the_new_chats(self, desk: Desk) -> None:
        """Whose words the first ones were was known; of what came while both waited it is not."""
        old = self.left_behind(desk)
        desk.recorder.on_chunk(old, desk.clock.now, "", {"text": "the weather will be fine today"})
        desk.message("The weather?", stored="s-2", sent="s-2", request="r-2")
        old.shares_line = True
        desk.recorder.on_chunk(
            old, desk.clock.now, "", {"text": "Blue glove: the weather will be fine today"}
        )
        desk.recorder.shows("Blue glove: the weather will be fine today")
        assert desk.end().shows_from is None

    def test_what_is_known_to_be_the_old_ones_still_counts(self, desk: Desk) -> None:
        old = self.left_behind(desk)
        desk.recorder.on_chunk(old, desk.clock.now, "", {"text": "once upon a time in a far country"})
        desk.message("The weather?", stored="s-2", sent="s-2", request="r-2")
        old.shares_line = True
        desk.recorder.on_chunk(
            old, desk.clock.now, "", {"text": "Blue glove: the weather will be fine today"}
        )
        desk.recorder.shows("once upon a time in a far country Blue glove: the weather will be fine today")
        assert desk.end().shows_from == 0


class TestIdOfTheConnection:
    def test_whether_a_payload_had_the_id_before_is_not_known(self, desk: Desk) -> None:
        """The backend gave the connection another ID before it began to answer."""
        desk.start("s-1")
        desk.new_chat()
        desk.message("Hello", stored="s-1", sent="s-1", overtaken=True)
        (message,) = desk.end().messages
        assert (message.sent_seen, message.sent, message.unreadable) == (False, None, "")


def test_a_reply_that_was_cancelled_before_any_byte_could_bring_nothing_late(desk: Desk) -> None:
    desk.new_chat()
    exchange = desk.message("Hello (0123abcd)", stored=None, sent=NEW)
    exchange.outcome, exchange.bytes = "cancelled", 0
    desk.recorder.leave_chat()
    desk.recorder.left_behind(exchange)
    assert [c.reply_followed for c in desk.records().chats] == [True]


def test_an_id_in_the_address_is_a_reference_from_its_first_payload_on(desk: Desk) -> None:
    session = "24e8dd79fc0e4db7b3b93fd30e22330c"
    desk.start(None)
    desk.new_chat()
    desk.message("Hello", stored=None, sent=session, url=f"http://127.0.0.1:8571/c/{session}/messages")
    assert session not in json.dumps(desk.only("payload").data)


@pytest.mark.parametrize(
    ("text", "followed"),
    [("a long story of a hat that nobody wore", True), ("OK", False), ("Tell me a long story", False)],
)
def test_a_rule_is_followed_once_a_reply_had_text_of_its_own(desk: Desk, text: str, followed: bool) -> None:
    desk.new_chat()
    desk.recorder.begin_message("Tell me a long story")
    exchange = desk.payload("s-1")
    desk.recorder.on_chunk(exchange, desk.clock.now, "", {"text": text})
    exchange.outcome = "ok"
    desk.recorder.on_finished(exchange)
    assert desk.recorder.chats.followed_rules == ({desk.rule.name} if followed else set())


def test_of_a_message_without_a_payload_nothing_is_known(desk: Desk) -> None:
    desk.new_chat()
    desk.recorder.begin_message("Hello")
    desk.recorder.message_ended("timeout", "timeout")
    (message,) = desk.end().messages
    assert (message.sent_at, message.first_chunk_at, message.reply_provider, message.status) == (None,) * 4
    assert (message.chunks, message.unreadable, message.served_by) == (0, "", "")
    assert (message.bleeds_from, message.request, message.issued) == (None, None, None)
    assert (message.stored_seen, message.sent_seen, message.ended_elsewhere) == (False, False, False)


@pytest.mark.parametrize(
    ("origin", "whose"), [("shared_worker", [0]), ("service_worker", [0]), ("page", [0, 1])]
)
def test_what_a_worker_of_several_tabs_sends_belongs_to_the_tab_with_that_message(
    desk: Desk, origin: str, whose: list[int]
) -> None:
    """Each tab that the worker serves sees it; a page's own payload is seen by that page only."""
    desk.new_chat()
    desk.recorder.begin_message("Hello (0123abcd)")
    other = desk.recorder.beside()
    for recorder in (desk.recorder, other):
        exchange = Exchange(
            request="r-1", rule=desk.rule, transport="http", method="POST", url=URL, sent_at=desk.clock.now, session=NEW,
            history=0, body='{"text": "Hello (0123abcd)"}', stack=[], origin=origin,
        )  # fmt: skip
        recorder.on_payload(exchange)
    assert [e.data.get("tab", 0) for e in desk.events("payload")] == whose
