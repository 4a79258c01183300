"""Whether a text arrived in the message box: an empty box may have sent it, or may never have had it."""

from __future__ import annotations

from playwright.sync_api import Browser

from e2e.capture.in_page import NATIVES, TYPED

PAGE = """data:text/html,<input id=search><textarea id=plain></textarea><div id=rich contenteditable></div>
<div id=own contenteditable></div>
<script>own.addEventListener('beforeinput', (e) => { e.preventDefault(); own.textContent = e.data; })</script>"""


def test_a_text_is_known_by_the_box_that_it_was_typed_into(own_browser: Browser) -> None:
    """Also where an editor writes the text itself, and prevents the input event: typing it again would send it twice."""
    page = own_browser.new_page()
    page.add_init_script(f"globalThis.arrived = ({TYPED})(({NATIVES})()).arrived")
    page.goto(PAGE)

    def arrived(box: str, text: str) -> bool | None:
        found: bool | None = page.locator(f"#{box}").evaluate("(box, text) => arrived(box, text)", text)
        return found

    for box in ("plain", "rich", "own"):
        page.click(f"#{box}")
        page.keyboard.insert_text(f"hello {box}")
        page.evaluate(f"{box}.value = ''; {box}.textContent = ''")
        assert arrived(box, f"hello {box}") is True
    page.fill("#plain", "filled")
    assert arrived("plain", "filled") is True
    page.click("#search")
    page.keyboard.insert_text("elsewhere")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.insert_text("nowhere")
    assert [arrived("plain", text) for text in ("elsewhere", "nowhere")] == [False, False]
    page.close()
