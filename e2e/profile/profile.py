"""The profile: one TOML file that describes a chat frontend. The whole file is checked before a browser starts."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from e2e.errors import InvalidProfile
from e2e.profile.parts.access import Account, Limits, Login, RefusalRule
from e2e.profile.parts.backend import Backend, Call, Timeouts
from e2e.profile.parts.chat import Providers, Reply, Screen, Session
from e2e.profile.parts.memory import Memory
from e2e.profile.parts.policy import Gates, KnownIssue, Owners, PolicyPart
from e2e.profile.parts.product import ProductPart
from e2e.profile.parts.where import Command, Credentials, Where
from e2e.profile.parts.wire import Extract, WireRule
from e2e.profile.values.error_messages import (
    brief,
    error_message,
    error_messages,
    invalid_profile,
    toml_value,
)
from e2e.profile.values.fields import MISSING, InvalidValue, Part, Slug, Text, WebAddress, is_web_address
from e2e.profile.values.steps import Action, Fill, Locate, Steps

__all__ = [
    "SUITE", "TARGETS", "Account", "Action", "Backend", "Call", "Command", "Credentials", "Extract", "Fill", "Gates",
    "KnownIssue", "Limits", "Locate", "Login", "Memory", "PolicyPart", "ProductPart", "Profile", "Providers", "RefusalRule",
    "Reply", "Screen", "Session", "Steps", "Timeouts", "Where", "WireRule", "is_web_address", "load", "parse", "toml_value",
]  # fmt: skip

TARGETS = Path(__file__).resolve().parents[2] / "fixtures" / "targets"
SUITE = TARGETS.parents[1]
"""The suite's own folder. Paths in a profile are relative to it."""


class Profile(Part):
    """Everything the suite knows about a target."""

    schema_: Literal[1] = Field(default=1, alias="schema", examples=[1])
    """Version of the file format."""
    name: Slug = Field(examples=["acme"])
    """The name of the file, and of ``--target NAME``."""
    title: Text = Field(examples=["Acme support chat"])
    """Title in reports."""
    product: ProductPart | None = Field(
        default=None,
        examples=[
            {
                "version": "Acme chat 2.1",
                "judged": ["rotation"],
                "new_chat": "its own button",
                "start": "make e2e TARGET=acme",
            }
        ],
    )
    """The public product that this profile was tried with. For readers only."""
    where: Where = Field(
        examples=[{"url": "https://chat.example.org/", "ready": {"role": "textbox", "name": "Message"}}]
    )
    """Where the chat is, and how the browser opens it."""
    session: Session | None = Field(default=None, examples=[{"store": "localStorage", "key": "chat_session"}])
    """Where the page stores the session ID.

    Without this table the chat sends no session ID: the server knows the chat by its connection, or the page sends the whole
    conversation with each message. Then each chat is judged by its content, and the rotation checks that need an ID are
    inconclusive. ``[memory]`` tests such a chat's sessions.
    """
    steps: Steps = Field(
        examples=[
            {
                "message_box": {"role": "textbox", "name": "Message"},
                "new_chat": [{"click": {"role": "button", "name": "New chat"}}],
            }
        ]
    )
    """What a user does."""
    wire: tuple[WireRule, ...] = Field(
        min_length=1, examples=[[{"url": "/api/chat$", "session": "session_id", "provider": "provider"}]]
    )
    """Requests and frames that carry messages and replies. Each is a table ``[[wire]]``."""
    reply: Reply = Reply()
    """How the end of a reply is recognised."""
    screen: Screen = Screen()
    """What the page shows."""
    providers: Providers = Providers()
    """Who may reply, and how often."""
    policy: PolicyPart = PolicyPart()
    """The expected behaviour of this chat."""
    memory: Memory | None = Field(default=None, examples=[{"recall": "Which code word did I give you?"}])
    """Prompts that test whether a chat remembers, and whether the next chat does not."""
    known_issues: tuple[KnownIssue, ...] = Field(
        default=(),
        examples=[
            [{"cause": "label-stale", "until": dt.date(2027, 1, 31), "reason": "goes with the next design"}]
        ],
    )
    """Causes that do not fail a run until a date. Each is a table ``[[known_issues]]``."""
    owners: Owners = Owners()
    """Who looks at a failure."""
    links: dict[str, WebAddress] = Field(default={}, examples=[{"runbook": "https://wiki.example.org/chat"}])
    """Links for readers of the report, name -> address. They are shown with every check."""
    gates: Gates = Gates()
    """What a release needs besides passed checks."""
    limits: Limits = Limits()
    """What the target allows."""
    blocked: tuple[RefusalRule, ...] = Field(default=(), examples=[[{"kind": "login-wall", "url": "/login"}]])
    """What refusals look like on this target. Each is a table ``[[blocked]]``."""
    login: Login | None = Field(default=None, examples=[{"storage_state": ".auth/acme.json"}])
    """How a lane signs in."""
    backend: Backend | None = Field(
        default=None,
        examples=[{"lookup": {"method": "GET", "path": "/sessions/{session}", "provider": "provider"}}],
    )
    """The backend's own API."""
    timeouts: Timeouts = Timeouts()
    """Time limits."""

    @model_validator(mode="after")
    def _each_cause_once(self) -> Self:
        known: list[str] = []
        for n, one in enumerate(self.known_issues):
            if one.cause in known:
                raise InvalidValue(
                    f"known_issues[{n}].cause", one.cause, "this cause is listed twice; hint: leave one out"
                )
            known.append(one.cause)
        return self

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        names = [rule.name for rule in self.wire]
        received = {rule.name for rule in self.wire if rule.direction == "received"}
        used = {rule.answered_by for rule in self.wire}
        if len(received) == len(names):
            raise InvalidValue(
                "wire[0].direction", "received", 'no rule has direction = "sent"; hint: direction = "sent"'
            )
        for n, rule in enumerate(self.wire):
            if rule.name in names[:n]:
                raise InvalidValue(
                    f"wire[{n}].name",
                    rule.name,
                    "another wire rule has this name; hint: give each rule its own name",
                )
            if rule.answered_by is not None and rule.answered_by not in received:
                raise InvalidValue(
                    f"wire[{n}].answered_by",
                    rule.answered_by,
                    f'no wire rule with direction = "received" has this name (existing: {", ".join(sorted(received)) or "none"});'
                    f' hint: answered_by = "{min(received, default="events")}"',
                )
            if rule.name in received and rule.name not in used:
                raise InvalidValue(
                    f"wire[{n}].direction",
                    rule.direction,
                    f'no sent rule uses it; hint: answered_by = "{rule.name}" in the rule that is sent',
                )
        if not any(rule.judged for rule in self.wire if rule.direction == "sent"):
            number = next(n for n, rule in enumerate(self.wire) if not rule.judged)
            raise InvalidValue(
                f"wire[{number}].judged",
                False,
                "no other rule carries messages; hint: leave it out in the rule that carries messages",
            )
        return self

    @model_validator(mode="after")
    def _session_fits_the_rules(self) -> Self:
        """Either the profile names the ID's store and its place in every payload, or the chat sends no ID."""
        for n, rule in enumerate(self.wire):
            if rule.direction == "received":
                continue
            if self.session is not None and rule.session is None:
                raise InvalidValue(
                    f"wire[{n}].session",
                    MISSING,
                    'required with direction = "sent"; hint: session = "session_id", or leave out [session]'
                    " if this chat sends no session ID",
                )
            if self.session is None and rule.session is not None:
                raise InvalidValue(
                    "session",
                    MISSING,
                    f"required because wire[{n}].session names the ID that is sent; hint: session ="
                    ' { store = "localStorage", key = "chat_session" }, or { store = "none" } for an ID in memory only',
                )
        if self.session is None:
            for key, usual in (("rotation", "on_click"), ("id_is_secret", False)):
                if (value := getattr(self.policy, key)) != usual:
                    raise InvalidValue(
                        f"policy.{key}",
                        value,
                        "not used without [session]: there is no ID; hint: leave it out",
                    )
        return self

    @property
    def sends_id(self) -> bool:
        """The chat sends a session ID."""
        return self.session is not None

    @property
    def id_store(self) -> Session:
        """Where the page stores the session ID; nowhere, for a chat that sends none."""
        return self.session or Session(store="none")

    @model_validator(mode="after")
    def _tables_agree(self) -> Self:
        if self.reply.text_stable_for is not None and self.screen.messages is None:
            raise InvalidValue(
                "reply.text_stable_for",
                self.reply.text_stable_for,
                'needs screen.messages; hint: screen = { messages = { test_id = "message" } }',
            )
        total, each = self.limits.messages, self.limits.messages_per_context
        if total is not None and each is not None and total < each:
            raise InvalidValue(
                "limits.messages",
                total,
                f"must be at least messages_per_context = {each}; hint: raise it, or leave one of them out",
            )
        self._ready_fits()
        if self.timeouts.idle >= self.timeouts.reply:
            raise InvalidValue(
                "timeouts.idle",
                self.timeouts.idle,
                f"must be below reply = {self.timeouts.reply:g}; hint: idle = 0.15",
            )
        if self.providers.source == ("label",) and self.screen.provider is None:
            raise InvalidValue(
                "providers.source",
                ["label"],
                'screen.provider is not set; hint: screen = { provider = { test_id = "provider" } }',
            )
        if self.providers.source == ("backend",) and (self.backend is None or self.backend.lookup is None):
            raise InvalidValue(
                "providers.source",
                ["backend"],
                "backend.lookup is not set; hint: backend.lookup ="
                ' { method = "GET", path = "/sessions/{session}", provider = "provider" }',
            )
        return self

    def _ready_fits(self) -> None:
        ready = self.where.ready
        if ready.stored and self.id_store.store == "none":
            raise InvalidValue(
                "where.ready.stored",
                True,
                'needs a store, and session.store is "none"; hint: ready = { role = "textbox", name = "Message" }',
            )
        sockets = sorted(rule.name for rule in self.wire if rule.transport == "websocket")
        if ready.socket is not None and ready.socket not in sockets:
            raise InvalidValue(
                "where.ready.socket",
                ready.socket,
                'no wire rule with transport = "websocket" has this name'
                f' (existing: {", ".join(sockets) or "none"}); hint: ready = {{ socket = "{sockets[0] if sockets else "chat"}" }}',
            )


def load(name_or_path: str) -> Profile:
    """Read a profile by name (``fixtures/targets/NAME.toml``) or by path.

    Raises `InvalidProfile` with the file, the key, the value, the rule and a hint.
    """
    path, file = _find(name_or_path)
    text = ""
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidProfile(
                f"{file}: has {path.stat().st_size:,} bytes, and no profile has more than {_LARGEST:,}",
                hint=_NOT_ONE_OF_OURS,
            )
        text = path.read_bytes().decode("utf-8-sig")
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        value = repr(error.object[error.start : error.start + 4])
        hint = "save the file as UTF-8 (not as UTF-16 or Latin-1)"
        raise invalid_profile(
            [error_message(file, f"byte {error.start + 1}", value, "not UTF-8 text", hint)]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise invalid_profile([_toml_error(file, text, error)]) from error
    except RecursionError as error:
        raise InvalidProfile(
            f"{file}: its tables and lists are nested too deep", hint=_NOT_ONE_OF_OURS
        ) from error
    except ValueError as error:  # an integer of more than 4,300 digits, a date that no calendar has
        raise InvalidProfile(f"{file}: not TOML ({error})", hint=_NOT_ONE_OF_OURS) from error
    except OSError as error:
        raise InvalidProfile(
            f"{file}: cannot be read: {error.strerror}",
            hint="make the file readable for this user, or choose another one",
        ) from error
    if not raw:
        raise InvalidProfile(
            f"{file}: the file is empty",
            hint="`python -m e2e discover URL` proposes a profile, e2e/docs/profiles.md has a small one",
        )
    return parse(raw, file)


_LARGEST = 1_000_000
_NOT_ONE_OF_OURS = (
    "is this a profile? `python -m e2e discover URL` proposes one, e2e/docs/profiles.md explains every key"
)


def _toml_error(file: str, text: str, error: tomllib.TOMLDecodeError) -> str:
    """The error of `tomllib` in the form of all others: file and line, the line itself, rule, hint."""
    what = str(error)
    lines = text.split("\n")
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", what)
    rule = what[: found.start()] if found else what
    number = int(found.group(1)) if found and found.group(1) else len(text.rstrip().split("\n"))
    rule = _TOML_RULES.get(rule, rule)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    column = f", column {found.group(2)}" if found and found.group(2) else ""
    line = re.sub(r"(?i)((?:password|passwd|authorization|cookie)\S*\s*=\s*).*", r"\1***", line)
    return error_message(
        file, f"line {number}{column}", brief(line), f"not TOML ({rule})", "correct this line"
    )


_TOML_RULES = {
    "Cannot overwrite a value": "duplicate key or table",
    "Invalid value": "not a value; strings need quotes",
    "Cannot mutate immutable namespace": "this table is already defined",
}


def parse(raw: Mapping[str, Any], file: str) -> Profile:
    """Validate parsed TOML. ``file`` is its name in messages. Raises `InvalidProfile`."""
    try:
        return Profile.model_validate(raw)
    except ValidationError as error:
        raise invalid_profile(error_messages(Profile, file, raw, error)) from None


def _find(name_or_path: str) -> tuple[Path, str]:
    """The file, and its name in messages: the path as it was given."""
    named = TARGETS / f"{name_or_path}.toml"
    if re.fullmatch(r"[A-Za-z0-9_-]{1,200}", name_or_path) and named.is_file():
        return named, str(named.relative_to(SUITE))
    try:
        path = Path(name_or_path).expanduser()
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, RuntimeError):  # too long for a name; `~name` of nobody
        path, is_file, is_folder = Path(name_or_path), False, False
    if is_file:
        return path, name_or_path
    if name_or_path and is_folder and "/" in name_or_path:
        raise InvalidProfile(
            f"--target {name_or_path}: is a folder",
            hint="the path of a TOML file, such as fixtures/targets/reference.toml",
        )
    known = ", ".join(sorted(p.stem for p in TARGETS.glob("*.toml")))
    shown = name_or_path if name_or_path.isprintable() and len(name_or_path) < 200 else brief(name_or_path)
    raise InvalidProfile(
        f"--target {shown}: no such profile",
        hint=f"a name ({known}) or the path of a TOML file; `python -m e2e discover URL` proposes one",
    )
