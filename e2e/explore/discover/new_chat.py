"""Finds out what starts a new chat, by trying: buttons with such a name, then the items of menus."""

from __future__ import annotations

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import elements
from e2e.explore.discover.elements import Candidate, Element, Spec
from e2e.explore.discover.inspector import Inspector
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
ClickPath = list[tuple[str, Spec]]
"""``(verb, locator)``, in order."""


def new_chat(inspector: Inspector) -> None:
    """Start a new chat. Raises `CaptureIncomplete` when nothing does."""
    observed = inspector.observed
    direct = elements.new_chats(inspector.frame) or (
        elements.new_chats(inspector.page.main_frame) if observed.frame else []
    )
    observed.new_chat_candidates = direct[:4]
    for candidate in direct[:4]:
        candidate.spec = elements.describe(candidate.element)
    for candidate in direct[:3]:
        if candidate.score >= 0.4 and _starts_new_chat(inspector, [("click", candidate.spec)], candidate):
            return
    for path, candidate in _through_menus(inspector, {c.element.raw["mark"] for c in direct}):
        if _starts_new_chat(inspector, path, candidate):
            return
    observed.clicked = inspector.stores()
    raise CaptureIncomplete(
        "nothing starts a new chat: no button has such a name, and no menu shows one",
        where=", ".join(str(c.spec) for c in direct[:3]) or "",
        hint="watch with --headed, or write steps.new_chat by hand (e2e/docs/profiles.md has recipes)",
    )


def _through_menus(inspector: Inspector, tried: set[str]) -> list[tuple[ClickPath, Candidate]]:
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
                return [([(verb, opener), ("click", item.spec)], item) for item in items[:2]]
    return []


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


def _starts_new_chat(inspector: Inspector, path: ClickPath, candidate: Candidate) -> bool:
    """Click along ``path``, and return whether a new chat began."""
    observed = inspector.observed
    stores, address = inspector.stores(), inspector.page.url
    observed.dialogs.clear()
    try:
        for verb, spec in path:
            getattr(inspector.locator(spec), verb)(timeout=3000)
        inspector.settle(0.25, 1.0)
        specs = [*path, *_confirm(inspector)]
    except Error:
        return False
    inspector.settle()
    now = inspector.stores()
    if observed.turns[-1].nonce in inspector.text():
        return False
    signs = ["the conversation disappeared from the page"]
    if _contents(now) != _contents(stores):
        signs.append("the store changed")
    if inspector.page.url != address:
        signs.append("the address changed")
    covering = _covering(inspector)
    if covering is not None:
        specs.append(("wait_gone", covering))
    observed.new_chat, observed.clicked = specs, now
    observed.new_chat_reasons = [*candidate.reasons, *signs]
    inspector.report("new chat: " + ", ".join(f"{verb} {toml_value(spec)}" for verb, spec in specs))
    return True


def _contents(stores: Stores) -> tuple[dict[str, str], ...]:
    return stores.local, stores.session, stores.cookies, stores.records


def _confirm(inspector: Inspector) -> ClickPath:
    """Confirm a dialog of the page, if there is one; returns the clicks. Raises Playwright's `Error`."""
    confirm = elements.confirmations(inspector.frame)
    if not confirm or confirm[0].score < 0.5:
        return []
    spec = elements.describe(confirm[0].element)
    confirm[0].element.locator.click(timeout=3000)
    inspector.report(f"confirmed a dialog: {toml_value(spec)}")
    return [("click", spec)]


def _covering(inspector: Inspector) -> Spec | None:
    """The element that covers the message box for a moment, such as a toast."""
    boxes = elements.message_boxes(inspector.page)
    if not boxes:
        return None
    r = boxes[0].element.raw
    css: str | None = inspector.frame.evaluate(_ON_TOP, [r["x"] + r["w"] / 2, r["y"] + r["h"] / 2, r["mark"]])
    return {"css": css} if css else None
