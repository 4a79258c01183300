"""Discovery opens the chat and finds New Chat on pages that hide them: small static pages, no messages are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from e2e.capture.scheduling.scheduler import EventWaiter
from e2e.errors import CaptureIncomplete
from e2e.explore.discover.given import Given
from e2e.explore.discover.observed import Turn
from e2e.explore.discover.page.inspector import Inspector
from e2e.explore.discover.page.new_chat import new_chat
from e2e.explore.discover.page.opening import find_box, open_page
from e2e.explore.discover.watcher import new_page

URL = "https://chat.example/"
NONCE = "0a1b2c3d"
BOX = '<textarea placeholder="Type a message"></textarea>'
BUBBLE = (
    '<div class="bubble" style="position:fixed;right:9px;bottom:9px;width:50px;height:50px;background:navy"'
    ' onclick="panel.hidden=false"></div>'
)
LOG = f'<div id="log">Hello {NONCE}</div>'
CLEAR = "document.getElementById('log').textContent=''"
Open = Callable[[str], Inspector]


@pytest.fixture
def opened(own_browser: Browser) -> Iterator[Open]:
    """Open a page with this body, as discovery does."""
    context = own_browser.new_context(viewport={"width": 1280, "height": 800})
    page, watcher = new_page(context, EventWaiter(own_browser))

    def go(body: str) -> Inspector:
        html = f"<!doctype html><title>Chat</title><body>{body}"
        page.unroute_all()
        page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html"))
        inspector = Inspector(page, watcher, lambda _: None, timeout=4)
        open_page(inspector, URL)
        return inspector

    yield go
    watcher.close()
    context.close()


def steps(body: str, opened: Open) -> list[dict[str, Any]]:
    inspector = opened(body)
    find_box(inspector)
    return inspector.observed.open


def test_a_chat_behind_something_is_opened(opened: Open) -> None:
    panel = f"<div id=panel hidden>{BOX}</div>"
    assert steps(panel + BUBBLE, opened) == [{"click": {"css": "div.bubble"}}]
    landing = "<p>Fair use: rate limits and a quota apply.</p><button onclick='panel.hidden=false'>Start chatting</button>"
    assert steps(panel + landing, opened) == [{"click": {"role": "button", "name": "Start chatting"}}]
    frame = (panel + BUBBLE).replace('"', "&quot;")
    inspector = opened(
        f'<a href="/about">About us</a><iframe id="w" srcdoc="{frame}" style="width:380px;height:500px"></iframe>'
    )
    find_box(inspector)
    assert inspector.observed.frame == ("iframe#w",)
    assert inspector.observed.open == [{"click": {"css": "div.bubble"}}]
    assert inspector.observed.ready == {"css": "div.bubble"}


def test_what_covers_the_box_is_closed_or_quoted(opened: Open) -> None:
    cover = '<div id=ck style="position:fixed;inset:0;background:#fff">Our little crumbs make this site better. %s</div>'
    button = '<button onclick="ck.remove()">Fine by me</button>'
    assert steps(BOX + cover % button, opened) == [{"dismiss": {"role": "button", "name": "Fine by me"}}]
    assert steps(BOX, opened) == []
    with pytest.raises(CaptureIncomplete, match="covered by 'Our little crumbs") as error:
        steps(BOX + cover % "", opened)
    assert "--open" in error.value.hint


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        (
            f'<button onclick="{CLEAR}"><svg width=20 height=20><title>New chat</title></svg></button>',
            "click",
        ),
        (f'<button onclick="{CLEAR}" title="New chat"><svg width=20 height=20></svg></button>', "click"),
        (
            f'<button onclick="{CLEAR}" onmouseenter="tip.hidden=false"><svg width=20 height=20></svg></button>'
            "<div id=tip role=tooltip hidden>New chat</div>",
            "click",
        ),
        (
            "<p>New chat: Ctrl+Shift+Y</p><script>addEventListener('keydown',(e)=>"
            f"{{if(e.ctrlKey&&e.shiftKey&&e.code==='KeyY'){CLEAR}}})</script>",
            "press",
        ),
        (
            "<script>if(!sessionStorage.n){sessionStorage.n=1;history.replaceState(null,'','/c/1')}"
            f"else if(location.pathname==='/')document.addEventListener('DOMContentLoaded',()=>{{{CLEAR}}})</script>",
            "goto",
        ),
    ],
    ids=["svg-title", "title", "hover-label", "key", "address"],
)
def test_new_chat_is_found_by_label_key_or_address(button: str, expected: str, opened: Open) -> None:
    inspector = opened(button + LOG + BOX)
    _talked(inspector)
    new_chat(inspector)
    [step] = inspector.observed.new_chat
    assert list(step) == [expected]


def test_a_new_chat_that_leaves_the_conversation_in_view_is_a_guess(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a named button only changes a store, or where the user names it."""
    for patience in ("_SLOW", "_QUICK"):  # nothing here takes its time: the test took 31 s with both
        monkeypatch.setattr(f"e2e.explore.discover.page.new_chat.{patience}", 0.3)
    button = '<button id=b onclick="localStorage.session=(+localStorage.session||0)+1">New chat</button>'
    inspector = opened(button + LOG + BOX)
    _talked(inspector)
    new_chat(inspector)
    found = inspector.observed
    assert found.new_chat == [{"click": {"role": "button", "name": "New chat"}}]
    assert found.new_chat_candidates[0].score < 0.5
    assert "but the conversation stayed on the page" in found.new_chat_reasons
    assert "the store changed" in found.new_chat_reasons

    inspector = opened("<button id=b>New chat</button>" + LOG + BOX)
    _talked(inspector)
    with pytest.raises(CaptureIncomplete, match="neither cleared the conversation nor changed a store"):
        new_chat(inspector)
    inspector.given = Given(new_chat=({"click": {"css": "#b"}},))
    new_chat(inspector)
    assert inspector.observed.new_chat == [{"click": {"css": "#b"}}]
    assert inspector.observed.new_chat_candidates[0].score < 0.5


def _talked(inspector: Inspector) -> None:
    find_box(inspector)
    inspector.observed.turns.append(Turn(NONCE, f"Hello {NONCE}", 0.0))
