"""Which requests get the header ``traceparent``."""

from __future__ import annotations

import pytest

from e2e.capture.network.events.trace_context import TraceContext, origin
from e2e.capture.network.wire_rules import Rule
from e2e.profile.profile import load

RULES = tuple(Rule(rule) for rule in load("reference").wire)
CHAT = "https://chat.example.org/api/chat"
PAGE = "https://chat.example.org/app?x=1"


def header(
    url: str = CHAT, document: str = PAGE, *, method: str = "POST", present: tuple[str, ...] = ()
) -> str | None:
    context = TraceContext(RULES, ("https://api.example.org/v1",), lambda: "00-a-b-01")
    return context.header(method, url, document, present)


@pytest.mark.parametrize(
    ("url", "document", "expected"),
    [
        (CHAT, PAGE, True),
        ("https://chat.example.org:443/api/chat", PAGE, True),
        ("https://api.example.org/api/chat", PAGE, True),  # the profile names it
        ("https://other.example.org/api/chat", PAGE, False),
        ("http://chat.example.org/api/chat", PAGE, False),
        ("https://chat.example.org:8443/api/chat", PAGE, False),
        (CHAT, "https://portal.example.org/", False),
        (CHAT, "about:blank", False),
        (CHAT, "", False),
        ("https://chat.example.org/api/other", PAGE, False),
    ],
)
def test_only_chat_requests_to_an_origin_that_allows_it_get_the_header(
    url: str, document: str, expected: bool
) -> None:
    assert (header(url, document) is not None) is expected


def test_another_method_is_no_chat_request() -> None:
    assert header(method="GET") is None


def test_a_page_with_traces_of_its_own_keeps_them() -> None:
    assert header(present=("Accept", "Traceparent")) is None


def test_before_the_first_chat_there_is_no_context() -> None:
    assert TraceContext(RULES, (), lambda: None).header("POST", CHAT, PAGE, ()) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example/x", "https://a.example:443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("about:blank", ""),
        ("http://[", ""),
        ("http://a:99999/", ""),
    ],
)
def test_origins_are_compared_with_their_port(address: str, expected: str) -> None:
    assert origin(address) == expected
