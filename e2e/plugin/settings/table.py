"""The options as pytest takes them, kept in a file: a collection then loads neither pydantic nor the profile's models.

These took 0.55 s of CPU time of each start of pytest, 0.4 of them in a collection. The file has the size and time of every module
that the options were read from, and of the default profile: with any change they are read again from `Settings`.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from e2e.files import replace_file
from e2e.setup.places import REPO, VENV

CACHE = REPO / "reports" / "out" / ".options.json"
DEFAULT_PROFILE = REPO / "fixtures" / "targets" / "reference.toml"


class Row(NamedTuple):
    """One option."""

    name: str
    """Of its field in `e2e.plugin.settings.settings.Settings`."""
    flag: str
    owned: bool
    """Another plugin has declared the flag."""
    kind: Literal["switch", "list", "value"]
    metavar: str
    help: str


class Table(NamedTuple):
    """All options, and what is known about their defaults."""

    rows: tuple[Row, ...]
    defaults_checked: bool
    """An earlier session has checked the defaults with the default profile and the same code."""


@cache
def table() -> Table:
    """The options: from the file of an earlier session, if nothing that they were read from has changed since."""
    try:
        kept = json.loads(CACHE.read_text(encoding="utf-8"))
        if kept["read_from"] == _state(kept["read_from"]["files"]):
            return Table(tuple(Row(*row) for row in kept["rows"]), kept["defaults_checked"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = Table(_rows(), defaults_checked=False)
    _keep(found)
    return found


def defaults_are_valid() -> None:
    """Keep that a session without options and variables was valid."""
    _keep(Table(_rows(), defaults_checked=True))


def _rows() -> tuple[Row, ...]:
    from e2e.plugin.settings.fields import extra, flag_of, help_of, kind_of
    from e2e.plugin.settings.settings import Settings

    return tuple(
        Row(
            name,
            flag_of(name),
            bool(extra(field, "flag_of")),
            kind_of(field),
            extra(field, "metavar"),
            help_of(name, field),
        )
        for name, field in Settings.model_fields.items()
    )


def _keep(found: Table) -> None:
    """Write the file; where that is not possible, the next session reads the options again."""
    modules = (getattr(module, "__file__", None) for module in [*sys.modules.values()])
    ours = [f for f in modules if f and Path(f).is_relative_to(REPO) and not Path(f).is_relative_to(VENV)]
    content = {
        "read_from": _state([str(DEFAULT_PROFILE), *ours]),
        "defaults_checked": found.defaults_checked,
        "rows": found.rows,
    }
    with suppress(OSError):
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        replace_file(CACHE, json.dumps(content))


def _state(files: Any) -> dict[str, Any]:
    """The interpreter, its packages, and size and time of each file. Raises ``OSError`` for a file that is gone."""
    stats = {file: Path(file).stat() for file in files}
    return {
        "python": sys.version,
        "packages": Path(sysconfig.get_path("purelib")).stat().st_mtime_ns,
        "files": {file: [stat.st_mtime_ns, stat.st_size] for file, stat in stats.items()},
    }
