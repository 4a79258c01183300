"""What the user did becomes steps of the profile: opening the chat, sending, starting a new chat."""

from __future__ import annotations

from typing import Any, cast

from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.record.guide import Recording
from e2e.explore.record.inputs import Act, Box, Found
from e2e.explore.record.observe import observe
from e2e.explore.record.shown import Shown

SEND = Found('internal:role=button[name="Send"i]', "#send", "Send")


class Page:
    """The part of a page that is looked at afterwards: which locators are visible when the mouse is away."""

    def __init__(self, hidden: tuple[str, ...] = ()) -> None:
        self.mouse = self
        self._hidden = hidden
        self._searched = ""

    def move(self, x: int, y: int) -> None: ...

    def title(self) -> str:
        return "Acme"

    @property
    def first(self) -> Page:
        return self

    def locator(self, spec: dict[str, Any]) -> Page:
        self._searched = str(spec.get("name"))
        return self

    def is_visible(self) -> bool:
        return self._searched not in self._hidden


class Frame:
    parent_frame = None


FRAME = Frame()
MESSAGE = Found('internal:role=textbox[name="Message"i]', "#box")


def box(text: str = "") -> Box:
    return Box(MESSAGE, text)


def press(t: float, key: str = "Enter", text: str = "hello") -> Act:
    return Act(t, "key", cast(Any, FRAME), key=key, box=box(text))


def click(t: float, name: str, *, hovered: tuple[Found, ...] = (), dialog: bool = False) -> Act:
    return Act(t, "click", cast(Any, FRAME), found=button(name, dialog), hovered=hovered)


def button(name: str, dialog: bool = False) -> Found:
    return Found(
        f'internal:role=button[name="{name}"i]', f"#{name.replace(' ', '-')}", name, in_dialog=dialog
    )


def observed(
    *new_chat: Act, opening: tuple[Act, ...] = (), started: int | None = None, hidden: tuple[str, ...] = (),
    loads: tuple[float, ...] = (0.0,), sender: Act | None = None, **more: Any,
) -> Observed:  # fmt: skip
    first = sender or press(10)
    senders = [first, press(20), press(40), press(50)]
    turns = [Turn(f"nonce{n}", f"text nonce{n}", a.t, chat=n // 2) for n, a in enumerate(senders)]
    acts = [*opening, *senders[:2], *new_chat, *senders[2:]]
    shown = Shown(
        acts, turns, senders, list(new_chat), started=len(new_chat) if started is None else started, loads=list(loads), **more,
    )  # fmt: skip

    class Fake:
        def __init__(self) -> None:
            self.page = Page(hidden)
            self.locator = self.page.locator
            self.observed = Observed("", "", turns=turns)

    return observe(cast(Recording, Fake()), shown)


def test_clicks_between_the_chats_are_the_steps_of_new_chat() -> None:
    found = observed(click(30, "Menu"), click(31, "New chat"), click(32, "OK"))
    assert [step["click"]["name"] for step in found.new_chat] == ["Menu", "New chat", "OK"]


def test_click_that_opens_the_chat_again_is_left_to_steps_open() -> None:
    found = observed(click(30, "New chat"), click(33, "Chat with us"), opening=(click(5, "Chat with us"),))
    assert found.new_chat == [{"click": {"role": "button", "name": "New chat"}}]
    assert found.open == [{"click": {"role": "button", "name": "Chat with us"}}]
    assert found.ready == {"role": "button", "name": "Chat with us"}


def test_click_after_the_new_chat_was_seen_does_not_start_it() -> None:
    found = observed(click(30, "New chat"), click(35, "Close tips"), started=1)
    assert [next(iter(step)) for step in found.new_chat] == ["click", "dismiss"]


def test_menu_that_opens_on_hover_is_a_step() -> None:
    item = click(30, "New chat", hovered=(button("Search"), button("Menu")))
    assert observed(item, hidden=("New chat",)).new_chat[0] == {"hover": {"role": "button", "name": "Menu"}}
    assert len(observed(item).new_chat) == 1, "it is visible without the hover"


def test_double_click_of_an_impatient_user_is_one_click() -> None:
    assert len(observed(click(30, "New chat"), click(30.4, "New chat")).new_chat) == 1


def test_key_starts_a_new_chat() -> None:
    assert observed(press(30, "Control+Shift+O", "")).new_chat == [{"press": "Control+Shift+O"}]


def test_new_chat_that_was_not_seen_is_doubtful() -> None:
    found = observed(click(30, "Home"), not_seen=True)
    assert found.new_chat_candidates[0].score < 0.5
    assert "but the conversation stayed on the page" in found.new_chat_reasons


def test_banner_is_dismissed_and_only_clicks_after_the_last_load_open_the_chat() -> None:
    opening = (click(2, "Sign in"), click(6, "Accept all", dialog=True), click(7, "Start chatting"))
    found = observed(click(30, "New chat"), opening=opening, loads=(0.0, 5.0))
    assert [next(iter(step)) for step in found.open] == ["dismiss", "click"]
    assert found.ready == {"role": "button", "name": "Start chatting"}


def test_send_button_and_keys_are_steps() -> None:
    by_click = Act(10, "click", cast(Any, FRAME), found=SEND, box=box("hello"))
    assert observed(click(30, "New chat"), sender=by_click).send == [
        {"click": {"role": "button", "name": "Send"}}
    ]
    assert observed(click(30, "New chat")).send == []
    assert observed(click(30, "New chat"), sender=press(10, "Control+Enter")).send == [
        {"press": "Control+Enter"}
    ]


def test_locator_with_a_messages_text_is_replaced_by_css() -> None:
    changed = Found('internal:role=textbox[name="text nonce0"i]', "#box")
    assert changed.spec(["text nonce0"]) == {"css": "#box"}
