"""Sends a recorded run to an OpenTelemetry collector (OTLP over HTTP, as protobuf).

Nothing of it matters to a verdict: whatever goes wrong is one sentence.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from e2e.records.records import RunRecords

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PATH = "/v1/traces"
_BATCH = 512
"""Spans of one request; the standard's default."""
_TIMEOUT = 10.0  # seconds of one request, with its repetitions


class Exported(NamedTuple):
    """What became of an export."""

    spans: int
    problem: str = ""
    """Why not all of them arrived, or ``""``."""


def is_configured(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the standard variables name a collector."""
    environment = os.environ if environment is None else environment
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    none = environment.get("OTEL_TRACES_EXPORTER", "otlp") == "none"
    return not off and not none and any(environment.get(name) for name in _ENDPOINTS)


def export(runs: Sequence[RunRecords], url: str = "") -> Exported:
    """Send the runs to the collector at ``url``, or at that of the standard variables. Never raises an error."""
    clear = [run.meta.run_id for run in runs if not run.meta.masked]
    if clear:
        return Exported(0, f"{clear[0]} shows session IDs in the clear (--show-ids)")
    protocol = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf" and not url:
        return Exported(0, f"the protocol {protocol} is not supported: use http/protobuf (usually port 4318)")
    sent = 0
    try:
        with _quiet() as messages:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

            from reports.traces.spans import spans_of

            timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _TIMEOUT
            exporter: SpanExporter = OTLPSpanExporter(endpoint=_endpoint(url), timeout=timeout)
            spans = (span for run in runs for span in spans_of(run))
            while batch := [*islice(spans, _BATCH)]:
                if exporter.export(batch) is not SpanExportResult.SUCCESS:
                    return Exported(sent, messages[-1] if messages else "the collector refused them")
                sent += len(batch)
            exporter.shutdown()
    except Exception as error:  # noqa: BLE001 - a report is worth more than its copy in another system
        return Exported(sent, str(error).splitlines()[0] if str(error) else repr(error))
    return Exported(sent)


def _endpoint(url: str) -> str | None:
    """``--otlp`` is a base address, as OTEL_EXPORTER_OTLP_ENDPOINT is, or the address of the traces themselves."""
    if not url:
        return None
    return url if urlsplit(url).path.endswith(_PATH) else url.rstrip("/") + _PATH


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """The exporter's messages, in place of lines of its own in the terminal."""
    messages: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage().splitlines()[0])

    logger = logging.getLogger("opentelemetry")
    handler, propagate = Kept(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
