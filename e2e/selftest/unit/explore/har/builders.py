"""Small HAR files for tests: a chat at https://x.example/api/chat, written by hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

START = 1_795_960_500.0

PROFILE = """
schema = 1
name = "acme"
title = "Acme"
[where]
url = "https://x.example/"
ready = { role = "textbox" }
[session]
store = "localStorage"
key = "session"
[steps]
message_box = { role = "textbox" }
new_chat = [{ click = { role = "button", name = "New chat" } }]
"""
WIRE = """
[[wire]]
url = "/api/chat$"
session = "session_id"
provider = "provider"
"""


def iso(t: float) -> str:
    return dt.datetime.fromtimestamp(t, dt.UTC).isoformat().replace("+00:00", "Z")


def entry(
    at: float, method: str, url: str, body: Any = None, reply: Any = None, *, status: int = 200,
    headers: dict[str, str] | None = None, reply_type: str = "application/json", kind: str = "fetch", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One request ``at`` seconds after the start; ``body`` and ``reply`` as JSON, or as texts."""
    text = body if isinstance(body, str) else json.dumps(body)
    content = reply if isinstance(reply, str) else json.dumps(reply)
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": [{"name": k, "value": v} for k, v in (headers or {}).items()],
        "cookies": [],
        "bodySize": 0 if body is None else len(text.encode()),
    }
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": text}
        request["headers"].append({"name": "content-type", "value": "application/json"})
    response = {
        "status": status,
        "headers": [{"name": "Content-Type", "value": reply_type}],
        "content": {"size": len(content), "mimeType": reply_type, "text": content},
    }
    return {
        "startedDateTime": iso(START + at), "time": 400, "request": request, "response": response,
        "timings": {"wait": 100}, "_resourceType": kind, **more,
    }  # fmt: skip


def message(at: float, session: str | None, text: str, provider: str = "Oak", **more: Any) -> dict[str, Any]:
    """A message of the chat and its reply."""
    body = {"message": text, **({"session_id": session} if session else {}), **more.pop("body", {})}
    reply = {"reply": f"I heard {text}", "provider": provider, **more.pop("reply", {})}
    return entry(at, "POST", "https://x.example/api/chat", body, reply, **more)


def har(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "log": {
            "version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [],
            "entries": list(entries),
        }
    }  # fmt: skip


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def profile(folder: Path, wire: str = WIRE, steps: str = "") -> str:
    """The path of a profile; ``steps`` are more lines of its table ``[steps]``."""
    return str(write(folder / "acme.toml", PROFILE + steps + wire))
