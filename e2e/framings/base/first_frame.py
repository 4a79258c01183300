"""A frame with what the decoders need to recognise it as theirs."""

from __future__ import annotations

from typing import Any

from e2e.framings.base.json_text import loads


class FirstFrame:
    """One of the first frames of a connection, whose framing is not known yet."""

    def __init__(self, data: str | bytes) -> None:
        self.data = data
        self.binary = isinstance(data, bytes)
        try:
            self.text: str | None = data if isinstance(data, str) else data.decode("utf-8")
        except UnicodeDecodeError:
            self.text = None
        self.value = json_or_none(self.text)
        self.blank = self.text is not None and not self.text.strip()


def json_or_none(text: str | None) -> Any:
    """The JSON value that ``text`` is, or None."""
    try:
        return loads(text) if text else None
    except ValueError:
        return None
