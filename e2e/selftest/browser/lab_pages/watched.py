"""One page with the suite's scripts in it, and what they report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from playwright.sync_api import BrowserContext, Page

from e2e.capture.in_page import recorder_script, safe_binding
from e2e.capture.in_page.signals import PageSignals

_PASSPHRASE = "of the test "


@dataclass
class Watched:
    """A page; ``seen`` grows by what its scripts report."""

    page: Page
    signals: PageSignals
    seen: list[dict[str, Any]]

    def verb(self, name: str, *args: Any) -> Any:
        """Call a verb of the scripts, as the suite does."""
        call = "([name, ...args]) => globalThis[name](...args)"
        return self.page.evaluate(call, [self.signals.name, self.signals.secret, name, *args])

    def until(self, met: Callable[[], bool]) -> None:
        """Read what comes from the browser until ``met``; by a page beside it, of which nothing is replaced."""
        beside, deadline = self.page.context.new_page(), monotonic() + 10
        while not met():
            assert monotonic() < deadline, self.seen
            beside.evaluate("() => new Promise((done) => setTimeout(done, 5))")
        beside.close()

    def reported(self, kind: str, event: str | None = None) -> list[dict[str, Any]]:
        return [one for one in self.seen if one["k"] == kind and one.get("e") == event]


def watched_page(
    context: BrowserContext, *, in_page: bool, seen: list[dict[str, Any]] | None = None
) -> Watched:
    """``in_page``: the scripts watch requests and sockets too, and report by Playwright's binding as they do in a run."""
    signals = PageSignals()
    seen = [] if seen is None else seen
    if in_page:
        context.add_init_script(safe_binding(_PASSPHRASE))
    page = context.new_page()
    page.expose_binding(signals.binding, lambda _, payload: seen.extend(signals.read(payload)))
    config = {
        **signals.config(), "store": "localStorage", "key": "sid", "keyPart": None, "depth": 0,
        "urls": [""], "replies": [""], "full": True, "workers": True,
        **({"passphrase": _PASSPHRASE} if in_page else {}),
    }  # fmt: skip
    page.add_init_script(recorder_script(config, "suite", in_page=in_page))
    return Watched(page, signals, seen)
