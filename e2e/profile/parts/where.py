"""Where the chat is, how it is started, and how the browser opens it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, Tag, model_validator

from e2e.profile.values.fields import (
    ENVIRONMENT,
    Css,
    HeaderName,
    Host,
    InvalidValue,
    Locale,
    Part,
    Path,
    Seconds,
    Template,
    Text,
    Timezone,
    Variable,
    WebAddress,
    check_headers,
)
from e2e.profile.values.steps import Ready

Permission = Literal[
    "accelerometer", "ambient-light-sensor", "background-sync", "camera", "clipboard-read", "clipboard-write",
    "geolocation", "gyroscope", "local-fonts", "magnetometer", "microphone", "midi", "midi-sysex", "notifications",
    "payment-handler", "storage-access",
]  # fmt: skip


class Command(Part):
    """A program that serves the chat. The suite starts it, waits for it, and stops it at the end."""

    command: tuple[Text, ...] = Field(
        min_length=1, examples=[["{python}", "-m", "acme_chat", "--port", "{port}"]]
    )
    """Program and arguments. ``{port}`` is a free port, ``{python}`` this Python."""
    url: str = Field(default="http://127.0.0.1:{port}/", examples=["http://127.0.0.1:{port}/chat"])
    """Its address, with ``{port}``."""
    folder: Text | None = Field(default=None, examples=["../acme-chat"])
    """Working directory, relative to the profile. Default: the suite's folder."""
    env: dict[Variable, Template] = Field(default={}, examples=[{"LOG_LEVEL": "warning"}])
    """Additional environment variables."""
    startup_timeout: Seconds = 60
    """Seconds until the program must respond."""

    @model_validator(mode="after")
    def _uses_the_port(self) -> Self:
        program = " ".join(self.command) + " ".join(self.env.values())
        if ("{port}" in program) != ("{port}" in self.url):
            raise InvalidValue(
                "command" if "{port}" in self.url else "url",
                self.command if "{port}" in self.url else self.url,
                "{port} must be in both the command (or env) and the url, or in neither;"
                ' hint: command = ["npm", "start", "--", "--port", "{port}"]',
            )
        return self


class Credentials(Part):
    """HTTP credentials, from the environment."""

    username: Template = Field(min_length=1, examples=["${STAGING_USER}"])
    """The user's name."""
    password: Template = Field(min_length=1, examples=["${STAGING_PASSWORD}"])
    """Always ``${NAME}``: the file contains no password."""

    @model_validator(mode="after")
    def _not_in_the_clear(self) -> Self:
        if not ENVIRONMENT.search(self.password):
            raise InvalidValue(
                "password",
                "***",
                'passwords are not allowed in the file; hint: password = "${STAGING_PASSWORD}"',
            )
        return self


def _kind_of_start(value: Any) -> str:
    return "a name" if isinstance(value, str) else "a command"


class Where(Part):
    """Where the chat is, and how the browser opens it."""

    url: WebAddress = Field(examples=["https://chat.example.org/"])
    """Address of the chat's page. ``--base-url`` replaces it."""
    path: Path | None = Field(default=None, examples=["/app/chat?lang=en"])
    """Added to the URL, also to that of ``--base-url``."""
    start: (
        Annotated[
            Annotated[Literal["reference"], Tag("a name")] | Annotated[Command, Tag("a command")],
            Discriminator(_kind_of_start),
        ]
        | None
    ) = Field(default=None, examples=[{"command": ["npm", "start", "--", "--port", "{port}"]}])
    """What the suite starts by itself. With ``--base-url`` it starts nothing."""
    ready: Ready = Field(examples=[{"role": "textbox", "name": "Message"}])
    """Visible when the page is ready. Or ``{ stored = true }`` or ``{ socket = "chat" }``."""
    frame: tuple[Css, ...] = Field(default=(), examples=[["iframe#chat-widget"]])
    """CSS of the frames that contain the chat, outermost first."""
    headers: dict[HeaderName, Template] = Field(default={}, examples=[{"X-Preview": "${PREVIEW_TOKEN}"}])
    """Sent with every request. ``${NAME}`` is an environment variable."""
    blocked_hosts: tuple[Host, ...] = Field(default=(), examples=[["*.analytics.example"]])
    """Hosts that the browser must not contact: analytics, advertisements, a support widget."""
    trace_origins: tuple[WebAddress, ...] = Field(default=(), examples=[["https://api.example.org"]])
    """Other origins whose servers allow the header ``traceparent`` (CORS), for ``--traceparent``."""
    viewport: tuple[Annotated[int, Field(ge=200, le=7680)], Annotated[int, Field(ge=200, le=4320)]] = (
        1280,
        800,
    )
    """Width and height in CSS pixels."""
    locale: Locale | None = Field(default=None, examples=["en-GB"])
    """The browser's language. Texts in locators must match it."""
    timezone: Timezone | None = Field(default=None, examples=["Europe/Berlin"])
    """The browser's time zone."""
    user_agent: Text | None = Field(default=None, examples=["Mozilla/5.0 (chat-session-e2e)"])
    """The browser's user agent."""
    permissions: tuple[Permission, ...] = Field(default=(), examples=[["clipboard-write"]])
    """Granted to the page."""
    http_credentials: Credentials | None = Field(
        default=None, examples=[{"username": "${STAGING_USER}", "password": "${STAGING_PASSWORD}"}]
    )
    """For a page behind HTTP authentication, such as a staging system."""
    dialogs: Literal["accept", "dismiss"] = "accept"
    """Answer to ``alert``, ``confirm``, ``prompt`` and ``beforeunload``."""
    ignore_https_errors: bool = False
    """Also open a page whose certificate the browser does not trust."""

    @model_validator(mode="after")
    def _no_secret(self) -> Self:
        check_headers(self.headers)
        if urlsplit(self.url).password is not None:
            raise InvalidValue(
                "url",
                "***",
                'passwords are not allowed in a URL; hint: http_credentials = { username = "${STAGING_USER}",'
                ' password = "${STAGING_PASSWORD}" }',
            )
        return self
