"""A real browser and the real reference chat, driven as the suite drives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.analysis.model.run import Run, assemble
from e2e.capture.run.plan import Plan
from e2e.capture.run.runner import Runner
from e2e.errors import HarnessError
from e2e.profile.profile import Limits, Profile, Timeouts, load
from e2e.records.evidence import read_run
from e2e.setup.engines import engine_options, find_engine
from fixtures.reference_chat.launcher import ReferenceChat

Record = Callable[..., Run]


@pytest.fixture(scope="session")
def reference() -> Profile:
    """The reference chat's profile with short waits: a refusal is waited out by users, not here."""
    short = {"timeouts": Timeouts(ready=10, action=5, reply=3), "limits": Limits(retry_after=0.001)}
    return load("reference").model_copy(update=short)


@pytest.fixture(scope="session")
def shared_chat() -> Iterator[ReferenceChat]:
    """One process of the reference chat for all tests of a worker; `record` resets it."""
    with ReferenceChat.start() as chat:
        yield chat


@pytest.fixture(scope="session")
def own_browser(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    """One browser for all of these tests; each run has contexts of its own."""
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    """The Firefox of this machine, for the tests that need it."""
    try:
        found = find_engine("firefox")
    except HarnessError as error:
        pytest.skip(f"{error.what}: {error.hint}")
    browser = playwright.firefox.launch(**engine_options(found))
    yield browser
    browser.close()


@pytest.fixture
def record(
    playwright: Playwright,
    own_browser: Browser,
    reference: Profile,
    shared_chat: ReferenceChat,
    tmp_path: Path,
) -> Record:
    """Record a run on the reference chat with these options, and read it back."""

    def record(
        *,
        chats: int = 12,
        lanes: int = 3,
        show_ids: bool = False,
        profile: Profile = reference,
        scenarios: tuple[str, ...] = (),
        **options: Any,
    ) -> Run:
        shared_chat.reset(**options)
        plan = Plan(
            profile,
            shared_chat.url,
            chats,
            lanes,
            tmp_path,
            show_ids=show_ids,
            trace=False,
            scenarios=scenarios,
        )
        folder = Runner(plan, playwright, own_browser, {}).run()
        return assemble([read_run(folder)])

    return record
