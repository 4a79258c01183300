"""The documents that are generated from the code, and whether they are up to date."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from e2e.cli import checks_page
from e2e.profile import reference_page
from e2e.setup.places import REPO


def generated() -> Mapping[Path, str]:
    """File -> the text that the code gives it."""
    return {**reference_page.generated(), checks_page.PAGE: checks_page.page()}


def write_generated(*, check: bool) -> int:
    """Write every file that is out of date; with ``check`` only name it. Returns 1 when ``check`` found one."""
    outdated = {
        path: text
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for path, text in outdated.items():
        shown = path.relative_to(REPO)
        if check:
            sys.stderr.write(f"{shown} is out of date\n  hint: python -m e2e reference\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{shown} written\n")
    return 1 if check and outdated else 0
