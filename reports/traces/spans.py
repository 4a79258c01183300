"""A recorded run as OpenTelemetry spans: a trace for each chat, with its turns and payloads as spans, its stores as events.

Session IDs are the references of the evidence, which are masked. Texts of messages and replies are not in the evidence.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from e2e.records.records import Chat, Event, Message, RunMeta, RunRecords
from e2e.records.trace_ids import span_id, trace_id

SERVICE = "chat-session-e2e"
_OF_CHAT = frozenset(
    "open reload new_chat storage issued screen page_error problem away back return recall retry typed_again sighting "
    "unseen".split()
)
"""Kinds of events that a chat's span shows."""
_OF_TURN = frozenset(("reply_end", "label", "backend"))
_LEFT_OUT = frozenset(("stack", "tab", "message", "by", "features", "shape"))
"""Data of events that helps nobody in a trace: code locations are in the report."""
_SCOPE = InstrumentationScope(SERVICE)


def spans_of(records: RunRecords) -> Iterator[ReadableSpan]:
    """The spans of a run, chat by chat."""
    resource = _resource(records.meta)
    events: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for event in records.events:
        if event.chat is not None:
            events[event.lane, event.chat].append(event)
    for chat in records.chats:
        seen = sorted(events.get((chat.lane, chat.chat), ()), key=lambda event: (event.t, event.seq))
        yield from _Trace(records.meta, chat, seen, resource).spans()


class _Trace:
    """The trace of one chat."""

    def __init__(self, meta: RunMeta, chat: Chat, events: Sequence[Event], resource: Resource) -> None:
        self._meta, self._chat, self._events, self._resource = meta, chat, events, resource

    def spans(self) -> Iterator[ReadableSpan]:
        chat = self._chat
        ends = [chat.ended, *(event.t for event in self._events)]
        yield self._span(
            "chat",
            "chat",
            (chat.began, max(ends)),
            _attributes(
                "chat",
                lane=chat.lane,
                number=chat.chat,
                scenario=chat.scenario,
                via=chat.via,
                status=chat.status,
                reason=chat.reason,
                context=chat.context,
                tab=chat.tab,
                experiment=chat.experiment,
                stored_before=chat.stored_before,
                stored=chat.stored,
                stored_end=chat.stored_end,
            ),
            events=[_span_event(event) for event in self._events if event.kind in _OF_CHAT],
            error="" if chat.status == "observed" else chat.reason or chat.status,
        )
        for message in chat.messages:
            yield self._turn(message)
        for event in self._events:
            if event.kind == "payload":
                yield self._payload(event)

    def _turn(self, message: Message) -> ReadableSpan:
        own = [event for event in self._events if event.data.get("message") == message.number]
        began = next((event.t for event in own if event.kind == "send"), message.sent_at or self._chat.began)
        ended = max([began, message.ended_at or began, *(event.t for event in own if event.kind in _OF_TURN)])
        events = [_span_event(event) for event in own if event.kind in _OF_TURN]
        if message.first_chunk_at is not None:
            events.insert(0, SpanEvent("first chunk", {}, _ns(message.first_chunk_at)))
        return self._span(
            "turn",
            f"turn {message.number}",
            (began, ended),
            _attributes(
                "turn",
                number=message.number,
                after=message.after,
                outcome=message.outcome,
                stored=message.stored,
                sent=message.sent,
                issued=message.issued,
                provider=message.reply_provider,
                backend_provider=message.backend_provider,
                label_provider=message.label_provider,
                chunks=message.chunks,
                served_by=message.served_by,
                bleeds_from=message.bleeds_from,
            ),
            parent="chat",
            events=events,
            error="" if message.outcome in ("ok", "cut") else message.outcome,
        )

    def _payload(self, sent: Event) -> ReadableSpan:
        data = sent.data
        request = str(data.get("request"))
        answers = [e for e in self._events if e.data.get("request") == request and e.kind != "payload"]
        response = next((e for e in answers if e.kind == "response"), None)
        finished = next((e for e in answers if e.kind == "finished"), None)
        chunks = [e for e in answers if e.kind == "chunk"]
        status = response.data.get("status") if response is not None else None
        failed = finished is not None and finished.data.get("outcome") == "failed"
        message = data.get("message")
        return self._span(
            f"payload {data.get('rule')}",
            f"payload {request} {sent.seq}",
            (sent.t, max([sent.t, *(e.t for e in answers)])),
            {
                **_attributes("http.request", method=data.get("method")),
                **_attributes("url", full=data.get("url")),
                **_attributes("http.response", status_code=status),
                **_attributes(
                    "payload",
                    rule=data.get("rule"),
                    transport=data.get("transport"),
                    session=data.get("session"),
                    origin=data.get("origin"),
                    judged=data.get("judged"),
                    retry=data.get("retry"),
                    bleeds_from=data.get("bleeds_from"),
                    unreadable=data.get("unreadable"),
                    chunks=len(chunks),
                ),
            },
            parent="chat" if message is None else f"turn {message}",
            # Each piece of a long reply would be an event; the first and the last one show its times.
            events=[_span_event(e) for e in answers if e in (response, finished, *chunks[:1], *chunks[-1:])],
            error="failed"
            if failed
            else f"status {status}"
            if isinstance(status, int) and status >= 400
            else "",
            kind=SpanKind.CLIENT,
        )

    def _span(
        self,
        name: str,
        part: str,
        time: tuple[float, float],
        attributes: Mapping[str, Any],
        *,
        parent: str = "",
        events: Sequence[SpanEvent] = (),
        error: str = "",
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> ReadableSpan:
        began, ended = time
        return ReadableSpan(
            name,
            context=self._context(part),
            parent=self._context(parent) if parent else None,
            resource=self._resource,
            attributes={**attributes, "chat.run_id": self._meta.run_id},
            events=events,
            kind=kind,
            status=Status(StatusCode.ERROR, error) if error else Status(StatusCode.UNSET),
            start_time=_ns(began),
            end_time=_ns(max(began, ended)),
            instrumentation_scope=_SCOPE,
        )

    def _context(self, part: str) -> SpanContext:
        place = (self._meta.run_id, self._chat.lane, self._chat.chat)
        return SpanContext(
            int(trace_id(*place), 16), int(span_id(*place, part), 16), False, TraceFlags(TraceFlags.SAMPLED)
        )


def _resource(meta: RunMeta) -> Resource:
    """What all spans of a run have; ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` count as usual."""
    known = {
        "chat.target": meta.target,
        "chat.target_version": meta.environment.get("target_version", ""),
        "chat.browser": meta.environment.get("browser", ""),
        "chat.shard": meta.shard,
        "chat.shared_run": meta.shared_run,
        SERVICE_VERSION: meta.environment.get("commit", ""),
    }
    named = "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "") or os.environ.get(
        "OTEL_SERVICE_NAME"
    )
    if not named:
        known[SERVICE_NAME] = SERVICE
    return Resource.create({name: value for name, value in known.items() if value})


def _span_event(event: Event) -> SpanEvent:
    name = "store" if event.kind == "storage" else event.kind.replace("_", " ")
    known = {key: value for key, value in event.data.items() if key not in _LEFT_OUT}
    return SpanEvent(
        name, _attributes("store" if event.kind == "storage" else event.kind, **known), _ns(event.t)
    )


def _attributes(group: str, **values: Any) -> dict[str, Any]:
    """Attributes of one group; what is not there has none, and what is no plain value is its text."""
    return {
        f"{group}.{name}": _plain(value) for name, value in values.items() if value not in (None, "", (), [])
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return [str(one) for one in value]
    return str(value)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
