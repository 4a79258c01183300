"""What scripts in the page report of its stores: as the profile's key sees it, and of a page that makes stores of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2e.profile.values.bounded import Pattern


def stored_values(reported: Mapping[str, Any] | None, key: Pattern | None) -> dict[str, str] | None:
    """Values under the session's key, the latest first; None where that is not known.

    With a pattern of keys the page reports all that may fit, and the names that it has seen written, the latest first.
    """
    if reported is None or key is None:
        return None if reported is None else dict(reported)
    values = {name: value for name, value in reported["values"].items() if key.search(name)}
    written = [name for name in reported["written"] if name in values]
    # After a load nobody can tell which of several chats' keys is the current one, until one is written.
    if len(values) > 1 and not written:
        return None
    return {name: values[name] for name in written} | values


def store_texts(held: Any, store: str) -> dict[str, str]:
    """What `in_page.STORES` found in one store. A page may have put anything in its place: what is no text is left out."""
    values = held.get(store) if isinstance(held, dict) else None
    return {k: v for k, v in values.items() if isinstance(v, str)} if isinstance(values, dict) else {}
