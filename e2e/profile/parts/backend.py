"""The backend's own API, and the time limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from e2e.profile.values.fields import (
    ENVIRONMENT,
    MISSING,
    SECRET_KEY,
    Condition,
    HeaderName,
    InvalidValue,
    JMESPath,
    Part,
    Path,
    Seconds,
    Template,
    WebAddress,
    check_headers,
)

SESSION = "{session}"
"""Stands for the session ID in a call."""


class Call(Part):
    """One call of the backend's own API."""

    method: Literal["GET", "PUT", "POST", "DELETE", "PATCH"] = Field(examples=["GET"])
    """HTTP method."""
    path: Path = Field(examples=["/api/sessions/{session}"])
    """With ``{session}`` where the session ID goes, unless the ID is in ``body`` or ``headers``."""
    headers: dict[HeaderName, Template] = Field(default={}, examples=[{"X-Session": "{session}"}])
    """Sent with this call, beside the headers of all calls."""
    body: dict[str, Any] | None = Field(
        default=None, examples=[{"method": "sessions.get", "params": {"id": "{session}"}}]
    )
    """Sent as JSON. ``{session}`` and ``${NAME}`` are replaced in its texts."""
    id: JMESPath | None = Field(default=None, examples=["data.conversation.id"])
    """``translate`` only: where the backend's own ID is in the response."""
    missing: Condition | None = Field(default=None, examples=["error || result == `null`"])
    """Condition on a response that has the status of success and reports that there is no such session."""
    provider: JMESPath | None = Field(default=None, examples=["provider"])
    """Where the provider is in the response."""
    active: JMESPath | None = Field(default=None, examples=["active_sessions"])
    """``state`` only: the number of active sessions."""
    distribution: JMESPath | None = Field(default=None, examples=["distribution"])
    """``state`` only: provider -> sessions."""

    @property
    def names_session(self) -> bool:
        """The session's ID is somewhere in it."""
        return any(SESSION in text for text in (self.path, *self.headers.values(), *_texts(self.body)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in _texts(part))


def _check_reads(name: str, call: Call) -> None:
    """Refuses a call that may change data: by its method, or because it is a mutation of GraphQL."""
    if call.method not in ("GET", "POST"):
        raise InvalidValue(
            f"{name}.method",
            call.method,
            'may change data, but writes is false; hint: method = "GET", or writes = true',
        )
    query = (call.body or {}).get("query")
    if isinstance(query, str) and re.match(r"\s*mutation\b", query):
        raise InvalidValue(
            f"{name}.body.query",
            query,
            "a mutation may change data, but writes is false; hint: use a query, or writes = true",
        )


def _check_secrets(name: str, call: Call) -> None:
    check_headers(call.headers, f"{name}.headers")
    for key, value in (call.body or {}).items():
        if isinstance(value, str) and SECRET_KEY.search(key) and not ENVIRONMENT.search(value):
            raise InvalidValue(
                f"{name}.body.{key}", value, 'secrets are not allowed in the file; hint: "${ADMIN_TOKEN}"'
            )


class Backend(Part):
    """The backend's own API. Only ``lookup`` and ``state`` are used unless ``writes`` is true."""

    url: WebAddress | None = Field(default=None, examples=["https://admin.example.org/"])
    """Default: the origin of the chat."""
    headers: dict[HeaderName, Template] = Field(
        default={}, examples=[{"Authorization": "Bearer ${ADMIN_TOKEN}"}]
    )
    """Sent with every call. ``${NAME}`` is an environment variable."""
    translate: Call | None = Field(
        default=None,
        examples=[{"method": "GET", "path": "/conversations?session={session}", "id": "items[0].id"}],
    )
    """Called first, if the backend has IDs of its own. The ID that it returns replaces ``{session}`` in the other calls."""
    writes: bool = False
    """The suite may assign and remove its own sessions."""
    assign: Call | None = Field(
        default=None, examples=[{"method": "PUT", "path": "/sessions/{session}", "provider": "provider"}]
    )
    """Assigns a provider to a session. Only with ``writes``."""
    lookup: Call | None = Field(
        default=None, examples=[{"method": "GET", "path": "/sessions/{session}", "provider": "provider"}]
    )
    """Returns the provider of a session."""
    remove: Call | None = Field(default=None, examples=[{"method": "DELETE", "path": "/sessions/{session}"}])
    """Ends a session. Only with ``writes``."""
    state: Call | None = Field(
        default=None, examples=[{"method": "GET", "path": "/stats", "distribution": "distribution"}]
    )
    """Returns the number of sessions, and their providers."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        check_headers(self.headers)
        calls = [
            c for c in ("translate", "assign", "lookup", "remove", "state") if getattr(self, c) is not None
        ]
        if calls in ([], ["translate"]):
            raise InvalidValue(
                "lookup",
                MISSING,
                "has no call; hint: "
                'lookup = { method = "GET", path = "/sessions/{session}", provider = "provider" }',
            )
        for name in calls:
            call: Call = getattr(self, name)
            _check_secrets(name, call)
            if name in ("translate", "lookup", "remove") and not call.names_session:
                raise InvalidValue(
                    f"{name}.path",
                    call.path,
                    'must contain {session}; hint: path = "/sessions/{session}"',
                )
            if name in ("translate", "lookup", "state") and not self.writes:
                _check_reads(name, call)
            for key, owner in (("active", "state"), ("distribution", "state"), ("id", "translate")):
                if name != owner and getattr(call, key) is not None:
                    raise InvalidValue(
                        f"{name}.{key}", getattr(call, key), f"only for {owner}; hint: leave it out"
                    )
        if self.translate is not None and self.translate.id is None:
            raise InvalidValue("translate.id", MISSING, 'required; hint: id = "items[0].id"')
        if self.lookup is not None and self.lookup.provider is None:
            raise InvalidValue(
                "lookup.provider",
                MISSING,
                'required; hint: provider = "provider"',
            )
        return self


class Timeouts(Part):
    """Seconds."""

    ready: Seconds = 10
    """Until the page can be used."""
    action: Seconds = 5
    """Until a click, a key press or a payload has happened."""
    reply: Seconds = 30
    """Until a reply has ended."""
    idle: Annotated[float, Field(gt=0, lt=10)] = 0.15
    """Time without any activity after a click before the rotation counts as missing. It must be below ``reply``."""
