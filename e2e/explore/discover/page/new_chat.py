"""Finds out what starts a new chat, by trying: buttons with such a name, the items of menus, keys, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import name_patterns
from e2e.explore.discover.candidates import Candidate, Element, Spec, Step
from e2e.explore.discover.given import not_found
from e2e.explore.discover.page import elements
from e2e.explore.discover.page.inspector import Inspector
from e2e.explore.discover.page.opening import boxes_on
from e2e.explore.discover.watcher import Stores
from e2e.profile.profile import toml_value

_ON_TOP = """([x, y, mark]) => {
  const top = document.elementFromPoint(x, y);
  const box = document.querySelector(`[data-e2e-seen="${mark}"]`);
  if (!top || !box || box.contains(top) || top.contains(box)) return null;
  const el = top.closest('[role=status], [role=alert], [class*=toast i], [class*=snack i], [class*=notif i]') ?? top;
  const name = [...el.classList].find((c) => /^[a-zA-Z][\\w-]*$/.test(c));
  if (el.id) return '#' + CSS.escape(el.id);
  const role = el.getAttribute('role');
  return name ? '.' + CSS.escape(name) : role ? `[role=${role}]` : null;
}"""
_KEYS = re.compile(
    r"\b((?:(?:ctrl|control|cmd|command|alt|option|shift|meta|⌘|⇧|⌥)\s*[+\- ]\s*)+)([A-Za-z0-9])\b",
    re.IGNORECASE,
)
_MODIFIERS = {
    "ctrl": "Control", "control": "Control", "cmd": "ControlOrMeta", "command": "ControlOrMeta", "⌘": "ControlOrMeta",
    "meta": "ControlOrMeta",    "alt": "Alt", "option": "Alt", "⌥": "Alt", "shift": "Shift", "⇧": "Shift",
}  # fmt: skip
_USUAL_KEYS = ("Control+Shift+O",)
"""Keys that many chats use without showing them."""
_NAMED = 0.4
"""From this score on the name of an element means New Chat."""
_STAYS = 0.45
"""Confidence in a click that changed a store and left the conversation on the page."""
_STAYED = "but the conversation stayed on the page"
_GIVEN = "named by --new-chat"
_CONFIRMS = 0.5
"""From this score on a button of a dialog confirms."""
_SLOW, _QUICK = 4.0, 1.0
"""Seconds in which New Chat clears the conversation: of a button with such a name, and of a guess.

A button that waits for its backend must not be given up: the next guess would be taken for what cleared the page.
"""


def new_chat(inspector: Inspector) -> None:
    """Start a new chat. Raises `CaptureIncomplete` when nothing does, or `InvalidProfile` for an option of the user."""
    observed = inspector.observed
    if inspector.given.new_chat:
        _as_given(inspector)
        return
    direct = elements.new_chats(inspector.frame) or (
        elements.new_chats(inspector.page.main_frame) if observed.frame else []
    )
    observed.new_chat_candidates = direct[:4]
    for candidate in direct[:4]:
        candidate.spec = inspector.describe(candidate.element)
    named = [c for c in direct[:3] if c.score >= _NAMED]
    changing: list[Candidate] = []
    for candidate in named:
        before = _contents(inspector.stores())
        if _starts_new_chat(inspector, [{"click": candidate.spec}], candidate.reasons, patience=_SLOW):
            return
        if _contents(inspector.stores()) != before:
            changing.append(candidate)
    ways = (
        _through_menus(inspector, {c.element.raw["mark"] for c in direct}),
        _hover_labels(inspector),
        _by_keys(inspector),
        _by_address(inspector),
    )
    for way in ways:
        for path, reasons in way:
            _close_dialog(inspector)
            if _starts_new_chat(inspector, path, reasons):
                return
    for candidate in changing:
        _close_dialog(inspector)
        if _starts_new_chat(
            inspector, [{"click": candidate.spec}], candidate.reasons, patience=_SLOW, may_stay=True
        ):
            _doubt(inspector, candidate)
            return
    observed.clicked = inspector.stores()
    buttons = (
        "what is named like New Chat neither cleared the conversation nor changed a store"
        if named
        else "no button has such a name"
    )
    raise CaptureIncomplete(
        f"nothing starts a new chat: {buttons}, no menu shows one, and neither a key nor the chat's address does it",
        where=", ".join(toml_value(c.spec) for c in direct[:3] if c.spec),
        hint="--new-chat LOCATOR, or --new-chat '{ press = \"Control+K\" }' or '{ goto = \"/\" }'; --headed shows the page",
    )


def _doubt(inspector: Inspector, candidate: Candidate) -> None:
    """Put ``candidate`` first, as a guess that a check must not rest on: its click left the conversation on the page."""
    others = [c for c in inspector.observed.new_chat_candidates if c is not candidate]
    doubted = replace(candidate, score=_STAYS, reasons=[*candidate.reasons, _STAYED])
    inspector.observed.new_chat_candidates = [doubted, *(c for c in others if c.score < _STAYS)]


def _close_dialog(inspector: Inspector) -> None:
    """Close what an earlier attempt opened: its confirmation would be taken for the next attempt's."""
    if not elements.confirmations(inspector.frame):
        return
    inspector.page.keyboard.press("Escape")
    inspector.settle(0.15, 1.0)
    left = elements.confirmations(inspector.frame)
    if left and left[-1].score < _CONFIRMS:
        try:
            left[-1].element.locator.click(timeout=1000)
        except Error:
            return  # the next attempt will tell
        inspector.settle(0.15, 1.0)


def _as_given(inspector: Inspector) -> None:
    steps = list(inspector.given.new_chat)
    if _starts_new_chat(inspector, steps, [_GIVEN], patience=_SLOW, may_stay=True):
        if _STAYED in inspector.observed.new_chat_reasons:
            spec: Spec = next((s["click"] for s in reversed(steps) if "click" in s), {})
            _doubt(inspector, Candidate(Element(inspector.frame, {}), _STAYS, [_GIVEN], spec))
        return
    clicked = next((s["click"] for s in steps if "click" in s), None)
    count = inspector.locator(clicked).count() if clicked is not None else 1
    if clicked is not None and count != 1:
        raise not_found("--new-chat", clicked, count)
    inspector.observed.clicked = inspector.stores()
    raise CaptureIncomplete(
        "--new-chat: no message can be typed after it",
        where=", ".join(map(toml_value, steps)),
        hint="does it need a click to confirm? repeat --new-chat for each step; --headed shows the page",
    )


def _through_menus(inspector: Inspector, tried: set[str]) -> Iterator[tuple[list[Step], list[str]]]:
    """New Chat items of menus, without those ``tried`` before, each with its click path. Closes the menus again."""
    for verb in ("hover", "click"):
        for menu in elements.menus(inspector.frame):
            opener = elements.describe(menu)
            try:
                getattr(menu.locator, verb)(timeout=1500)
            except Error:
                continue
            inspector.settle(0.25, 1.0)
            shown = [c for c in elements.new_chats(inspector.frame) if c.element.raw["mark"] not in tried]
            items = [c for c in shown if c.score >= 0.4]
            for item in items[:2]:
                item.spec = elements.describe(item.element)  # a hidden item has no accessible name
            _close(inspector, menu, verb, items)
            if items:
                inspector.observed.new_chat_candidates = [*items[:2], *inspector.observed.new_chat_candidates]
                yield from (([{verb: opener}, {"click": item.spec}], item.reasons) for item in items[:2])


def _close(inspector: Inspector, menu: Element, verb: str, items: list[Candidate]) -> None:
    """Close a menu, so that the click path works: its first click must open the menu."""
    if verb == "click":
        inspector.page.keyboard.press("Escape")
    inspector.page.mouse.move(0, 0)
    inspector.settle(0.15, 1.0)
    if verb == "click" and items and items[0].element.locator.is_visible():
        try:
            menu.locator.click(timeout=1500)
        except Error:
            return  # the open menu covers its own button: trying the path will tell
        inspector.page.mouse.move(0, 0)


def _hover_labels(inspector: Inspector) -> Iterator[tuple[list[Step], list[str]]]:
    """Icons without a name whose label appears when the mouse is over them."""
    icons = [
        e
        for e in elements.interactive_elements(inspector.frame)
        if e.raw["clickable"]
        and e.raw["visible"]
        and not e.raw["disabled"]
        and not e.visible_name
        and e.raw["type"] != "submit"
    ]
    for icon in icons[:8]:
        before = inspector.text()
        try:
            icon.locator.hover(timeout=1000)
        except Error:
            continue
        shown = inspector.text_after(before, 0.7)
        lines = [line for line in shown.splitlines() if line not in before.splitlines()]
        label = next((line for line in lines if name_patterns.NEW_CHAT.search(line)), None)
        if label is not None:
            yield [{"click": elements.describe(icon)}], [f"its label on hover is {label[:40]!r}"]


def _by_keys(inspector: Inspector) -> Iterator[tuple[list[Step], list[str]]]:
    """Keys that the page names for New Chat, then the usual ones."""
    named: dict[str, str] = {}
    for element in elements.interactive_elements(inspector.frame):
        if element.raw["keys"] and name_patterns.NEW_CHAT.search(element.all_names):
            named[_as_press(element.raw["keys"].split()[0])] = "aria-keyshortcuts names it"
    for line in inspector.text().splitlines():
        keys = _KEYS.search(line)
        if keys is not None and (name_patterns.NEW_CHAT.search(line) or name_patterns.RESET.search(line)):
            named[_as_press(keys.group())] = f"the page shows {line.strip()[:60]!r}"
    for press in _USUAL_KEYS:
        named.setdefault(press, "many chats use this key")
    for press, reason in named.items():
        yield [{"press": press}], [reason]


def _as_press(keys: str) -> str:
    parts = [part for part in re.split(r"[+\-\s]+", keys) if part]
    return "+".join(
        _MODIFIERS.get(part.lower(), part.upper() if len(part) == 1 else part.capitalize()) for part in parts
    )


def _by_address(inspector: Inspector) -> Iterator[tuple[list[Step], list[str]]]:
    """The address at which the chat was opened, where the conversation has one of its own, and links to a new chat."""
    opened, now = urlsplit(inspector.url), urlsplit(inspector.page.url)
    start = opened.path + (f"?{opened.query}" if opened.query else "")
    if (opened.path, opened.query, opened.fragment) != (now.path, now.query, now.fragment):
        yield (
            [{"goto": start or "/"}],
            ["the conversation has an address of its own, the chat's begins a new one"],
        )
    for element in elements.interactive_elements(inspector.frame):
        path = urlsplit(element.raw["href"] or "").path
        if re.search(r"/(new|new[-_]?chat|chats?/new|c/new)/?$", path):
            yield [{"goto": path}], [f"a link leads to {path}"]


def _starts_new_chat(
    inspector: Inspector,
    path: list[Step],
    reasons: list[str],
    *,
    patience: float = _QUICK,
    may_stay: bool = False,
) -> bool:
    """Do the steps of ``path``, and return whether a new chat began within ``patience`` seconds.

    ``may_stay``: the conversation may remain on the page.
    """
    observed = inspector.observed
    stores, address, loads = inspector.stores(), inspector.page.url, inspector.loads
    observed.dialogs.clear()
    try:
        for step in path:
            inspector.perform(step)
        inspector.settle(0.25, 1.0)
        steps = [*path, *_confirm(inspector)]
    except Error:
        return False
    inspector.settle()
    if observed.turns and not inspector.disappears(observed.turns[-1].nonce, patience) and not may_stay:
        return False
    inspector.settle(0.25, 1.0)
    observed.loaded_by_new_chat = inspector.loads > loads
    if not boxes_on(inspector) and not _reopen(inspector):
        return False
    now = inspector.stores()
    stayed = bool(observed.turns) and observed.turns[-1].nonce in inspector.text()
    if stayed and not may_stay:
        return False
    signs = [_STAYED if stayed else "the conversation disappeared from the page"]
    if _contents(now) != _contents(stores):
        signs.append("the store changed")
    if inspector.page.url != address:
        signs.append("the address changed")
    covering = _covering(inspector)
    if covering is not None:
        steps.append({"wait_gone": covering})
    observed.new_chat, observed.clicked = steps, now
    observed.new_chat_reasons = [*reasons, *signs]
    inspector.report("new chat: " + ", ".join(map(toml_value, steps)))
    return True


def _reopen(inspector: Inspector) -> bool:
    """New Chat closed the chat, or loaded a page on which it is closed: open it again, as after the first load."""
    try:
        for step in inspector.observed.open:
            if "dismiss" not in step:
                inspector.perform(step)
        inspector.settle(0.3, 2.0)
    except Error:
        return False
    return bool(boxes_on(inspector))


def _contents(stores: Stores) -> tuple[dict[str, str], ...]:
    return stores.local, stores.session, stores.cookies, stores.records


def _confirm(inspector: Inspector) -> list[Step]:
    """Confirm a dialog of the page, if there is one; returns the clicks. Raises Playwright's `Error`."""
    confirm = elements.confirmations(inspector.frame)
    if not confirm or confirm[0].score < _CONFIRMS:
        return []
    spec = elements.describe(confirm[0].element)
    confirm[0].element.locator.click(timeout=3000)
    inspector.report(f"confirmed a dialog: {toml_value(spec)}")
    return [{"click": spec}]


def _covering(inspector: Inspector) -> Spec | None:
    """The element that covers the message box for a moment, such as a toast."""
    boxes = boxes_on(inspector)
    if not boxes:
        return None
    r = boxes[0].element.raw
    css: str | None = inspector.frame.evaluate(_ON_TOP, [r["x"] + r["w"] / 2, r["y"] + r["h"] / 2, r["mark"]])
    return {"css": css} if css else None
