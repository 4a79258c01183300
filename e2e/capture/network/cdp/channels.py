"""Where the DevTools protocol speaks: a page, and whatever runs beside it (frames of other sites, workers, service workers)."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import CDPSession, Error

from e2e.capture.network.events.channel import Channel, Handler, Params, Then
from e2e.pages.calls import Call, Calls


class PageChannel:
    """The page's own session.

    A command without ``then`` is over when `ask` returns. The answers of others come later: to wait for them inside an
    event's handler would hold all lanes.
    """

    kind = "page"
    prefix = ""

    def __init__(self, session: CDPSession, calls: Calls | None = None) -> None:
        """``calls`` starts commands; without it all of them are answered at once."""
        self._session = session
        self._calls = calls or Calls()

    def on(self, event: str, handler: Handler) -> None:
        self._session.on(event, handler)

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        if then is None:
            self._session.send(method, params or {})
            return

        def ended(call: Call) -> None:
            try:
                result = call.result()
            except Error as error:
                then(None, error.message.splitlines()[0])
            else:
                then(result, "")

        self._calls.start(self._session, "send", method, params or {}, then=ended)


class ChildChannel:
    """A target inside another one's session: its messages travel in the parent's events, answers come later."""

    def __init__(self, parent: Channel, session_id: str, info: Params) -> None:
        self.kind: str = info["type"]
        self.info = info
        """The protocol's ``TargetInfo``."""
        self.prefix = f"{parent.prefix}{session_id[:8]}:"
        self._parent = parent
        self._session_id = session_id
        self._handlers: dict[str, Handler] = {}
        self._waiting: dict[int, Then] = {}
        self._last_call = 0

    def on(self, event: str, handler: Handler) -> None:
        self._handlers[event] = handler

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        self._last_call += 1
        if then is not None:
            self._waiting[self._last_call] = then
        message = json.dumps({"id": self._last_call, "method": method, "params": params or {}})
        self._parent.ask(
            "Target.sendMessageToTarget",
            {"sessionId": self._session_id, "message": message},
            _unless_gone,
        )

    def gone(self) -> None:
        """The target has ended, or is let go of: what was asked of it is not answered any more."""
        for then in [self._waiting.pop(number) for number in list(self._waiting)]:
            then(None, "it has ended")
        if handler := self._handlers.get("Inspector.detached"):
            handler({})

    def received(self, text: str) -> None:
        """A message of this target, as the parent's event brought it."""
        message = json.loads(text)
        if "id" in message:
            then = self._waiting.pop(message["id"], None)
            if then is not None:
                failed = message.get("error")
                then(message.get("result"), failed.get("message", "refused") if failed else "")
        elif handler := self._handlers.get(message["method"]):
            handler(message.get("params", {}))


def _unless_gone(_: Params | None, __: str) -> None:
    """A worker may end between its last event and our command; then no response comes."""


def watch_children(
    channel: Channel, began: Callable[[ChildChannel], None], guard: Callable[[Handler], Handler]
) -> None:
    """Call ``began`` for each target that starts inside ``channel``, before its first line of code runs, and inside those.

    ``guard`` wraps the event handlers of ``channel`` itself.
    """
    _relay(channel, began, guard)
    # Not flattened: Playwright hands out one session only, so the others' messages come through it.
    channel.ask(
        "Target.setAutoAttach",
        {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": False},
        None if isinstance(channel, PageChannel) else _unless_gone,
    )


def watch_shared_workers(
    browser: Channel, context: str, began: Callable[[ChildChannel], None], guard: Callable[[Handler], Handler]
) -> Callable[[], None]:
    """Call ``began`` for each shared worker of the browser context with the ID ``context``.

    A shared worker belongs to no page, and cannot be held at its start. Returns what lets go of them: Chromium
    crashes when a context is closed while one of its shared workers is held. That of another lane is therefore left
    alone: its lane could not let go of it.
    """
    held = _relay(browser, began, guard)

    def created(e: Params) -> None:
        info = e["targetInfo"]
        if info["type"] == "shared_worker" and info.get("browserContextId") == context:
            target = {"targetId": info["targetId"], "flatten": False}
            browser.ask("Target.attachToTarget", target, _unless_gone)

    browser.on("Target.targetCreated", guard(created))

    def let_go() -> None:
        # Each is answered before the context may be closed.
        with suppress(Error):
            browser.ask("Target.setDiscoverTargets", {"discover": False})
        for session in list(held):
            with suppress(Error):
                browser.ask("Target.detachFromTarget", {"sessionId": session})

    browser.ask("Target.setDiscoverTargets", {"discover": True, "filter": [{"type": "shared_worker"}]})
    return let_go


def _relay(
    channel: Channel, began: Callable[[ChildChannel], None], guard: Callable[[Handler], Handler]
) -> dict[str, ChildChannel]:
    """Hand the messages of targets that are attached through ``channel`` to their own channels, by their session."""
    children: dict[str, ChildChannel] = {}

    def attached(e: Params) -> None:
        child = ChildChannel(channel, e["sessionId"], e["targetInfo"])
        children[e["sessionId"]] = child
        began(child)
        if child.kind in ("iframe", "worker", "shared_worker"):
            watch_children(child, began, lambda handler: handler)
        child.ask("Runtime.runIfWaitingForDebugger")

    def detached(e: Params) -> None:
        child = children.pop(e["sessionId"], None)
        if child is not None:
            child.gone()

    def message(e: Params) -> None:
        child = children.get(e["sessionId"])
        if child is not None:
            child.received(e["message"])

    channel.on("Target.attachedToTarget", guard(attached))
    channel.on("Target.detachedFromTarget", guard(detached))
    channel.on("Target.receivedMessageFromTarget", guard(message))
    return children
