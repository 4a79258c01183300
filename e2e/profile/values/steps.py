"""What a user does on the page, as the profile describes it: locators, actions, and the steps that consist of actions."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from e2e.profile.values.fields import (
    ENVIRONMENT,
    SECRET_KEY,
    Condition,
    Css,
    InvalidValue,
    Method,
    Part,
    RuleName,
    Seconds,
    Template,
    Text,
    UrlRegex,
)

_KINDS = ("role", "label", "placeholder", "test_id", "text", "title", "css")
_ROLES = frozenset(
    """alert alertdialog application article banner blockquote button caption cell checkbox code columnheader combobox
    complementary contentinfo definition deletion dialog directory document emphasis feed figure form generic grid gridcell group
    heading img insertion link list listbox listitem log main marquee math menu menubar menuitem menuitemcheckbox menuitemradio
    meter navigation none note option paragraph presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar
    search searchbox separator slider spinbutton status strong subscript superscript switch tab table tablist tabpanel term textbox
    time timer toolbar tooltip tree treegrid treeitem""".split()
)


class Locate(Part):
    """How to find an element: exactly one of role, label, placeholder, test_id, text, title, css (the last resort).

    Every kind of locator also looks into open shadow roots.
    """

    role: str | None = Field(default=None, examples=["button"])
    """ARIA role, usually with ``name``."""
    name: str | None = Field(default=None, examples=["New chat"])
    """Accessible name, only with ``role``. A part of it is enough unless ``exact``."""
    exact: bool = False
    """Match the whole name, label, placeholder, text or title, case-sensitive."""
    label: Text | None = Field(default=None, examples=["Message"])
    """Label of the field."""
    placeholder: Text | None = Field(default=None, examples=["Ask anything"])
    """Text that the empty field shows."""
    test_id: Text | None = Field(default=None, examples=["composer"])
    """The value of ``data-testid``."""
    text: Text | None = Field(default=None, examples=["Start over"])
    """Text that the element shows."""
    title: Text | None = Field(default=None, examples=["New chat"])
    """The tooltip, HTML's ``title``."""
    css: Css | None = Field(default=None, examples=["form.composer button[type=submit]"])
    """CSS selector, the last resort: it breaks with every redesign."""
    nth: int | None = Field(default=None, ge=-100, le=100, examples=[0])
    """Which of several matches: 0 is the first, -1 the last."""
    within: Locate | None = Field(default=None, examples=[{"role": "navigation"}])
    """Look only inside this element."""
    frame: tuple[Css, ...] | None = Field(default=None, examples=[["iframe#chat"]])
    """CSS of the frames that contain the element, outermost first. ``[]`` is the page itself. Default: ``where.frame``."""

    @field_validator("role")
    @classmethod
    def _known_role(cls, role: str | None) -> str | None:
        if role is not None and role not in _ROLES:
            near = difflib.get_close_matches(role.lower(), sorted(_ROLES), n=1)
            raise ValueError(f'not an ARIA role; hint: "{near[0] if near else "button"}"')
        return role

    _kinds: ClassVar[tuple[str, ...]] = _KINDS

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        ways = [w for w in self._kinds if getattr(self, w)]
        if len(ways) != 1:
            present = ", ".join(ways) or "none of them"
            raise ValueError(
                f"a locator has exactly one of {', '.join(self._kinds)} (this one has {present});"
                ' hint: { role = "button", name = "New chat" }'
            )
        if self.name is not None and self.role is None:
            raise InvalidValue(
                "name", self.name, 'name needs role; hint: { role = "button", name = "New chat" }'
            )
        return self

    def __str__(self) -> str:
        return _inline(self.model_dump(exclude_none=True, exclude_defaults=True))


class Ready(Locate):
    """When a loaded page is ready: an element is visible (with the keys of Locate), the store holds an ID, or a WebSocket of a
    rule is open.
    """

    stored: bool = False
    """The store of ``[session]`` holds an ID: for a page that makes it before anything can be done."""
    socket: RuleName | None = Field(default=None, examples=["socket"])
    """A WebSocket of the wire rule with this name is open."""

    _kinds: ClassVar[tuple[str, ...]] = (*_KINDS, "stored", "socket")

    @property
    def visible(self) -> bool:
        """Whether it is an element that is waited for."""
        return not self.stored and self.socket is None


def _inline(value: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return repr(value)


class Fill(Part):
    """Text for a field. ``${NAME}`` in it is an environment variable."""

    into: Locate = Field(examples=[{"label": "User"}])
    """The field."""
    text: Template = Field(examples=["${CHAT_USER}"])
    """Text to type."""

    @model_validator(mode="after")
    def _no_password(self) -> Self:
        names = (self.into.label, self.into.name, self.into.placeholder, self.into.css, self.into.test_id)
        if any(SECRET_KEY.search(name) for name in names if name) and not ENVIRONMENT.search(self.text):
            raise InvalidValue(
                "text", "***", 'passwords are not allowed in the file; hint: text = "${CHAT_PASSWORD}"'
            )
        return self


class Action(Part):
    """One action: exactly one of click, hover, press, fill, wait_for, wait_gone, dismiss, mouse_away, goto."""

    click: Locate | None = Field(default=None, examples=[{"role": "button", "name": "New chat"}])
    """Click the middle of the element."""
    hover: Locate | None = Field(default=None, examples=[{"test_id": "chat-row"}])
    """Move the mouse there, for a menu that opens on hover."""
    press: str | None = Field(default=None, min_length=1, examples=["Enter", "Control+Shift+O"])
    """Press a key, by its Playwright name, in the focused element."""
    fill: Fill | None = Field(default=None, examples=[{"into": {"label": "User"}, "text": "${CHAT_USER}"}])
    """Type text into a field."""
    wait_for: Locate | None = Field(default=None, examples=[{"role": "dialog"}])
    """Wait until this is visible."""
    wait_gone: Locate | None = Field(default=None, examples=[{"css": ".toast"}])
    """Wait until this is no longer visible: a toast, a spinner, a dialog."""
    dismiss: Locate | None = Field(default=None, examples=[{"role": "button", "name": "Accept all"}])
    """Click this if it is there (the button of a consent banner, the close button of an overlay). Continue if it is not."""
    mouse_away: bool = False
    """Move the mouse to an empty place, so that menus and tooltips close."""
    goto: Text | None = Field(default=None, examples=["/new"])
    """Open this address, relative to that of the chat, as typed into the address bar."""
    optional: bool = False
    """Continue if the element is not there."""
    timeout: Seconds | None = Field(default=None, examples=[2])
    """Seconds for this action. Default: ``timeouts.action``, or 0.5 s for ``dismiss`` and optional actions."""

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        present = [a for a in _ACTIONS if getattr(self, a) not in (None, False)]
        if len(present) != 1:
            raise ValueError(
                f"an action has exactly one of {', '.join(_ACTIONS)} (this one has {', '.join(present) or 'none of them'});"
                ' hint: { click = { role = "button", name = "New chat" } }'
            )
        if self.press is not None:
            _check_key(self.press)
        return self

    @property
    def starts(self) -> bool:
        """Whether it is a click, a press or an address: what can start a chat or send a message."""
        return self.click is not None or self.press is not None or self.goto is not None


_ACTIONS = ("click", "hover", "press", "fill", "wait_for", "wait_gone", "dismiss", "mouse_away", "goto")

_KEYS = frozenset(
    """Enter Tab Escape Space Backspace Delete Insert Home End PageUp PageDown ArrowUp ArrowDown ArrowLeft ArrowRight
    Control ControlOrMeta Alt Shift Meta NumpadEnter ContextMenu""".split()
) | {f"F{n}" for n in range(1, 13)}


def _check_key(press: str) -> None:
    for key in press.removesuffix("++").split("+") if len(press) > 1 else []:
        named = key in _KEYS or len(key) == 1 or key.removeprefix("Key").removeprefix("Digit") in _ALNUM
        if not named:
            raise InvalidValue(
                "press", press, f'{key!r} is not a key; hint: press = "Enter" (or "Control+Shift+O")'
            )


_ALNUM = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class RequestSign(Part):
    """A request by which something is recognised."""

    url: UrlRegex = Field(examples=["/api/sessions$"])
    """A regular expression on the request's address."""
    method: Method | None = Field(default=None, examples=["POST"])
    """Its HTTP method. Default: any."""
    when: Condition | None = Field(default=None, examples=["action == 'new'"])
    """A JMESPath condition on its body. Default: any body."""


class Steps(Part):
    """What a user does. Each step is an ordered list of actions."""

    message_box: Locate = Field(examples=[{"role": "textbox", "name": "Message"}])
    """Where a message is typed: an input, a textarea or an editable element."""
    new_chat: tuple[Action, ...] = Field(
        min_length=1, examples=[[{"click": {"role": "button", "name": "New chat"}}]]
    )
    """Starts a new chat. The new chat starts at the last click, press or address."""
    send: tuple[Action, ...] = Field(
        default=(Action(press="Enter"),),
        min_length=1,
        examples=[[{"click": {"role": "button", "name": "Send"}}]],
    )
    """Sends the text in the message box."""
    open: tuple[Action, ...] = Field(
        default=(), examples=[[{"dismiss": {"role": "button", "name": "Accept all"}}]]
    )
    """Actions after each page load: consent banners, a welcome dialog, a button that opens the chat."""
    second_message_box: Locate | None = Field(default=None, examples=[{"placeholder": "Reply"}])
    """The message box of a running chat, if it differs from that of an empty chat."""
    second_send: tuple[Action, ...] | None = Field(
        default=None, min_length=1, examples=[[{"click": {"test_id": "reply-send"}}]]
    )
    """Sends a message in a running chat, if that differs from ``send``."""
    long_request: Text | None = Field(default=None, examples=["Write a long story"])
    """A message whose reply takes a second or more, so that New Chat can be clicked while the reply streams."""
    stop: tuple[Action, ...] = Field(default=(), examples=[[{"click": {"role": "button", "name": "Stop"}}]])
    """Stops a streaming reply."""
    new_chat_request: RequestSign | None = Field(
        default=None, examples=[{"method": "POST", "url": "/api/sessions$"}]
    )
    """The request that New Chat sends, and nothing else. Only for recordings without clicks: ``python -m e2e import har``."""
    return_to_chat: tuple[Action, ...] = Field(
        default=(), examples=[[{"click": {"role": "link", "name": "{message}"}}]]
    )
    """Returns to an older chat. ``{message}`` in a name or text is the first message of that chat."""

    @model_validator(mode="after")
    def _has_a_click_or_press(self) -> Self:
        for name, actions in (
            ("new_chat", self.new_chat),
            ("send", self.send),
            ("second_send", self.second_send),
        ):
            if actions is not None and not any(action.starts for action in actions):
                raise InvalidValue(
                    name,
                    [a.model_dump(exclude_defaults=True) for a in actions],
                    "has no click, no press and no goto;"
                    f' hint: {name} = [{{ click = {{ role = "button", name = "New chat" }} }}]',
                )
        return self

    @property
    def starting(self) -> int:
        """Index in ``new_chat`` of the action that starts the new chat."""
        return max(n for n, action in enumerate(self.new_chat) if action.starts)
