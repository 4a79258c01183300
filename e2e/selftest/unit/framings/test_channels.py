"""Phoenix, Action Cable, STOMP, GraphQL and Socket.IO at their edges: what is cut, repeated, escaped or missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from e2e.framings.base.decoder import PENDING_LIMIT, Message
from e2e.framings.registry import make_decoder


def decoded(name: str, *frames: str | bytes, sent: bool = False) -> list[Message]:
    decoder = make_decoder(name)
    return [message for frame in frames for message in decoder.decode(frame, sent)]


def names(name: str, *frames: str | bytes) -> list[str]:
    return [message.name for message in decoded(name, *frames)]


class TestStomp:
    @pytest.mark.parametrize(
        ("frame", "headers", "body"),
        [
            ("MESSAGE\na:1\n\nhi\0", {"a": "1"}, "hi"),
            ("MESSAGE\r\na:1\r\n\r\nhi\0", {"a": "1"}, "hi"),
            ("MESSAGE\r\na:1\n\nhi\r\n\r\nyou\0", {"a": "1"}, "hi\r\n\r\nyou"),
            ("MESSAGE\n\n\0", {}, ""),
            ("MESSAGE\na\nb:c:d\n\n7\0", {"a": "", "b": "c:d"}, 7),
            ("MESSAGE\ncontent-length:0\n\n\0", {"content-length": "0"}, ""),
            ("MESSAGE\ncontent-length:x\n\nab\0", {"content-length": "x"}, "ab"),
            ("MESSAGE\na:\\\\\\c\\n\\r\\t\n\n\0", {"a": "\\:\n\r\\t"}, ""),
            ("CONNECTED\na:\\c\n\n\0", {"a": "\\c"}, ""),
            ("MESSAGE\na\\c:1\n\n\0", {"a:": "1"}, ""),
        ],
    )
    def test_a_frame(self, frame: str, headers: dict[str, str], body: Any) -> None:
        (message,) = decoded("stomp", frame)
        assert message.value == {"command": message.name, "headers": headers, "body": body}
        assert message.name == frame.splitlines()[0]

    @pytest.mark.parametrize(
        ("headers", "key"),
        [
            ("correlation-id:a\nreceipt-id:b\nreceipt:c\nid:d", "a"),
            ("receipt-id:b\nreceipt:c\nid:d", "b"),
            ("receipt:c\nid:d", "c"),
            ("id:d", "d"),
            ("x:e", None),
        ],
    )
    def test_its_key(self, headers: str, key: str | None) -> None:
        assert [m.key for m in decoded("stomp", f"SEND\n{headers}\n\n\0")] == [key]

    def test_a_body_ends_with_its_length(self) -> None:
        frame = "MESSAGE\ncontent-length:3\n\na\0b\0"
        assert [m.value["body"] for m in decoded("stomp", frame, frame)] == ["a\0b"] * 2
        assert decoded("stomp", "MESSAGE\ncontent-length:3\n\na\0b") == []
        assert names("stomp", "MESSAGE\ncontent-length:2\n\na\0b\0") == ["undecoded"]

    @pytest.mark.parametrize(
        "begin", ["S", "SEN", "SEND", "SEND\n", "SEND\na:1", "SEND\na:1\n", "SEND\r\n", "CONNECT"]
    )
    def test_it_may_be_cut_after_its_first_letters(self, begin: str) -> None:
        rest = (
            "SEND\r\na:1\n\nx\0"
            if begin == "SEND\r\n"
            else "CONNECTED\n\n\0"
            if begin == "CONNECT"
            else "SEND\na:1\n\nx\0"
        )
        assert names("stomp", begin, rest.removeprefix(begin)) == [rest.splitlines()[0]]

    @pytest.mark.parametrize("begin", ["HELLO", "SENT\n", "send\n", "SEND more\n\n\0"])
    def test_another_command_is_undecoded(self, begin: str) -> None:
        assert names("stomp", begin) == ["undecoded"]

    def test_one_without_end_is_given_up(self) -> None:
        assert decoded("stomp", "SEND\n\n" + "x" * (PENDING_LIMIT - 6)) == []
        assert names("stomp", "SEND\n\n" + "x" * (PENDING_LIMIT - 5), "SEND\n\n\0") == ["undecoded", "SEND"]

    def test_sockjs_in_both_directions(self) -> None:
        frame = "SEND\n\nx\0"
        for wrapped in (f"a{json.dumps([frame, frame])}", json.dumps([frame, frame])):
            assert names("stomp", wrapped) == ["SEND", "SEND"]
        assert names("stomp", json.dumps(frame)) == ["SEND"]
        assert decoded("stomp", "o", "h", "c[1]") == []
        assert names("stomp", "a[7]") == ["undecoded"]

    def test_an_error_ends_the_reply(self) -> None:
        assert [m.final for m in decoded("stomp", "ERROR\n\n\0", "RECEIPT\n\n\0")] == [True, None]


class TestPhoenix:
    WHOLE: dict[str, Any] = {"join_ref": "1", "ref": 2, "topic": "t", "event": "e", "payload": {}}

    @pytest.mark.parametrize("missing", ["topic", "event", "payload"])
    def test_what_it_must_have(self, missing: str) -> None:
        less = {name: value for name, value in self.WHOLE.items() if name != missing}
        assert names("phoenix", json.dumps(less)) == ["undecoded"]

    def test_what_it_may_lack(self) -> None:
        less = {"topic": "t", "event": "e", "payload": {}, "more": 1}
        (message,) = decoded("phoenix", json.dumps(less))
        assert message == Message("e", {**self.WHOLE, "join_ref": None, "ref": None}, None)

    def test_its_key_is_its_own_reference(self) -> None:
        assert [m.key for m in decoded("phoenix", json.dumps(self.WHOLE))] == ["2"]

    @pytest.mark.parametrize("event", [1, None])
    def test_an_event_is_a_text(self, event: Any) -> None:
        assert names("phoenix", json.dumps(self.WHOLE | {"event": event})) == ["undecoded"]


class TestActionCable:
    @pytest.mark.parametrize(
        ("frame", "name"),
        [
            ({"command": "subscribe", "type": "x", "identifier": "{}"}, "subscribe"),
            ({"type": "confirm_subscription", "identifier": "{}"}, "confirm_subscription"),
            ({"command": 1, "identifier": "{}"}, "message"),
            ({"identifier": None}, "message"),
            ({"message": {}}, "undecoded"),
        ],
    )
    def test_its_name(self, frame: dict[str, Any], name: str) -> None:
        assert names("actioncable", json.dumps(frame)) == [name]

    def test_json_in_its_three_places_is_read(self) -> None:
        frame = {"identifier": "[1]", "data": "{}", "message": "x", "other": "[2]"}
        (message,) = decoded("actioncable", json.dumps(frame))
        assert message.value == {"identifier": [1], "data": {}, "message": "x", "other": "[2]"}


class TestSocketIo:
    @pytest.mark.parametrize(
        "frame",
        [
            *("", "4", "4x", "47", "7", "42", "11", "2x", "43[]", "42[null]", "42[[1]]"),
            *('42["a"', '421-["a"]', '45["a"]', '451["a"]', '43{"a":1}'),
        ],
    )
    def test_what_is_no_packet(self, frame: str) -> None:
        assert names("socket.io", frame) == ["undecoded"]

    def test_events_may_have_numbers_for_names(self) -> None:
        (message,) = decoded("socket.io", "42[7,1]")
        assert (message.name, message.value["event"], message.value["args"]) == ("7", 7, [1])

    @pytest.mark.parametrize(
        ("packet", "namespace", "key"),
        [
            ('42["a"]', "/", None),
            ('427["a"]', "/", "7"),
            ('42/x,["a"]', "/x", None),
            ('42/x?q=1,7["a"]', "/x", "/x,7"),
        ],
    )
    def test_each_namespace_counts_for_itself(self, packet: str, namespace: str, key: str | None) -> None:
        (message,) = decoded("socket.io", packet)
        assert (message.value["namespace"], message.key) == (namespace, key)

    @pytest.mark.parametrize("text", ["bAQID", "b4AQID"])
    def test_an_attachment_may_come_as_base64(self, text: str) -> None:
        head = '451-["a",{"_placeholder":true,"num":0}]'
        (message,) = decoded("socket.io", head, text)
        assert message.value["args"] == [{"binary": 3}]

    @pytest.mark.parametrize("number", [1, -1, "0", None])
    def test_a_placeholder_that_names_nothing_has_no_size(self, number: Any) -> None:
        part = json.dumps({"_placeholder": True, "num": number})
        (message,) = decoded("socket.io", f'451-["a",{part}]', b"abc")
        assert message.value["args"] == [{"binary": None}]

    def test_only_a_true_placeholder_is_one(self) -> None:
        (message,) = decoded("socket.io", '451-["a",{"_placeholder":1,"num":0}]', b"abc")
        assert message.value["args"] == [{"_placeholder": 1, "num": 0}]

    def test_ok_is_the_reply_to_a_poll_only(self) -> None:
        assert decoded("socket.io", "ok") == []
        assert [m.name for m in decoded("socket.io", "ok", sent=True)] == ["undecoded"]

    def test_a_binary_payload_of_version_3(self) -> None:
        def packet(text: bytes, kind: int = 0) -> bytes:
            return bytes([kind, *map(int, str(len(text)))]) + b"\xff" + text

        long = b'42["' + b"x" * 100 + b'"]'
        assert [m.value["args"] for m in decoded("socket.io", packet(b'42["a"]') + packet(long))] == [[], []]
        assert names("socket.io", packet(b'42["a"]')[:-1]) == ["undecoded"]
        assert names("socket.io", packet(b'42["a"]') + b"x") == ["undecoded"]
        assert names("socket.io", packet(b"\xff")) == ["undecoded"]
