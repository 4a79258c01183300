"""Addresses in messages. Loads no pydantic."""

from __future__ import annotations

import re


def without_secrets(address: str) -> str:
    """Scheme, host and port of an address: the rest may hold a token or a password."""
    scheme, separator, rest = address.partition("://")
    place = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    return f"{scheme}://{place}" if separator else "(an address without ://)"
