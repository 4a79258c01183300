"""Binary framings at their limits: numbers, lengths, nesting, and what is left of a message that was cut."""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import msgpack
import pytest

from e2e.framings.base.binary_fields import TextOrMessage
from e2e.framings.base.decoder import PENDING_LIMIT, Message
from e2e.framings.base.packed import unpacked
from e2e.framings.decoders.protobuf import message_of
from e2e.framings.registry import make_decoder


def lengthy(number: int, data: bytes) -> bytes:
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


class TestProtobuf:
    @pytest.mark.parametrize(
        ("data", "fields"),
        [
            (b"\x08\x00", {"1": 0}),
            (b"\x08\x7f", {"1": 127}),
            (b"\x08\x80\x01", {"1": 128}),
            (b"\x08" + b"\xff" * 9 + b"\x01", {"1": (1 << 64) - 1}),
            (b"\x08" + b"\xff" * 10 + b"\x01", None),
            (b"\x08\x80", None),
            (b"\x0d\x01\x00\x00\x00", {"1": 1}),
            (b"\x0d\x01\x00\x00", None),
            (b"\x09\x00\x01\x00\x00\x00\x00\x00\x00", {"1": 256}),
            (b"\x08\x01\x08\x02\x10\x03", {"1": [1, 2], "2": 3}),
            (b"\x0b\x10\x05\x0c", {"1": {"2": 5}}),
            (b"\x0b\x10\x05", None),
            (b"\x0c", None),
            (b"\x0e", None),
            (b"\x0f", None),
            (b"\x00\x01", None),
            (b"\xf8\xff\xff\xff\x0f\x01", {str((1 << 29) - 1): 1}),
            (b"\x80\x80\x80\x80\x10\x01", None),
            (b"\x0a\x05abc", None),
            (lengthy(1, b""), {"1": ""}),
            (lengthy(1, "é\n".encode()), {"1": "é\n"}),
            (lengthy(1, b"\x00\xff"), {"1": "00ff"}),
            (lengthy(1, b"\x08\x05"), {"1": {"1": 5}}),
            (lengthy(1, b"\n\x01a"), {"1": {"1": "a"}}),
            (b"", {}),
        ],
    )
    def test_fields_by_number(self, data: bytes, fields: object) -> None:
        assert message_of(data) == fields

    def test_a_text_may_be_a_message_as_well(self) -> None:
        fields = message_of(lengthy(3, b"hi"))
        assert fields is not None
        both = fields["3"]
        assert isinstance(both, TextOrMessage)
        assert (both, both.message, both.get("13"), both.get("1", 7)) == ("hi", {"13": 105}, 105, 7)

    @pytest.mark.parametrize("size", [12, 16, 20, 32])
    def test_an_id_of_bytes_is_its_digits_also_where_it_is_a_message(self, size: int) -> None:
        raw = b"\x08\x01" * (size // 2)
        fields = message_of(lengthy(1, raw))
        assert fields is not None
        assert fields["1"] == raw.hex()
        assert fields["1"].message == {"1": [1] * (size // 2)}

    def test_bytes_of_another_size_or_with_words_are_a_message(self) -> None:
        fields = message_of(lengthy(1, b"\x08\x01" * 7))
        assert fields == {"1": {"1": [1] * 7}}
        words = b"\x08\x01\x12\x08aaa bbb!"
        assert len(words) == 12
        assert message_of(lengthy(1, words)) == {"1": {"1": 1, "2": "aaa bbb!"}}
        short = b"\x08\x01\x12\x02\xc3\xa9\x08\x01\x08\x01\x08\x01"
        assert len(short) == 12
        found = message_of(lengthy(1, short))
        assert found is not None
        assert found["1"] == short.hex()

    def test_it_is_read_32_messages_deep(self) -> None:
        def nested(depth: int) -> bytes:
            data = b""
            for _ in range(depth):
                data = b"\x0b" + data + b"\x0c"
            return data

        assert message_of(nested(31)) is not None
        assert message_of(nested(32)) is None


def framed(content: bytes, flags: int = 0) -> bytes:
    return bytes([flags]) + len(content).to_bytes(4, "big") + content


ONE = framed(b"\x08\x01")


class TestGrpcWeb:
    def read(self, *frames: bytes | str) -> list[Message]:
        decoder = make_decoder("grpc-web")
        return [message for frame in frames for message in decoder.decode(frame, False)]

    @pytest.mark.parametrize(
        ("frame", "message"),
        [
            (ONE, Message("message", {"1": 1})),
            (framed(b'{"a":1}'), Message("message", {"a": 1})),
            (framed(b'{"a"'), Message("undecoded", {"binary": 4})),
            (framed(gzip.compress(b"\x08\x01", mtime=0), 1), Message("message", {"1": 1})),
            (framed(zlib.compress(b'{"a":1}'), 1), Message("message", {"a": 1})),
            (framed(b"\x08\x01", 1), Message("undecoded", {"binary": 2})),
            (
                framed(b"Grpc-Status: 0\r\ngrpc-message:a:b\r\nx", 0x80),
                Message("trailers", {"trailers": {"grpc-status": "0", "grpc-message": "a:b"}}, final=True),
            ),
            (framed(b'{"error":1}', 2), Message("trailers", {"trailers": {"error": 1}}, final=True)),
            (framed(b"", 2), Message("trailers", {"trailers": {}}, final=True)),
            (b"\x04\x00\x00\x00\x00", Message("message", {})),
            (b"\x04", Message("undecoded", {"binary": 1})),
        ],
    )
    def test_a_message(self, frame: bytes, message: Message) -> None:
        assert self.read(frame) == [message]

    def test_it_may_be_cut_anywhere_in_both_forms(self) -> None:
        whole = [Message("message", {"1": 1})] * 2
        text = base64.b64encode(ONE) + base64.b64encode(ONE)
        for stream in (ONE * 2, text, b"\n".join((text[:3], text[3:]))):
            for at in range(len(stream)):
                assert self.read(stream[:at], stream[at:]) == whole, at
        assert self.read(text.decode()) == whole

    def test_a_body_that_stops_to_be_base64_is_undecoded_and_the_next_is_read(self) -> None:
        text = base64.b64encode(ONE)
        found = self.read(text[:4], b"AA!A", ONE, text)
        assert [m.name for m in found] == ["undecoded", "message", "message"]

    def test_the_directions_are_kept_apart(self) -> None:
        decoder = make_decoder("grpc-web")
        assert decoder.decode(ONE[:3], True) == []
        assert decoder.decode(ONE, False) == [Message("message", {"1": 1})]
        assert decoder.decode(ONE[3:], True) == [Message("message", {"1": 1})]

    def test_a_message_without_end_is_given_up(self) -> None:
        head = b"\x00" + (1 << 30).to_bytes(4, "big")
        decoder = make_decoder("grpc-web")
        assert decoder.decode(head + b"\x00" * (PENDING_LIMIT - 5), False) == []
        assert [m.name for m in decoder.decode(b"\x00", False)] == ["undecoded"]
        assert decoder.decode(ONE, False) == [Message("message", {"1": 1})]


class TestMessagePack:
    def test_values_are_those_of_json(self) -> None:
        extension = msgpack.ExtType(5, b"\xff\x00")
        packed = msgpack.packb({1: b"ab", b"\xff": [b"\x00", True, 1.5, None], "e": extension})
        value = {"1": "ab", "ff": ["00", True, 1.5, None], "e": {"type": 5, "data": "ff00"}}
        assert unpacked(packed * 2) == [value, value]
        assert unpacked(msgpack.packb([msgpack.Timestamp(7, 0)])) == [[7.0]]
        assert unpacked(b"\xa1\xff") == ["\ufffd"]
        assert unpacked(b"") == []

    @pytest.mark.parametrize("data", [b"\xc1", b"\x92\x01", msgpack.packb([1]) + b"\xc1"])
    def test_what_is_cut_or_none_is_refused(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="not MessagePack, or cut"):
            unpacked(data)

    def test_a_frame_may_hold_several(self) -> None:
        two = msgpack.packb({"type": "a"}) + msgpack.packb([1])
        assert make_decoder("msgpack").decode(two, True) == [
            Message("a", {"type": "a"}),
            Message("message", [1]),
        ]


class TestSignalR:
    def packed(self, *record: object) -> bytes:
        content: bytes = msgpack.packb(record)
        size, head = len(content), b""
        while size > 127:
            head, size = head + bytes([size & 127 | 128]), size >> 7
        return head + bytes([size]) + content

    @pytest.mark.parametrize(
        ("record", "value"),
        [
            ((1, {}, None, "Send", ["a"], []), {"type": 1, "headers": {}, "target": "Send", "arguments": ["a"], "streamIds": []}),
            ((2, {}, "7", "x"), {"type": 2, "headers": {}, "invocationId": "7", "item": "x"}),
            ((3, {}, "7", 1, "no"), {"type": 3, "headers": {}, "invocationId": "7", "error": "no"}),
            ((3, {}, "7", 2), {"type": 3, "headers": {}, "invocationId": "7"}),
            ((3, {}, "7", 3, 9), {"type": 3, "headers": {}, "invocationId": "7", "result": 9}),
            ((5, {}, "7"), {"type": 5, "headers": {}, "invocationId": "7"}),
            ((7, "bye", True), {"type": 7, "error": "bye", "allowReconnect": True}),
        ],
    )  # fmt: skip
    def test_a_packed_record_has_the_members_of_the_json_protocol(
        self, record: tuple[object, ...], value: dict[str, object]
    ) -> None:
        (message,) = make_decoder("signalr").decode(self.packed(*record), False)
        assert message.value == value

    def test_long_records_and_several(self) -> None:
        frame = self.packed(2, {}, "7", "x" * 300) + self.packed(2, {}, "7", "y" * 20_000)
        found = make_decoder("signalr").decode(frame, False)
        assert [len(m.value["item"]) for m in found] == [300, 20_000]

    @pytest.mark.parametrize(
        "frame",
        [
            b"\x80" * 5 + b"\x01",
            b"\x80",
            b"\x02\x91",
            b"\x01\x90",
            b"\x02\x91\xa0",
            b"\x02\x91\x63",
            b"\x01\x01",
        ],
    )
    def test_what_is_no_record_is_undecoded(self, frame: bytes) -> None:
        assert make_decoder("signalr").decode(frame, False) == [Message("undecoded", {"binary": len(frame)})]

    def test_text_in_a_binary_frame_is_the_json_protocol(self) -> None:
        frame = json.dumps({"type": 2, "item": 1}) + "\x1e"
        assert [m.name for m in make_decoder("signalr").decode(frame.encode(), False)] == ["StreamItem"]
