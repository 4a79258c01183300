"""The command ``targets``: the profiles that ship with the suite."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

from e2e.cli.app import YOUR_CHAT, app, flag


@app.command(rich_help_panel=YOUR_CHAT)
def targets(
    as_json: Annotated[bool, flag("--json", "Print JSON.")] = False,
) -> int:
    """List the profiles that ship with the suite.

    For each: the product and the version that was tried, what can and cannot be judged there, and how to start it. `make
    e2e TARGET=name` runs the suite on it, and `BASE_URL=` points it at an instance of your own.
    """
    listed = list(shipped())
    if as_json:
        sys.stdout.write(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(map(_paragraph, listed)))
    return 0


def shipped() -> Iterator[dict[str, Any]]:
    """Every profile in ``fixtures/targets``, the reference chat first."""
    from e2e.profile.profile import TARGETS, load

    names = sorted(
        (path.stem for path in TARGETS.glob("*.toml")), key=lambda name: (name != "reference", name)
    )
    for name in names:
        profile = load(name)
        about = profile.product.model_dump(mode="json", exclude_none=True) if profile.product else {}
        yield {"name": name, "title": profile.title, "url": profile.where.url, **about}


def _paragraph(one: dict[str, Any]) -> str:
    lines = [f"{one['name']}: {one.get('version', one['title'])}"]
    for key, label in _LABELS.items():
        values = one.get(key) or ()
        for n, value in enumerate([values] if isinstance(values, str) else values):
            lines.append(f"  {'' if n else label:12} {value}")
    return "\n".join(lines) + "\n"


_LABELS = {
    "address": "product",
    "start": "start",
    "new_chat": "New Chat",
    "judged": "judged",
    "not_judged": "not judged",
    "product_faults": "known faults",
}
