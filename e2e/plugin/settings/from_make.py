"""``python -m e2e.plugin.settings.from_make MODULE ARGUMENTS``: a module, with the variables of make's command line as its options.

``make e2e CHATS=40 FAULT=stale-state`` runs ``pytest e2e/specs --chats 40 --fault stale-state``. Make hands its command
line on in ``MAKEFLAGS``; a variable of the same name in the caller's environment is not in there, and is no option.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence

from e2e.plugin.settings.fields import closest, flag_of, kind_of
from e2e.plugin.settings.settings import Settings

_OF_MAKE = frozenset(("ARGS", "PY", "PYTHON", "STAMP", "VENV", "FRONTEND", "WITH_NODE"))
"""Variables that the Makefile itself reads."""
_USAGE_ERROR = 4
"""pytest's, by which ``make e2e`` knows that there is nothing to report."""
_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run the module that the first argument names."""
    module, *rest = arguments
    variables = command_line(environment.get("MAKEFLAGS", ""))
    if module == "pytest":
        for notice in notices(variables):
            sys.stderr.write(f"{notice}\n")
        variables = {
            name: value for name, value in variables.items() if name.lower() in Settings.model_fields
        }
    at = rest.index("--") if "--" in rest else len(rest)
    try:
        options = flags(variables)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_USAGE_ERROR)
    sys.argv = [module, *rest[:at], *options, *rest[at + 1 :]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def command_line(makeflags: str) -> dict[str, str]:
    """Variables of make's command line that are options, from ``MAKEFLAGS``: ``k -- CHATS=40 FAULT=a\\ b``."""
    return {name: value for name, value in sorted(_variables(makeflags)) if name not in _OF_MAKE}


def exported(environment: Mapping[str, str]) -> list[str]:
    """Names of the variables that a make above this process has set."""
    makeflags = environment.get("MAKEFLAGS", "")
    names = {name for name, _ in _variables(makeflags)} | {
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
    }
    return sorted(names & set(environment) - {"PATH"})


def _variables(makeflags: str) -> Iterator[tuple[str, str]]:
    _, separator, text = f" {makeflags}".partition(" -- ")
    for word in re.findall(r"(?:\\.|\S)+", text if separator else makeflags):
        name, equals, value = re.sub(r"\\(.)", r"\1", word).replace("$$", "$").partition("=")
        if equals and re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            yield name, value


def notices(variables: Mapping[str, str]) -> Iterator[str]:
    """One line for each variable that is no option of the suite."""
    known = [name.upper() for name in Settings.model_fields]
    for name, value in variables.items():
        if name not in known:
            hint = closest(name, known) or "`pytest e2e/specs --help` lists the options"
            yield f"make: {name}={value} is not an option of the suite, and is ignored\n  hint: {hint}"


def flags(variables: Mapping[str, str]) -> list[str]:
    """``CHATS=40 FAULT='a b'`` as ``--chats 40 --fault a --fault b``; an empty variable is no option.

    Raises ``ValueError`` where a switch is neither on nor off.
    """
    found = []
    for name, value in variables.items():
        flag, field = flag_of(name.lower()), Settings.model_fields.get(name.lower())
        kind = kind_of(field) if field is not None else "value"
        if kind == "list":
            found += [part for word in value.replace(",", " ").split() for part in (flag, word)]
        elif kind == "switch":
            if value.lower() not in (*_ON, *_OFF):
                raise ValueError(f"make: {name}={value}: expected 1 or 0")
            found += [flag] if value.lower() in _ON else []
        elif value:
            found += [flag, value]
    return found


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
