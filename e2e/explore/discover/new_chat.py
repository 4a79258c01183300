"""What starts a new chat is found by trying: a button of such a name, or what a menu shows."""

from __future__ import annotations

from playwright.sync_api import Error

from e2e.errors import CaptureIncomplete
from e2e.explore.discover import find
from e2e.explore.discover.find import Candidate, Element, Spec
from e2e.explore.discover.scene import Scene
from e2e.explore.discover.watch import Stores

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
Way = list[tuple[str, Spec]]
"""``(verb, locator)`` in order."""


def new_chat(scene: Scene) -> None:
    """Start a new chat. Raises `CaptureIncomplete` when nothing does."""
    said = scene.said
    direct = find.new_chats(scene.frame) or (find.new_chats(scene.page.main_frame) if said.frame else [])
    said.new_chat_candidates = direct[:4]
    for candidate in direct[:4]:
        candidate.spec = find.describe(candidate.element)
    for candidate in direct[:3]:
        if candidate.score >= 0.4 and _try(scene, [("click", candidate.spec)], candidate):
            return
    for path, candidate in _through_menus(scene, {c.element.raw["mark"] for c in direct}):
        if _try(scene, path, candidate):
            return
    said.clicked = scene.stores()
    raise CaptureIncomplete(
        "nothing was found that starts a new chat: no button of such a name, and no menu with one",
        where=", ".join(str(c.spec) for c in direct[:3]) or "",
        hint="`--headed` shows the page; write steps.new_chat by hand (e2e/docs/profiles.md has recipes)",
    )


def _through_menus(scene: Scene, tried: set[str]) -> list[tuple[Way, Candidate]]:
    """What a menu shows besides what was ``tried``, each with the way there; the menus are left closed."""
    for verb in ("hover", "click"):
        for menu in find.menus(scene.frame):
            opener = find.describe(menu)
            try:
                getattr(menu.locator, verb)(timeout=1500)
            except Error:
                continue
            scene.settle(0.25, 1.0)
            shown = [c for c in find.new_chats(scene.frame) if c.element.raw["mark"] not in tried]
            items = [c for c in shown if c.score >= 0.4]
            for item in items[:2]:
                item.spec = find.describe(item.element)  # now, while it can be seen
            _close(scene, menu, verb, items)
            if items:
                scene.said.new_chat_candidates = [*items[:2], *scene.said.new_chat_candidates]
                return [([(verb, opener), ("click", item.spec)], item) for item in items[:2]]
    return []


def _close(scene: Scene, menu: Element, verb: str, items: list[Candidate]) -> None:
    """Leave a menu as it was: a click on the button of an open one would close it."""
    if verb == "click":
        scene.page.keyboard.press("Escape")
    scene.page.mouse.move(0, 0)
    scene.settle(0.15, 1.0)
    if verb == "click" and items and items[0].element.locator.is_visible():
        try:
            menu.locator.click(timeout=1500)
        except Error:
            return  # it is covered by its own menu; what follows says so
        scene.page.mouse.move(0, 0)


def _try(scene: Scene, path: Way, candidate: Candidate) -> bool:
    """Click along ``path``; whether a new chat began."""
    said = scene.said
    stores, address = scene.stores(), scene.page.url
    said.dialogs.clear()
    try:
        for verb, spec in path:
            getattr(scene.locator(spec), verb)(timeout=3000)
        scene.settle(0.25, 1.0)
        specs = [*path, *_confirmed(scene)]
    except Error:
        return False
    scene.settle()
    now = scene.stores()
    if said.turns[-1].nonce in scene.text():
        return False
    signs = ["the conversation was gone from the screen"]
    if _held(now) != _held(stores):
        signs.append("the store changed")
    if scene.page.url != address:
        signs.append("the address changed")
    covering = _covering(scene)
    if covering is not None:
        specs.append(("wait_gone", covering))
    said.new_chat, said.clicked = specs, now
    said.new_chat_reasons = [*candidate.reasons, *signs]
    scene.say("new chat: " + ", ".join(f"{verb} {spec}" for verb, spec in specs))
    return True


def _held(stores: Stores) -> tuple[dict[str, str], ...]:
    return stores.local, stores.session, stores.cookies, stores.records


def _confirmed(scene: Scene) -> Way:
    """Say yes to a dialog of the page's own; the clicks that this took. Raises Playwright's `Error`."""
    confirm = find.confirmations(scene.frame)
    if not confirm or confirm[0].score < 0.5:
        return []
    spec = find.describe(confirm[0].element)
    confirm[0].element.locator.click(timeout=3000)
    scene.say(f"confirmed: {spec}")
    return [("click", spec)]


def _covering(scene: Scene) -> Spec | None:
    """What lies over the message box for a moment, such as a toast."""
    boxes = find.message_boxes(scene.page)
    if not boxes:
        return None
    r = boxes[0].element.raw
    css: str | None = scene.frame.evaluate(_ON_TOP, [r["x"] + r["w"] / 2, r["y"] + r["h"] / 2, r["mark"]])
    return {"css": css} if css else None
