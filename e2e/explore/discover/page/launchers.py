"""Opens a chat that the page does not show at once: a launcher in a corner, a button on a landing page."""

from __future__ import annotations

import time

from playwright.sync_api import Error, Page

from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Candidate, Element
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.page import elements
from e2e.explore.discover.page.inspector import Inspector
from e2e.profile.profile import toml_value

_MOST = 6  # elements that are tried
_DEPTH = 2  # clicks one after the other
_APPEARS = 4.0  # seconds for a box to appear after a click: many widgets load their frame then


def open_chat(inspector: Inspector) -> list[Candidate]:
    """Click what may open the chat until a message box appears; returns the boxes, or nothing."""
    page = inspector.page
    tried: set[str] = set()
    for _ in range(_MOST):
        candidate = next((c for c in openers(page) if _key(c) not in tried), None)
        if candidate is None:
            return []
        boxes = _follow(inspector, candidate, tried, _DEPTH)
        if boxes:
            return boxes
        inspector.observed.open.clear()
        inspector.observed.open_reasons.clear()
        inspector.observed.ready = None
        try:
            page.goto(inspector.url, wait_until="domcontentloaded", timeout=inspector.timeout * 1000)
        except Error:
            return []
        inspector.settle()
    return []


def place_in_frames(observed: Observed) -> None:
    """Now that the chat's frame is known: name the frames of the locators that are not in it."""
    for step in [*observed.open, {"ready": observed.ready or {}}]:
        for spec in step.values():
            if isinstance(spec, dict) and "frame" in spec and tuple(spec["frame"]) == observed.frame:
                del spec["frame"]
            elif isinstance(spec, dict) and spec and "frame" not in spec and observed.frame:
                spec["frame"] = []


def openers(page: Page) -> list[Candidate]:
    """Elements that may open the chat, most likely first."""
    found: list[Candidate] = []
    for frame in page.frames:
        for element in elements.interactive_elements(frame):
            r = element.raw
            if not r["clickable"] or not r["visible"] or r["disabled"]:
                continue
            candidate = _rate(element, _origin(page.url), in_frame=frame != page.main_frame)
            if candidate.score >= 0.2:
                found.append(candidate)
    return sorted(found, key=lambda c: -c.score)


def _rate(element: Element, origin: str, *, in_frame: bool) -> Candidate:
    """How likely a click on ``element`` opens the chat: by its place, its name, and where it leads."""
    r, name = element.raw, element.visible_name
    score, reasons = 0.0, []
    low = r["y"] + r["h"] > r["height"] * 0.65
    side = r["x"] + r["w"] > r["width"] - 200 or r["x"] < 200
    if r["floats"] and low and side:
        score += 0.5
        reasons.append("it floats in a lower corner")
    elif in_frame and r["width"] < 400 and r["height"] < 300:
        score += 0.45
        reasons.append("in a small frame")
    by_name = (
        (0.4, name_patterns.OPEN_CHAT, name, f"its name is {name[:40]!r}"),
        (0.3, name_patterns.OPEN_CHAT, element.all_names, "its name in the page's code means chat"),
        (0.25, name_patterns.START, name, f"its name is {name[:40]!r}"),
    )
    for more, pattern, text, reason in by_name:
        if pattern.search(text):
            score += more
            reasons.append(reason)
            break
    leads_away = r["href"] and not r["href"].partition("#")[0].startswith(origin)
    against = (
        (0.5, name_patterns.LOGIN.search(name) or (r["inConsent"] and not r["floats"])),
        (0.2, name_patterns.ACCEPT.search(name) and r["inDialog"]),
        (0.6 if leads_away else 0.05, r["href"]),
        (0.3, len(r["inner"]) > 40),
        (0.2, r["type"] == "submit"),
        (0.05, r["corner"]),  # what is made to be clicked, inside of it, comes first
    )
    score -= sum(less for less, holds in against if holds)
    return Candidate(element, min(score, 0.95), reasons)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _key(candidate: Candidate) -> str:
    r = candidate.element.raw
    return f"{r['css']}|{r['inner']}|{r['label']}"


def _follow(inspector: Inspector, candidate: Candidate, tried: set[str], depth: int) -> list[Candidate]:
    """Click ``candidate``, and what it shows; returns the message boxes that appear."""
    observed = inspector.observed
    tried.add(_key(candidate))
    before = {_key(c) for c in openers(inspector.page)}
    path = list(elements.frame_path(candidate.element.frame))
    spec = {**elements.describe(candidate.element), **({"frame": path} if path else {})}
    try:
        candidate.element.locator.click(timeout=2000)
    except Error:
        return []
    observed.open.append({"click": spec})
    observed.open_reasons += candidate.reasons
    if observed.ready is None:
        observed.ready = dict(spec)
    deadline = time.monotonic() + _APPEARS
    while time.monotonic() < deadline:
        boxes = [b for b in elements.message_boxes(inspector.page) if b.score >= 0.4]
        if boxes:
            inspector.report(f"opened the chat: {toml_value(spec)}")
            inspector.settle(0.3, 2.0)
            return [b for b in elements.message_boxes(inspector.page) if b.score >= 0.4] or boxes
        inspector.settle(0.3, 1.0)
        more = [c for c in openers(inspector.page) if _key(c) not in before | tried]
        if more and depth > 1 and more[0].score >= 0.3:
            return _follow(inspector, more[0], tried, depth - 1)
    return []
