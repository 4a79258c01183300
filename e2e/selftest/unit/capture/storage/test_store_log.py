"""What a tab's store holds, who wrote it and whether it has rotated, write by write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.capture.session_ids.redaction import Redactor
from e2e.capture.storage import store_log
from e2e.capture.storage.store_log import StoreLog
from e2e.profile.profile import Session

A, B = "session-aaaaaaaa-1", "session-bbbbbbbb-2"
STACK = "Error\n    at save (http://a/x.js:1:2)\n    at debugger eval code (<anonymous>:1:1)"


class Log:
    """A store's log with what it emits."""

    def __init__(self, **session: Any) -> None:
        known = {"store": "localStorage", "key": "chat"} | session
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.came: list[tuple[float, str]] = []
        self.redactor = Redactor(key="k", show=True)

        def emit(t: float, kind: str, **data: Any) -> None:
            assert kind == "storage"
            self.events.append((t, data))

        def appeared(t: float, session_id: str) -> None:
            self.came.append((t, session_id))

        self.store = StoreLog(Session.model_validate(known), self.redactor, emit, appeared)

    def write(
        self,
        t: float,
        value: str | None,
        *,
        op: str = "",
        key: str = "chat",
        store: str = "localStorage",
        **more: Any,
    ) -> None:
        op = op or ("remove" if value is None else "set")
        self.store.on_write(t, {"store": store, "op": op, "key": key, "value": value, "stack": STACK, **more})

    def start(self, t: float, value: str | None, *, readable: bool = True) -> None:
        stored = ({} if value is None else {"chat": value}) if readable else None
        self.store.page_started(t, {"stored": stored})

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1][1]

    @property
    def ops(self) -> list[tuple[str, Any, Any, str]]:
        return [(e["op"], e.get("previous"), e.get("session"), e.get("by", "")) for _, e in self.events]


class TestWrites:
    def test_one_is_reported_with_what_was_there_before_and_by_whom(self) -> None:
        log = Log()
        log.write(5.0, A)
        assert log.events == [
            (
                5.0,
                {
                    "store": "localStorage", "op": "set", "key": "chat", "session": A, "previous": None, "same_value": False,
                    "shape": log.last["shape"], "time_offset": log.last["time_offset"], "by": "page",
                    "stack": [{"function": "save", "url": "http://a/x.js", "line": 1, "column": 2}],
                },
            )
        ]  # fmt: skip
        assert log.last["shape"]
        assert (log.store.current, log.store.rotated, log.store.rotated_at) == (A, True, 5.0)
        assert (log.came, log.store.minted) == ([(5.0, A)], [(5.0, A)])

    def test_the_same_value_again_is_no_rotation(self) -> None:
        log = Log()
        log.write(5.0, A)
        log.store.rotated = False
        log.write(6.0, A)
        assert (log.last["same_value"], log.last["previous"]) == (True, A)
        assert (log.store.rotated, log.store.rotated_at, len(log.came)) == (False, 5.0, 1)

    def test_a_removal_is_no_rotation_and_has_no_form(self) -> None:
        log = Log()
        log.write(5.0, A)
        log.store.rotated = False
        log.write(6.0, None)
        assert log.last | {"stack": []} == {
            "store": "localStorage", "op": "remove", "key": "chat", "session": None, "previous": A, "same_value": False,
            "shape": None, "time_offset": None, "stack": [], "by": "page",
        }  # fmt: skip
        assert (log.store.current, log.store.rotated) == (None, False)

    def test_the_store_that_is_cleared_while_empty_is_not_written(self) -> None:
        log = Log()
        log.write(5.0, None, op="clear")
        assert log.events == []
        log.write(6.0, A)
        log.write(7.0, None, op="clear")
        assert log.ops[-1] == ("clear", A, None, "page")

    @pytest.mark.parametrize("more", [{"store": "sessionStorage"}, {"no stack": True}])
    def test_of_other_writes_only_their_names_are_reported(self, more: dict[str, Any]) -> None:
        log = Log()
        signal = {"store": more.get("store", "localStorage"), "op": "set", "key": "k" * 130, "value": A}
        log.store.on_write(5.0, signal | ({"stack": STACK} if "store" in more else {}))
        assert log.events == [(5.0, {"store": signal["store"], "op": "set", "key": "k" * 119 + "…"})]
        assert log.store.current is None

    def test_another_tab_writes_without_a_stack(self) -> None:
        log = Log()
        log.store.on_write(
            5.0, {"store": "localStorage", "op": "set", "key": "chat", "value": A, "by": "other-tab"}
        )
        assert (log.last["by"], log.last["stack"], log.store.current) == ("other-tab", [], A)
        assert (log.came, log.store.minted) == ([], [])

    def test_where_each_chat_has_a_key_an_older_ones_removal_is_no_end(self) -> None:
        log = Log(key=None, key_pattern="^chat:")
        log.write(5.0, A, key="chat:1")
        log.write(6.0, B, key="chat:2")
        log.write(7.0, None, key="chat:1")
        assert (log.store.current, len(log.events)) == (B, 2)
        log.write(8.0, None, key="chat:2")
        assert (log.store.current, len(log.events)) == (None, 3)

    def test_the_first_500_new_ids_are_kept(self) -> None:
        log = Log()
        for n in range(501):
            log.write(float(n), f"session-{n:08}-x")
        assert len(log.store.minted) == store_log.MOST_MINTED == 500
        assert len(log.came) == 501


class TestStarts:
    def test_what_a_page_begins_with_is_reported_and_is_no_rotation(self) -> None:
        log = Log()
        log.start(5.0, A)
        log.start(6.0, None)
        assert log.ops == [("start", None, A, "page-start"), ("start", A, None, "page-start")]
        assert (log.store.rotated, log.came, log.store.minted) == (False, [], [])

    @pytest.mark.parametrize(
        ("store", "readable", "expected"),
        [("localStorage", True, True), ("localStorage", False, False), ("none", True, False)],
    )
    def test_whether_it_can_be_read(self, store: str, readable: bool, expected: bool) -> None:
        log = Log(store=store, key=None if store == "none" else "chat")
        assert log.store.readable is (store != "none")
        log.start(5.0, None, readable=readable)
        assert log.store.readable is expected

    def test_a_cookie_that_only_the_server_sees_stays(self) -> None:
        log = Log(store="cookie", key="sid")
        log.store.on_cookie(5.0, "sid", A)
        log.start(6.0, None)
        assert (log.store.current, len(log.events)) == (A, 1)
        log.start(7.0, B)
        assert log.store.current == B


class TestLooks:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store_log, "time", SimpleNamespace(time=lambda: 50.0))

    def test_a_write_that_no_hook_saw_is_reported_as_such(self) -> None:
        log = Log()
        log.store.look({"chat": A})
        assert (log.ops, log.events[0][0]) == ([("set", None, A, "unseen")], 50.0)
        assert (log.store.rotated, log.store.rotated_at, log.came) == (True, 50.0, [(50.0, A)])
        log.store.look({"chat": A})
        assert len(log.events) == 1
        log.store.rotated = False
        log.store.look({})
        assert log.ops[-1] == ("remove", A, None, "unseen")
        assert (log.last["key"], log.store.rotated) == (None, False)

    def test_a_store_that_cannot_be_read_is_known_as_such(self) -> None:
        log = Log()
        log.store.look(None)
        assert (log.store.readable, log.events) == (False, [])

    def test_a_servers_cookie_that_no_page_sees_stays(self) -> None:
        log = Log(store="cookie", key="sid")
        log.store.on_cookie(5.0, "sid", A)
        log.store.look({})
        log.store.look(None)
        assert (log.store.current, log.store.readable, len(log.events)) == (A, True, 1)

    def test_what_it_held_at_a_time(self) -> None:
        log = Log()
        log.write(5.0, A)
        log.write(6.0, B)
        log.write(7.0, None)
        assert [log.store.at(t) for t in (4.9, 5.0, 5.999, 5.997, 6.5, 7.0)] == [None, A, B, A, B, None]
        assert (log.store.read({"chat": A}), log.store.read({}), log.store.read(None)) == (A, None, None)


class TestServer:
    def test_its_cookie_is_reported(self) -> None:
        log = Log(store="cookie", key="sid")
        log.store.on_cookie(5.0, "sid", A)
        log.store.on_cookie(6.0, "sid", A)
        log.store.on_cookie(7.0, "sid", None)
        assert log.ops == [("set", None, A, "server"), ("remove", A, None, "server")]
        assert (log.store.rotated_at, log.store.set_by_server, log.came) == (5.0, True, [(5.0, A)])
        assert [e["key"] for _, e in log.events] == ["sid", "sid"]

    def test_another_tab_begins_with_it(self) -> None:
        log, other = Log(store="cookie", key="sid"), Log(store="cookie", key="sid")
        other.store.beside(log.store)
        assert (other.store.current, other.store.set_by_server) == (None, False)
        log.store.on_cookie(5.0, "sid", A)
        other.store.readable = False
        other.store.beside(log.store)
        assert (other.store.current, other.store.set_by_server, other.store.readable) == (A, True, True)
        assert other.store.at(5.0) == A
