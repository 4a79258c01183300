"""JavaScript stacks as V8, SpiderMonkey and JavaScriptCore print them, into frames."""

from __future__ import annotations

import re
from typing import Any

_FRAME = re.compile(
    r"^\s*at (?:(?P<function>.+?) \()?(?P<url>[^()\s]+?):(?P<line>\d{1,9}):(?P<column>\d{1,9})\)?$"
)
_OTHER_FRAME = re.compile(r"^(?P<function>[^@]*)@(?P<url>\S+?):(?P<line>\d{1,9}):(?P<column>\d{1,9})$")
"""Firefox and WebKit: ``send@https://chat.example/app.js:12:34``, an async caller as ``async*send@…``."""
OWN_SCRIPT = "chat-session-e2e"
"""What the recorder's script calls itself: its frames have no web address then."""

Frame = dict[str, Any]
"""``{"function", "url", "line", "column"}``; line and column count from 1."""


def parse(text: str) -> list[Frame]:
    """The frames of ``new Error().stack``, innermost first, without the recorder's own (they have no web address)."""
    frames = []
    for line in text.splitlines():
        match = _FRAME.match(line) or _OTHER_FRAME.match(line)
        if match and is_page_code(match["url"]):
            function = (match["function"] or "").removeprefix("async ").removeprefix("new ")
            if match.re is _OTHER_FRAME:
                function = _named(function)
            frames.append(
                {
                    "function": function,
                    "url": match["url"],
                    "line": int(match["line"]),
                    "column": int(match["column"]),
                }
            )
    return frames


def _named(function: str) -> str:
    """SpiderMonkey writes ``outer/inner<`` for a function in another one, ``outer/<`` for one without a name of its own."""
    parts = [part.rstrip("<") for part in function.rpartition("*")[2].split("/")]
    return next((part for part in reversed(parts) if part), "")


def is_page_code(url: str) -> bool:
    """Scripts of the page have an address; what the suite puts into the page has none."""
    return url.startswith(("http://", "https://", "file://", "blob:", "webpack", "app://"))


def initiator_frames(initiator: dict[str, Any] | None) -> list[Frame]:
    """The stack of a request's initiator as the protocol reports it, innermost first, at most 16 frames over all its tasks."""
    frames: list[Frame] = []
    stack = (initiator or {}).get("stack")
    while stack and len(frames) < 16:
        frames += [
            {
                "function": f["functionName"],
                "url": f["url"],
                "line": f["lineNumber"] + 1,
                "column": f["columnNumber"] + 1,
            }
            for f in stack["callFrames"]
        ]
        stack = stack.get("parent")
    return frames[:16]


def position(frame: Frame) -> str:
    """``url:line:column``, the key of ``RunMeta.code``."""
    return f"{frame['url']}:{frame['line']}:{frame['column']}"
