"""By which frames discovery recognises a framing, and how sure it is of it."""

from __future__ import annotations

import json

import msgpack
import pytest

from e2e.framings import decoders
from e2e.framings.base.decoder import Message, id_of, name_of
from e2e.framings.base.first_frame import FirstFrame
from e2e.framings.base.json_text import parse_nested_json
from e2e.framings.detect import detect
from e2e.framings.registry import DEFAULT, FRAMINGS, collect, make_decoder

RS = "\x1e"
GRPC = b"\x00\x00\x00\x00\x02\x08\x01"
"""A message of gRPC-Web: field 1 is the number 1."""

SIGNS: dict[str, dict[bool | None, list[str | bytes]]] = {
    "json": {True: ["{}", "[1]", b'{"a": 1}'], False: ["7", '"x"', "x", b"\xff"], None: ["", " \n"]},
    "ndjson": {
        True: ['{"a":1}\n[2]\n', '\n{"a":1}\n\n{"b":2}'],
        False: ["[1]", "7\n8", '{"a":1}\nx', "x", b"\xff"],
        None: ["", '{"a":1}', '{"a":1}\n'],
    },
    "text": {True: ["x", "", b"x"], False: [b"\xff"], None: []},
    "socket.io": {
        True: ['0{"sid":"x"}', "40", "40/admin,", '42["a"]', '451-["a"]', '4212["a"]', '96:0{"sid":"x"}', f"40{RS}x"],
        False: ["x", "{}", "47", "4", '{"sid":1}', '0{"x":1}'],
        None: ["", b"x", *("1", "2", "3", "5", "6", "2probe", "3probe", "ok")],
    },
    "graphql-ws": {
        True: [
            *(json.dumps({"type": t}) for t in ("connection_init", "connection_ack", "connection_error", "start_ack")),
            *(json.dumps({"type": t, "payload": {k: 1}}) for t in ("subscribe", "start") for k in ("query", "data")),
            *(json.dumps({"id": 1, "type": t, "payload": {k: 1}}) for t in ("next", "data") for k in ("data", "errors")),
        ],
        False: [
            '{"type":"subscribe","payload":{"x":1}}', '{"type":"start","payload":"query"}', '{"type":"start"}',
            '{"type":"next","payload":{"data":1}}', '{"id":1,"type":"next","payload":{"x":1}}',
            '{"id":1,"type":"data","payload":"data"}', '{"type":"chat"}', "[]", "x", "{}",
        ],
        None: ["", *(json.dumps({"type": t}) for t in ("complete", "stop", "error", "ka", "ping", "pong"))],
    },
    "signalr": {
        True: [f'{{"protocol":"json"}}{RS}', f"{{}}{RS}", f'{{"error":"x"}}{RS}', f'{{"type":1}}{RS}{{"type":6}}{RS}rest'],
        False: [f'{{"type":"1"}}{RS}', f"[]{RS}", f"x{RS}", RS, f'{{"type":1}}{RS}x{RS}', "x", ""],
        None: [b"\xff", b"x", '{"type":1}'],
    },
    "json-rpc": {
        True: ['{"jsonrpc":"2.0"}', '[{"jsonrpc":"2.0"},{"jsonrpc":"2.0"}]'],
        False: ['{"jsonrpc":"1.0"}', "[]", "[1]", '[{"jsonrpc":"2.0"},{}]', "x", "7"],
        None: [" "],
    },
    "phoenix": {
        True: ['["1","2","t","e",{}]', '[null,null,"t","e",{}]', '{"topic":"t","event":"e","payload":{},"ref":null}'],
        False: ['["1","2","t","e",[]]', '["1","2",3,"e",{}]', '["1","2","t",4,{}]', "[1,2]", '{"topic":"t","event":"e","payload":{}}',
                '{"topic":1,"event":"e","payload":{},"ref":1}', "x"],
        None: ["", b"[]"],
    },
    "actioncable": {
        True: ['{"identifier":"{\\"channel\\":\\"C\\"}"}', '{"type":"welcome"}'],
        False: ['{"identifier":"x"}', '{"identifier":"[]"}', '{"identifier":{}}', '{"type":"x"}', "[]", "x"],
        None: ["", '{"type":"ping"}'],
    },
    "stomp": {
        True: ["CONNECT\nx:y\n\n\0", "SEND\r\nx:y\n\n\0", 'a["MESSAGE\\n\\n\\u0000"]', '["SEND\\n\\n"]', b"CONNECTED\n"],
        False: ["CONNECT", "HELLO\nx", "a[]", "a[1]", "a[x", "x", '{"a":1}'],
        None: ["", "o", "h", "\n"],
    },
    "msgpack": {
        True: [msgpack.packb({"a": 1}), msgpack.packb([1]), msgpack.packb([1]) * 2],
        False: [msgpack.packb(1), msgpack.packb([1]) + b"\x01", b"\xc1", "x", msgpack.packb([1, 2])[:-1]],
        None: ["", b""],
    },
    "protobuf": {
        True: [b"\x08\x01", b"\x0a\x02hi"],
        False: [b"\x08", b"\x00\x01", b"\xff", "x"],
        None: ["", b""],
    },
    "grpc-web": {
        True: [GRPC, GRPC * 2, b"\x80\x00\x00\x00\x0fgrpc-status:0\r\n", b"\x02\x00\x00\x00\x02{}", b"\x00\x00\x00\x00\x08" + b'{"a":1} '],
        False: [GRPC + b"\x00", GRPC[:-1], b"\x05" + GRPC[1:], b"\x00\x00\x00\x00\x01\xff", "x", "long text"],
        None: [b"\x08\x01", "", b""],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMINGS)
def test_the_frames_that_are_a_sign_are_none_and_do_not_show(name: str) -> None:
    decoder = FRAMINGS[name].decoder
    found = {
        sign: [frame for frame in frames if decoder.is_sign(FirstFrame(frame)) is not sign]
        for sign, frames in SIGNS[name].items()
    }
    assert found == {True: [], False: [], None: []}


CHAT = '{"type":"chat"}'


@pytest.mark.parametrize(
    ("frames", "url", "protocol", "expected"),
    [
        ([], "wss://a/x", None, {}),
        ([], "wss://a/socket.io/?EIO=4", None, {"socket.io": 0.85}),
        ([], "wss://a/x?EIO=3", None, {"socket.io": 0.85}),
        ([CHAT], "wss://a/socket.io/", None, {"json": 0.6, "socket.io": 0.17, "text": 0.1}),
        ([CHAT, "x"], "", None, {"json": 0.3, "text": 0.1}),
        (['42["a"]'], "wss://a/x", None, {"socket.io": 0.95, "text": 0.1}),
        (['42["a"]'], "wss://a/socket.io/", None, {"socket.io": 0.992, "text": 0.1}),
        ([], "wss://a/stomp", "V12.STOMP , v11.stomp", {"stomp": 0.95}),
        ([], "wss://a/stomp", None, {"stomp": 0.4}),
        ([], "wss://a/x", "mqtt", {}),
        ([], "http://[a", None, {}),
        (["x" * (1 << 20)], "", None, {"text": 0.1}),
        (["x" * ((1 << 20) + 1)], "", None, {}),
        ([CHAT] * 50 + ["x"] * 50, "", None, {"json": 0.6, "text": 0.1}),
        ([CHAT] * 49 + ["x"], "", None, {"json": 0.588, "text": 0.1}),
    ],
)
def test_how_sure_discovery_is(
    frames: list[str], url: str, protocol: str | None, expected: dict[str, float]
) -> None:
    found = detect([(False, frame) for frame in frames], url, protocol)
    assert dict(found) == expected
    assert [sure for _, sure in found] == sorted(expected.values(), reverse=True)


def test_the_default_comes_first_and_the_others_by_name() -> None:
    first, *others = FRAMINGS
    assert first == "json"
    assert others == sorted(others)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"type": "a", "event": "b", "kind": "c", "action": "d"}, "a"),
        ({"type": "", "event": "b", "kind": "c", "action": "d"}, "b"),
        ({"type": 1, "kind": "c", "action": "d"}, "c"),
        ({"action": "d"}, "d"),
        ({"name": "x"}, "message"),
        (["type"], "message"),
    ],
)
def test_a_message_has_the_name_of_its_first_kind(value: object, name: str) -> None:
    assert name_of(value) == name


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1, "1"), (1.5, "1.5"), (True, None), (None, None), ([], None)]
)
def test_an_id_is_a_text_or_a_number(value: object, text: str | None) -> None:
    assert id_of(value) == text


def test_frames_are_counted_with_those_that_could_not_be_read_as_they_are() -> None:
    decoder = make_decoder("ndjson")
    for frame in ('{"a":1}', 'x\n{"a":1}\ny', b'{"a":"\xff"}'):
        decoder.decode(frame, True)
    assert (decoder.frames, decoder.undecoded, decoder.replaced) == (3, 1, 1)
    assert make_decoder("ndjson").decode(b"\xff\xff{", True) == [Message("undecoded", {"binary": 3})]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"ab\xff", "ab\ufffd"),
        (b"a\xff", None),
        (b"abc\x01\xff", "abc\x01\ufffd"),
        (b"ab\x01\xff", None),
        (b" \n\xff", " \n\ufffd"),
    ],
)
def test_text_with_stray_bytes_is_read_where_less_than_half_is_none(data: bytes, text: str | None) -> None:
    (message,) = make_decoder("text").decode(data, True)
    assert message.value == ({"text": text} if text else {"binary": len(data)})


class TestNested:
    def test_three_texts_deep(self) -> None:
        value: object = {"a": 1}
        texts = []
        for _ in range(4):
            value = {"in": json.dumps(value)}
            texts.append(value)
        inner = {"in": json.dumps({"a": 1})}
        assert parse_nested_json(texts[2]) == {"in": {"in": {"in": {"a": 1}}}}
        assert parse_nested_json(texts[3]) == {"in": {"in": {"in": inner}}}

    def test_sixty_levels_and_a_mebibyte(self) -> None:
        def deep(levels: int) -> object:
            value: object = '{"a":1}'
            for _ in range(levels):
                value = [value]
            return value

        def core(value: object) -> object:
            while isinstance(value, list):
                (value,) = value
            return value

        assert core(parse_nested_json(deep(59))) == {"a": 1}
        assert core(parse_nested_json(deep(60))) == '{"a":1}'
        half = json.dumps(["x" * ((1 << 19) - 4)])
        assert len(half) == 1 << 19
        assert [type(one) for one in parse_nested_json([half, half, "[1]"])] == [list, list, str]

    @pytest.mark.parametrize("text", ["[1]", " {}", "x[1]", '"a"', "[1", ""])
    def test_only_objects_and_arrays_are_read(self, text: str) -> None:
        assert parse_nested_json(text) == {"[1]": [1], " {}": {}}.get(text, text)


def test_framings_are_listed_by_name_with_the_default_first() -> None:
    names = list(collect(decoders))
    assert names[0] == DEFAULT
    assert names[1:] == sorted(names[1:])
    assert list(FRAMINGS) == names
