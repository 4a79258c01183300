"""Binary framings: fields by number, texts and nested messages distinguished, gRPC-Web cut anywhere, MessagePack."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from typing import Any

import jmespath
import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.framings.base.decoder import Message
from e2e.framings.base.packed import unpacked
from e2e.framings.detect import detect
from e2e.framings.registry import make_decoder
from e2e.profile.values.expressions import check_condition, check_location

few = settings(max_examples=60, deadline=None, database=None)
SESSION = "0e8f1c52-77aa-4b6e-9c0d-2f1b3a4c5d6e"


def varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protobuf message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def grpc(content: bytes, flags: int = 0) -> bytes:
    return bytes([flags]) + len(content).to_bytes(4, "big") + content


def read(framing: str, *frames: str | bytes) -> list[Message]:
    decoder = make_decoder(framing)
    return [message for frame in frames for message in decoder.decode(frame, False)]


def at(path: str, value: Any) -> Any:
    return jmespath.search(check_location(path), value)


def message(data: bytes) -> Any:
    (found,) = read("protobuf", data)
    assert found.name == "message"
    return found.value


class TestNumbers:
    @pytest.mark.parametrize(
        ("path", "found"),
        [("3", 7), ("1.2", "a"), ("1.4[1].1", "y"), ("1.4[?1 == 'y'].1 | [0]", "y"), ("9", None)],
    )
    def test_a_path_of_field_numbers_is_a_location(self, path: str, found: Any) -> None:
        value = {"3": 7, "1": {"2": "a", "4": [{"1": "x"}, {"1": "y"}]}}
        assert at(path, value) == found

    def test_conditions_compare_fields_by_number(self) -> None:
        condition = check_condition("1.2 == 'a' && 3 == `7`")
        assert jmespath.search(condition, {"3": 7, "1": {"2": "a"}}) is True

    @pytest.mark.parametrize("mistake", ["args.0.id", "args.1", "count > 3", "1.", "0"])
    def test_a_number_after_a_name_or_a_comparison_is_still_a_mistake(self, mistake: str) -> None:
        with pytest.raises(ValueError, match="not a JMESPath expression"):
            check_condition(mistake)


class TestProtobuf:
    def test_fields_are_read_by_number(self) -> None:
        inner = field(1, SESSION) + field(2, 5)
        data = field(1, inner) + field(3, "Hello there (a1b2c3d4)") + field(4, "one") + field(4, "two")
        value = message(data + field(20, 1 << 40) + b"\x29" + (7).to_bytes(8, "little"))
        assert at("1.1", value) == SESSION
        assert at("1.2", value) == 5
        assert at("3", value) == "Hello there (a1b2c3d4)"
        assert at("4", value) == ["one", "two"]
        assert (at("20", value), at("5", value)) == (1 << 40, 7)

    @pytest.mark.parametrize(
        "text", ["hi", "PE", "", "Zoë", "two\nlines", "2aexample", "a family 👨\u200d👩\u200d👧"]
    )
    def test_a_text_is_a_text_even_where_its_bytes_are_a_message(self, text: str) -> None:
        assert at("1", message(field(1, text) + field(2, 1))) == text

    def test_the_path_decides_where_bytes_are_both(self) -> None:
        nested = field(4, "x" * 36)  # all of it is printable: '"$xxx…'
        value = message(field(2, nested))
        assert at("2.4", value) == "x" * 36
        assert at("2", value) == '"$' + "x" * 36

    def test_a_nested_message_that_begins_with_a_line_feed_is_no_text(self) -> None:
        assert at("2.1", message(field(2, field(1, SESSION)))) == SESSION

    @few
    @given(st.binary(min_size=16, max_size=16))
    def test_the_bytes_of_a_uuid_are_one_text_always(self, raw: bytes) -> None:
        value = at("2", message(field(2, raw) + field(3, 1)))
        readable = raw.decode() if raw.isascii() and raw.decode().isprintable() else raw.hex()
        assert value == readable or isinstance(value, dict) or not raw.isascii()

    def test_random_uuids_are_their_digits(self) -> None:
        for n in range(2000):
            raw = uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)).bytes
            assert at("2", message(field(2, raw) + field(3, 1))) in (raw.hex(), raw.decode("utf-8", "ignore"))

    @pytest.mark.parametrize(
        "data", [b"\xff\xff\xff", field(1, "abc")[:-1], b"\x00\x01", b"\x0f", b'{"a": 1}']
    )
    def test_what_is_not_wholly_a_message_is_undecoded(self, data: bytes) -> None:
        assert read("protobuf", data) == [Message("undecoded", {"binary": len(data)})]

    def test_groups_and_depth(self) -> None:
        assert message(b"\x0b\x10\x05\x0c") == {"1": {"2": 5}}
        deep = b""
        for _ in range(100):
            deep = field(2, deep + b"\x08\x01")
        assert message(deep)  # the innermost stay bytes


class TestGrpcWeb:
    def test_messages_come_cut_anywhere(self) -> None:
        data = (
            grpc(field(1, SESSION))
            + grpc(field(2, "one"))
            + grpc(b"grpc-status:0\r\ngrpc-message:ok\r\n", 0x80)
        )
        whole = read("grpc-web", data)
        assert [m.value for m in whole] == [
            {"1": SESSION},
            {"2": "one"},
            {"trailers": {"grpc-status": "0", "grpc-message": "ok"}},
        ]
        assert [m.final for m in whole] == [None, None, True]
        assert read("grpc-web", *(data[n : n + 1] for n in range(len(data)))) == whole
        assert read("grpc-web", base64.b64encode(data).decode()) == whole
        parts = base64.b64encode(data[:7]) + base64.b64encode(data[7:])
        assert read("grpc-web", parts[:5], parts[5:11], parts[11:]) == whole

    def test_a_compressed_message_is_decompressed(self) -> None:
        assert read("grpc-web", grpc(gzip.compress(field(1, "a")), 1))[0].value == {"1": "a"}

    def test_a_connect_stream_has_json(self) -> None:
        data = grpc(b'{"token": "a"}') + grpc(b"{}", 2)
        assert [(m.value, m.final) for m in read("grpc-web", data)] == [
            ({"token": "a"}, None),
            ({"trailers": {}}, True),
        ]


class TestMsgpack:
    def test_values_are_as_json(self) -> None:
        raw = uuid.uuid4().bytes
        packed = msgpack.packb({"type": "chat", 1: {2: "a"}, "id": raw, b"k": [1, None, True, 1.5]})
        (found,) = read("msgpack", packed)
        assert found.name == "chat"
        assert found.value == {"type": "chat", "1": {"2": "a"}, "id": raw.hex(), "k": [1, None, True, 1.5]}
        assert at("1.2", found.value) == "a"

    def test_several_values_are_several_messages(self) -> None:
        assert [m.value for m in read("msgpack", msgpack.packb({"a": 1}) + msgpack.packb([2]))] == [
            {"a": 1},
            [2],
        ]

    @pytest.mark.parametrize("data", [b"hello", b"\x81\xa1a", b"\xc1", b'{"a": 1}'])
    def test_texts_and_what_is_cut_are_undecoded(self, data: bytes) -> None:
        assert read("msgpack", data) == [Message("undecoded", {"binary": len(data)})]

    def test_extensions_and_deep_nesting_never_raise(self) -> None:
        assert unpacked(msgpack.packb(msgpack.ExtType(5, b"\xff"))) == [{"type": 5, "data": "ff"}]
        assert read("msgpack", b"\x91" * 100_000)[0].name == "undecoded"


class TestDetection:
    def test_binary_frames_are_recognised(self) -> None:
        payload = field(1, field(1, SESSION) + field(2, 3)) + field(2, "Hello")
        for framing, frame in (("protobuf", payload), ("grpc-web", grpc(payload)), ("json", b'{"a": 1}')):
            assert detect([(True, frame)], "wss://a.example/ws", None)[0][0] == framing

    def test_messagepack_is_recognised(self) -> None:
        packed = msgpack.packb({"type": "chat", "session": SESSION})
        assert detect([(True, packed)], "wss://a.example/ws", None)[0][0] == "msgpack"


class TestTextWithBytesInIt:
    def test_stray_bytes_are_replaced_and_counted(self) -> None:
        decoder = make_decoder("text")
        frame = b"\x00\x1aPath: turn\r\nSession: s-1\r\n\xff\xfe hello"
        (found,) = decoder.decode(frame, True)
        assert "Session: s-1" in found.value["text"]
        assert (decoder.frames, decoder.replaced, decoder.undecoded) == (1, 1, 0)
        (found,) = make_decoder("json").decode(b'{"session": "s-1", "sound": "\xff\xfe"}', True)
        assert found.value["session"] == "s-1"

    def test_what_is_mostly_bytes_is_undecoded_and_counted(self) -> None:
        decoder = make_decoder("text")
        assert decoder.decode(b"\xff\xfe\x00\x01ab", True) == [Message("undecoded", {"binary": 6})]
        assert (decoder.frames, decoder.replaced, decoder.undecoded) == (1, 0, 1)
        decoder = make_decoder("ndjson")
        decoder.decode(json.dumps({"a": 1}) + "\n{", True)
        assert decoder.undecoded == 1
