"""Discovery's conversation: two short messages in each of two chats, with everything watched. Sends nothing more."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, Error, Frame, Page

from e2e.discover import find, words
from e2e.discover.find import Candidate, Element, Spec
from e2e.discover.watch import Stores, Watcher
from e2e.errors import Blocked, CaptureIncomplete, TargetNotReady

_MESSAGES = Path(__file__).with_name("messages.js").read_text(encoding="utf-8")
_TEXT = """() => {
  const inside = (root) => [...root.querySelectorAll('*')].filter((e) => e.shadowRoot)
    .map((e) => [...e.shadowRoot.children].map((c) => c.innerText ?? '').join('\\n') + inside(e.shadowRoot)).join('\\n');
  return (document.body?.innerText ?? '') + inside(document);
}"""
_QUIET = 1.0  # seconds without traffic and without a change on the screen after which a reply is over
_LONGEST = 40.0
_OPENERS = ("Hello", "And again", "Something else", "One more")


@dataclass(slots=True)
class Turn:
    """One message: what was typed, when, and what was stored before and after."""

    nonce: str
    text: str
    sent_at: float
    ended_at: float = 0.0
    before: Stores | None = None
    after: Stores | None = None
    shown: str = ""
    """Text that appeared on the screen besides the message itself."""


@dataclass(slots=True)
class Said:
    """Everything that the conversation found out about the page."""

    url: str
    title: str
    frame: tuple[str, ...] = ()
    box: Spec = field(default_factory=dict)
    box_candidates: list[Candidate] = field(default_factory=list)
    second_box: Spec | None = None
    send: list[Spec] = field(default_factory=list)
    """Empty: Enter sends."""
    send_reasons: list[str] = field(default_factory=list)
    open: list[Spec] = field(default_factory=list)
    new_chat: list[tuple[str, Spec]] = field(default_factory=list)
    """``(verb, locator)`` in order."""
    new_chat_candidates: list[Candidate] = field(default_factory=list)
    new_chat_reasons: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    stop: Spec | None = None
    messages: Spec | None = None
    turns: list[Turn] = field(default_factory=list)
    start: Stores | None = None
    clicked: Stores | None = None
    """Right after New Chat."""
    message_count: int = 0
    labels: list[tuple[Spec, list[str]]] = field(default_factory=list)
    """Where short texts stand beside the messages of the first chat, and which."""


class Talk:
    """Holds the conversation. ``say`` is told each step."""

    def __init__(self, page: Page, watcher: Watcher, say: Callable[[str], None]) -> None:
        self._page = page
        self._watcher = watcher
        self._say = say
        self._frame: Frame = page.main_frame
        self.said = Said("", "")
        page.on("dialog", self._dialog)

    def hold(self, url: str, timeout: float) -> Said:
        """Open ``url`` and talk. Raises `TargetNotReady`, `Blocked` or `CaptureIncomplete` when it cannot go on."""
        said = self.said
        self._open(url, timeout)
        said.url, said.title = self._page.url, self._page.title()
        box = self._box(timeout)
        said.start = self._stores()
        self._first(box)
        self._message(1)
        self._see_messages()
        self._new_chat()
        self._message(2)
        self._message(3)
        return said

    # -- opening ------------------------------------------------------------------------------------------------------

    def _open(self, url: str, timeout: float) -> None:
        try:
            response = self._page.goto(url, wait_until="domcontentloaded", timeout=timeout * 1000)
        except Error as error:
            raise TargetNotReady(
                f"{url} could not be opened: {error.message.splitlines()[0]}",
                way_out="is the address right, and is the chat up?",
            ) from None
        if response is not None and response.status >= 400:
            raise TargetNotReady(
                f"{url} answered {response.status}",
                way_out="is the address right, and does the page need a login?",
            )
        self._rest()

    def _box(self, timeout: float) -> Element:
        """Find the message box, after taking away what covers it."""
        deadline = time.monotonic() + timeout
        while True:
            boxes = find.message_boxes(self._page)
            if boxes and boxes[0].score >= 0.4:
                break
            if time.monotonic() > deadline:
                self._give_up_before_the_box()
            self._dismiss()
            self._page.wait_for_timeout(300)
        self._frame = boxes[0].element.frame
        self._dismiss()
        boxes = find.message_boxes(self._page) or boxes
        self.said.frame = find.frame_path(boxes[0].element.frame)
        self.said.box_candidates = boxes[:3]
        self.said.box = boxes[0].spec = find.describe(boxes[0].element)
        for other in boxes[1:3]:
            other.spec = find.describe(other.element)
        self._say(f"message box: {self.said.box}")
        return boxes[0].element

    def _give_up_before_the_box(self) -> None:
        self._refused()
        text = self._text()
        if words.LOGIN.search(text):
            raise Blocked(
                "the page wants a login",
                condition="login-wall",
                way_out="sign in first: --storage-state FILE (`make login` makes one)",
            )
        raise CaptureIncomplete(
            "no message box was found",
            way_out="is this the page of the chat? `--headed` shows what discovery sees",
        )

    def _dismiss(self) -> None:
        for candidate in find.banners(self._frame)[:2]:
            spec = find.describe(candidate.element)
            try:
                candidate.element.locator.click(timeout=1500)
            except Error:
                continue
            self.said.open.append(spec)
            self._say(f"dismissed: {spec}")
            self._page.wait_for_timeout(300)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _first(self, box: Element) -> None:
        """The first message also finds out how messages are sent: by Enter, or by which button."""
        turn = self._typed(0, box)
        self._page.keyboard.press("Enter")
        if self._left(turn, 2.5):
            self.said.send_reasons = ["Enter sent the message"]
        else:
            self._by_button(turn, box)
        self._reply(turn)

    def _by_button(self, turn: Turn, box: Element) -> None:
        candidates = find.send_buttons(box)
        for candidate in candidates[:3]:
            candidate.spec = find.describe(candidate.element)
            self._refill(box, turn.text)
            try:
                candidate.element.locator.click(timeout=3000)
            except Error:
                continue
            if self._left(turn, 4):
                self.said.send = [candidate.spec]
                self.said.send_reasons = ["Enter sent nothing, and a click on this did", *candidate.reasons]
                self._say(f"send: {candidate.spec}")
                return
        self._refused()
        raise CaptureIncomplete(
            "the message could not be sent: neither Enter nor a button beside the box made a request with its text",
            way_out="`--headed` shows it; write the profile by hand from e2e/README.md",
        )

    def _message(self, number: int) -> None:
        box = self._current_box()
        turn = self._typed(number, box)
        if self.said.send:
            try:
                _locator(self._frame, self.said.send[0]).click(timeout=4000)
            except Error:
                self._page.keyboard.press("Enter")
        else:
            self._page.keyboard.press("Enter")
        if not self._left(turn, 8):
            self._refused()
            raise CaptureIncomplete(
                f"message {number + 1} did not leave the page", way_out="`--headed` shows why"
            )
        self._reply(turn)

    def _current_box(self) -> Element:
        boxes = find.message_boxes(self._page)
        if not boxes:
            raise CaptureIncomplete("the message box is gone", way_out="`--headed` shows why")
        element = boxes[0].element
        if self.said.second_box is None and _locator(self._frame, self.said.box).count() != 1:
            self.said.second_box = find.describe(element)
        return element

    def _typed(self, number: int, box: Element) -> Turn:
        nonce = secrets.token_hex(4)
        turn = Turn(nonce, f"{_OPENERS[number % len(_OPENERS)]} {nonce}", time.time(), before=self._stores())
        self.said.turns.append(turn)
        self._refill(box, turn.text)
        turn.sent_at = time.time()
        return turn

    def _refill(self, box: Element, text: str) -> None:
        locator = box.locator
        try:
            locator.click(timeout=5000)
        except Error:
            self._dismiss()
            locator.click(timeout=5000, force=True)
        self._page.keyboard.press("ControlOrMeta+A")
        self._page.keyboard.press("Delete")
        self._page.keyboard.insert_text(text)

    def _left(self, turn: Turn, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(turn.nonce in p.text or turn.nonce in p.url for p in self._watcher.payloads):
                return True
            self._page.wait_for_timeout(50)
        return False

    def _reply(self, turn: Turn) -> None:
        """Wait until the reply is over, watching which buttons come and go meanwhile."""
        text, changed = self._text(), time.monotonic()
        started = time.monotonic()
        while True:
            self._page.wait_for_timeout(60)
            now = self._text()
            if now != text:
                text, changed = now, time.monotonic()
            for element in find.elements(self._frame) if time.monotonic() - started < 6 else ():
                usable = element.raw["clickable"] and element.raw["visible"]
                if usable and self.said.stop is None and words.STOP.search(element.wording):
                    self.said.stop = find.describe(element)
            idle = time.monotonic() - max(changed, self._watcher.last)
            waited = time.monotonic() - started
            answered = len(text) > 0 and turn.nonce in text
            if (
                (idle > _QUIET and answered and waited > 1.2)
                or (time.monotonic() - changed > 4 and waited > 5)
                or waited > _LONGEST
            ):
                break
        turn.ended_at = time.time()
        turn.after = self._stores()
        turn.shown = text
        if self.said.stop is not None and _locator(self._frame, self.said.stop).first.is_visible():
            self.said.stop = None  # it is always there: it tells no end

    def _see_messages(self) -> None:
        first, second = (turn.nonce for turn in self.said.turns[:2])
        seen = self._frame.evaluate(_MESSAGES, [first, second])
        if seen is not None:
            self.said.messages, self.said.message_count = seen["spec"], seen["count"]
            self.said.labels = [(one["spec"], one["texts"]) for one in seen["labels"]]

    # -- New Chat -----------------------------------------------------------------------------------------------------

    def _new_chat(self) -> None:
        said = self.said
        direct = find.new_chats(self._frame) or (find.new_chats(self._page.main_frame) if said.frame else [])
        said.new_chat_candidates = direct[:4]
        for candidate in direct[:4]:
            candidate.spec = find.describe(candidate.element)
        for candidate in direct[:3]:
            if candidate.score >= 0.4 and self._try([("click", candidate.spec)], candidate):
                return
        for path, candidate in self._through_menus({c.element.raw["mark"] for c in direct}):
            if self._try(path, candidate):
                return
        said.clicked = self._stores()
        raise CaptureIncomplete(
            "nothing was found that starts a new chat: no button of such a name, and no menu with one",
            where=", ".join(str(c.spec) for c in direct[:3]) or "",
            way_out="`--headed` shows the page; write steps.new_chat by hand (e2e/README.md has recipes)",
        )

    def _through_menus(self, tried: set[str]) -> list[tuple[list[tuple[str, Spec]], Candidate]]:
        """What a menu shows besides what was ``tried``, each with the way there; the menus are left closed."""
        found: list[tuple[list[tuple[str, Spec]], Candidate]] = []
        for verb in ("hover", "click"):
            for menu in find.menus(self._frame):
                opener = find.describe(menu)
                try:
                    getattr(menu.locator, verb)(timeout=1500)
                except Error:
                    continue
                self._page.wait_for_timeout(250)
                shown = [c for c in find.new_chats(self._frame) if c.element.raw["mark"] not in tried]
                items = [c for c in shown if c.score >= 0.4]
                for item in items[:2]:
                    item.spec = find.describe(item.element)  # now, while it can be seen
                self._close(menu, verb, items)
                if items:
                    self.said.new_chat_candidates = [*items[:2], *self.said.new_chat_candidates]
                    found += [([(verb, opener), ("click", item.spec)], item) for item in items[:2]]
                    return found
        return found

    def _close(self, menu: Element, verb: str, items: list[Candidate]) -> None:
        """Leave a menu as it was: a click on the button of an open one would close it."""
        if verb == "click":
            self._page.keyboard.press("Escape")
        self._page.mouse.move(0, 0)
        self._page.wait_for_timeout(150)
        if verb == "click" and items and items[0].element.locator.is_visible():
            try:
                menu.locator.click(timeout=1500)
            except Error:
                return  # it is covered by its own menu; what follows says so
            self._page.mouse.move(0, 0)

    def _try(self, path: list[tuple[str, Spec]], candidate: Candidate) -> bool:
        """Click along ``path``; whether a new chat began."""
        said = self.said
        specs = list(path)
        last = said.turns[-1]
        stores, address = self._stores(), self._page.url
        said.dialogs.clear()
        try:
            for verb, spec in specs:
                getattr(_locator(self._frame, spec), verb)(timeout=3000)
        except Error:
            return False
        self._page.wait_for_timeout(250)
        confirm = find.confirmations(self._frame)
        if confirm and confirm[0].score >= 0.5:
            spec = find.describe(confirm[0].element)
            try:
                confirm[0].element.locator.click(timeout=3000)
            except Error:
                return False
            specs.append(("click", spec))
            self._say(f"confirmed: {spec}")
        self._rest()
        now = self._stores()
        signs = []
        if last.nonce not in self._text():
            signs.append("the conversation was gone from the screen")
        if (now.local, now.session, now.cookies, now.records) != (
            stores.local,
            stores.session,
            stores.cookies,
            stores.records,
        ):
            signs.append("the store changed")
        if self._page.url != address:
            signs.append("the address changed")
        if not signs or last.nonce in self._text():
            return False
        covering = self._covering()
        if covering is not None:
            specs.append(("wait_gone", covering))
        said.new_chat, said.clicked = specs, now
        said.new_chat_reasons = [*candidate.reasons, *signs]
        self._say("new chat: " + ", ".join(f"{verb} {spec}" for verb, spec in specs))
        return True

    def _covering(self) -> Spec | None:
        """What lies over the message box for a moment, such as a toast."""
        boxes = find.message_boxes(self._page)
        if not boxes:
            return None
        r = boxes[0].element.raw
        css: str | None = self._frame.evaluate(
            """([x, y, mark]) => {
              const top = document.elementFromPoint(x, y);
              const box = document.querySelector(`[data-e2e-seen="${mark}"]`);
              if (!top || !box || box.contains(top) || top.contains(box)) return null;
              const el = top.closest('[role=status], [role=alert], [class*=toast i], [class*=snack i], [class*=notif i]') ?? top;
              const name = [...el.classList].find((c) => /^[a-zA-Z][\\w-]*$/.test(c));
              if (el.id) return '#' + CSS.escape(el.id);
              const role = el.getAttribute('role');
              return name ? '.' + CSS.escape(name) : role ? `[role=${role}]` : null;
            }""",
            [r["x"] + r["w"] / 2, r["y"] + r["h"] / 2, r["mark"]],
        )
        return {"css": css} if css else None

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _dialog(self, dialog: Dialog) -> None:
        self.said.dialogs.append(dialog.type)
        try:
            dialog.accept()
        except Error:
            return

    def _refused(self) -> None:
        """Say what the page shows when it refuses. Raises `Blocked`."""
        text = self._text()
        robot = words.CAPTCHA.search(text)
        if robot:
            raise Blocked(
                f"the page asks whether a person is there: it says {robot.group()!r}",
                condition="captcha",
                way_out="answer it by hand once (`make login` saves the state), then --storage-state FILE",
            )
        found = words.LIMIT.search(text)
        if found:
            raise Blocked(
                f"the page refuses to send: it says {found.group()!r}",
                way_out="try again later, or from a fresh browser",
            )
        if words.LOGIN.search(text) and not find.message_boxes(self._page):
            raise Blocked(
                "the page wants a login",
                condition="login-wall",
                way_out="--storage-state FILE (`make login` makes one)",
            )

    def _rest(self, quiet: float = 0.7, longest: float = 8.0) -> None:
        """Wait until nothing was sent or heard, and nothing changed, for a moment."""
        started, text, changed = time.monotonic(), self._text(), time.monotonic()
        while time.monotonic() - started < longest:
            self._page.wait_for_timeout(80)
            now = self._text()
            if now != text:
                text, changed = now, time.monotonic()
            if time.monotonic() - max(changed, min(self._watcher.last, changed + 2)) > quiet:
                return

    def _text(self) -> str:
        try:
            text: str = self._frame.evaluate(_TEXT)
        except Error:
            return ""
        return text

    def _stores(self) -> Stores:
        return self._watcher.stores(self._frame)


def _locator(frame: Frame, spec: Spec) -> Any:
    if "role" in spec:
        return frame.get_by_role(spec["role"], name=spec.get("name"), exact=spec.get("exact"))
    if "placeholder" in spec:
        return frame.get_by_placeholder(spec["placeholder"])
    if "test_id" in spec:
        return frame.get_by_test_id(spec["test_id"])
    if "title" in spec:
        return frame.get_by_title(spec["title"])
    return frame.locator(spec["css"])
