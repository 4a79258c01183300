"""Limits of the target, how it refuses messages, and how a lane signs in."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from e2e.profile.values.fields import (
    MISSING,
    Condition,
    InvalidValue,
    Part,
    Regex,
    Seconds,
    Text,
    Variable,
    WebAddress,
)
from e2e.profile.values.steps import Action, Locate


class Limits(Part):
    """What the target allows, so that the suite stays within it."""

    messages_per_context: int | None = Field(default=None, ge=2, le=1_000_000, examples=[15])
    """Messages in one browser context. After them a lane continues in a fresh one."""
    requests_per_minute: float | None = Field(default=None, gt=0, le=100_000, examples=[60])
    """Messages per minute, over all lanes together."""
    messages: int | None = Field(default=None, ge=1, le=1_000_000, examples=[200])
    """Messages in the whole run. Chats beyond this number are not started."""
    retry_after: Seconds = 30
    """Longest ``Retry-After`` that the suite waits for, once per chat. A longer one ends the chat as blocked."""


class RefusalRule(Part):
    """What a refusal looks like: exactly one of screen, url, status, answer."""

    kind: Literal["rate-limited", "daily-limit", "login-wall", "captcha", "backend-down", "blocked"] = Field(
        examples=["daily-limit"]
    )
    """Name of the refusal in the report."""
    screen: Locate | None = Field(default=None, examples=[{"text": "Daily limit"}])
    """Visible when a message is refused."""
    url: Regex | None = Field(default=None, examples=["/login"])
    """Regular expression on the page's address."""
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] | None = Field(
        default=None, min_length=1, examples=[[429, 503]]
    )
    """HTTP status of the response to a message."""
    answer: Condition | None = Field(default=None, examples=["error.code == 'quota_exceeded'"])
    """Condition on a JSON response, an event or a frame."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        present = [s for s in ("screen", "url", "status", "answer") if getattr(self, s) is not None]
        if len(present) != 1:
            raise ValueError(
                f"exactly one of screen, url, status, answer (this one has {', '.join(present) or 'none of them'});"
                ' hint: screen = { text = "Daily limit" }'
            )
        return self


class Account(Part):
    """One of several users for parallel lanes: a saved state, or the variables of the login steps."""

    storage_state: Text | None = Field(default=None, examples=[".auth/anna.json"])
    """A Playwright storage-state file of this user."""
    env: dict[Variable, Variable] = Field(default={}, examples=[{"CHAT_USER": "CHAT_USER_1"}])
    """Variable that the steps use -> environment variable of this account."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.storage_state is None) == (not self.env):
            raise ValueError('an account has either storage_state or env; hint: storage_state = "anna.json"')
        return self


class Login(Part):
    """How a lane signs in: a saved state (``make login``), or steps in each new context."""

    storage_state: Text | None = Field(default=None, examples=[".auth/acme.json"])
    """A Playwright storage-state file, relative to the suite's folder."""
    url: WebAddress | None = Field(default=None, examples=["https://login.example.org/"])
    """Where ``steps`` start. Default: the chat itself."""
    steps: tuple[Action, ...] = Field(
        default=(),
        examples=[
            [
                {"fill": {"into": {"label": "User"}, "text": "${CHAT_USER}"}},
                {"fill": {"into": {"label": "Password"}, "text": "${CHAT_PASSWORD}"}},
                {"press": "Enter"},
            ]
        ],
    )
    """What a user does to sign in."""
    done: Locate | None = Field(default=None, examples=[{"role": "button", "name": "Account"}])
    """Visible when the user is signed in. Default: ``where.ready``."""
    accounts: tuple[Account, ...] = Field(
        default=(), examples=[[{"storage_state": ".auth/anna.json"}, {"storage_state": ".auth/ben.json"}]]
    )
    """Users for the lanes, in turn."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.storage_state is None and not self.steps and not self.accounts:
            raise ValueError(
                'needs storage_state, steps or accounts; hint: storage_state = ".auth/acme.json"'
            )
        if self.storage_state is not None and self.accounts:
            raise InvalidValue(
                "storage_state",
                self.storage_state,
                "cannot be combined with accounts; hint: leave one of them out",
            )
        if any(a.env for a in self.accounts) and not self.steps:
            raise InvalidValue(
                "steps",
                MISSING,
                "required by accounts with env; hint: "
                'steps = [{ fill = { into = { label = "User" }, text = "${CHAT_USER}" } }]',
            )
        return self
