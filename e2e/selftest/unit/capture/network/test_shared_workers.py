"""Shared workers are watched by the lane that they belong to, and by no other."""

from __future__ import annotations

from typing import Any

from e2e.capture.network.cdp.channels import ChildChannel, watch_shared_workers
from e2e.capture.network.events.channel import Handler, Params, Then


class Browser:
    """The browser's own session: keeps what it is asked, and reports what a test lets happen."""

    kind = "browser"
    prefix = ""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.commands: list[tuple[str, Params]] = []

    def on(self, event: str, handler: Handler) -> None:
        self.handlers[event] = handler

    def ask(self, method: str, params: Params | None = None, then: Then | None = None) -> None:
        self.commands.append((method, params or {}))

    def created(self, kind: str, context: str, target: str) -> None:
        info = {"type": kind, "browserContextId": context, "targetId": target}
        self.handlers["Target.targetCreated"]({"targetInfo": info})

    def attached(self, target: str, session: str) -> None:
        info: dict[str, Any] = {"type": "shared_worker", "targetId": target}
        self.handlers["Target.attachedToTarget"]({"sessionId": session, "targetInfo": info})

    def requested(self, method: str, key: str) -> list[Any]:
        return [params[key] for name, params in self.commands if name == method]


def test_only_the_contexts_own_shared_workers_are_attached() -> None:
    """Chromium 156 crashes when a context is closed while somebody else holds its shared worker."""
    browser = Browser()
    watch_shared_workers(browser, "mine", lambda _: None, lambda handler: handler)
    browser.created("shared_worker", "theirs", "a")
    browser.created("shared_worker", "mine", "b")
    browser.created("service_worker", "mine", "c")
    assert browser.requested("Target.attachToTarget", "targetId") == ["b"]


def test_what_is_held_is_let_go() -> None:
    browser = Browser()
    began: list[ChildChannel] = []
    let_go = watch_shared_workers(browser, "mine", began.append, lambda handler: handler)
    browser.created("shared_worker", "mine", "b")
    browser.attached("b", "session-of-b")
    assert [channel.kind for channel in began] == ["shared_worker"]
    let_go()
    assert browser.requested("Target.detachFromTarget", "sessionId") == ["session-of-b"]
