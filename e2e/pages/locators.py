"""From a profile's locator to Playwright's."""

from __future__ import annotations

from typing import Any, cast

from playwright.sync_api import FrameLocator, Locator, Page

from fixtures.targets.profile import Locate


def locate(scope: Page | Locator | FrameLocator, what: Locate) -> Locator:
    """The Playwright locator for ``what``; nothing is looked up yet."""
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
    return scope.locator(str(what.css))
