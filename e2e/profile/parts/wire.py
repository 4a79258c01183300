"""Wire rules: which requests or frames belong to the chat, which session ID they carry, and which reply belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from e2e.framings.registry import DEFAULT, FRAMINGS
from e2e.profile.values.fields import (
    Condition,
    HeaderName,
    InvalidValue,
    JMESPath,
    Method,
    Part,
    Regex,
    RuleName,
    Text,
    UrlRegex,
)

_LOCATIONS = ("json", "form", "query", "header", "cookie", "path", "url", "page", "connection", "received")
if TYPE_CHECKING:
    FramingName = str
else:
    FramingName = Literal[tuple(FRAMINGS)]
"""The framings that there are decoders for."""


class Extract(Part):
    """Where a value is: exactly one of json, form, query, header, cookie, path, url, page, connection, received.

    A plain string means ``json``. A ``provider`` may have ``regex`` alone. It is then searched in the whole text of the
    reply: plain text, HTML, or the joined text of a stream.
    """

    json_: JMESPath | None = Field(default=None, alias="json", examples=["args[0].sessionId"])
    """JMESPath into a JSON body, an event of a stream, or a frame. JSON in a string inside it: ``parse_nested_json = true``."""
    form: Text | None = Field(default=None, examples=["session"])
    """A field of an urlencoded or multipart body."""
    query: Text | None = Field(default=None, examples=["session"])
    """A query parameter of the URL."""
    header: HeaderName | None = Field(default=None, examples=["X-Session-Id"])
    """A header of the request, or for ``provider`` of the response."""
    cookie: Text | None = Field(default=None, examples=["chat_session"])
    """A cookie of the request."""
    path: Regex | None = Field(default=None, examples=["/chats/([^/]+)/messages"])
    """A regular expression on the URL's path. Its first group is the value."""
    url: Regex | None = Field(default=None, examples=["[?&;]sid=([^&]+)"])
    """A regular expression on the whole URL. Its first group is the value."""
    page: Regex | None = Field(default=None, examples=["/c/([0-9a-f]+)"])
    """A regular expression on the page's address when the payload is sent. Its first group is the value.

    For chats whose ID is in the page's address and in no payload.
    """
    connection: JMESPath | None = Field(default=None, examples=["connect.sessionId"])
    """WebSocket: JMESPath into earlier payloads of the connection, including its long polls. The last match is used.

    For protocols that send the ID once, in a connect message.
    """
    received: JMESPath | None = Field(default=None, examples=["session.id"])
    """WebSocket: JMESPath into earlier received frames of the connection. The last match is used.

    For backends that give the ID when the connection opens, and expect it in no message.
    """
    regex: Regex | None = Field(default=None, examples=["^Bearer (.+)$"])
    """Applied to the extracted text. Its first group is the value. Alone (``provider`` only) it is applied to the whole reply."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, raw: Any) -> Any:
        return {"json": raw} if isinstance(raw, str) else raw

    @property
    def place(self) -> str | None:
        """Which kind of location it has; None for a regex on the whole reply."""
        return next((p for p in _LOCATIONS if getattr(self, "json_" if p == "json" else p) is not None), None)

    @model_validator(mode="after")
    def _one_location(self) -> Self:
        present = [p for p in _LOCATIONS if getattr(self, "json_" if p == "json" else p) is not None]
        if len(present) != 1 and (present or self.regex is None):
            raise ValueError(
                f"exactly one of {', '.join(_LOCATIONS)} (this one has {', '.join(present) or 'none of them'});"
                ' hint: { json = "session_id" }'
            )
        return self


class WireRule(Part):
    """A request or WebSocket frame that carries a message of the chat, and where the values are in it and in its response.

    With ``direction = "received"`` it is a channel with replies that are not in the response to the request: an ``EventSource``, a
    long poll, another socket.
    """

    name: RuleName = Field(default="chat", examples=["chat"])
    """Unique name of the rule, for messages and for ``answered_by``."""
    transport: Literal["http", "websocket"] = "http"
    """``http`` is fetch, XHR, EventSource and sendBeacon. The response may be JSON, server-sent events or JSON lines."""
    direction: Literal["sent", "received"] = "sent"
    """``sent`` carries messages of the chat. ``received`` is a channel on which the replies to another rule come."""
    url: UrlRegex = Field(examples=["/api/chat$"])
    """A regular expression that is searched in the URL."""
    method: Method | None = Field(default=None, examples=["POST"])
    """HTTP only. Default: POST for ``sent``, any for ``received``."""
    framing: FramingName = Field(default=DEFAULT, examples=["ndjson"])
    """How frames or bodies are encoded. The table "Framings" has what each one gives."""
    parse_nested_json: bool = False
    """Also parse JSON that is inside a string of the payload or reply."""
    each: JMESPath | None = Field(default=None, examples=["activities"])
    """JMESPath to a list of events in a payload, frame or reply. Each of them is an event for the other keys of the rule.

    Where there is no such list, the whole is one event. A value that an event has not is looked for in the whole.
    """
    when: Condition | None = Field(default=None, examples=["type == 'Action' && udfPath == 'chat:send'"])
    """Condition on the payload."""
    session: Extract | None = Field(default=None, examples=["session_id"])
    """Where the session ID is in the payload. Left out, with ``[session]``, for a chat that sends no ID."""
    judged: bool = Field(default=True, examples=[False])
    """False: payloads of this rule carry no message, and may carry an old session ID (analytics, a call that ends the old session).

    The payloads of all other rules are judged, such as a title request: they must not carry the ID of an earlier chat.
    """
    history: JMESPath | None = Field(default=None, examples=["messages"])
    """JMESPath to the list of earlier messages in the payload."""
    provider: Extract | None = Field(default=None, examples=["provider"])
    """In the response: in a JSON body, in any event of a stream, in a frame, in a header, or (``regex`` alone) in its text."""
    answered_by: Text | None = Field(default=None, examples=["events"])
    """Name of the ``received`` rule on which the reply comes. Default: the response to the request, or the same socket."""
    reply_to: JMESPath | None = Field(default=None, examples=["requestId"])
    """The value that links a reply to its payload. It is in the reply, and in the payload or in the response to the request.

    Default: the ID of the framing, if it has one (an acknowledgement, an invocation). Otherwise the next frames are the reply.
    """
    answer_when: Condition | None = Field(default=None, examples=["type == 'ActionResponse'"])
    """Condition on the frames or events that are part of the reply."""
    done: Condition | None = Field(default=None, examples=["type == 'done'"])
    """Condition on the frame or event that completes the reply.

    Default: the end of the response. On a socket: the end message of the framing, otherwise the first frame of the reply.
    """
    failed: Condition | None = Field(default=None, examples=["type == 'error' || success == `false`"])
    """Condition on a frame or event that reports a failure of the backend."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.direction == "received":
            for key in ("session", "history", "answered_by"):
                if (value := getattr(self, key)) is not None:
                    raise InvalidValue(
                        key, _raw(value), 'not used with direction = "received"; hint: leave it out'
                    )
            if not self.judged:
                raise InvalidValue(
                    "judged", False, 'not used with direction = "received"; hint: leave it out'
                )
        if self.transport == "websocket":
            if self.method is not None:
                raise InvalidValue(
                    "method", self.method, 'not used with transport = "websocket"; hint: leave it out'
                )
            for key in ("session", "provider"):
                place = getattr(self, key)
                if place is not None and (place.form is not None or place.header is not None):
                    raise InvalidValue(
                        key,
                        _raw(place),
                        f'a frame has no form and no header; hint: {key} = {{ json = "{key}" }}',
                    )
        elif not FRAMINGS[self.framing].http:
            raise InvalidValue(
                "framing", self.framing, 'only for WebSocket frames; hint: transport = "websocket"'
            )
        self._locations_fit()
        return self

    def _locations_fit(self) -> None:
        self._not_swapped()
        if self.session is not None and self.session.place is None:
            raise InvalidValue(
                "session",
                _raw(self.session),
                f"regex needs one of {', '.join(_LOCATIONS)} (only provider may have regex alone);"
                ' hint: { json = "session_id", regex = "^s-(.+)$" }',
            )
        for place in ("connection", "received"):
            if self.transport == "http" and self.session is not None and getattr(self.session, place):
                raise InvalidValue(
                    f"session.{place}",
                    getattr(self.session, place),
                    'only for transport = "websocket"; hint: session = "session_id"',
                )
        for place in ("path", "url", "page", "query", "cookie", "form", "connection", "received"):
            if self.provider is not None and getattr(self.provider, place) is not None:
                raise InvalidValue(
                    "provider",
                    _raw(self.provider),
                    f'a reply has no {place}; hint: provider = {{ json = "provider" }}',
                )

    def _not_swapped(self) -> None:
        session = self.session.json_ if self.session is not None else None
        provider = self.provider.json_ if self.provider is not None else None
        if session and provider and "provider" in session.lower() and "session" in provider.lower():
            raise InvalidValue(
                "session", session, f'session and provider are swapped; hint: session = "{provider}"'
            )

    @property
    def verb(self) -> str | None:
        """The HTTP method, or None for any."""
        if self.transport == "websocket":
            return None
        return self.method or ("POST" if self.direction == "sent" else None)


def _raw(value: Any) -> Any:
    """``value`` as it is in the file."""
    return value.model_dump(by_alias=True, exclude_none=True) if isinstance(value, Extract) else value
