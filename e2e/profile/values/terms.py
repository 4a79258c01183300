"""The small values of a profile, each checked where it stands: JMESPath, regular expressions, addresses, names of secrets.

A rule is told as ``what is wrong; example: what would be right``: `e2e.profile.values.error_texts` puts the example on its own line.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from e2e.profile.values.expressions import check_condition, check_place

ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""``${NAME}`` in a text of a profile: the environment variable of that name, put in when a browser is to start."""

NOTHING = object()
"""The value of a `Misfit` whose key is not there."""

SECRET_KEY = re.compile(
    r"(?i)^(proxy-)?authorization$|^cookie$|^x-(api-key|auth-token|access-token)$|^api-key$|passwor[dt]|passwd"
)
"""Names of values that are not written into a file, and not shown in a message."""


class Misfit(ValueError):
    """A value that is wrong because of another one: ``key`` is where a person would change it, below the table that says so."""

    def __init__(self, key: str, value: Any, rule: str) -> None:
        super().__init__(rule)
        self.key = key
        self.value = value


class Part(BaseModel):
    """A table of the profile: frozen, no unknown keys, and what stands below a field is its description.

    Strict, since ``ready = "10"`` or ``writes = "yes"`` is a slip, and the next one is not read as it was meant.
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
        """TOML's arrays are lists, and what is frozen has tuples."""
        if isinstance(raw, dict):
            return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        return raw


def _is_regex(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        column = "" if error.pos is None else f" at column {error.pos + 1}"
        raise ValueError(f'not a regular expression ({error.msg}{column}); example: "^chat_.*"') from error
    if compiled.search(""):
        raise ValueError('it matches everything, also an empty text; example: "^chat_.*"')
    return pattern


_ANY_ADDRESS = (
    ("https://a.example/", "https://b.example/app.js?v=1"),
    ("http://a.example/", "http://b.example:81/x.css"),
)


def _is_url_regex(pattern: str) -> str:
    _is_regex(pattern)
    if any(all(re.search(pattern, url) for url in urls) for urls in _ANY_ADDRESS):
        raise ValueError('it matches every address; example: "/api/chat$"')
    return pattern


def is_web_address(url: str) -> str:
    """``url`` when it can be opened. Raises ``ValueError`` otherwise."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        usable = False
    if not usable or re.search(r"\s", url):
        raise ValueError('not a web address; example: "https://chat.example.org/"')
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
    outside = re.sub(r"\[[^\]]*\]", "", rest)  # an attribute's value may hold what is no CSS elsewhere
    if opened or not selector or re.search(r"[{};\"'=/@]|>\s*>|^[>+~,]|[>+~,]$", outside):
        raise ValueError('not a CSS selector; example: "button[data-action=new]"')
    return selector


def _is_header(name: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError('not the name of a header; example: "X-Session-Id"')
    return name


def _is_variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError('not the name of an environment variable; example: "CHAT_PASSWORD"')
    return name


def _is_host(host: str) -> str:
    if not re.fullmatch(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?", host):
        raise ValueError('not a host (no scheme, no path); example: "*.analytics.example"')
    return host


def _is_timezone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if known and name not in known:
        raise ValueError('no time zone has this name; example: "Europe/Berlin"')
    return name


def _is_template(text: str) -> str:
    """``${NAME}`` is right, whatever else looks like it is a slip that would be sent as it stands."""
    rest = ENVIRONMENT.sub("", text)
    slip = re.search(r"\$\{[^}]*\}?|\$[A-Z_][A-Z0-9_]{2,}", rest)
    if slip:
        raise ValueError(f'{slip.group()} is no variable, it is written ${{NAME}}; example: "${{CHAT_USER}}"')
    return text


def check_headers(headers: dict[str, str]) -> None:
    """Raises `Misfit` for a value that cannot be sent, or that is a secret and stands there in the clear."""
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii():
            raise Misfit(f"headers.{name}", value, 'a header is one line of ASCII; example: "${TOKEN}"')
        if SECRET_KEY.search(name) and not ENVIRONMENT.search(value):
            shape = '"Bearer ${ADMIN_TOKEN}"' if "authorization" in name.lower() else '"${ADMIN_TOKEN}"'
            raise Misfit(f"headers.{name}", value, f"a secret does not stand in a file; example: {shape}")


def shaped(pattern: str, rule: str) -> tuple[AfterValidator, Any]:
    """A validator for texts of one shape, told in plain words, and the pattern for the JSON Schema."""

    def check(text: str) -> str:
        if not re.search(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern})


JMESPath = Annotated[str, AfterValidator(check_place)]
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
Path = Annotated[str, *shaped(r"^/", 'begins with a slash; example: "/api/sessions/{session}"')]
Slug = Annotated[
    str,
    *shaped(
        r"^[a-z0-9][a-z0-9_-]*$", 'small letters, digits, - and _, as in a file\'s name; example: "acme"'
    ),
]
RuleName = Annotated[
    str, *shaped(r"^[A-Za-z0-9][A-Za-z0-9 _-]*$", 'letters, digits, blanks, - and _; example: "chat"')
]
Method = Annotated[str, *shaped(r"^[A-Z]+$", 'an HTTP method in capitals; example: "POST"')]
Locale = Annotated[
    str,
    *shaped(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", 'language, then country after a hyphen; example: "en-GB"'),
]
