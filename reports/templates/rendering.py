"""The templates of reports: HTML escapes its values, Markdown does not."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

_FOLDER = Path(__file__).parent
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<=\])[(\[:]|(?<![\w`/@.])@(?=\w)")
"""Where HTML, a link's address or the mention of a person begins; a backslash would not help after another one."""
_PUNCTUATION = re.compile(r"[\\`*_{}\[\]<>&@~#]")


def template(name: str) -> Template:
    """A template by its file name; an undefined variable is an error.

    In Markdown a value makes no HTML, no link, no line and no mention of its own; the filter ``cell`` keeps it inside of a table's cell,
    ``name`` makes it plain text, ``code`` keeps it inside of backticks and ``fenced`` inside of a block of code.
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
    environment.filters["line"] = lambda text: str(text).replace("\n", " ")
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    environment.filters["name"] = lambda text: _Inert(
        _PUNCTUATION.sub(_entity, str(text)).replace("|", "\\|").replace("\n", " ")
    )
    environment.filters["code"] = lambda text: _Inert(str(text).replace("`", "'").replace("\n", " "))
    environment.filters["fenced"] = lambda text: _Inert(str(text).replace("~~~", "~ ~ ~"))
    return environment.get_template(name)


class _Inert(str):
    """A text that a filter has made inert already."""

    __slots__ = ()


def _inert(value: object) -> object:
    """``value`` for Markdown. Its bold and code marks stay: sentences of our own have them."""
    return _MARKUP.sub(_entity, value) if isinstance(value, str) and not isinstance(value, _Inert) else value


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
