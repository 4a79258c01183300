"""The profile: one TOML file that describes a chat frontend. The whole file is checked before a browser starts."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from e2e.errors import InvalidProfile
from e2e.profile.parts.access import Account, Limits, Login, Sign
from e2e.profile.parts.backend import Backend, Call, Timeouts
from e2e.profile.parts.chat import Providers, Reply, Screen, Session
from e2e.profile.parts.policy import AcceptedCause, Gates, Owners, PolicyPart
from e2e.profile.parts.where import Command, Credentials, Where
from e2e.profile.parts.wire import Extract, WireRule
from e2e.profile.values.error_texts import explain, toml_value
from e2e.profile.values.steps import Action, Fill, Locate, Steps
from e2e.profile.values.terms import ENVIRONMENT, Misfit, Part, Slug, Text, WebAddress, is_web_address

__all__ = [
    "SUITE", "TARGETS", "AcceptedCause", "Account", "Action", "Backend", "Call", "Command", "Credentials", "Extract", "Fill",
    "Gates", "Limits", "Locate", "Login", "PolicyPart", "Profile", "Providers", "Reply", "Screen", "Session", "Sign", "Steps", "Timeouts",
    "Where", "WireRule", "check_files", "check_variables", "expand", "is_web_address", "load", "parse", "toml_value", "variables_of",
]  # fmt: skip

TARGETS = Path(__file__).resolve().parents[2] / "fixtures" / "targets"
SUITE = TARGETS.parents[1]
"""The suite's own folder: what relative paths in a profile begin at."""


class Profile(Part):
    """Everything the suite knows about a target."""

    schema_: Literal[1] = Field(default=1, alias="schema", examples=[1])
    """Version of the file format."""
    name: Slug = Field(examples=["acme"])
    """The name of the file, and of ``--target NAME``."""
    title: Text = Field(examples=["Acme support chat"])
    """Title in reports."""
    where: Where = Field(
        examples=[{"url": "https://chat.example.org/", "ready": {"role": "textbox", "name": "Message"}}]
    )
    """Where the chat is, and how the browser opens it."""
    session: Session = Field(examples=[{"store": "localStorage", "key": "chat_session"}])
    """Where the page stores the session ID."""
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
    """What is right for this chat."""
    accepted: tuple[AcceptedCause, ...] = Field(
        default=(),
        examples=[
            [{"cause": "label-stale", "until": dt.date(2027, 1, 31), "reason": "goes with the next design"}]
        ],
    )
    """Known faults that do not fail a run until a date. Each is a table ``[[accepted]]``."""
    owners: Owners = Owners()
    """Who looks at a failure."""
    links: dict[str, WebAddress] = Field(default={}, examples=[{"runbook": "https://wiki.example.org/chat"}])
    """Links for readers of the report, name -> address. They are shown with every check."""
    gates: Gates = Gates()
    """What a release needs besides passed checks."""
    limits: Limits = Limits()
    """What the target allows."""
    blocked: tuple[Sign, ...] = Field(default=(), examples=[[{"kind": "login-wall", "url": "/login"}]])
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
    def _rules_fit(self) -> Self:
        known: list[str] = []
        for n, one in enumerate(self.accepted):
            if one.cause in known:
                raise Misfit(f"accepted[{n}].cause", one.cause, "this cause is accepted twice; leave one out")
            known.append(one.cause)
        names = [rule.name for rule in self.wire]
        received = {rule.name for rule in self.wire if rule.direction == "received"}
        used = {rule.answered_by for rule in self.wire}
        for n, rule in enumerate(self.wire):
            if rule.name in names[:n]:
                raise Misfit(
                    f"wire[{n}].name", rule.name, "two wire rules have this name; give each one of its own"
                )
            if rule.answered_by is not None and rule.answered_by not in received:
                raise Misfit(
                    f"wire[{n}].answered_by",
                    rule.answered_by,
                    f'names no wire rule with direction = "received" (there are: {", ".join(sorted(received)) or "none"});'
                    f' example: answered_by = "{min(received, default="events")}"',
                )
            if rule.name in received and rule.name not in used:
                raise Misfit(
                    f"wire[{n}].direction",
                    rule.direction,
                    f'answers no rule that is sent; say answered_by = "{rule.name}" there',
                )
        if len(received) == len(names):
            raise Misfit(
                "wire[0].direction", "received", 'no rule is for what is sent; example: direction = "sent"'
            )
        if not any(rule.judged for rule in self.wire if rule.direction == "sent"):
            number = next(n for n, rule in enumerate(self.wire) if not rule.judged)
            raise Misfit(
                f"wire[{number}].judged",
                False,
                "no rule would carry messages; leave it out where the messages are",
            )
        return self

    @model_validator(mode="after")
    def _tables_agree(self) -> Self:
        if self.reply.settled is not None and self.screen.messages is None:
            raise Misfit(
                "reply.settled",
                self.reply.settled,
                "watches the messages, and screen does not say where they are;"
                ' example: screen = { messages = { test_id = "message" } }',
            )
        total, each = self.limits.messages, self.limits.messages_per_context
        if total is not None and each is not None and total < each:
            raise Misfit(
                "limits.messages",
                total,
                f"is for the whole run, and below messages_per_context = {each}; raise it, or leave one out",
            )
        if self.timeouts.quiet >= self.timeouts.reply:
            raise Misfit(
                "timeouts.quiet",
                self.timeouts.quiet,
                f"is not below reply = {self.timeouts.reply:g}; example: quiet = 0.15",
            )
        if self.providers.source == ("label",) and self.screen.provider is None:
            raise Misfit(
                "providers.source",
                ["label"],
                'no label is described; example: screen = { provider = { test_id = "provider" } }',
            )
        if self.providers.source == ("backend",) and (self.backend is None or self.backend.lookup is None):
            raise Misfit(
                "providers.source",
                ["backend"],
                "no look-up is described; example: backend.lookup ="
                ' { method = "GET", path = "/sessions/{session}", provider = "provider" }',
            )
        return self


def load(name_or_path: str) -> Profile:
    """Read a profile by name (``fixtures/targets/NAME.toml``) or by path.

    Raises `InvalidProfile` with the file, the key, the value, the rule and a hint.
    """
    path = _find(name_or_path)
    file = _shown(path)
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidProfile(
            f"{file}: at byte {error.start + 1}\n  got {error.object[error.start : error.start + 4]!r} : not UTF-8 text",
            hint="save the file as UTF-8 (not as UTF-16 or Latin-1)",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidProfile(_no_toml(file, path, error), hint="correct that line") from error
    except OSError as error:
        raise InvalidProfile(
            f"{file}: cannot be read: {error.strerror}",
            hint="give yourself the right to read it, or name another",
        ) from error
    if not raw:
        raise InvalidProfile(
            f"{file}: says nothing",
            hint="`python -m e2e discover URL` proposes a profile, e2e/docs/profiles.md has a small one",
        )
    return parse(raw, file)


def _no_toml(file: str, path: Path, error: tomllib.TOMLDecodeError) -> str:
    """Python's message in the form of all the others: the place, the line, the rule."""
    what = str(error)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", what)
    rule = what[: found.start()] if found else what
    number = int(found.group(1)) if found and found.group(1) else len(lines)
    rule = _TOML_WORDS.get(rule, rule)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    column = f", column {found.group(2)}" if found and found.group(2) else ""
    line = re.sub(r"(?i)((?:password|passwd|authorization|cookie)\S*\s*=\s*).*", r"\1***", line)
    return f"{file}: at line {number}{column}\n  got {line!r} : not TOML ({rule})"


_TOML_WORDS = {
    "Cannot overwrite a value": "this key or table is said twice",
    "Invalid value": "no value begins like this; a text stands in quotes",
    "Cannot mutate immutable namespace": "this table was closed before",
}


def parse(raw: Mapping[str, Any], file: str) -> Profile:
    """A profile from parsed TOML; ``file`` is for messages. Raises `InvalidProfile`."""
    try:
        return Profile.model_validate(raw)
    except ValidationError as error:
        raise InvalidProfile(
            "\n".join(explain(Profile, file, raw, error)),
            hint="e2e/docs/profiles.md explains every key; fixtures/targets/reference.toml is a complete example",
        ) from None


def variables_of(profile: Profile) -> tuple[str, ...]:
    """Environment variables that the profile refers to by ``${NAME}``, in order of appearance.

    A variable that every account gives under another name is replaced by those.
    """
    found: dict[str, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, str):
            found.update(dict.fromkeys(ENVIRONMENT.findall(value)))
        elif isinstance(value, dict):
            for part in value.values():
                look(part)
        elif isinstance(value, list | tuple):
            for part in value:
                look(part)

    look(profile.model_dump(exclude={"login": {"accounts"}}))
    accounts = profile.login.accounts if profile.login else ()
    for account in accounts:
        for name, real in account.env.items():
            found.pop(name, None)
            found[real] = None
    return tuple(found)


def check_variables(profile: Profile, environment: Mapping[str, str]) -> None:
    """Raises `InvalidProfile` naming each variable that is not set, and the key that needs it."""
    missing = [name for name in variables_of(profile) if not environment.get(name)]
    if missing:
        places = dict(_texts(profile.model_dump(by_alias=True, exclude_none=True), ""))
        told = []
        for name in missing:
            key = next((k for k, text in places.items() if f"${{{name}}}" in text), "login.accounts")
            told.append(
                f"profile {profile.name!r}: at {key}\n  got ${{{name}}} : the environment has no {name}"
            )
        raise InvalidProfile(
            "\n".join(told),
            hint=f"export {' '.join(f'{name}=…' for name in missing)}, or take it out of the profile",
        )


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple):
        for n, part in enumerate(value):
            yield from _texts(part, f"{key}[{n}]")


def check_files(profile: Profile, folder: Path) -> None:
    """Raises `InvalidProfile` for a storage state that is not there or is none; ``folder``: what paths are relative to."""
    if profile.login is None:
        return
    said = [("login.storage_state", profile.login.storage_state)]
    said += [
        (f"login.accounts[{n}].storage_state", a.storage_state) for n, a in enumerate(profile.login.accounts)
    ]
    for key, name in said:
        if name is None:
            continue
        path = folder / Path(name).expanduser()
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            rule = (
                ""
                if isinstance(state, dict) and {"cookies", "origins"} & state.keys()
                else "not a storage state"
            )
        except OSError as error:
            rule = f"cannot be read: {error.strerror}"
        except ValueError:
            rule = "not a storage state (no JSON)"
        if rule:
            raise InvalidProfile(
                f"profile {profile.name!r}: at {key}\n  got {name!r} : {rule}",
                hint="`make login` writes it, and paths are relative to the suite's folder",
            )


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """``text`` with each ``${NAME}`` replaced by the environment's value. Raises `InvalidProfile` when there is none."""
    values = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        found = values.get(match.group(1))
        if not found:
            raise InvalidProfile(
                f"the environment has no {match.group(1)}", hint=f"export {match.group(1)}=…"
            )
        return found

    return ENVIRONMENT.sub(value, text)


def _find(name_or_path: str) -> Path:
    named = TARGETS / f"{name_or_path}.toml"
    if re.fullmatch(r"[A-Za-z0-9_-]+", name_or_path) and named.is_file():
        return named
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    if name_or_path and path.is_dir() and "/" in name_or_path:
        raise InvalidProfile(
            f"--target {name_or_path}: a folder",
            hint="the path of a TOML file, such as fixtures/targets/reference.toml",
        )
    known = ", ".join(sorted(p.stem for p in TARGETS.glob("*.toml")))
    raise InvalidProfile(
        f"--target {name_or_path}: no such profile",
        hint=f"a name ({known}) or the path of a TOML file; `python -m e2e discover URL` proposes one",
    )


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return path.name
