"""The backend's own API, and the time limits."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from e2e.profile.values.fields import (
    MISSING,
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


class Call(Part):
    """One call of the backend's own API."""

    method: Literal["GET", "PUT", "POST", "DELETE", "PATCH"] = Field(examples=["GET"])
    """HTTP method."""
    path: Path = Field(examples=["/api/sessions/{session}"])
    """With ``{session}`` where the session ID goes."""
    provider: JMESPath | None = Field(default=None, examples=["provider"])
    """Where the provider is in the response."""
    active: JMESPath | None = Field(default=None, examples=["active_sessions"])
    """``state`` only: the number of active sessions."""
    distribution: JMESPath | None = Field(default=None, examples=["distribution"])
    """``state`` only: provider -> sessions."""


class Backend(Part):
    """The backend's own API. Only ``lookup`` and ``state`` are used unless ``writes`` is true."""

    url: WebAddress | None = Field(default=None, examples=["https://admin.example.org/"])
    """Default: the origin of the chat."""
    headers: dict[HeaderName, Template] = Field(
        default={}, examples=[{"Authorization": "Bearer ${ADMIN_TOKEN}"}]
    )
    """Sent with every call. ``${NAME}`` is an environment variable."""
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
        calls = [c for c in ("assign", "lookup", "remove", "state") if getattr(self, c) is not None]
        if not calls:
            raise InvalidValue(
                "lookup",
                MISSING,
                "has no call; hint: "
                'lookup = { method = "GET", path = "/sessions/{session}", provider = "provider" }',
            )
        for name in calls:
            call = getattr(self, name)
            if name in ("lookup", "remove") and "{session}" not in call.path:
                raise InvalidValue(
                    f"{name}.path",
                    call.path,
                    'must contain {session}; hint: path = "/sessions/{session}"',
                )
            if name in ("lookup", "state") and not self.writes and call.method not in ("GET", "POST"):
                raise InvalidValue(
                    f"{name}.method",
                    call.method,
                    'may change data, but writes is false; hint: method = "GET", or writes = true',
                )
            for key in ("active", "distribution"):
                if name != "state" and getattr(call, key) is not None:
                    raise InvalidValue(
                        f"{name}.{key}", getattr(call, key), "only for state; hint: leave it out"
                    )
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
