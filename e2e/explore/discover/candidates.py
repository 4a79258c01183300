"""Elements that could be a part of the chat, and the locators and actions that a profile writes for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Frame, Locator

Spec = dict[str, Any]
"""A locator as a profile writes it: ``{"role": "button", "name": "New chat"}``."""
Step = dict[str, Any]
"""An action as a profile writes it: ``{"click": {"role": "button", "name": "New chat"}}``."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the page; ``raw`` has its properties from elements.js."""

    frame: Frame
    raw: dict[str, Any]

    @property
    def locator(self) -> Locator:
        return self.frame.locator(f'[data-e2e-seen="{self.raw["mark"]}"]')

    @property
    def all_names(self) -> str:
        """Its label, its text, and the names in its code (test ID, ID, classes)."""
        r = self.raw
        names = re.sub(r"([a-z])([A-Z])", r"\1 \2", f"{r['testId'] or ''} {r['id']} {r['classes'][:80]}")
        return " | ".join(p for p in (r["label"], r["inner"], re.sub(r"[-_]", " ", names).strip()) if p)

    @property
    def visible_name(self) -> str:
        """What a user reads, or hears from a screen reader."""
        return " | ".join(p for p in (self.raw["label"], self.raw["inner"]) if p)


@dataclass(slots=True)
class Candidate:
    """A possible element, with its reasons; ``score`` from 0 to 1."""

    element: Element
    score: float
    reasons: list[str] = field(default_factory=list)
    spec: Spec = field(default_factory=dict)
