"""The body of a request, as the protocol gives it."""

from __future__ import annotations

import base64

from e2e.capture.network.events.channel import Params


def carried_body(request: Params) -> bytes | str | None:
    """What ``Network.requestWillBeSent`` carries of the body; None when it must be read.

    The bytes are preferred: the text of a compressed or binary body is its bytes read as Latin-1, some of them lost.
    """
    entries = [
        base64.b64decode(entry["bytes"]) for entry in request.get("postDataEntries", ()) if entry.get("bytes")
    ]
    if entries and len(entries) == len(request["postDataEntries"]):
        return b"".join(entries)
    text: str | None = request.get("postData")
    return text


def read_body(answer: Params) -> bytes | str:
    """The body in the answer of ``Network.getRequestPostData``."""
    text: str = answer["postData"]
    return base64.b64decode(text) if answer.get("base64Encoded") else text
