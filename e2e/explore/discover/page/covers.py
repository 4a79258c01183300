"""Popups that cover the message box: found by what the page has at the box's place, and closed as a user would."""

from __future__ import annotations

import re

from playwright.sync_api import Error, Frame

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Candidate, Element
from e2e.explore.discover.page import elements
from e2e.explore.discover.page.inspector import Inspector
from e2e.profile.profile import toml_value

_COVER = """(el) => {
  document.querySelectorAll("[data-e2e-cover]").forEach((one) => one.removeAttribute("data-e2e-cover"));
  const up = (node) => node.parentNode instanceof ShadowRoot ? node.parentNode.host : node.parentNode;
  const within = (outer, inner) => { for (let at = inner; at; at = up(at)) if (at === outer) return true; return false; };
  el.scrollIntoView({ block: "nearest" });
  const box = el.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  let top = document.elementFromPoint(x, y);
  for (let inner = top; inner; inner = top.shadowRoot?.elementFromPoint(x, y)) {
    if (inner === top && inner !== document.elementFromPoint(x, y)) break;
    top = inner;
  }
  if (!top || within(el, top) || within(top, el)) return null;
  // A label, or an icon inside of the composer, is no popup.
  let root = top;
  while (up(root) && up(root) !== document && !within(up(root), el)) root = up(root);
  const size = root.getBoundingClientRect();
  if (size.width < box.width * 0.6 && !/fixed|absolute/.test(getComputedStyle(root).position)) return null;
  if (root.tagName === "LABEL") return null;
  root.setAttribute("data-e2e-cover", "");
  return (root.innerText ?? "").trim().replace(/\\s+/g, " ").slice(0, 160);
}"""
_MOST = 5  # buttons of a popup that are tried
_CLOSE = re.compile(
    r"^\W*[×✕✖✗xX⨯]\W*$|\bclose\b|\bdismiss\b|\bschließen|\bfermer|\bcerrar|\bchiudi|\bfechar", re.IGNORECASE
)
_MORE = re.compile(
    r"manage|setting|preference|custom|learn|more|policy|options|what|details|einstellung|paramètre|ajustes",
    re.IGNORECASE,
)


def covering(element: Element) -> tuple[Frame, str] | None:
    """The frame and the words of the popup that covers ``element``; None when a click hits it."""
    try:
        words = element.locator.evaluate(_COVER)
        if words is not None:
            return element.frame, words
        frame = element.frame
        while frame.parent_frame is not None:
            words = frame.frame_element().evaluate(_COVER)
            frame = frame.parent_frame
            if words is not None:
                return frame, words
    except Error:
        return None
    return None


def uncover(inspector: Inspector, box: Element) -> None:
    """Close what covers the message box. Raises `CaptureIncomplete` with its words where nothing closes it."""
    words = ""
    for _ in range(3):  # popups come one after the other
        found = covering(box)
        if found is None:
            return
        frame, words = found
        if not _close(inspector, frame, box):
            break
    if covering(box) is None:
        return
    raise CaptureIncomplete(
        f"the message box is covered by {words[:120]!r}" if words else "the message box is covered",
        hint="--open LOCATOR: the element that closes it",
    )


def dismiss(inspector: Inspector) -> None:
    """Close banners and welcome dialogs, as a user would."""
    for candidate in elements.banners(inspector.frame)[:2]:
        if _click(inspector, candidate):
            try:  # the button may belong to something that stays; the next search finds it again
                candidate.element.locator.wait_for(state="hidden", timeout=1000)
            except Error:
                continue


def _close(inspector: Inspector, frame: Frame, box: Element) -> bool:
    address = inspector.page.url
    for candidate in _closers(frame)[:_MOST]:
        opened = len(inspector.observed.open)
        if not _click(inspector, candidate):
            continue
        inspector.settle(0.2, 1.5)
        if inspector.page.url.partition("#")[0] == address.partition("#")[0] and covering(box) is None:
            return True
        del inspector.observed.open[opened:]
        if inspector.page.url.partition("#")[0] != address.partition("#")[0]:
            inspector.page.goto(address, wait_until="domcontentloaded", timeout=inspector.timeout * 1000)
            inspector.settle()
            return False
    inspector.page.keyboard.press("Escape")
    inspector.settle(0.2, 1.5)
    if covering(box) is None:
        inspector.observed.open.append({"press": "Escape"})
        inspector.observed.open_reasons.append("Escape closed a popup that covered the message box")
        return True
    return False


def _click(inspector: Inspector, candidate: Candidate) -> bool:
    spec = inspector.describe(candidate.element)
    try:
        candidate.element.locator.click(timeout=1500)
    except Error:
        return False
    inspector.observed.open.append({"dismiss": spec})
    inspector.observed.open_reasons += candidate.reasons
    inspector.report(f"closed a popup: {toml_value(spec)}")
    return True


def _closers(frame: Frame) -> list[Candidate]:
    """Buttons of the popup that covers the box, the most likely to close it first."""
    found = []
    for element in elements.interactive_elements(frame):
        r, name = element.raw, element.visible_name
        if not r["inCover"] or not r["clickable"] or not r["visible"] or r["disabled"]:
            continue
        score = 0.4
        if name_patterns.ACCEPT.search(name) and not _CLOSE.search(name):
            score += 0.4
        if _CLOSE.search(element.all_names):
            score += 0.35
        if _MORE.search(name):
            score -= 0.3
        if r["href"]:
            score -= 0.2
        found.append(Candidate(element, score, [f"{name[:30]!r} on a popup that covered the message box"]))
    return sorted(found, key=lambda c: -c.score)
