"""A page that misbehaves: a script that the proxy puts into it, and that acts at a drawn click.

It counts clicks and key presses of Enter over all loads of the page, so that the same draw acts at the same moment again.
"""

from __future__ import annotations

import re

from e2e.selftest.tools.chaos.faults.definition import Case, fault
from e2e.selftest.tools.chaos.faults.processes import CRASHED, LATE

FAMILY = "page"
HANGS = (
    *LATE,
    r"cannot be used: the page did not respond",
    r"the click on New Chat did not reach it",
    *CRASHED,
)


def at_click(case: Case, script: str) -> None:
    """Run ``script`` in the page at one of its first clicks or messages, after up to 200 ms."""
    number, later = case.rng.randint(1, 6), case.rng.choice((0, 0, 50, 200))
    case.note(f"at action {number} after {later} ms")
    case.proxy.script = f"""(() => {{
  if (self !== top) return;
  const act = () => {{ {script} }};
  const count = () => {{
    let done = 0;
    try {{ done = Number((document.cookie.match(/(?:^|; )drawn=(\\d+)/) || [])[1] || 0) + 1; }} catch {{ return; }}
    document.cookie = "drawn=" + done + "; path=/";
    if (done === {number}) {later} ? setTimeout(act, {later}) : act();
  }};
  addEventListener("click", count, true);
  addEventListener("keydown", (event) => event.key === "Enter" && count(), true);
}})();"""


def _nothing(_: Case) -> None:
    """The page does it."""


def _page_fault(
    name: str,
    what: str,
    script: str,
    *,
    harmless: bool = False,
    reasons: tuple[str, ...] = HANGS,
    causes: tuple[str, ...] = (),
) -> None:
    fault(
        name,
        FAMILY,
        what,
        prepare=lambda case: at_click(case, script),
        by_itself=True,
        harmless=harmless,
        reasons=reasons,
        causes=causes,
    )(_nothing)


_page_fault(
    "page-loops",
    "a script of the page loops for ever",
    "for (;;);",
    reasons=tuple(one for one in HANGS if not re.search("reply|payload|backend", one)),
)
_page_fault("page-busy", "a script of the page is busy for 2 s",
            "const end = performance.now() + 2000; while (performance.now() < end);", harmless=True)  # fmt: skip
_page_fault("page-console", "the page writes 20,000 lines to the console",
            "for (let n = 0; n < 20000; n++) console.log('line ' + n, { n });", )  # fmt: skip
_page_fault("page-console-ever", "the page writes to the console for ever",
            "setInterval(() => { for (let n = 0; n < 200; n++) console.error(new Error('line ' + n)); }, 10);")  # fmt: skip
_page_fault("page-dialogs", "the page opens twenty dialogs",
            "for (let n = 0; n < 20; n++) [alert, confirm, prompt][n % 3]('dialog ' + n);", harmless=True)  # fmt: skip
_page_fault(
    "page-dialogs-ever",
    "the page opens dialogs for ever",
    "setInterval(() => alert('again'), 20);",
    reasons=(r"the page could not be used: it opened \d+ dialogs", *HANGS),
    causes=("new-chat-unavailable",),
)
_page_fault("page-downloads", "the page starts thirty downloads",
            "for (let n = 0; n < 30; n++) { const a = document.createElement('a'); a.download = 'file' + n;"
            " a.href = URL.createObjectURL(new Blob(['x'.repeat(100000)])); a.click(); }", harmless=True)  # fmt: skip
_page_fault("page-sockets", "the page opens 10,000 sockets",
            "self.held = []; for (let n = 0; n < 10000; n++)"
            " { try { held.push(new WebSocket('ws://' + location.host + '/held/' + n)); } catch { break; } }")  # fmt: skip
_page_fault(
    "page-popups",
    "the page opens windows",
    "for (let n = 0; n < 5; n++) open('about:blank');",
    reasons=(r": the page opened \d+ windows",),
)
_page_fault("page-errors", "the page throws 5,000 errors",
            "for (let n = 0; n < 5000; n++) setTimeout(() => { throw new Error('drawn ' + n); }, 0);", harmless=True)  # fmt: skip
_page_fault("page-full-store", "another script fills localStorage, and takes it away again",
            "try { for (let n = 0; ; n++) localStorage.setItem('fill' + n, 'x'.repeat(500000)); } catch {}"
            " for (let n = 0; n < 50; n++) localStorage.removeItem('fill' + n);", harmless=True)  # fmt: skip
_page_fault("page-memory", "the page holds 300 MB", "self.kept = []; for (let n = 0; n < 300; n++)"
            " kept.push(new Uint8Array(1 << 20).fill(n));", harmless=True)  # fmt: skip
