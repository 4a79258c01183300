"""Binary bodies and frames, lists of events, and what no rule accepts: read from requests, replies and frames as the protocol has them."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

import brotli
import pytest
import zstandard

from e2e.selftest.unit.capture.network.test_cdp import Params, Scene, sse
from e2e.selftest.unit.framings.test_binary import field, grpc

TEXT = "Hello there (a1b2c3d4)"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
GRPC_WEB = {"Content-Type": "application/grpc-web+proto"}
CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def post(scene: Scene, body: bytes, headers: Params) -> None:
    scene.wire.seek("a1b2c3d4")
    entries = [{"bytes": base64.b64encode(body).decode()}]
    scene.cdp.request(headers=headers, postData=None, hasPostData=True, postDataEntries=entries)


def reply(scene: Scene, headers: Params, *chunks: bytes) -> None:
    scene.cdp.response(headers=headers)
    for n, chunk in enumerate(chunks):
        scene.cdp.emit(
            "dataReceived", requestId="1", timestamp=3.0 + n, dataLength=len(chunk), encodedDataLength=len(chunk),
            data=base64.b64encode(chunk).decode(),
        )  # fmt: skip
    scene.cdp.finished()


class Socket:
    """A WebSocket of a scene."""

    def __init__(self, scene: Scene, url: str = "wss://a.example/ws?token=t") -> None:
        self.scene = scene
        scene.cdp.emit("webSocketCreated", requestId="7", url=url)

    def frame(self, data: str | bytes, *, sent: bool, t: float = 1.0) -> None:
        binary = isinstance(data, bytes)
        payload = base64.b64encode(data).decode() if isinstance(data, bytes) else data
        self.scene.cdp.emit(
            f"webSocketFrame{'Sent' if sent else 'Received'}",
            requestId="7",
            timestamp=t,
            response={"payloadData": payload, "opcode": 2 if binary else 1},
        )


class TestHttp:
    @pytest.mark.parametrize("coding", ["", *CODINGS])
    def test_a_protobuf_request_and_its_reply_are_read_by_number(self, coding: str) -> None:
        scene = Scene({"framing": "protobuf", "session": "1.2", "provider": "2", "when": "3"})
        body = field(1, field(2, "s-1") + field(3, 9)) + field(3, TEXT)
        headers = PROTOBUF | ({"Content-Encoding": coding} if coding else {})
        post(scene, CODINGS[coding](body) if coding else body, headers)
        reply(scene, PROTOBUF, field(2, "prov_3")[:3], field(2, "prov_3")[3:])
        exchange = scene.exchange
        assert (exchange.session, exchange.unreadable, exchange.outcome) == ("s-1", "", "ok")
        assert exchange.provider == "prov_3"
        assert "a1b2c3d4" in exchange.body
        assert exchange.coded, "its text is not what can be sent again"
        assert scene.wire.carried

    def test_a_grpc_web_stream_is_read_as_it_comes(self) -> None:
        scene = Scene(
            {
                "framing": "grpc-web",
                "session": "1",
                "provider": "2",
                "failed": "trailers && trailers.\"grpc-status\" != '0'",
            }
        )
        post(scene, grpc(field(1, "s-1") + field(3, TEXT)), GRPC_WEB)
        stream = grpc(field(2, "prov_3")) + grpc(field(4, "token")) + grpc(b"grpc-status:0\r\n", 0x80)
        reply(scene, GRPC_WEB, stream[:9], stream[9:])
        chunks = [report for report in scene.log.reported if report[0] == "chunk"]
        assert [value for _, _, value, _ in chunks] == [
            {"2": "prov_3"},
            {"4": "token"},
            {"trailers": {"grpc-status": "0"}},
        ]
        assert (scene.exchange.session, scene.exchange.provider, scene.exchange.outcome) == (
            "s-1",
            "prov_3",
            "ok",
        )

    def test_a_connect_stream_of_json_is_read_by_its_messages(self) -> None:
        scene = Scene({"framing": "grpc-web", "session": "sessionId", "provider": "by"})
        kind = {"Content-Type": "application/connect+json"}
        post(scene, grpc(json.dumps({"sessionId": "s-1", "text": TEXT}).encode()), kind)
        reply(scene, kind, grpc(b'{"by": "prov_3"}') + grpc(b"{}", 2))
        assert (scene.exchange.session, scene.exchange.provider) == ("s-1", "prov_3")

    def test_grpc_web_text_is_base64(self) -> None:
        scene = Scene({"framing": "grpc-web", "session": "1", "provider": "2"})
        kind = {"Content-Type": "application/grpc-web-text"}
        post(scene, base64.b64encode(grpc(field(1, "s-1") + field(3, TEXT))), kind)
        whole = base64.b64encode(grpc(field(2, "prov_3")) + grpc(b"grpc-status:0\r\n", 0x80))
        reply(scene, kind, whole[:5], whole[5:])
        assert (scene.exchange.session, scene.exchange.provider) == ("s-1", "prov_3")

    def test_a_binary_api_may_reply_with_json(self) -> None:
        scene = Scene({"framing": "protobuf", "session": "1", "provider": "provider"})
        post(scene, field(1, "s-1") + field(2, TEXT), PROTOBUF)
        reply(scene, {"Content-Type": "application/json"}, b'{"provider": "prov_3"}')
        assert (scene.exchange.session, scene.exchange.provider) == ("s-1", "prov_3")

    def test_a_text_body_with_bytes_in_it_is_read_by_a_regex(self) -> None:
        scene = Scene({"framing": "text", "session": {"json": "text", "regex": "Session: (\\S+)"}})
        post(scene, b"\x00\x10\xff\xfeSession: s-1\r\n\r\n" + TEXT.encode(), {})
        assert (scene.exchange.session, scene.exchange.unreadable) == ("s-1", "")

    def test_the_text_of_a_message_is_found_in_a_binary_body_without_a_rule(self) -> None:
        scene = Scene({"url": "/other$"})
        post(scene, b"\xff\xfe\x00" + TEXT.encode() + b"\x00\xff", {})
        assert scene.wire.carried == ["POST https://chat.example/api/chat"]


class TestSockets:
    RULE: Params = {"transport": "websocket", "url": "/ws", "framing": "protobuf"}

    def test_protobuf_frames_are_read_in_both_directions(self) -> None:
        scene = Scene(
            self.RULE | {"session": "1.1", "when": "1.2", "reply_to": "9", "done": "3", "provider": "2"}
        )
        socket = Socket(scene)
        socket.frame(field(7, 1), sent=True)
        socket.frame(field(1, field(1, "s-1") + field(2, TEXT)) + field(9, 5), sent=True)
        socket.frame(field(2, "prov_3") + field(9, 5), sent=False, t=2.0)
        socket.frame(field(3, 1) + field(9, 5), sent=False, t=3.0)
        assert (scene.exchange.session, scene.exchange.provider, scene.exchange.outcome) == (
            "s-1",
            "prov_3",
            "ok",
        )

    def test_frames_that_cannot_be_read_are_counted(self) -> None:
        scene = Scene(
            self.RULE
            | {
                "framing": "text",
                "session": {"json": "text", "regex": "sid=(\\S+)"},
                "when": "contains(text, 'sid=')",
            }
        )
        socket = Socket(scene)
        socket.frame(b"\xff\xfe\x00\x01", sent=True)
        socket.frame(b"\xff sid=s-1 " + TEXT.encode(), sent=True)
        socket.frame(b"\xff\xfe\xfd", sent=False)
        assert [e.session for e in scene.log.exchanges if not e.doubtful] == ["s-1"]
        (counts,) = scene.wire.traffic.not_all_decoded
        assert (counts.framing, counts.frames, counts.undecoded, counts.replaced) == ("text", 3, 2, 1)

    def test_the_error_counts_what_no_rule_accepted_and_shows_the_form_of_one(self) -> None:
        scene = Scene(self.RULE | {"framing": "json", "when": "type == 'chat'", "session": {"path": "(s-1)"}})
        socket = Socket(scene)
        scene.wire.seek("a1b2c3d4")
        secret = "0e8f1c52-77aa-4b6e-9c0d-2f1b3a4c5d6e"
        socket.frame(
            json.dumps({"type": "message", "sessionId": secret, "text": TEXT, "n": [1, {"a": True}]}),
            sent=True,
        )
        socket.frame('{"type": "typing"}', sent=True)
        report = str(scene.wire.unmatched)
        assert "2 frames or bodies at the rule's URL met no rule; one of them is " in report
        assert (
            '"type": "message", "sessionId": "<36 characters>", "text": "<22 characters>", "n": [0, {"a": true}]'
            in report
        )
        assert "wss://a.example/ws" in report
        for hidden in (secret, TEXT, "token"):
            assert hidden not in report
        assert scene.wire.unmatched.has("WebSocket wss://a.example/ws")
        scene.wire.seek("next")
        assert str(scene.wire.unmatched) == ""

    def test_the_form_of_a_huge_message_is_short(self) -> None:
        scene = Scene(self.RULE | {"framing": "json", "when": "type == 'chat'", "session": "s"})
        wide: Any = "text"
        for _ in range(5):
            wide = {f"key{n}": wide for n in range(12)}
        Socket(scene).frame(json.dumps(wide), sent=True)
        assert len(str(scene.wire.unmatched)) < 500

    def test_undecoded_frames_are_counted_in_it(self) -> None:
        scene = Scene(self.RULE | {"session": "1"})
        Socket(scene).frame(b"\xff\xfe\x00\x01", sent=True)
        assert (
            "1 frame or body at the rule's URL met no rule, of which 1 could not be decoded; one of them is (4 bytes)"
            in str(scene.wire.unmatched)
        )


class TestLists:
    def test_a_sent_frame_with_a_list_is_as_many_events(self) -> None:
        rule = TestSockets.RULE | {
            "framing": "json", "each": "activities", "when": "type == 'message'", "session": "conversation", "reply_to": "id",
            "done": "type == 'end'", "provider": "from",
        }  # fmt: skip
        scene = Scene(rule)
        socket = Socket(scene)
        sent = [
            {"type": "typing"},
            {"type": "message", "id": "1", "text": TEXT},
            {"type": "message", "id": "2"},
        ]
        socket.frame(json.dumps({"conversation": "s-1", "activities": sent}), sent=True)
        first, second = scene.log.exchanges
        assert (first.session, first.reply_key, second.session, second.reply_key) == ("s-1", "1", "s-1", "2")
        parts: list[dict[str, Any]] = [
            {"type": "token", "id": "1", "from": "prov_3"},
            {"type": "token", "id": "2", "from": "prov_4"},
            {"type": "end", "id": "1"},
        ]
        socket.frame(json.dumps({"activities": parts, "watermark": "3"}), sent=False, t=2.0)
        assert (first.provider, first.outcome, second.provider, second.outcome) == (
            "prov_3",
            "ok",
            "prov_4",
            "",
        )
        socket.frame('{"type": "end", "id": "2"}', sent=False, t=3.0)
        assert second.outcome == "ok", "a frame without the list is one event"

    def test_without_a_sign_of_the_end_a_frame_ends_after_its_last_event(self) -> None:
        scene = Scene(
            TestSockets.RULE
            | {"framing": "json", "each": "@", "when": "text", "session": "s", "provider": "p"}
        )
        socket = Socket(scene)
        socket.frame(json.dumps([{"s": "s-1", "text": TEXT}]), sent=True)
        socket.frame('[{"token": "a"}, {"p": "prov_3"}]', sent=False)
        assert (scene.exchange.provider, scene.exchange.outcome) == ("prov_3", "ok")

    def test_a_request_and_its_reply_over_http_have_lists(self) -> None:
        scene = Scene(
            {
                "each": "events",
                "when": "type == 'text'",
                "session": "sid",
                "provider": "by",
                "failed": "type == 'error'",
            }
        )
        body = {"sid": "s-1", "events": [{"type": "ping"}, {"type": "text", "text": TEXT}]}
        post(scene, json.dumps(body).encode(), {"Content-Type": "application/json"})
        reply(
            scene,
            {"Content-Type": "text/event-stream"},
            sse({"events": [{"type": "a"}, {"by": "prov_3"}]}).encode(),
        )
        assert (scene.exchange.session, scene.exchange.provider, scene.exchange.outcome) == (
            "s-1",
            "prov_3",
            "ok",
        )
        assert len([report for report in scene.log.reported if report[0] == "chunk"]) == 2

    def test_a_poll_of_replies_has_a_list(self) -> None:
        rules = (
            {"answered_by": "events", "reply_to": "id"},
            {"name": "events", "direction": "received", "url": "/poll", "session": None, "provider": "by", "each": "activities",
             "reply_to": "replyToId", "done": "type == 'end'"},
        )  # fmt: skip
        scene = Scene(*rules)
        post(scene, b'{"session_id": "s-1"}', {"Content-Type": "application/json"})
        reply(scene, {"Content-Type": "application/json"}, b'{"id": "m1"}')
        scene.cdp.request("2", 5.0, url="https://chat.example/poll", method="GET", postData=None)
        scene.cdp.response("2", 6.0, headers={"Content-Type": "application/json"})
        parts = [
            {"replyToId": "m0", "by": "prov_9"},
            {"replyToId": "m1", "by": "prov_3"},
            {"replyToId": "m1", "type": "end"},
        ]
        scene.cdp.data(json.dumps({"activities": parts}), "2", 6.5)
        scene.cdp.finished("2", 7.0)
        assert (scene.exchange.provider, scene.exchange.outcome) == ("prov_3", "ok")
