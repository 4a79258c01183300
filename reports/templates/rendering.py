"""The templates of reports: HTML escapes its values, Markdown makes them inert and short."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

_FOLDER = Path(__file__).parent
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<=\])[(\[:]|(?<![\w`/@.])@(?=\w)")
"""Where HTML, a link's address or the mention of a person begins; a backslash would not help after another one."""
_PUNCTUATION = re.compile(r"[\\`*_{}\[\]<>&@~#]")
_LONGEST = 4_000
"""Characters of a value in Markdown: a target chooses how long its texts are, and GitHub shows no comment of more than 65,536."""
MOST_MARKDOWN = 900_000
"""Bytes of a page in Markdown: GitHub refuses a job's page of more than 1 MiB."""


def template(name: str) -> Template:
    """A template by its file name; an undefined variable is an error.

    In Markdown a value makes no HTML, no link, no line and no mention of its own, and is cut where it is too long; the filter ``cell``
    keeps it inside of a table's cell, ``name`` makes it plain text, ``code`` keeps it inside of backticks, ``fenced`` inside of a block
    of code, and ``lines`` leaves the lines of a table that was made before.
    """
    html = name.endswith(".html.j2")
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=html,  # noqa: S701 - `finalize` makes Markdown inert
        finalize=None if html else _inert,
    )
    environment.filters["cell"] = lambda text: _Short(_short(text).replace("|", "\\|"))
    environment.filters["name"] = lambda text: _Inert(
        _PUNCTUATION.sub(_entity, _short(text)).replace("|", "\\|")
    )
    environment.filters["code"] = lambda text: _Inert(_short(text).replace("`", "'"))
    environment.filters["fenced"] = lambda text: _Inert(_cut(str(text)).replace("~~~", "~ ~ ~"))
    environment.filters["lines"] = lambda text: _Inert(_MARKUP.sub(_entity, str(text)))
    return environment.get_template(name)


def bounded(markdown: str, most: int = MOST_MARKDOWN) -> str:
    """``markdown`` with whole lines of at most ``most`` bytes, and what says so where lines are missing."""
    data = markdown.encode(errors="backslashreplace")
    if len(data) <= most:
        return markdown
    kept = data[: max(0, most - 100)].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\n… the rest is in `summary.json` ({len(data):,} bytes were too many).\n"


class _Inert(str):
    """A text that a filter has made inert already."""

    __slots__ = ()


class _Short(str):
    """A text that a filter has cut and brought on one line already."""

    __slots__ = ()


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _short(text: object) -> str:
    return re.sub(r"\s*\n\s*", " ", _cut(str(text)))


def _inert(value: object) -> object:
    """``value`` for Markdown. Its bold and code marks stay: sentences of our own have them."""
    if not isinstance(value, str) or isinstance(value, _Inert) or value == "\n":
        return value
    return _MARKUP.sub(_entity, value if isinstance(value, _Short) else _short(value))


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
