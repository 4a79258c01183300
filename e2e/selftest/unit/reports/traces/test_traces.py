"""A run as traces: what a collector receives, and that one which does not answer costs a sentence only."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from e2e.records.evidence import read_run
from e2e.records.trace_ids import span_id, trace_id, traceparent
from e2e.selftest.unit.builders import make_run, with_chats, with_meta
from e2e.selftest.unit.report_samples import write_run
from reports.traces.export import _quiet, export, is_configured


class Collector:
    """What a local OTLP receiver got."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.requests: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> list[Any]:
        return [
            s for r in self.requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans
        ]

    @property
    def resource(self) -> dict[str, Any]:
        return attributes(self.requests[0].resource_spans[0].resource)


def attributes(thing: Any) -> dict[str, Any]:
    found = {}
    for one in thing.attributes:
        kind = one.value.WhichOneof("value")
        found[one.key] = getattr(one.value, kind)
    return found


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.paths.append(self.path)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep the output free of one line per request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        try:
            yield collector
        finally:
            server.shutdown()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "HEADERS", "TIMEOUT", "PROTOCOL", "TRACES_PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in (
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_EXPORTER",
        "OTEL_SDK_DISABLED",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def received() -> Collector:
    """A run with a fault, as its collector received it."""
    with collecting() as collector:
        assert export([RUN], collector.url).problem == ""
    return collector


RUN = make_run("stale-state", chats=6, lanes=2)


class TestTraces:
    def test_each_chat_has_a_trace_with_one_root(self, received: Collector) -> None:
        roots = [span for span in received.spans if not span.parent_span_id]
        expected = {trace_id(RUN.meta.run_id, chat.lane, chat.chat) for chat in RUN.chats}
        assert {span.trace_id.hex() for span in roots} == expected
        assert len(roots) == len(RUN.chats)
        assert {span.name for span in roots} == {"chat"}

    def test_turns_and_payloads_are_spans_below_it(self, received: Collector) -> None:
        by_id = {span.span_id: span for span in received.spans}
        assert len(by_id) == len(received.spans)
        turns = [span for span in received.spans if span.name == "turn"]
        payloads = [span for span in received.spans if span.name.startswith("payload")]
        assert len(turns) == sum(len(chat.messages) for chat in RUN.chats)
        assert len(payloads) == sum(event.kind == "payload" for event in RUN.events)
        assert {by_id[span.parent_span_id].name for span in turns} == {"chat"}
        assert {by_id[span.parent_span_id].name for span in payloads} <= {"turn", "chat"}
        assert all(by_id[span.parent_span_id].trace_id == span.trace_id for span in (*turns, *payloads))

    def test_writes_to_the_store_are_events(self, received: Collector) -> None:
        written = [event for span in received.spans for event in span.events if event.name == "store"]
        recorded = [event for event in RUN.events if event.kind == "storage" and event.chat is not None]
        assert len(written) == len(recorded) > 0
        sessions = {attributes(event).get("store.session") for event in written}
        assert sessions == {event.data["session"] for event in recorded}

    def test_a_payload_has_its_masked_session_and_its_answer(self, received: Collector) -> None:
        sent = [attributes(span) for span in received.spans if span.name.startswith("payload")]
        assert {one["payload.session"] for one in sent} == {
            event.data["session"] for event in RUN.events if event.kind == "payload"
        }
        assert all("…" in one["payload.session"] for one in sent)  # a reference, and no ID
        assert all(one["chat.run_id"] == RUN.meta.run_id for one in sent)

    def test_times_are_those_of_the_evidence(self, received: Collector) -> None:
        root = next(span for span in received.spans if span.name == "chat")
        assert root.start_time_unix_nano / 1e9 == pytest.approx(
            min(chat.began for chat in RUN.chats), abs=1.0
        )
        assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in received.spans)

    def test_the_resource_names_target_and_browser(self, received: Collector) -> None:
        assert received.paths == ["/v1/traces"]
        assert received.resource["service.name"] == "chat-session-e2e"
        assert received.resource["chat.target"] == RUN.meta.target

    def test_a_chat_that_was_lost_is_an_error_with_its_reason(self) -> None:
        from dataclasses import replace

        lost = with_chats(
            RUN, lambda chat: replace(chat, status="lost", reason="the page crashed", messages=())
        )
        with collecting() as collector:
            export([lost], collector.url)
        roots = [span for span in collector.spans if span.name == "chat"]
        assert {(span.status.code, span.status.message) for span in roots} == {(2, "the page crashed")}

    def test_evidence_from_disk_gives_the_same_spans(self, received: Collector, tmp_path: Path) -> None:
        with collecting() as collector:
            assert export([read_run(write_run(tmp_path, RUN))], collector.url).spans == len(received.spans)


class TestContext:
    def test_the_header_is_that_of_the_chat_s_span(self) -> None:
        version, trace, parent, flags = traceparent("run", 1, 2).split("-")
        assert (version, flags) == ("00", "01")
        assert (trace, parent) == (trace_id("run", 1, 2), span_id("run", 1, 2))
        assert (len(trace), len(parent)) == (32, 16)

    def test_chats_have_different_ones(self) -> None:
        places = [("a", 0, 0), ("a", 0, 1), ("a", 1, 0), ("b", 0, 0)]
        assert len({traceparent(*place) for place in places}) == 4


class TestVariables:
    def test_endpoint_headers_and_service_name_are_the_standard_ones(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with collecting() as collector:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.url}/base")
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
            monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
            assert is_configured()
            assert export([RUN]).problem == ""
        assert collector.paths == ["/base/v1/traces"]
        assert collector.headers[0]["x-key"] == "secret"
        assert collector.resource["service.name"] == "nightly"

    def test_the_endpoint_of_traces_is_taken_as_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with collecting() as collector:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/mine")
            export([RUN])
        assert collector.paths == ["/mine"]

    def test_the_option_may_name_the_path_too(self) -> None:
        with collecting() as collector:
            export([RUN], f"{collector.url}/v1/traces")
        assert collector.paths == ["/v1/traces"]

    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({}, False),
            ({"OTEL_SERVICE_NAME": "x"}, False),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
            ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ],
    )
    def test_an_endpoint_switches_it_on(self, environment: dict[str, str], expected: bool) -> None:
        assert is_configured(environment) is expected


class TestProblems:
    def test_a_collector_that_is_not_there_is_a_sentence(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            exported = export([RUN], f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert exported.spans == 0
        assert exported.problem
        assert "\n" not in exported.problem
        assert caplog.records == []

    def test_one_that_refuses_is_a_sentence(self) -> None:
        with collecting(status=400) as collector:
            exported = export([RUN], collector.url)
        assert exported.spans == 0
        assert "400" in exported.problem

    def test_of_a_long_message_the_first_line_is_reported(self) -> None:
        logger = logging.getLogger("opentelemetry.exporter")
        with _quiet() as messages:
            logger.error("it is full\nTraceback: …")
            logger.error("%s", "second")
        assert messages == ["it is full", "second"]
        assert logging.getLogger("opentelemetry").propagate

    def test_clear_ids_are_not_exported(self) -> None:
        with collecting() as collector:
            exported = export([with_meta(RUN, masked=False)], collector.url)
        assert "--show-ids" in exported.problem
        assert collector.requests == []

    def test_another_protocol_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        assert "http/protobuf" in export([RUN]).problem
