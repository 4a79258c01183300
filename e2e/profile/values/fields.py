"""Types of the fields of a profile, each with its validation: JMESPath, regular expressions, URLs, names of secrets.

A validator raises ``ValueError("rule; hint: example")``. `e2e.profile.values.error_messages` puts the hint on its own line.
"""

from __future__ import annotations

import re
import warnings
import zoneinfo
from typing import Annotated, Any
from urllib.parse import urlsplit

import regex
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from e2e.profile.values.bounded import Pattern
from e2e.profile.values.expressions import check_condition, check_location

ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""``${NAME}`` in a string of a profile: an environment variable, replaced when a browser starts."""

HINT = "; hint: "
"""Separates rule and hint in the message of a validator."""

MISSING = object()
"""The value of an `InvalidValue` whose key is absent."""

SECRET_KEY = re.compile(
    r"(?i)^(proxy-)?authorization$|^cookie$|^x-(api-key|auth-token|access-token)$|^api-key$|passwor[dt]|passwd"
)
"""Names of secrets: not allowed in a file, and never shown in a message."""


class InvalidValue(ValueError):
    """A value that does not fit another one. ``key`` is the key to change, relative to the table that was validated."""

    def __init__(self, key: str, value: Any, rule: str) -> None:
        super().__init__(rule)
        self.key = key
        self.value = value


class Part(BaseModel):
    """A table of the profile: frozen, without unknown keys. The docstring below a field is its description.

    Strict: pydantic would otherwise read ``writes = "no"`` as false, and accept other values that were not meant.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _arrays(cls, raw: Any) -> Any:
        """TOML arrays are lists, and frozen models need tuples."""
        if isinstance(raw, dict):
            return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        return raw


def _is_regex(pattern: str) -> str:
    try:
        with warnings.catch_warnings(action="ignore"):  # of what a later Python would read otherwise
            compiled = re.compile(pattern)
    except (RecursionError, OverflowError) as error:
        raise ValueError(f'not a regular expression ({error}); hint: "^chat_.*"') from error
    except re.error as error:
        column = "" if error.pos is None else f" at column {error.pos + 1}"
        raise ValueError(f'not a regular expression ({error.msg}{column}); hint: "^chat_.*"') from error
    try:
        Pattern(pattern, "")
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f'not a regular expression ({error}); hint: "^chat_.*"') from error
    if compiled.search(""):
        raise ValueError('matches everything, even empty text; hint: "^chat_.*"')
    return pattern


_ANY_ADDRESS = (
    ("https://a.example/", "https://b.example/app.js?v=1"),
    ("http://a.example/", "http://b.example:81/x.css"),
)


def _is_url_regex(pattern: str) -> str:
    _is_regex(pattern)
    if any(all(re.search(pattern, url) for url in urls) for urls in _ANY_ADDRESS):
        raise ValueError('matches every URL; hint: "/api/chat$"')
    return pattern


def is_web_address(url: str) -> str:
    """``url`` if a browser can open it. Raises ``ValueError`` otherwise."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port
        usable = False
    if not usable or re.search(r"\s", url):
        raise ValueError('not an http or https URL; hint: "https://chat.example.org/"')
    return url


def _is_css(selector: str) -> str:
    rest = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\\.', "", selector).strip()
    pairs = {")": "(", "]": "["}
    opened: list[str] = []
    for letter in rest:
        if letter in "([":
            opened.append(letter)
        elif letter in pairs and (not opened or opened.pop() != pairs[letter]):
            opened = ["?"]
            break
    outside = re.sub(r"\[[^\]]*\]", "", rest)  # an attribute's value may contain any character
    if opened or not selector or re.search(r"[{};\"'=/@]|>\s*>|^[>+~,]|[>+~,]$", outside):
        raise ValueError('not a CSS selector; hint: "button[data-action=new]"')
    return selector


def _is_header(name: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError('not a header name; hint: "X-Session-Id"')
    return name


def _is_variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError('not the name of an environment variable; hint: "CHAT_PASSWORD"')
    return name


def _is_host(host: str) -> str:
    if not re.fullmatch(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?", host):
        raise ValueError('not a host (no scheme, no path); hint: "*.analytics.example"')
    return host


def _is_timezone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if known and name not in known:
        raise ValueError('unknown time zone; hint: "Europe/Berlin"')
    return name


def _is_template(text: str) -> str:
    """Refuses what looks like a variable but is not ``${NAME}``: it would be sent literally."""
    rest = ENVIRONMENT.sub("", text)
    mistake = re.search(r"\$\{[^}]*\}?|\$[A-Z_][A-Z0-9_]{2,}", rest)
    if mistake:
        raise ValueError(f'{mistake.group()} is not a variable: write ${{NAME}}; hint: "${{CHAT_USER}}"')
    return text


def check_headers(headers: dict[str, str], at: str = "headers") -> None:
    """Raises `InvalidValue` for a value that cannot be sent, or for a secret that is not ``${NAME}``."""
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii():
            raise InvalidValue(f"{at}.{name}", value, 'a header value is one line of ASCII; hint: "${TOKEN}"')
        if SECRET_KEY.search(name) and not ENVIRONMENT.search(value):
            shape = '"Bearer ${ADMIN_TOKEN}"' if "authorization" in name.lower() else '"${ADMIN_TOKEN}"'
            raise InvalidValue(f"{at}.{name}", value, f"secrets are not allowed in the file; hint: {shape}")


def matching(pattern: str, rule: str) -> tuple[AfterValidator, Any]:
    """A validator for strings that match ``pattern``, with its rule, and the pattern for the JSON Schema."""

    def check(text: str) -> str:
        if not re.search(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern})


JMESPath = Annotated[str, AfterValidator(check_location)]
Condition = Annotated[str, AfterValidator(check_condition)]
Regex = Annotated[str, AfterValidator(_is_regex)]
UrlRegex = Annotated[str, AfterValidator(_is_url_regex)]
WebAddress = Annotated[str, AfterValidator(is_web_address)]
Css = Annotated[str, AfterValidator(_is_css)]
HeaderName = Annotated[str, AfterValidator(_is_header)]
Variable = Annotated[str, AfterValidator(_is_variable)]
Host = Annotated[str, AfterValidator(_is_host)]
Template = Annotated[str, AfterValidator(_is_template)]
Timezone = Annotated[str, AfterValidator(_is_timezone)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Text = Annotated[str, Field(min_length=1)]
Path = Annotated[str, *matching(r"^/", 'must start with a slash; hint: "/api/sessions/{session}"')]
Slug = Annotated[
    str,
    *matching(r"^[a-z0-9][a-z0-9_-]*$", 'only lowercase letters, digits, - and _; hint: "acme"'),
]
RuleName = Annotated[
    str, *matching(r"^[A-Za-z0-9][A-Za-z0-9 _-]*$", 'only letters, digits, spaces, - and _; hint: "chat"')
]
Method = Annotated[str, *matching(r"^[A-Z]+$", 'expected an HTTP method in capitals; hint: "POST"')]
Locale = Annotated[
    str,
    *matching(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", 'expected a language, or language-COUNTRY; hint: "en-GB"'),
]
