"""Finds the elements of a chat by role and name: message box, Send, New Chat, menus, banners, dialogs."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Error, Frame, Locator, Page

from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Candidate, Element, Spec

_SCRIPT = Path(__file__).with_name("elements.js").read_text(encoding="utf-8")


def interactive_elements(frame: Frame) -> list[Element]:
    """All elements of a frame that take text or clicks, shadow roots included."""
    try:
        return [Element(frame, raw) for raw in frame.evaluate(_SCRIPT)]
    except Error:
        return []


def message_boxes(page: Page) -> list[Candidate]:
    """Elements of all frames that could be the message box, most likely first."""
    found: list[Candidate] = []
    for frame in page.frames:
        for element in interactive_elements(frame):
            r = element.raw
            if not r["text"] or not r["visible"] or r["disabled"]:
                continue
            reasons = [f"a visible {'editable area' if r['editable'] else r['tag']}"]
            score = 0.45 if r["tag"] == "textarea" or r["editable"] else 0.3
            if name_patterns.MESSAGE.search(r["label"]):
                score += 0.3
                reasons.append("its label asks for a message")
            if name_patterns.SEARCH.search(f"{r['label']} {r['type'] or ''} {r['id']}"):
                score -= 0.4
            if r["y"] + r["h"] > r["height"] * 0.5:
                score += 0.1
                reasons.append("in the lower half")
            if r["w"] > r["width"] * 0.25:
                score += 0.1
            if r["inDialog"]:
                score -= 0.1
            found.append(Candidate(element, max(0.0, min(score, 0.99)), reasons))
    return sorted(found, key=lambda c: -c.score)


def send_buttons(box: Element) -> list[Candidate]:
    """Buttons that could send the text in ``box``, most likely first."""
    b = box.raw
    found: list[Candidate] = []
    for element in interactive_elements(box.frame):
        r = element.raw
        if not r["clickable"] or not r["visible"]:
            continue
        reasons: list[str] = []
        score = 0.0
        if name_patterns.SEND.search(element.all_names):
            score += 0.6
            reasons.append("its name means send")
        if r["type"] == "submit":
            score += 0.2
            reasons.append("it submits the form")
        if r["form"] is not None and r["form"] == b["form"]:
            score += 0.25
            reasons.append("in the same form as the box")
        near = (
            abs((r["y"] + r["h"] / 2) - (b["y"] + b["h"] / 2)) < b["h"] / 2 + 60 and r["x"] + r["w"] > b["x"]
        )
        if near:
            score += 0.2
            reasons.append("beside the box")
            if not element.visible_name and r["icon"]:
                score += 0.1
                reasons.append("an icon without a name")
            score += 0.05 * min(max((r["x"] - b["x"]) / max(b["w"], 1), 0), 1)
        if name_patterns.STOP.search(element.visible_name) or re.search(
            r"attach|upload|file|voice|mic|emoji|menu", element.all_names, re.IGNORECASE
        ):
            score -= 0.5
        if near and score >= 0.3:
            found.append(Candidate(element, min(score, 0.99), reasons))
    return sorted(found, key=lambda c: -c.score)


def new_chats(frame: Frame, *, hidden: bool = False) -> list[Candidate]:
    """Elements whose name means New Chat; with ``hidden`` those that a menu or a hover would show."""
    found: list[Candidate] = []
    for element in interactive_elements(frame):
        r = element.raw
        if not r["clickable"] or r["visible"] is hidden or r["text"]:
            continue
        reasons: list[str] = []
        score = 0.0
        if name_patterns.NEW_CHAT.search(element.visible_name):
            score, reasons = 0.9, [f"its name is {element.visible_name[:40]!r}"]
        elif name_patterns.NEW_CHAT.search(element.all_names):
            score, reasons = 0.7, ["its name in the page's code means New Chat"]
        elif name_patterns.RESET.search(element.visible_name):
            score, reasons = 0.5, [f"its name is {element.visible_name[:40]!r}"]
        elif name_patterns.END_CHAT.search(element.visible_name):
            score, reasons = (
                0.45,
                [f"its name is {element.visible_name[:40]!r}: the next message begins a chat"],
            )
        elif re.fullmatch(r"\s*[+＋]\s*", r["inner"]) or re.fullmatch(
            r"(new|neu|nouveau|nuevo|nuovo|novo|nieuw|nowy|новый)", r["inner"], re.IGNORECASE
        ):
            score, reasons = 0.4, [f"it shows {r['inner']!r}"]
        if len(r["inner"]) > 60:
            score -= 0.3
        if score > 0 and r["disabled"]:
            score -= 0.1
            reasons.append("disabled now")
        if score > 0.2:
            found.append(Candidate(element, round(score, 2), reasons))
    return sorted(found, key=lambda c: -c.score)


def menus(frame: Frame) -> list[Element]:
    """Buttons that may open a menu, most likely first."""
    scored: list[tuple[float, Element]] = []
    for element in interactive_elements(frame):
        r = element.raw
        if not r["clickable"] or not r["visible"] or r["disabled"] or r["type"] == "submit":
            continue
        score = 0.0
        if r["popup"] in ("menu", "true", "dialog", "listbox") or r["expanded"] == "false":
            score += 0.6
        if name_patterns.MENU.search(element.all_names):
            score += 0.4
        if r["inTop"]:
            score += 0.2
        if not r["inner"] and r["icon"]:
            score += 0.15
        if r["tag"] == "a":
            score -= 0.4
        if score >= 0.3:
            scored.append((score, element))
    return [element for _, element in sorted(scored, key=lambda pair: -pair[0])][:6]


def banners(frame: Frame) -> list[Candidate]:
    """Buttons that close a consent banner or a welcome dialog."""
    found = []
    for element in interactive_elements(frame):
        r = element.raw
        if (
            r["clickable"]
            and r["visible"]
            and (r["inDialog"] or r["inConsent"])
            and not r["holdsBox"]  # a chat is a dialog too, and its Close button closes it
            and name_patterns.ACCEPT.search(element.visible_name)
        ):
            found.append(Candidate(element, 0.8, [f"{element.visible_name[:30]!r} on a banner or dialog"]))
    return found


def confirmations(frame: Frame) -> list[Candidate]:
    """Buttons of an open dialog, the confirming one first."""
    found: list[Candidate] = []
    for element in interactive_elements(frame):
        r = element.raw
        if not r["clickable"] or not r["visible"] or not r["inDialog"]:
            continue
        score, reasons = 0.3, ["in a dialog that New Chat opened"]
        if name_patterns.CONFIRM.search(element.visible_name):
            score += 0.5
            reasons.append(f"{element.visible_name[:30]!r} confirms")
        if name_patterns.REFUSE.search(element.visible_name):
            score -= 0.4
        found.append(Candidate(element, round(score, 2), reasons))
    return sorted(found, key=lambda c: -c.score)


def describe(element: Element) -> Spec:
    """The most robust locator that finds this element and no other, as a profile writes it."""
    frame, r = element.frame, element.raw
    role, name = _accessible(element)
    tries: list[tuple[Spec, Locator]] = []
    if role and name and len(name) <= 80:
        tries.append(({"role": role, "name": name}, frame.get_by_role(role, name=name)))  # type: ignore[arg-type]
        tries.append(
            ({"role": role, "name": name, "exact": True}, frame.get_by_role(role, name=name, exact=True))  # type: ignore[arg-type]
        )
    if r["placeholder"]:
        tries.append(({"placeholder": r["placeholder"]}, frame.get_by_placeholder(r["placeholder"])))
    if r["testId"]:
        tries.append(({"test_id": r["testId"]}, frame.get_by_test_id(r["testId"])))
    if r["title"]:
        tries.append(({"title": r["title"]}, frame.get_by_title(r["title"])))
    if role == "textbox":
        tries.append(({"role": "textbox"}, frame.get_by_role("textbox")))
    tries.append(({"css": r["css"]}, frame.locator(r["css"])))
    for spec, locator in tries:
        if _is(locator, r["mark"]):
            return spec
    return {"css": r["css"]}


def _is(locator: Locator, mark: str) -> bool:
    try:
        return locator.count() == 1 and locator.get_attribute("data-e2e-seen", timeout=1000) == mark
    except Error:
        return False


def _accessible(element: Element) -> tuple[str, str]:
    """Role and accessible name."""
    try:
        first = element.locator.aria_snapshot(timeout=2000).splitlines()
    except Error:
        return "", ""
    match = re.match(r'-\s+(\w+)(?:\s+"((?:[^"\\]|\\.)*)")?', first[0]) if first else None
    return (match[1], (match[2] or "").replace('\\"', '"')) if match else ("", "")


def frame_path(frame: Frame) -> tuple[str, ...]:
    """CSS of the frames that lead to ``frame``, outermost first."""
    path: list[str] = []
    while frame.parent_frame is not None:
        element = frame.frame_element()
        path.insert(
            0,
            element.evaluate(
                """(el) => {
                  const only = (css) => document.querySelectorAll(css).length === 1;
                  if (el.id && only('#' + CSS.escape(el.id))) return 'iframe#' + CSS.escape(el.id);
                  for (const a of ['name', 'title', 'src']) {
                    const v = el.getAttribute(a); const css = `iframe[${a}=${JSON.stringify(v)}]`;
                    if (v && only(css)) return css;
                  }
                  return `iframe:nth-of-type(${[...el.parentElement.children].filter((x) => x.tagName === 'IFRAME').indexOf(el) + 1})`;
                }"""
            ),
        )
        frame = frame.parent_frame
    return tuple(path)


def marked(frame: Frame, locator: Locator) -> Element | None:
    """The element that a locator finds, with its properties; None when it takes neither text nor clicks."""
    found = interactive_elements(frame)
    try:
        mark = locator.get_attribute("data-e2e-seen", timeout=1000)
    except Error:
        return None
    return next((e for e in found if e.raw["mark"] == mark), None)
