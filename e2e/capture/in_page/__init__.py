"""Scripts that run inside the page."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
RECORDER = (_HERE / "recorder.js").read_text(encoding="utf-8").strip()
"""Reports what the page stores and sends, through a binding."""
WIRE = (_HERE / "wire.js").read_text(encoding="utf-8").strip()
"""Watches the requests, replies and sockets of the page, in engines whose protocol does not show them."""
TYPED = (_HERE / "typed.js").read_text(encoding="utf-8")
"""Keeps the last texts that were typed, and where; `ChatPage.arrived` reads them."""
STORES = (_HERE / "stores.js").read_text(encoding="utf-8")
"""Reads all stores of a page at once."""
