"""A recording as the events of the protocol: each request, each frame, in the order of their times."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from e2e.capture.network.exchange import Exchange
from e2e.capture.network.har.entries import Entry, RecordedFrame
from e2e.capture.network.har.playback import RecordedChannel
from e2e.capture.network.retries import Retries
from e2e.capture.network.wire_rules import Rule
from e2e.profile.profile import WireRule

PLAIN = Entry(
    number=7, t=1.0, answered_at=2.0, ended_at=3.0, kind="Fetch", method="POST", url="https://a/chat", headers={"x": "1"},
    cookies={}, body=b"", body_missing="", status=200, response_headers={"y": "2"}, content=b"", content_missing="", cached="", page="",
)  # fmt: skip
ME = {"requestId": "7"}


def played(*entries: Entry) -> list[tuple[str, dict[str, Any]]]:
    channel = RecordedChannel(entries)
    reported: list[tuple[str, dict[str, Any]]] = []
    names = (
        "Page.navigatedWithinDocument", "Page.frameNavigated", "Network.requestWillBeSent", "Network.requestWillBeSentExtraInfo",
        "Network.responseReceived", "Network.responseReceivedExtraInfo", "Network.eventSourceMessageReceived", "Network.dataReceived",
        "Network.loadingFinished", "Network.loadingFailed", "Network.webSocketCreated", "Network.webSocketWillSendHandshakeRequest",
        "Network.webSocketFrameSent", "Network.webSocketFrameReceived", "Network.webSocketClosed",
    )  # fmt: skip
    for name in names:
        channel.on(name, lambda params, name=name: reported.append((name.partition(".")[2], params)))  # type: ignore[misc]
    channel.play()
    return reported


def named(reported: list[tuple[str, dict[str, Any]]], name: str) -> dict[str, Any]:
    (found,) = [params for event, params in reported if event == name]
    return found


def test_a_request_from_its_begin_to_its_end() -> None:
    request = {"url": "https://a/chat", "method": "POST", "headers": {"x": "1"}}
    response = {"status": 200, "headers": {"y": "2"}, "fromDiskCache": False}
    assert played(PLAIN) == [
        ("requestWillBeSent", {**ME, "wallTime": 1.0, "timestamp": 1.0, "type": "Fetch", "request": request}),
        ("responseReceived", {**ME, "timestamp": 2.0, "type": "Fetch", "response": response}),
        ("loadingFinished", {**ME, "timestamp": 3.0}),
    ]


def test_its_bodies() -> None:
    reported = played(replace(PLAIN, body=b"\xff", content=b"abc"))
    assert named(reported, "requestWillBeSent")["request"]["postDataEntries"] == [{"bytes": "/w=="}]
    assert named(reported, "dataReceived") == {**ME, "timestamp": 3.0, "dataLength": 3}
    missing = named(played(replace(PLAIN, body=b"x", body_missing="cut")), "requestWillBeSent")["request"]
    assert missing.get("hasPostData") is True
    assert "postDataEntries" not in missing


def test_what_was_carried_beside_it() -> None:
    reported = played(
        replace(PLAIN, cookies={"sid": "A"}, response_headers={"set-cookie": "sid=B"}, cached="disk")
    )
    cookies = [{"cookie": {"name": "sid", "value": "A"}, "blockedReasons": []}]
    assert named(reported, "requestWillBeSentExtraInfo") == {
        **ME,
        "associatedCookies": cookies,
        "headers": {"x": "1"},
    }
    assert named(reported, "responseReceivedExtraInfo") == {**ME, "headers": {"set-cookie": "sid=B"}}
    assert named(reported, "responseReceived")["response"]["fromDiskCache"] is True
    names = [name for name, _ in reported]
    assert names.index("responseReceivedExtraInfo") < names.index("responseReceived")


@pytest.mark.parametrize("status", [0, -1])
def test_one_without_a_response_has_failed(status: int) -> None:
    reported = played(replace(PLAIN, status=status))
    assert [name for name, _ in reported] == ["requestWillBeSent", "loadingFailed"]
    assert reported[1][1] == {**ME, "timestamp": 3.0, "errorText": "no response was recorded"}


@pytest.mark.parametrize(("events", "kind"), [((), "Fetch"), (((2.5, "token", "x"),), "EventSource")])
def test_an_event_source_has_its_events_or_is_read_as_a_whole(events: Any, kind: str) -> None:
    reported = played(replace(PLAIN, kind="EventSource", events=events))
    assert named(reported, "requestWillBeSent")["type"] == kind
    found = [params for name, params in reported if name == "eventSourceMessageReceived"]
    assert found == [{**ME, "timestamp": t, "eventName": n, "data": d, "eventId": ""} for t, n, d in events]


def test_pages_show_their_addresses() -> None:
    load = replace(PLAIN, kind="Document", url="https://a/c/1", method="GET")
    assert named(played(load), "frameNavigated") == {"frame": {"id": "main", "url": "https://a/c/1"}}
    assert "frameNavigated" not in dict(played(replace(load, status=400)))
    assert "frameNavigated" not in dict(played(PLAIN))
    sent = replace(PLAIN, headers={"referer": "https://a/c/2"})
    assert named(played(sent), "navigatedWithinDocument") == {"frameId": "main", "url": "https://a/c/2"}


def test_a_sockets_frames_in_both_directions_without_pings() -> None:
    known = ((1.5, True, 1, "a"), (1.6, False, 2, "/w=="), (1.7, True, 9, ""), (1.8, True, 8, ""))
    frames = tuple(RecordedFrame(*one) for one in known)
    reported = played(
        replace(PLAIN, kind="WebSocket", url="wss://a/ws", cookies={"a": "1", "b": "2"}, frames=frames)
    )
    assert reported == [
        ("webSocketCreated", {**ME, "url": "wss://a/ws"}),
        (
            "webSocketWillSendHandshakeRequest",
            {
                **ME,
                "wallTime": 1.0,
                "timestamp": 1.0,
                "request": {"headers": {"x": "1", "cookie": "a=1; b=2"}},
            },
        ),
        ("webSocketFrameSent", {**ME, "timestamp": 1.5, "response": {"opcode": 1, "payloadData": "a"}}),
        (
            "webSocketFrameReceived",
            {**ME, "timestamp": 1.6, "response": {"opcode": 2, "payloadData": "/w=="}},
        ),
        ("webSocketClosed", {**ME, "timestamp": 3.0}),
    ]
    own = replace(PLAIN, kind="WebSocket", cookies={"a": "1"}, headers={"cookie": "z=9"})
    assert named(played(own), "webSocketWillSendHandshakeRequest")["request"]["headers"] == {"cookie": "z=9"}


def test_requests_are_distinguished_by_time_and_not_by_their_order() -> None:
    later = replace(PLAIN, number=8, t=1.5, answered_at=1.6, ended_at=1.7)
    reported = [(name, params["requestId"]) for name, params in played(PLAIN, later)]
    assert reported == [
        ("requestWillBeSent", "7"), ("requestWillBeSent", "8"), ("responseReceived", "8"), ("loadingFinished", "8"),
        ("responseReceived", "7"), ("loadingFinished", "7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "request_id", "missing", "expected"),
    [
        (
            "Network.getResponseBody",
            "7",
            "",
            ({"body": base64.b64encode(b"abc").decode(), "base64Encoded": True}, ""),
        ),
        ("Network.getResponseBody", "7", "it was cut", (None, "it was cut")),
        ("Network.getResponseBody", "9", "", (None, "the HAR has no response body")),
        ("Network.streamResourceContent", "7", "", (None, "")),
    ],
)
def test_only_bodies_can_be_asked_for(method: str, request_id: str, missing: str, expected: Any) -> None:
    answers: list[Any] = []
    channel = RecordedChannel([replace(PLAIN, content=b"abc", content_missing=missing)])
    channel.ask(method, {"requestId": request_id}, lambda got, error: answers.append((got, error)))
    channel.ask(method, {"requestId": request_id})
    assert answers == [expected]


RULE = Rule(WireRule.model_validate({"url": "/chat", "session": "s"}))


def failed(status: int | None) -> Exchange:
    return Exchange(
        request="1", rule=RULE, transport="http", method="POST", url="x", sent_at=0.0, session=None, history=None, body="",
        stack=[], status=status,
    )  # fmt: skip


class TestRetries:
    """Quiet time 0.2 s, longest wait 2.5 s."""

    @pytest.mark.parametrize(
        ("status", "first", "rested"),
        [
            *((status, 2.5, 0.2) for status in (None, 399, 408, 425, 429, 500)),
            *((status, 0.2, 0.0) for status in (400, 403, 499)),
        ],
    )
    def test_a_page_that_never_retried_gets_less_the_second_time(
        self, status: int | None, first: float, rested: float
    ) -> None:
        retries = Retries()
        assert retries.longest_wait(failed(status), 0.2, 2.5) == first
        retries.learn(failed(status), None)
        assert retries.longest_wait(failed(status), 0.2, 2.5) == rested

    def test_one_that_did_gets_twice_its_longest_time_and_ten_seconds_at_most(self) -> None:
        retries = Retries()
        for seconds, wait in ((0.001, 0.202), (1.0, 2.2), (0.5, 2.2), (4.9, 10.0), (8.0, 10.0)):
            retries.learn(failed(500), seconds)
            assert retries.longest_wait(failed(500), 0.2, 2.5) == pytest.approx(wait)
        assert retries.longest_wait(failed(403), 0.2, 2.5) == 0.2
