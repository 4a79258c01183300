"""The body of a request: its bytes are what was sent, its text may not be."""

from __future__ import annotations

import base64
import gzip
import json

from e2e.capture.network.events.post_data import carried_body, read_body
from e2e.explore.discover.watcher import decoded

SENT = json.dumps({"sessionId": "s-1", "text": "Good morning"})


def entry(data: bytes) -> dict[str, str]:
    return {"bytes": base64.b64encode(data).decode()}


def test_bytes_are_preferred_to_the_text_that_was_read_from_them() -> None:
    packed = gzip.compress(SENT.encode())
    request = {
        "postData": packed.decode("latin-1"),
        "postDataEntries": [entry(packed[:9]), entry(packed[9:])],
    }
    assert carried_body(request) == packed


def test_a_body_of_which_a_part_is_missing_is_its_text() -> None:
    """A file's entry has no bytes."""
    assert carried_body({"postData": SENT, "postDataEntries": [entry(b"x"), {}]}) == SENT
    assert carried_body({"hasPostData": True}) is None


def test_a_body_that_was_read_may_be_base64() -> None:
    assert read_body({"postData": "AP8=", "base64Encoded": True}) == b"\x00\xff"
    assert read_body({"postData": SENT}) == SENT


def test_discovery_reads_compressed_bodies() -> None:
    """It looks for the message's text in them: a page that packs its bodies was reported as one that sends nothing."""
    packed = gzip.compress(SENT.encode())
    assert decoded(packed, {"content-encoding": "gzip"}) == SENT
    assert decoded(packed, {}) == SENT
    assert decoded(SENT, {}) == SENT
    assert decoded(b"\x00\xff\x17", {}) == b"\x00\xff\x17"
