"""Stacks as V8 and the protocol report them, into frames whose lines and columns count from 1."""

from __future__ import annotations

from typing import Any

from e2e.capture.code.stacks import initiator_frames, parse, position


def call(name: str, line: int, column: int = 0) -> dict[str, Any]:
    return {"functionName": name, "url": "https://x/a.js", "lineNumber": line, "columnNumber": column}


def test_the_protocol_counts_from_0_and_a_frame_from_1() -> None:
    (frame,) = initiator_frames({"type": "script", "stack": {"callFrames": [call("send", 9, 4)]}})
    assert frame == {"function": "send", "url": "https://x/a.js", "line": 10, "column": 5}
    assert position(frame) == "https://x/a.js:10:5"


def test_frames_of_earlier_tasks_follow_up_to_sixteen() -> None:
    inner = {"callFrames": [call(f"i{n}", n) for n in range(10)]}
    outer = {"callFrames": [call(f"o{n}", n) for n in range(10)], "parent": {"callFrames": [call("x", 0)]}}
    frames = initiator_frames({"stack": {**inner, "parent": outer}})
    assert [f["function"] for f in frames] == [f"i{n}" for n in range(10)] + [f"o{n}" for n in range(6)]


def test_a_request_without_a_script_has_no_frames() -> None:
    assert initiator_frames(None) == []
    assert initiator_frames({"type": "parser"}) == []


def test_the_recorders_own_frames_are_left_out() -> None:
    text = "Error\n    at record (<anonymous>:3:9)\n    at async new Store.set (https://x/a.js:12:34)\n    at https://x/b.js:1:2"
    assert [(f["function"], position(f)) for f in parse(text)] == [
        ("new Store.set".removeprefix("new "), "https://x/a.js:12:34"),
        ("", "https://x/b.js:1:2"),
    ]


def test_frames_of_firefox_and_webkit_are_read_without_the_recorders_own() -> None:
    text = """stack@chat-session-e2e:74:18
apply/seen<@chat-session-e2e:606:42
send@https://chat.example/assets/index.js:8:1201
onClick/</<@https://chat.example/assets/index.js:9:17
async*start@https://chat.example/assets/index.js:10:5
@https://chat.example/:1:44
"""
    assert [(f["function"], f["line"], f["column"]) for f in parse(text)] == [
        ("send", 8, 1201),
        ("onClick", 9, 17),
        ("start", 10, 5),
        ("", 1, 44),
    ]
