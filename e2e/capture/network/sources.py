"""The sources of the wire, by name."""

from __future__ import annotations

CDP, IN_PAGE = "cdp", "in-page"
WIRES = ("auto", CDP, IN_PAGE)
"""Values of ``--wire``."""


def source_for(wanted: str, browser: str) -> str:
    """The source that ``--wire`` means in this browser: Chromium has a protocol, any other engine is watched in the page."""
    if wanted == "auto":
        return CDP if browser == "chromium" else IN_PAGE
    return wanted
