"""Constructed recordings: chats whose traffic a test writes down, seen by the suite's own wire and recorder, and judged. No browser.

chats = Constructed(profile, folder)
chats.new_chat()
with chats.message() as text:
    chats.http("POST", URL, {"session_id": "s-1", "text": text}, {"provider": "prov_1"})
chats.judged().verdict("rotation.sent_id_is_fresh")
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import CDPSession

from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import Run, assemble
from e2e.capture.network.cdp.wire import CdpWire
from e2e.capture.network.wire_rules import Refusal, Rule
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.capture.session_ids.redaction import Redactor
from e2e.capture.target.policy import policy_of
from e2e.profile.profile import Profile
from e2e.records.evidence import EvidenceWriter, read_run
from e2e.records.journal import Journal
from e2e.records.records import RunMeta, RunRecords
from e2e.selftest.unit.capture.network.test_cdp import FakePulse, FakeSession

JSON = {"Content-Type": "application/json"}
Body = str | bytes | Mapping[str, Any] | Sequence[Any] | None


class Constructed:
    """One lane's chats."""

    def __init__(self, profile: Profile, folder: Path) -> None:
        self.profile = profile
        self.folder = folder / "run-1"
        now = time.time()
        self._meta = RunMeta(
            run_id="run-1", target=profile.name, title=profile.title, url=profile.where.url, started=now, finished=now,
            planned_chats=0, lanes=1, masked=True, mask_key="k", policy=policy_of(profile), alarms_per_year=0.02, environment={},
        )  # fmt: skip
        self._writer = EvidenceWriter(self.folder, self._meta)
        self.recorder = LaneRecorder(0, profile, Journal("run-1", self._writer), Redactor(key="k"))
        self._cdp = FakeSession()
        self._cdp.answers |= {
            "Network.streamResourceContent": lambda _: {"bufferedData": ""},
            "Page.enable": lambda _: {},
            "Page.getFrameTree": lambda _: {"frameTree": {"frame": {"id": "main", "url": profile.where.url}}},
        }
        self.wire = CdpWire(
            cast(CDPSession, self._cdp),
            tuple(Rule(rule) for rule in profile.wire),
            self.recorder,
            cast(EventWaiter, FakePulse()),
            refusals=tuple(Refusal(sign) for sign in profile.blocked),
        )
        self._requests = 0
        self._chats = 0
        self._moment = 0.0
        self._stored: dict[str, str] = {}
        self._urls: dict[str, str] = {}
        self.signal("start", stored=None if profile.id_store.store == "none" else {})

    # -- what the user does

    def new_chat(self) -> None:
        """End the chat that is under way, if any, and begin another one."""
        self.recorder.end_chat()
        self.recorder.begin_chat("new_chat" if self._chats else "load")
        self._chats += 1

    @contextlib.contextmanager
    def message(self) -> Iterator[str]:
        """A message of the user; what the block does is its traffic."""
        text = f"Hello ({secrets.token_hex(4)})"
        self.recorder.begin_message(text)
        self.wire.seek(text[7:-1])
        yield text
        self.recorder.settle_for(0.0)
        exchange = self.recorder.exchange
        ended = exchange is not None and exchange.ended
        self.recorder.message_ended("finished", "ok" if ended else "timeout")

    # -- what the page does

    def signal(self, kind: str, **data: Any) -> None:
        self.recorder.on_signals([{"k": kind, "t": self._now() * 1000, **data}])

    def store(self, key: str | None, value: Any) -> None:
        """The page writes to its store; anything but a text is written as JSON."""
        text = value if isinstance(value, str) or value is None else json.dumps(value)
        self._stored = {} if text is None else {key or "": text}
        store, op = self.profile.id_store.store, "remove" if text is None else "set"
        self.signal(
            "storage", store=store, op=op, key=key, value=text, stack="Error\n    at save (http://a/x.js:1:2)"
        )

    def address(self, url: str) -> None:
        """The page shows another address."""
        handler = self._cdp.handlers.get("Page.navigatedWithinDocument")
        if handler is not None:
            handler({"frameId": "main", "url": url})

    def http(
        self,
        method: str,
        url: str,
        body: Body = None,
        reply: Body = None,
        *,
        headers: Mapping[str, str] = JSON,
        reply_headers: Mapping[str, str] = JSON,
        status: int = 200,
    ) -> None:
        """A request of the page and its reply; what is no text and no bytes is JSON."""
        self._requests += 1
        request = str(self._requests)
        raw = _bytes(body)
        post = (
            {"hasPostData": True, "postDataEntries": [{"bytes": base64.b64encode(raw).decode()}]}
            if raw
            else {}
        )
        self.signal("send", url=url, size=len(raw), stored=self._stored, stack="")
        t = self._now()
        self._cdp.emit(
            "requestWillBeSent", requestId=request, timestamp=t, wallTime=t, type="Fetch",
            request={"url": url, "method": method, "headers": dict(headers), **post},
        )  # fmt: skip
        if any("requestWillBeSentExtraInfo" in name for name in self._cdp.handlers):
            self._cdp.emit(
                "requestWillBeSentExtraInfo", requestId=request, headers=dict(headers), associatedCookies=[]
            )
        self._cdp.emit(
            "responseReceived",
            requestId=request,
            timestamp=self._now(),
            response={"status": status, "headers": dict(reply_headers)},
        )
        content = _bytes(reply)
        for piece in (content[: len(content) // 2], content[len(content) // 2 :]):
            self._cdp.emit(
                "dataReceived", requestId=request, timestamp=self._now(), dataLength=len(piece), encodedDataLength=len(piece),
                data=base64.b64encode(piece).decode(),
            )  # fmt: skip
        self._cdp.emit("loadingFinished", requestId=request, timestamp=self._now())

    def event_source(self, url: str) -> str:
        """The page opens an EventSource: its name, for `server_event`."""
        self._requests += 1
        request, t = str(self._requests), self._now()
        self._cdp.emit(
            "requestWillBeSent", requestId=request, timestamp=t, wallTime=t, type="EventSource",
            request={"url": url, "method": "GET", "headers": {}},
        )  # fmt: skip
        return request

    def server_event(self, source: str, value: Any) -> None:
        self._cdp.emit(
            "eventSourceMessageReceived",
            requestId=source,
            timestamp=self._now(),
            eventName="",
            eventId="",
            data=json.dumps(value),
        )

    def socket(self, url: str) -> str:
        """The page opens a WebSocket: its name, for `frame`."""
        self._requests += 1
        socket = str(self._requests)
        self._urls[socket] = url
        self._cdp.emit("webSocketCreated", requestId=socket, url=url)
        return socket

    def sends(self, socket: str, frame: Body) -> None:
        size = len(frame) if isinstance(frame, bytes) else len(_bytes(frame).decode())
        self.signal("send", url=self._urls[socket], size=size, stored=self._stored, stack="")
        self._frame("webSocketFrameSent", socket, frame)

    def receives(self, socket: str, *frames: Body) -> None:
        for frame in frames:
            self._frame("webSocketFrameReceived", socket, frame)

    def _frame(self, event: str, socket: str, frame: Body) -> None:
        binary = isinstance(frame, bytes)
        payload = base64.b64encode(_bytes(frame)).decode() if binary else _bytes(frame).decode()
        response = {"payloadData": payload, "opcode": 2 if binary else 1}
        self._cdp.emit(event, requestId=socket, timestamp=self._now(), response=response)

    def _now(self) -> float:
        """Later than anything before."""
        self._moment = max(time.time(), self._moment + 1e-6)
        return self._moment

    # -- what the suite makes of it

    def records(self) -> RunRecords:
        self.recorder.end_chat()
        self._writer.close()
        return read_run(self.folder)

    def run(self) -> Run:
        return assemble([self.records()])

    def judged(self) -> Judgement:
        return judge(self.run())


def _bytes(body: Body) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()
