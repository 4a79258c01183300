"""What the user did, as the script in the page reports it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Frame, Page

from e2e.capture.in_page import safe_binding
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Spec
from e2e.explore.record.selectors import is_lasting, locator

BINDING = "__e2eRecorded"
_HOST = "data-e2e-recorder"
_PANEL = "e2e.panel"
_FOLDER = Path(__file__).parent


@dataclass(slots=True)
class Found:
    """An element that was used: what Playwright's selector engine proposes for it, and a CSS selector."""

    selector: str
    css: str
    label: str = ""
    tag: str = ""
    in_dialog: bool = False
    in_consent: bool = False

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Found:
        return cls(
            str(raw.get("selector") or ""), str(raw.get("css") or ""), str(raw.get("label") or ""), str(raw.get("tag") or ""),
            bool(raw.get("dialog")), bool(raw.get("consent")),
        )  # fmt: skip

    def spec(self, typed: Sequence[str]) -> Spec:
        """The locator for a profile. One that holds a text of a message, or an ID, would find nothing later."""
        proposed = locator(self.selector) if self.selector else None
        return proposed if proposed is not None and is_lasting(proposed, typed) else {"css": self.css}


@dataclass(slots=True)
class Box:
    """The text field that was used last, and its text at that moment."""

    found: Found
    value: str


@dataclass(slots=True)
class Act:
    """One click, or one key that does something. ``t`` is in seconds since the epoch."""

    t: float
    kind: str
    """``click`` or ``key``."""
    frame: Frame
    number: int = 0
    found: Found | None = None
    key: str = ""
    box: Box | None = None
    cleared: bool = False
    """The field's text disappeared afterwards."""
    hovered: tuple[Found, ...] = ()
    """Where the pointer rested before, the last one last."""

    def __str__(self) -> str:
        if self.kind == "key":
            return f"press {self.key}"
        return f"click {(self.found.label or self.found.css) if self.found else ''!r}"

    @property
    def accepts(self) -> bool:
        """It accepts a banner or closes a welcome dialog: another visit may have none."""
        f = self.found
        return f is not None and (f.in_dialog or f.in_consent) and bool(name_patterns.ACCEPT.search(f.label))


class InputLog:
    """Collects the reports of all frames of a page. Attach it before the page is opened."""

    def __init__(self, context: BrowserContext) -> None:
        self.acts: list[Act] = []
        self.signals: deque[str] = deque()
        """``typing``, ``loaded``, ``button:NAME``, in their order."""
        self.password = False
        """A password was typed."""
        self.loads: list[float] = []
        """When the page was loaded."""
        self._install(context)

    def _install(self, context: BrowserContext) -> None:
        # Playwright's console API gives its selector engine to the page. It is for codegen, and not part of the Python API: without
        # it, elements are found by CSS only.
        # Its command is there in 1.64 and 1.65; only 1.65 has a method for it.
        with suppress(Error):
            context._sync(context._impl_obj._channel.send("exposeConsoleApi", None))  # noqa: SLF001
        context.add_init_script(safe_binding())
        context.expose_binding(BINDING, self._receive)
        for name in ("input", "panel"):
            script = (_FOLDER / f"{name}.js").read_text(encoding="utf-8")
            options = f'{{ binding: "{BINDING}", host: "{_HOST}", key: "{_PANEL}" }}'
            context.add_init_script(f"({_code(script)})({options});")

    def _receive(self, source: Any, raw: dict[str, Any]) -> None:
        kind, t = raw.get("k"), float(raw.get("t", 0)) / 1000
        frame: Frame = source["frame"]
        if kind == "act":
            box = raw.get("box")
            self.acts.append(
                Act(
                    t, str(raw["kind"]), frame, int(raw["number"]),
                    Found.of(raw) if raw["kind"] == "click" else None, str(raw.get("key") or ""),
                    Box(Found.of(box), str(box.get("value") or "")) if isinstance(box, dict) else None,
                    hovered=tuple(Found.of(one) for one in raw.get("hovered", ())),
                )
            )  # fmt: skip
        elif kind == "cleared":
            for act in reversed(self.acts):
                if act.frame == frame and act.number == raw.get("number"):
                    act.cleared = True
                    break
        elif kind == "password":
            self.password = True
        elif kind == "loaded":
            self.loads.append(t)
            self.signals.append("loaded")
        elif kind == "button":
            self.signals.append(f"button:{raw.get('name')}")
        elif kind == "typing":
            self.signals.append("typing")


def show_panel(page: Page, step: str, hint: str, progress: str, buttons: Sequence[tuple[str, str]]) -> None:
    """Show what to do next. A page that is between two documents shows it when it has loaded."""
    state = {"step": step, "hint": hint, "progress": progress, "buttons": [list(b) for b in buttons]}
    try:
        page.evaluate("([key, state]) => globalThis[Symbol.for(key)]?.show(state)", [_PANEL, state])
    except Error:
        return


def panel_text(page: Page) -> str:
    """What the panel says; for tests."""
    text: str = page.evaluate("(key) => globalThis[Symbol.for(key)]?.text() ?? ''", _PANEL)
    return text


def _code(script: str) -> str:
    """A script without the comment before it."""
    return "\n".join(line for line in script.splitlines() if not line.startswith("//"))
