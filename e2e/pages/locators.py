"""From a profile's locator to Playwright's."""

from __future__ import annotations

import json
from typing import Any, cast

from playwright.sync_api import FrameLocator, Locator, Page

from e2e.profile.profile import Locate


def locate(page: Page, what: Locate, frame: tuple[str, ...] = ()) -> Locator:
    """The Playwright locator for ``what``, inside of ``frame`` unless it names frames of its own; nothing is looked up yet."""
    scope: Page | FrameLocator = page
    for css in frame if what.frame is None else what.frame:
        scope = scope.frame_locator(css)
    return _inside(scope, what)


def _inside(scope: Page | Locator | FrameLocator, what: Locate) -> Locator:
    if what.within is not None:
        scope = _inside(scope, what.within)
    found = _one_way(scope, what)
    return found if what.nth is None else found.nth(what.nth)


def _one_way(scope: Page | Locator | FrameLocator, what: Locate) -> Locator:
    if what.role is not None:
        role = cast(Any, what.role)
        if what.name is None:
            return scope.get_by_role(role)
        return scope.get_by_role(role, name=what.name, exact=what.exact)
    if what.label is not None:
        return scope.get_by_label(what.label, exact=what.exact)
    if what.placeholder is not None:
        return scope.get_by_placeholder(what.placeholder, exact=what.exact)
    if what.test_id is not None:
        return scope.get_by_test_id(what.test_id)
    if what.text is not None:
        return scope.get_by_text(what.text, exact=what.exact)
    if what.title is not None:
        return scope.get_by_title(what.title, exact=what.exact)
    return scope.locator(str(what.css))


def css_of(what: Locate) -> str | None:
    """The CSS selector that finds the same in a page without shadow roots, where there is one."""
    if what.test_id is not None:
        return f"[data-testid={json.dumps(what.test_id)}]"
    return what.css
