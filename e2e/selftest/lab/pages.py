"""Which pages there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_HTTP = ("http/post.js",)
_FETCH = ("http/post.js", "http/fetch-json.js")
_EVENTS = ("http/post.js", "http/events.js")
_PLACES = ("http/post.js", "http/places.js")
_WS = ("socket/line.js",)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: what it is about, its scripts after the shared one, and what a person meets on it."""

    name: str
    about: str
    scripts: tuple[str, ...]
    shared: bool = True
    """Whether it has the common interface itself."""
    frame: str | None = None
    """Where the chat is when it is not in the page itself."""
    new_chat: Literal["button", "menu"] = "button"
    confirm: str | None = None
    """The button of an HTML dialog that asks after New chat."""
    sends_id: bool = True
    banner: str | None = None
    """The button of a banner that covers a fresh page."""


_ALL = (
    Page("fetch-json", "POST of JSON, answered by JSON", _FETCH),
    Page("xhr-json", "the same by XMLHttpRequest", (*_HTTP, "http/xhr-json.js")),
    Page("fetch-sse", "POST of JSON, answered by an event stream read from the body", (*_HTTP, "http/fetch-sse.js")),
    Page("eventsource", "POST answered by 202; the reply comes over an EventSource per session", (*_EVENTS, "http/eventsource.js")),
    Page("ndjson", "POST of JSON, answered by a stream of JSON lines", (*_HTTP, "http/ndjson.js")),
    Page("long-poll", "POST answered by 202; the reply is polled for by held GETs", (*_HTTP, "http/long-poll.js")),
    Page("beacon", "navigator.sendBeacon with a JSON Blob; the reply comes over an EventSource", (*_EVENTS, "http/beacon.js")),
    Page("form", "urlencoded body with a field session", _PLACES),
    Page("multipart", "multipart body with a file and a field session", _PLACES),
    Page("query", "the session is in the query of the POST", _PLACES),
    Page("path", "the session is in the path of the POST", _PLACES),
    Page("header", "the session is in X-Session-Id, the provider in the answer's X-Provider", _PLACES),
    Page("cookie", "the session is a cookie that the page writes", ("store/cookie.js", *_PLACES)),
    Page("cookie-httponly", "the session is a cookie that the page's scripts cannot see", ("store/cookie-httponly.js", *_PLACES)),
    Page("nested", "the payload is JSON with JSON in a string inside", _PLACES),
    Page("url-path", "the session is kept in the address's path, by history.pushState", ("store/url.js", *_FETCH)),
    Page("url-fragment", "the session is kept in the address's fragment", ("store/url.js", *_FETCH)),
    Page("page-address", "each conversation is a page of its own, and New chat loads another; the profile reads its address",
         ("store/page-address.js", *_WS, "socket/ws-text.js")),
    Page("indexeddb", "the session is kept in IndexedDB, in an object", ("store/indexeddb.js", *_FETCH)),
    Page("memory", "the session is kept nowhere but in a variable", ("store/memory.js", *_FETCH)),
    Page("session-storage", "the session is kept in sessionStorage", ("store/session-storage.js", *_FETCH)),
    Page("key-per-chat", "each chat has a localStorage key of its own, and older ones stay", ("store/key-per-chat.js", *_FETCH)),
    Page("ws-text", "WebSocket with JSON in text frames and request IDs", (*_WS, "socket/ws-text.js")),
    Page("ws-binary", "the same JSON as UTF-8 in binary frames", (*_WS, "socket/ws-text.js")),
    Page("ws-next", "WebSocket without IDs: the reply is what comes next", (*_WS, "socket/ws-next.js")),
    Page("socketio", "Socket.IO on Engine.IO v4, with acknowledgements", (*_WS, "socket/socketio.js")),
    Page("graphql-ws", "a GraphQL subscription over graphql-transport-ws", (*_WS, "socket/graphql-ws.js")),
    Page("signalr", "SignalR's JSON hub protocol, with a streamed invocation", (*_WS, "socket/signalr.js")),
    Page("json-rpc", "JSON-RPC over WebSocket, with notifications", (*_WS, "socket/json-rpc.js")),
    Page("worker", "a dedicated worker does the fetch", ("work/worker.js",)),
    Page("shared-worker", "a shared worker does the fetch", ("work/worker.js",)),
    Page("worker-ws", "a dedicated worker holds the WebSocket", ("work/worker.js",)),
    Page("service-worker", "a service worker answers the page; ?sw=cache: a look-up from its cache", (*_HTTP, "work/sw-page.js")),
    Page("iframe", "the chat is in a frame of the same origin", ("ui/iframe.js",), shared=False, frame="#chat-frame"),
    Page("iframe-cross", "the chat is in a frame of another site, without storage", ("ui/iframe.js",), shared=False, frame="#chat-frame"),
    Page("iframe-port", "the chat is in a frame of another origin of the same site", ("ui/iframe.js",), shared=False, frame="#chat-frame"),
    Page("shadow", "the whole interface is inside of an open shadow root", ("ui/shadow.js", *_FETCH)),
    Page("contenteditable", "the box is a contenteditable, the send button has no name", ("ui/contenteditable.js", *_FETCH)),
    Page("empty-noop", "New chat comes with the first message and does nothing in an empty chat", ("ui/empty-noop.js", *_FETCH)),
    Page("first-message", "the ID is made with the first message, not at the click", ("ui/first-message.js", *_FETCH)),
    Page("hover-menu", "a menu on hover, a dialog that asks, a banner at first, a toast over the composer",
         ("ui/widgets.js", "ui/hover-menu.js", *_FETCH), new_chat="menu", confirm="OK", banner="Accept all"),
    Page("js-confirm", "window.confirm at New chat, and beforeunload while there are messages", ("ui/js-confirm.js", *_FETCH)),
    Page("convex", "functions over one WebSocket, a blob in localStorage, a menu, a dialog, a daily limit",
         (*_WS, "ui/widgets.js", "socket/convex.js"), new_chat="menu", confirm="Start"),
    Page("server-held", "no ID: the server has a session for each WebSocket, and New chat opens another one",
         ("store/memory.js", *_WS, "socket/server-held.js"), sends_id=False),
    Page("client-held", "no ID: the page sends the whole conversation with each message",
         ("store/memory.js", "http/post.js", "http/client-held.js"), sends_id=False),
)  # fmt: skip

PAGES: dict[str, Page] = {page.name: page for page in _ALL}
WITH_ID = tuple(page.name for page in _ALL if page.sends_id)
"""Names of the pages that send a session ID."""
