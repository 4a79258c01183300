"""Text into a field as a user's input method puts it there: with the browser's own events, in every engine."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

_INSERT = """(text) => {
  let box = document.activeElement;
  while (box?.shadowRoot?.activeElement) box = box.shadowRoot.activeElement;
  return Boolean(box) && document.execCommand("insertText", false, text);
}"""
_FILL = """(box, text) => {
  const doc = box.ownerDocument;
  box.focus();
  if (typeof box.select === "function") box.select();
  else doc.defaultView.getSelection().selectAllChildren(box);
  const held = box.value ?? box.innerText ?? "";
  return text ? doc.execCommand("insertText", false, text) : !held.trim() || doc.execCommand("delete");
}"""
_BY_VALUE = ("color", "date", "datetime-local", "month", "range", "time", "week")
"""Types of an input that take no text."""


def insert(page: Page, text: str) -> None:
    """Type ``text`` where the focus is."""
    if not needs_command(page):
        page.keyboard.insert_text(text)
    elif not page.evaluate(_INSERT, text):
        page.keyboard.type(text)


def fill(locator: Locator, text: str, timeout: float) -> None:
    """Replace what the field holds by ``text``; ``timeout`` in milliseconds."""
    if not needs_command(locator.page):
        locator.fill(text, timeout=timeout)
        return
    locator.wait_for(state="visible", timeout=timeout)
    kind = locator.get_attribute("type", timeout=timeout) or ""
    if kind.lower() in _BY_VALUE or not locator.evaluate(_FILL, text, timeout=timeout):
        locator.fill(text, timeout=timeout)


def needs_command(page: Page) -> bool:
    """Over WebDriver BiDi, Playwright 1.64 writes the field's ``value``: frameworks such as React overwrite that property, and take
    such a text for their own. No key event would send it.
    """
    browser = page.context.browser
    return browser is not None and browser.browser_type.name == "firefox"
