"""The target: where the chat is, started first when the suite starts it by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from e2e.errors import TargetNotReady
from e2e.plugin.browsers.environments import EnvironmentRun
from e2e.plugin.writer import shown_as
from e2e.setup.places import REPO

if TYPE_CHECKING:
    from e2e.plugin.settings.settings import Settings


@pytest.fixture(scope="session")
@shown_as("The chat under test")
def chat_url(settings: Settings, environment: EnvironmentRun) -> Iterator[str]:
    """Address of the chat under test, ready to be opened; one that the suite starts is started anew for each environment."""
    from e2e.capture.target.start_command import serving, with_path
    from e2e.profile.profile import Command

    where = settings.profile.where
    if settings.base_url is not None:
        yield with_path(settings.base_url, where.path)
    elif isinstance(where.start, Command):
        with serving(where.start, REPO) as url:
            yield with_path(url, where.path)
    elif where.start == "reference":
        from fixtures.reference_chat.launcher import LaunchError, ReferenceChat

        try:
            chat = ReferenceChat.start(
                control=False,
                faults=settings.fault,
                id_pattern=settings.id_pattern,
                transport=settings.transport,
                store=settings.store,
                id_format=settings.id_format,
                rotation=settings.rotation,
                seed=settings.seed,
            )
        except LaunchError as error:
            raise TargetNotReady(
                f"the reference chat did not start: {error}", hint="`make setup` builds what it needs"
            ) from None
        with chat:
            yield chat.url
    else:
        yield with_path(where.url, where.path)
