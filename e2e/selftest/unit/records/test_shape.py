"""Which types the fields of evidence may have, with the sentence for each that has another."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from e2e.errors import HarnessError
from e2e.records.event_log import EventLog
from e2e.records.evidence import understood
from e2e.records.records import SIDE_LANE, Event, EventKind
from e2e.records.selection import changed, of_kind, page_starts, side_events, without_side
from e2e.records.shape import checked, checked_data, checked_fields, checks_of

FRAME = {"function": "f", "url": "http://a/x.js", "line": 1, "column": 2}


class TestData:
    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("session", ["", "x"], [1, True, ["x"], {}]),
            ("found", [True, False], [0, 1, "true"]),
            ("status", [0, 200, -1], [True, 1.0, "200", 10**15, 10**400]),
            ("latency_ms", [0, 1.5, -2], [True, "1", math.inf, math.nan, 1e15, -1e15, 10**400]),
            ("features", [{}, {"a": 1}], [[], "x"]),
            ("stack", [[], [FRAME], [FRAME, FRAME]], [{}, "x", ["x"], [FRAME, {}]]),
            ("of_no_event", [1, "x", [], {}, True], []),
        ],
    )
    def test_a_field_has_the_type_that_events_give_it(
        self, name: str, good: list[Any], bad: list[Any]
    ) -> None:
        for value in (None, *good):
            assert checked_data({name: value}) == {name: value}
            assert checked_fields({name: value, "other": object()}, checks_of((name, "none"))) == {
                name: value
            }
        for value in bad:
            with pytest.raises(TypeError, match=f"^data.{name} is "):
                checked_data({name: value})
            with pytest.raises(TypeError, match=f"^data.{name} is "):
                checked_fields({name: value}, checks_of((name,)))

    @pytest.mark.parametrize("name", FRAME)
    @pytest.mark.parametrize("value", [None, [], True])
    def test_each_frame_of_a_stack_is_whole(self, name: str, value: Any) -> None:
        for stack in ([FRAME | {name: value}], [FRAME, {k: v for k, v in FRAME.items() if k != name}]):
            with pytest.raises(TypeError, match=r"^data.stack is list$"):
                checked_data({"stack": stack})

    def test_texts_are_made_printable(self) -> None:
        found = checked_data({"what": "a\x1b[1m", "other": "\x00", "status": 1})
        assert all(isinstance(v, int) or v.isprintable() for v in found.values())
        assert checked_data({"what": "é", "other": "a b"}) == {"what": "é", "other": "a b"}

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            ([], "data is list"),
            (None, "data is None"),
            ("x", "data is 'x'"),
            ({"status": "x" * 57}, f"data.status is '{'x' * 57}'"),
            ({"status": "x" * 58}, f"data.status is '{'x' * 55} …"),
        ],
    )
    def test_what_is_wrong_is_named_in_short(self, data: Any, what: str) -> None:
        with pytest.raises(TypeError) as error:
            checked_data(data)
        assert str(error.value) == what


@dataclass
class Inner:
    name: str


@dataclass
class Record:
    name: str = ""
    count: int | None = None
    share: float = 0.0
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    names: tuple[str, ...] = ()
    pair: tuple[int, str] = (0, "")
    inner: tuple[Inner, ...] = ()
    counts: dict[str, int] = None  # type: ignore[assignment]
    either: str | int | float = 0
    any: Any = None


class TestRecord:
    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("name", ["x"], [1, None]),
            ("count", [1, None], ["1", True, 1.5]),
            ("share", [1, 1.5], [None, "1", True]),
            ("flag", [True], [0, None]),
            ("kind", ["a", "b"], ["c", 1, ["a"]]),
            ("names", [[], ["x"]], ["x", [1], {}]),
            ("pair", [[1, "x"], ["anything"]], ["x", {}]),
            ("inner", [[{}], []], [{}, "x"]),
            ("counts", [{}, {"a": 1}], [[], {"a": "1"}]),
            ("either", ["x", 1, 1.5], [None, [], True]),
            ("any", [None, [], 1], []),
        ],
    )
    def test_a_field_has_the_type_of_the_record(self, name: str, good: list[Any], bad: list[Any]) -> None:
        for value in good:
            assert checked(Record, {name: value, "of another version": 1}) == {name: value}
        for value in bad:
            with pytest.raises(TypeError, match=f"^{name} is "):
                checked(Record, {name: value})

    def test_a_record_is_a_table(self) -> None:
        with pytest.raises(TypeError, match=r"^expected a table, got list$"):
            checked(Record, [])  # type: ignore[arg-type]
        assert checked(Record, {"name": "\x1b"})["name"].isprintable()


def event(n: int, kind: EventKind, lane: int = 0, chat: int | None = 0, **data: Any) -> Event:
    return Event("r", n, float(n), lane, chat, kind, data)


EVENTS = (
    event(0, "storage", op="start"),
    event(1, "payload", session="a"),
    event(2, "storage", op="set", stack=[FRAME]),
    event(3, "chunk"),
    event(4, "payload", chat=1),
    event(5, "payload", lane=SIDE_LANE),
    event(6, "payload", lane=1),
)


def log_of(events: tuple[Event, ...] = EVENTS) -> EventLog:
    log = EventLog("events.jsonl")
    for one in events:
        log.add(json.dumps(one.to_json(), ensure_ascii=False, separators=(",", ":")).encode())
    return log


class TestSelection:
    """A log that keeps what a judgement reads gives the same as a sequence of all events."""

    @pytest.mark.parametrize("packed", [False, True])
    def test_the_log_gives_what_the_sequence_gives(
        self, packed: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("e2e.records.event_log._BLOCK", 0 if packed else 1 << 20)
        log = log_of()
        for kinds in (("payload",), ("storage",), ("storage", "payload"), ("issued",)):
            for chat in (None, (0, 0), (0, 1), (1, 0), (SIDE_LANE, 0)):
                expected = [e for e in EVENTS if e.kind in kinds and chat in (None, (e.lane, e.chat))]
                for source in (log, EVENTS):
                    found = sorted(of_kind(source, *kinds, chat=chat), key=lambda e: e.seq)
                    assert found == expected, (kinds, chat)
        assert list(page_starts(log)) == list(page_starts(EVENTS)) == [EVENTS[0]]
        assert side_events(log) == side_events(EVENTS) == (EVENTS[5],)
        kept = [e for e in EVENTS if e.kind != "chunk" and e.lane < SIDE_LANE]
        assert sorted(without_side(log), key=lambda e: e.seq) == kept
        assert [e.seq for e in without_side(EVENTS)] == [0, 1, 2, 3, 4, 6]
        assert len(log) == 6
        assert len(without_side(log)) == 5
        assert sorted(e.seq for e in log) == [0, 1, 2, 4, 5, 6]
        assert log[-1] == EVENTS[5]
        assert log.counted.whole == 7

    def test_changes_follow_each_other_and_leave_the_log_as_it_was(self) -> None:
        log = log_of()
        only = changed(log, lambda e: e if e.kind == "payload" else None)
        later = changed(only, lambda e: Event(e.run_id, e.seq + 100, e.t, e.lane, e.chat, e.kind, e.data))
        assert sorted(e.seq for e in of_kind(later, "payload", "storage") if e.lane < SIDE_LANE) == [
            101,
            104,
            106,
        ]
        assert len(list(of_kind(log, "storage"))) == 2
        assert [e.seq for e in changed(EVENTS[:2], lambda e: e if e.seq else None)] == [1]

    def test_a_line_that_cannot_be_read_is_an_error_where_it_is_read(self) -> None:
        log = log_of(EVENTS[:1])
        log.add(
            b'{"schema":1,"run_id":"r","seq":1,"t":1.0,"lane":0,"chat":0,"kind":"payload","data":{"status":"x"}}'
        )
        with pytest.raises(HarnessError) as error:
            list(of_kind(log, "payload"))
        assert error.value.what.startswith("events.jsonl: an event cannot be read: TypeError(")
        assert error.value.hint == "leave that run out, or record it again"

    @pytest.mark.parametrize("line", [b"[]", b"{}", b"x", b'{"schema":1}'])
    def test_what_is_no_event_is_refused(self, line: bytes) -> None:
        with pytest.raises((ValueError, TypeError, KeyError)):
            EventLog().add(line)


def test_evidence_that_no_run_can_have_left_is_named_by_its_first_folders() -> None:
    folders = [Path(f"/evidence/run-{n}") for n in range(5)]
    with pytest.raises(HarnessError) as error, understood(folders):
        raise KeyError("lane")
    assert error.value.what == "the evidence cannot be judged: KeyError('lane')"
    assert error.value.where == "run-0, run-1, run-2"
    assert error.value.hint.startswith("are the files whole, and of one run?")
    with pytest.raises(HarnessError) as long, understood(folders[:1]):
        raise ValueError("x" * 400)
    assert len(long.value.what) == len("the evidence cannot be judged: ") + 300
