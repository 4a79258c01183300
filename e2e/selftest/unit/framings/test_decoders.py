"""Frames of known protocols become messages, however they are cut; frames of none are named as such and never raise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.framings.base.decoder import PENDING_LIMIT, Message
from e2e.framings.base.json_text import parse_nested_json
from e2e.framings.detect import detect
from e2e.framings.registry import FRAMINGS, make_decoder

few = settings(max_examples=60, deadline=None, database=None)
RS = "\x1e"


def decoded(name: str, *frames: str | bytes, sent: bool = False) -> list[Message]:
    decoder = make_decoder(name)
    return [message for frame in frames for message in decoder.decode(frame, sent)]


def undecoded(**size: int) -> Message:
    return Message("undecoded", size, None, None)


class TestEveryDecoder:
    @pytest.mark.parametrize("name", FRAMINGS)
    @few
    @given(st.lists(st.tuples(st.one_of(st.text(), st.binary()), st.booleans()), max_size=6))
    def test_garbage_never_raises(self, name: str, frames: list[tuple[str | bytes, bool]]) -> None:
        decoder = make_decoder(name)
        for data, sent in frames:
            for message in decoder.decode(data, sent):
                assert isinstance(message.name, str)
                assert message.name != "undecoded" or list(message.value) in (["text"], ["binary"])

    @pytest.mark.parametrize("name", [name for name in FRAMINGS if name != "text"])
    @pytest.mark.parametrize("data", ["?!", b"\xff\xfe\x00"])
    def test_what_is_not_its_own_is_undecoded(self, name: str, data: str | bytes) -> None:
        size = {"text": 2} if isinstance(data, str) else {"binary": 3}
        assert decoded(name, data) == [undecoded(**size)]

    @pytest.mark.parametrize("name", [name for name in FRAMINGS if name not in ("text", "stomp")])
    def test_nesting_without_end_is_undecoded(self, name: str) -> None:
        deep = {"socket.io": '42["e",'}.get(name, "{" if name == "signalr" else "") + "[" * 200_000
        end = RS if name == "signalr" else ""
        assert decoded(name, deep + end) == [undecoded(text=len(deep))]

    def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            make_decoder("mqtt")


class TestPlain:
    @pytest.mark.parametrize(
        ("frame", "message"),
        [
            ('{"type": "chat", "event": "x"}', Message("chat", {"type": "chat", "event": "x"})),
            ('{"type": 3, "event": "x"}', Message("x", {"type": 3, "event": "x"})),
            ('{"requestId": "r"}', Message("message", {"requestId": "r"})),
            (b'{"a": "\xc3\xa9"}', Message("message", {"a": "é"})),
            ("null", Message("message", None)),
            ('{"a": NaN}', undecoded(text=10)),
            ("", undecoded(text=0)),
        ],
    )
    def test_json_is_one_value_a_frame(self, frame: str | bytes, message: Message) -> None:
        assert decoded("json", frame) == [message]

    def test_ndjson_keeps_the_good_lines(self) -> None:
        frame = '{"a": "\u2028"}\n\n{"b": \n{"type": "t"}\r\n'
        assert decoded("ndjson", frame) == [
            Message("message", {"a": "\u2028"}),
            undecoded(text=6),
            Message("t", {"type": "t"}),
        ]

    def test_text_is_itself(self) -> None:
        assert decoded("text", "a", b"\xc3\xa9", b"\xff") == [
            Message("text", {"text": "a"}),
            Message("text", {"text": "é"}),
            undecoded(binary=1),
        ]


def event(name: str, *args: Any, namespace: str = "/", number: int | None = None) -> dict[str, Any]:
    return {"event": name, "args": list(args), "namespace": namespace, "id": number}


class TestSocketIo:
    @pytest.mark.parametrize(
        ("frame", "message"),
        [
            (
                '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000}',
                Message(
                    "open",
                    {
                        "open": {
                            "sid": "lv_VI97HAXpY6yYWAAAC",
                            "upgrades": ["websocket"],
                            "pingInterval": 25000,
                        }
                    },
                ),
            ),
            ("1", Message("close", {"close": True})),
            ("40", Message("connect", {"connect": None, "namespace": "/"})),
            ('40{"token":"t"}', Message("connect", {"connect": {"token": "t"}, "namespace": "/"})),
            (
                '40/admin,{"sid":"x"}',
                Message("connect", {"connect": {"sid": "x"}, "namespace": "/admin"}),
            ),
            ("40/admin?q=1,", Message("connect", {"connect": None, "namespace": "/admin"})),
            ("41/admin", Message("disconnect", {"disconnect": True, "namespace": "/admin"})),
            ("41", Message("disconnect", {"disconnect": True, "namespace": "/"})),
            (
                '44{"message":"no"}',
                Message("connect_error", {"connect_error": {"message": "no"}, "namespace": "/"}),
            ),
            ('42["foo"]', Message("foo", event("foo"))),
            ('4212["foo",{"a":[1]}]', Message("foo", event("foo", {"a": [1]}, number=12), "12")),
            (
                '42/admin,7["foo","1-2,3"]',
                Message("foo", event("foo", "1-2,3", namespace="/admin", number=7), "/admin,7"),
            ),
            ('4312["bar"]', Message("ack", {"ack": 12, "args": ["bar"], "namespace": "/"}, "12", final=True)),
            (
                "43/admin,7[]",
                Message("ack", {"ack": 7, "args": [], "namespace": "/admin"}, "/admin,7", final=True),
            ),
            ('450-["foo"]', Message("foo", event("foo"))),
            ("42[]", undecoded(text=4)),
            ('42{"a":1}', undecoded(text=9)),
            ('43["no id"]', undecoded(text=11)),
            ('45["no count"]', undecoded(text=14)),
            ("47", undecoded(text=2)),
            ('0{"sid":', undecoded(text=8)),
        ],
    )
    def test_a_packet_is_a_message(self, frame: str, message: Message) -> None:
        assert decoded("socket.io", frame) == [message]

    @pytest.mark.parametrize("frame", ["2", "3", "2probe", "3probe", "5", "6", "ok"])
    def test_its_housekeeping_gives_nothing(self, frame: str) -> None:
        assert decoded("socket.io", frame) == []

    def test_attachments_come_in_their_places_through_pings_and_the_other_direction(self) -> None:
        decoder = make_decoder("socket.io")
        head = '452-/a,3["up",{"f":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":0},{"num":0}]'
        assert decoder.decode(head, sent=True) == []
        assert decoder.decode(b"four", sent=True) == []
        assert decoder.decode("3", sent=True) == []
        assert decoder.decode('42["other"]', sent=False) == [Message("other", event("other"))]
        assert decoder.decode(b"xx", sent=False) == [undecoded(binary=2)]
        value = event("up", {"f": [{"binary": 2}]}, {"binary": 4}, {"num": 0}, namespace="/a", number=3)
        assert decoder.decode(b"22", sent=True) == [Message("up", value, "/a,3")]
        assert decoder.decode(b"22", sent=True) == [undecoded(binary=2)]

    def test_a_binary_ack_is_final(self) -> None:
        ack = {"ack": 5, "args": [{"binary": 3}], "namespace": "/"}
        assert decoded("socket.io", '461-5[{"_placeholder":true,"num":0}]', b"abc") == [
            Message("ack", ack, "5", final=True)
        ]

    def test_attachments_that_never_come_do_not_swallow_the_event(self) -> None:
        frames: list[str | bytes] = [
            '452-["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
            b"1",
            '42["next"]',
        ]
        assert decoded("socket.io", *frames) == [
            Message("up", event("up", {"binary": 1}, {"binary": None})),
            Message("next", event("next")),
        ]

    def test_long_polling_version_4(self) -> None:
        body = RS.join(['42["a"]', "2", '451-["b",{"_placeholder":true,"num":0}]', "bAQIDBA==", "??"])
        assert decoded("socket.io", body) == [
            Message("a", event("a")),
            Message("b", event("b", {"binary": 4})),
            undecoded(text=2),
        ]

    def test_long_polling_version_3_counts_utf16(self) -> None:
        body = '9:42["😀é"]1:2' + '39:451-["b",{"_placeholder":true,"num":0}]' + "10:b4AQIDBA=="
        assert decoded("socket.io", body) == [
            Message("😀é", event("😀é")),
            Message("b", event("b", {"binary": 4})),
        ]
        assert decoded("socket.io", "99:42") == [undecoded(text=5)]

    def test_long_polling_version_3_in_bytes(self) -> None:
        body = b'\x00\x03\x09\xff451-["b",{"_placeholder":true,"num":0}]' + b"\x01\x04\xff\x04abc"
        assert decoded("socket.io", body) == [Message("b", event("b", {"binary": 3}))]

    def test_placeholders_may_lie_deep(self) -> None:
        depth = 300
        head = '451-["e",' + "[" * depth + '{"_placeholder":true,"num":0}' + "]" * depth + "]"
        (message,) = decoded("socket.io", head, b"x")
        at = message.value["args"]
        for _ in range(depth):
            (at,) = at
        assert at == [{"binary": 1}]


class TestGraphql:
    @pytest.mark.parametrize(
        ("frame", "key", "final"),
        [
            ({"type": "connection_init", "payload": {"session": "s"}}, None, None),
            ({"type": "subscribe", "id": "1", "payload": {"query": "subscription{a}"}}, "1", None),
            ({"type": "next", "id": "1", "payload": {"data": {"a": 1}}}, "1", False),
            ({"type": "error", "id": "1", "payload": [{"message": "no"}]}, "1", True),
            ({"type": "complete", "id": "1"}, "1", True),
            ({"type": "start", "id": 2, "payload": {"query": "{a}"}}, "2", None),
            ({"type": "data", "id": 2, "payload": {"data": None}}, "2", False),
            ({"type": "stop", "id": 2}, "2", None),
        ],
    )
    def test_both_subprotocols(self, frame: dict[str, Any], key: str | None, final: bool | None) -> None:
        assert decoded("graphql-ws", json.dumps(frame)) == [Message(frame["type"], frame, key, final)]

    @pytest.mark.parametrize("kind", ["ping", "pong", "ka"])
    def test_keep_alives_give_nothing(self, kind: str) -> None:
        assert decoded("graphql-ws", json.dumps({"type": kind})) == []

    def test_a_message_without_type_is_undecoded(self) -> None:
        assert decoded("graphql-ws", '{"id": 1}') == [undecoded(text=9)]


class TestSignalR:
    INVOCATION = {"type": 1, "target": "Send", "arguments": ["hi"], "invocationId": "7"}

    @pytest.mark.parametrize(
        ("record", "name", "key", "final"),
        [
            (INVOCATION, "Send", "7", None),
            ({"type": 1, "target": "Token", "arguments": []}, "Token", None, None),
            ({"type": 2, "invocationId": "7", "item": "a"}, "StreamItem", "7", False),
            ({"type": 3, "invocationId": "7", "result": 42}, "Completion", "7", True),
            ({"type": 4, "invocationId": "8", "target": "Stream", "arguments": []}, "Stream", "8", None),
            ({"type": 5, "invocationId": "8"}, "CancelInvocation", "8", None),
            ({"type": 7, "error": "bye"}, "Close", None, None),
        ],
    )
    def test_a_record_is_a_message(
        self, record: dict[str, Any], name: str, key: str | None, final: bool | None
    ) -> None:
        assert decoded("signalr", json.dumps(record) + RS) == [Message(name, record, key, final)]

    def test_handshake_and_housekeeping_give_nothing(self) -> None:
        frames = [
            '{"protocol":"json","version":1}',
            "{}",
            '{"error":"no"}',
            '{"type":6}',
            '{"type":8,"sequenceId":1}',
        ]
        assert decoded("signalr", *(frame + RS for frame in frames)) == []

    def test_records_come_cut_and_together(self) -> None:
        stream = (json.dumps(self.INVOCATION) + RS + '{"type":6}' + RS) * 3
        whole = decoded("signalr", stream)
        assert [message.value for message in whole] == [self.INVOCATION] * 3
        for size in (1, 7, 50, 100):
            cut = [stream[at : at + size] for at in range(0, len(stream), size)]
            assert decoded("signalr", *cut) == whole

    def test_the_directions_are_kept_apart(self) -> None:
        decoder = make_decoder("signalr")
        assert decoder.decode('{"type":3,"invo', sent=False) == []
        assert [m.name for m in decoder.decode(json.dumps(self.INVOCATION) + RS, sent=True)] == ["Send"]
        assert [m.key for m in decoder.decode('cationId":"1"}' + RS, sent=False)] == ["1"]

    def test_a_bad_record_does_not_cost_the_good_one(self) -> None:
        frame = '{"type":99}' + RS + "junk" + RS + json.dumps(self.INVOCATION) + RS
        assert [m.name for m in decoded("signalr", frame)] == ["undecoded", "undecoded", "Send"]

    def test_a_cut_messagepack_record_is_undecoded(self) -> None:
        assert decoded("signalr", b"\x0b\x95\x01\x80\xc0\xa4Send\x91") == [undecoded(binary=11)]

    def test_messagepack_records_are_as_those_in_json(self) -> None:
        def packed(*record: Any) -> bytes:
            content: bytes = msgpack.packb(record)
            return bytes([len(content)]) + content

        sent = packed(4, {}, "1", "Chat", ["s-1", "Hello"], [])
        (chat,) = decoded("signalr", sent, sent=True)
        assert (chat.name, chat.key, chat.value["arguments"]) == ("Chat", "1", ["s-1", "Hello"])
        frames = packed(2, {}, "1", {"provider": "p"}) + packed(6) + packed(3, {}, "1", 1, "no")
        item, end = decoded("signalr", frames)
        assert (item.value["item"], item.final) == ({"provider": "p"}, False)
        assert (end.name, end.value["error"], end.final) == ("Completion", "no", True)

    def test_a_record_without_end_is_given_up(self) -> None:
        decoder = make_decoder("signalr")
        assert decoder.decode("{" + "x" * PENDING_LIMIT, sent=False) == [undecoded(text=PENDING_LIMIT + 1)]
        assert [m.name for m in decoder.decode(json.dumps(self.INVOCATION) + RS, sent=False)] == ["Send"]


class TestJsonRpc:
    @pytest.mark.parametrize(
        ("frame", "name", "key", "final"),
        [
            ({"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}, "subtract", "1", None),
            ({"jsonrpc": "2.0", "result": 19, "id": "1"}, "result", "1", True),
            (
                {"jsonrpc": "2.0", "error": {"code": -32601, "message": "no"}, "id": "1"},
                "error",
                "1",
                True,
            ),
            ({"jsonrpc": "2.0", "error": {"code": -32700}, "id": None}, "error", None, True),
            ({"jsonrpc": "2.0", "method": "update", "params": {"id": 5}}, "update", None, None),
            ({"result": None, "error": None, "id": 3}, "result", "3", True),
            ({"result": None, "error": "no", "id": 3}, "error", "3", True),
        ],
    )
    def test_calls_and_answers(
        self, frame: dict[str, Any], name: str, key: str | None, final: bool | None
    ) -> None:
        assert decoded("json-rpc", json.dumps(frame)) == [Message(name, frame, key, final)]

    def test_a_batch_gives_all_that_is_good_and_says_that_some_is_not(self) -> None:
        good = [{"jsonrpc": "2.0", "method": "a", "id": 1}, {"jsonrpc": "2.0", "result": 7, "id": 2}]
        batch = json.dumps([good[0], 1, good[1]])
        assert decoded("json-rpc", batch) == [
            Message("a", good[0], "1"),
            Message("result", good[1], "2", final=True),
            undecoded(text=len(batch)),
        ]
        assert decoded("json-rpc", "[]") == [undecoded(text=2)]


class TestPhoenix:
    def test_both_serializers(self) -> None:
        value = {
            "join_ref": "4",
            "ref": "9",
            "topic": "room:1",
            "event": "new_msg",
            "payload": {"body": "hi"},
        }
        assert decoded("phoenix", json.dumps(list(value.values()))) == [Message("new_msg", value, "9")]
        assert decoded("phoenix", json.dumps(value)) == [Message("new_msg", value, "9")]

    def test_a_reply_is_final_and_a_push_has_no_key(self) -> None:
        reply, push = decoded(
            "phoenix",
            '["4","9","room:1","phx_reply",{"status":"ok","response":{}}]',
            '[null,null,"room:1","new_msg",{}]',
        )
        assert (reply.key, reply.final) == ("9", True)
        assert (push.key, push.final) == (None, None)

    def test_other_arrays_are_undecoded(self) -> None:
        assert decoded("phoenix", "[1,2,3,4,5]", "[1]") == [undecoded(text=11), undecoded(text=3)]


class TestActionCable:
    CHANNEL = {"channel": "ChatChannel", "session": "s-1"}

    def test_json_in_strings_is_read_in_its_place(self) -> None:
        sent = {
            "command": "message",
            "identifier": json.dumps(self.CHANNEL),
            "data": '{"action":"speak","text":"[no"}',
        }
        assert decoded("actioncable", json.dumps(sent), sent=True) == [
            Message(
                "message",
                {
                    "command": "message",
                    "identifier": self.CHANNEL,
                    "data": {"action": "speak", "text": "[no"},
                },
            )
        ]
        received = {"identifier": json.dumps(self.CHANNEL), "message": "plain"}
        assert decoded("actioncable", json.dumps(received)) == [
            Message("message", {"identifier": self.CHANNEL, "message": "plain"})
        ]

    def test_a_server_says_its_type_and_pings_give_nothing(self) -> None:
        frames = ['{"type":"welcome"}', '{"type":"ping","message":1700000000}', '{"other":1}']
        assert [m.name for m in decoded("actioncable", *frames)] == ["welcome", "undecoded"]


class TestStomp:
    SEND = 'SEND\ndestination:/app/chat\nreceipt:r-1\n\n{"session":"s-1"}\0'
    VALUE = {
        "command": "SEND",
        "headers": {"destination": "/app/chat", "receipt": "r-1"},
        "body": {"session": "s-1"},
    }

    def test_a_frame_is_a_message_and_heart_beats_are_none(self) -> None:
        assert decoded("stomp", "\n", self.SEND + "\n", self.SEND.encode(), "\r\n") == [
            Message("SEND", self.VALUE, "r-1"),
            Message("SEND", self.VALUE, "r-1"),
        ]

    def test_frames_come_cut_and_together(self) -> None:
        frame = 'MESSAGE\r\nid:1\r\ncontent-length:12\r\n\r\n{"a":"\0 é"}\0'
        body = '{"a":"\\u0000"}'
        stream = (
            self.SEND + "\n" + f"MESSAGE\r\nid:1\r\ncontent-length:{len(body)}\r\n\r\n{body}\0" + self.SEND
        )
        whole = decoded("stomp", stream)
        assert [message.name for message in whole] == ["SEND", "MESSAGE", "SEND"]
        assert whole[1].value["body"] == {"a": "\0"}
        for size in (1, 5, 40, 64):
            cut = [stream[at : at + size] for at in range(0, len(stream), size)]
            assert decoded("stomp", *cut) == whole
        (message,) = decoded("stomp", frame)  # the body holds a NUL: only its length, in bytes, tells its end
        assert message.value["body"] == '{"a":"\0 é"}'

    def test_headers_are_unescaped_once_and_the_first_counts(self) -> None:
        (message,) = decoded("stomp", "MESSAGE\na:x\\cy\\\\n\\n\na:second\n\n\0")
        assert message.value["headers"] == {"a": "x:y\\n\n"}
        (connect,) = decoded("stomp", "CONNECT\npasscode:a\\cb\n\n\0")
        assert connect.value["headers"] == {"passcode": "a\\cb"}

    @pytest.mark.parametrize(
        ("headers", "key"),
        [
            ("id:1\ncorrelation-id:c", "c"),
            ("receipt-id:r", "r"),
            ("id:sub-0", "sub-0"),
            ("destination:/x", None),
        ],
    )
    def test_the_key_is_the_nearest_to_the_application(self, headers: str, key: str | None) -> None:
        assert [m.key for m in decoded("stomp", f"MESSAGE\n{headers}\n\nhello\0")] == [key]

    def test_an_error_is_final(self) -> None:
        (message,) = decoded("stomp", "ERROR\nmessage:no\n\nbecause\0")
        assert (message.value["body"], message.final) == ("because", True)

    def test_binary_bodies_give_their_size(self) -> None:
        (message,) = decoded("stomp", b"MESSAGE\ncontent-length:2\n\n\xff\0\0")
        assert message.value["body"] == {"binary": 2}

    def test_sockjs_is_unwrapped(self) -> None:
        frames = ["o", "h", "a" + json.dumps([self.SEND]), json.dumps([self.SEND]), 'c[3000,"Go away!"]']
        assert decoded("stomp", *frames) == [Message("SEND", self.VALUE, "r-1")] * 2
        assert decoded("stomp", "a[1]") == [undecoded(text=4)]

    def test_a_body_that_goes_on_like_sockjs_is_still_a_body(self) -> None:
        (message,) = decoded("stomp", 'SEND\nx:y\n\n{"a":', "[1]", "}\0")
        assert message.value["body"] == {"a": [1]}

    def test_a_wrong_length_is_undecoded_and_the_next_frame_is_read(self) -> None:
        assert [m.name for m in decoded("stomp", "SEND\ncontent-length:1\n\nabc\0", self.SEND)] == [
            "undecoded",
            "SEND",
        ]


class TestDetect:
    @pytest.mark.parametrize(
        ("best", "frames", "url", "protocol"),
        [
            ("socket.io", [], "wss://a.example/socket.io/?EIO=4&transport=websocket", None),
            ("socket.io", ['0{"sid":"x"}', "40", '42["chat",{}]', "2"], "wss://a.example/ws", None),
            ("socket.io", ['96:0{"sid":"x","upgrades":[]}'], "https://a.example/p", None),
            ("graphql-ws", [], "wss://a.example/x", "graphql-transport-ws"),
            (
                "graphql-ws",
                ['{"type":"connection_init"}', '{"id":"1","type":"start","payload":{"query":"{a}"}}'],
                "wss://a.example/x",
                None,
            ),
            ("signalr", ['{"protocol":"json","version":1}\x1e', "{}\x1e"], "wss://a.example/chat", None),
            (
                "json-rpc",
                ['{"jsonrpc":"2.0","method":"m","id":1}', '{"jsonrpc":"2.0","result":1,"id":1}'],
                "",
                None,
            ),
            ("phoenix", ['["1","1","room:1","phx_join",{}]'], "wss://a.example/socket/websocket", None),
            ("phoenix", [], "wss://a.example/socket/websocket?token=t&vsn=2.0.0", None),
            (
                "actioncable",
                [
                    '{"type":"welcome"}',
                    '{"command":"subscribe","identifier":"{\\"channel\\":\\"C\\"}"}',
                ],
                "wss://a.example/ws",
                None,
            ),
            ("stomp", ["CONNECT\naccept-version:1.2\n\n\0"], "wss://a.example/ws", "v12.stomp, v11.stomp"),
            ("stomp", ["o", 'a["CONNECTED\\nversion:1.2\\n\\n\\u0000"]'], "wss://a.example/ws", None),
            (
                "json",
                ['{"requestId":"r","udfPath":"chat:send","type":"Mutation"}'],
                "wss://a.example/sync",
                None,
            ),
            ("json", [b'{"type":"complete","text":"hi"}'], "wss://a.example/graphql", None),
            ("json", ['{"method":"chat","id":1}'], "not a [url", None),
            ("ndjson", ['{"a":1}\n{"b":2}\n'], "wss://a.example/ws", None),
            ("text", ["hello"], "wss://a.example/socket.io-like", None),
        ],
    )
    def test_the_best_guess(
        self, best: str, frames: Sequence[str | bytes], url: str, protocol: str | None
    ) -> None:
        found = detect([(False, frame) for frame in frames], url, protocol)
        assert found[0][0] == best
        assert [confidence for _, confidence in found] == sorted((c for _, c in found), reverse=True)
        assert all(name in FRAMINGS and 0 < confidence <= 1 for name, confidence in found)

    def test_nothing_to_go_by_is_no_guess(self) -> None:
        assert detect([], "wss://a.example/ws", None) == []
        assert detect([(True, b"\xff\xfe")], "wss://a.example/ws", "mqtt") == []

    def test_frames_make_a_hint_sure_or_unsure(self) -> None:
        url = "wss://a.example/socket.io/"
        hinted = dict(detect([], url, None))["socket.io"]
        assert dict(detect([(True, '42["a"]')], url, None))["socket.io"] > hinted
        assert dict(detect([(True, '{"a": 1}')], url, None))["socket.io"] < hinted

    @few
    @given(st.lists(st.one_of(st.text(), st.binary()), max_size=4), st.text(), st.text())
    def test_garbage_never_raises(self, frames: list[str | bytes], url: str, protocol: str) -> None:
        assert {name for name, _ in detect([(True, data) for data in frames], url, protocol)} <= {*FRAMINGS}


class TestNestedJson:
    def test_json_in_strings_becomes_values(self) -> None:
        value = {"data": '{"session":"s-1","more":"[\\"{\\\\\\"a\\\\\\":1}\\"]"}', "n": "1", "t": "{no"}
        assert parse_nested_json(value) == {
            "data": {"session": "s-1", "more": [{"a": 1}]},
            "n": "1",
            "t": "{no",
        }
        assert parse_nested_json(value, depth=1)["data"]["more"] == '["{\\"a\\":1}"]'
        assert parse_nested_json(value, depth=0) == value
        assert isinstance(value["data"], str), "the value given is left alone"

    def test_a_text_itself_is_parsed(self) -> None:
        assert parse_nested_json(' {"a": 1}') == {"a": 1}

    def test_it_is_bounded_in_size_and_depth(self) -> None:
        big = json.dumps(["x" * (1 << 20)])
        assert parse_nested_json([big, "[1]"]) == [big, [1]]
        half = json.dumps(["x" * 600_000])
        assert parse_nested_json([half, half]) == [json.loads(half), half]
        deep: Any = "[1]"
        for _ in range(100):
            deep = [deep]
        assert parse_nested_json(deep) == deep
        assert parse_nested_json("[" * 100_000) == "[" * 100_000
