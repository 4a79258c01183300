"""What the target allows, how it refuses, and how a lane becomes a user."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from e2e.profile.values.steps import Action, Locate
from e2e.profile.values.terms import (
    NOTHING,
    Condition,
    Misfit,
    Part,
    Regex,
    Seconds,
    Text,
    Variable,
    WebAddress,
)


class Limits(Part):
    """What the target allows, so that the suite stays within it."""

    messages_per_context: int | None = Field(default=None, ge=2, le=1_000_000, examples=[15])
    """Messages in one browser context. After them a lane continues in a fresh one."""
    requests_per_minute: float | None = Field(default=None, gt=0, le=100_000, examples=[60])
    """Messages per minute, over all lanes together."""
    messages: int | None = Field(default=None, ge=1, le=1_000_000, examples=[200])
    """Messages in the whole run. Chats beyond this number are not started."""
    retry_after: Seconds = 30
    """The suite waits for a ``Retry-After`` of at most this many seconds, once per chat. A longer one ends the chat as blocked."""


class Sign(Part):
    """What a refusal looks like: exactly one of screen, url, status, answer."""

    kind: Literal["rate-limited", "daily-limit", "login-wall", "captcha", "backend-down", "blocked"] = Field(
        examples=["daily-limit"]
    )
    """Its name in the report."""
    screen: Locate | None = Field(default=None, examples=[{"role": "alert", "name": "Daily limit"}])
    """Visible when a message is refused."""
    url: Regex | None = Field(default=None, examples=["/login"])
    """Regular expression on the page's address."""
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] | None = Field(
        default=None, min_length=1, examples=[[429, 503]]
    )
    """HTTP status of the response to a message."""
    answer: Condition | None = Field(default=None, examples=["error.code == 'quota_exceeded'"])
    """Condition on a response."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = [s for s in ("screen", "url", "status", "answer") if getattr(self, s) is not None]
        if len(said) != 1:
            raise ValueError(
                f"exactly one of screen, url, status, answer (this says {', '.join(said) or 'none of them'});"
                ' example: screen = { role = "alert", name = "Daily limit" }'
            )
        return self


class Account(Part):
    """One of several users for parallel lanes: a saved state, or the variables of the login steps."""

    storage_state: Text | None = Field(default=None, examples=[".auth/anna.json"])
    """A Playwright storage-state file of this user."""
    env: dict[Variable, Variable] = Field(default={}, examples=[{"CHAT_USER": "CHAT_USER_1"}])
    """Variable that the steps use -> environment variable of this account."""

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if (self.storage_state is None) == (not self.env):
            raise ValueError('an account has a storage_state or an env; example: storage_state = "anna.json"')
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
    def _a_way(self) -> Self:
        if self.storage_state is None and not self.steps and not self.accounts:
            raise ValueError(
                'no way to log in: storage_state, steps or accounts; example: storage_state = ".auth/acme.json"'
            )
        if self.storage_state is not None and self.accounts:
            raise Misfit(
                "storage_state",
                self.storage_state,
                "is for one user, and accounts for several; leave one out",
            )
        if any(a.env for a in self.accounts) and not self.steps:
            raise Misfit(
                "steps",
                NOTHING,
                "accounts with env need the steps that use them; example: "
                'steps = [{ fill = { into = { label = "User" }, text = "${CHAT_USER}" } }]',
            )
        return self
