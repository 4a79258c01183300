"""Values of options that are more than a number: what is allowed, and what the environment adds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator

from e2e.capture.run.shards import WHOLE, Shard
from e2e.errors import HarnessError
from e2e.plugin.settings.addresses import without_secrets
from e2e.plugin.settings.fields import closest, rejected
from e2e.profile.profile import is_web_address
from e2e.records.attempts import Recorded, one_of_each
from e2e.records.evidence import read_meta
from e2e.records.places import Place, is_address, local_runs, with_shared_run
from e2e.records.records import Scenario

SCENARIO_NAMES = tuple(name for name in get_args(Scenario) if name not in ("plain", "walk", "experiment"))
BROWSERS = ("chromium", "firefox", "webkit")
RANDOM_TEST_STEPS = (
    "new",
    "tab",
    "return",
    "send",
    "reload",
    "back",
    "rapid",
    "begin",
    "stop",
    "forward",
    "offline",
    "online",
    "resize",
)
CHANNELS = {
    "chromium": (
        "chromium",
        "chrome",
        "chrome-beta",
        "chrome-dev",
        "chrome-canary",
        "msedge",
        "msedge-beta",
        "msedge-dev",
        "msedge-canary",
    ),
    "firefox": ("moz-firefox", "moz-firefox-beta", "moz-firefox-nightly"),
    "webkit": (),
}
"""Playwright's channels, by browser."""
CHANNEL_NAMES = tuple(name for names in CHANNELS.values() for name in names)
_INDEX_VARIABLES = (("JOB_COMPLETION_INDEX", 0), ("CI_NODE_INDEX", 1))
"""Variables that number the machines, with the number of the first: Kubernetes counts from 0."""
_SHARD_HINT = "a part such as 2/3, or /3 where JOB_COMPLETION_INDEX or CI_NODE_INDEX numbers the machines"


def one_of(names: Sequence[str]) -> AfterValidator:
    """The value is one of ``names``, or not given where the field allows that."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in names:
            rejected(f"expected one of {', '.join(names)}", closest(value, names))
        return value

    return AfterValidator(check)


def separated(given: Any) -> tuple[str, ...]:
    """Names with commas between them, each once; a name may have spaces."""
    names = given.split(",") if isinstance(given, str) else given
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def address_of(*schemes: str) -> Callable[[str], str]:
    """The value is an address with one of these schemes, and a host; a message shows no more of it than `without_secrets`."""

    def check(value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
            right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number
            right = False
        if not right:
            rule = (
                f"expected an address with {' or '.join(f'{scheme}://' for scheme in schemes)}, host and port"
            )
            rejected(rule, value=without_secrets(value))
        return value

    return check


def check_channel(channel: str | None, browsers: Sequence[str]) -> None:
    """Reject a channel that one of the browsers does not have."""
    if channel is None:
        return
    for browser in browsers or ("chromium",):
        if channel not in CHANNELS[browser]:
            owner = next(name for name, channels in CHANNELS.items() if channel in channels)
            rejected(
                f"a channel of {owner}, not of {browser}",
                f"--browser {owner}, or leave the channel out",
                field="browser_channel",
                value=channel,
            )


def check_connection(connect: str, over_cdp: str, browsers: Sequence[str], channel: str | None) -> None:
    """Reject two ways to a browser at once, and a browser or channel that the way does not lead to."""
    if connect and over_cdp:
        rejected(
            "--connect names a browser already",
            "give one of the two",
            field="connect_over_cdp",
            value=without_secrets(over_cdp),
        )
    others = [browser for browser in browsers if browser != "chromium"]
    if over_cdp and others:
        rejected(
            f"only Chromium has a debugging port of this kind, not {' and '.join(others)}",
            "--connect takes every browser, by a Playwright server",
            field="connect_over_cdp",
            value=without_secrets(over_cdp),
        )
    if over_cdp and channel is not None:
        rejected(
            "the browser at --connect-over-cdp runs already",
            "leave the channel out",
            field="browser_channel",
            value=channel,
        )


def listed(given: Any, every: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Values of a repeated flag, or words of one text, each once; ``all`` is ``every``, ``none`` is nothing."""
    words = given.replace(",", " ").split() if isinstance(given, str) else given
    if every and tuple(words) == ("all",):
        return every
    return tuple(dict.fromkeys(word for word in words if word and word != "none"))


def web_address(value: str | None) -> str | None:
    """An address with ``http://`` or ``https://``."""
    if value is not None:
        try:
            is_web_address(value)
        except ValueError:
            rejected("expected a web address")
    return value


def web_address_or_none(value: str) -> str:
    """An address, or nothing."""
    return web_address(value) or "" if value else ""


def existing_folder(value: Path | None) -> Path | None:
    """A folder that exists."""
    if value is not None and not _is_folder(value):
        rejected(
            "no such folder", "an existing folder; of a recorded run, the one with run.json or one above it"
        )
    return value


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # its name is too long for one
        return False


def known_fault(name: str) -> str:
    """A fault of the reference chat."""
    from fixtures.reference_chat.backend.faults import FAULTS

    known = [fault.name for fault in FAULTS]
    if name not in known:
        rejected(f"expected one of {', '.join(known)}", closest(name, known))
    return name


def check_faults(names: Sequence[str], *, store: str, transport: str) -> None:
    """Reject faults that cannot be together, or not with this store and transport."""
    if not names:
        return
    from fixtures.reference_chat.backend.faults import FaultError, check
    from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS

    try:
        check(names, len(DEFAULT_PROVIDERS), store=store, transport=transport)
    except FaultError as error:
        rejected(
            str(error), "leave one out, or change the other option", field="fault", value=" ".join(names)
        )


def shard_of(text: Any, environment: Mapping[str, str] | None = None) -> Shard:
    """The shard that ``--shard`` names, or that the environment numbers.

    Without the option an indexed job is a shard only where the number of jobs is known (``JOB_COMPLETIONS``).
    """
    environment = os.environ if environment is None else environment
    if not text:
        if "JOB_COMPLETION_INDEX" not in environment or "JOB_COMPLETIONS" not in environment:
            return WHOLE
        text = f"/{environment['JOB_COMPLETIONS']}"
    parts = re.fullmatch(r"([0-9]{1,9})?/([0-9]{1,9})", str(text).strip())
    if parts is None:
        rejected("expected a part I/N", _SHARD_HINT, value=str(text))
    of = int(parts[2])
    number = int(parts[1]) if parts[1] else _index(environment)
    if not 1 <= number <= of:
        rejected(f"there is no part {number} of {of}", _SHARD_HINT, value=str(text))
    return Shard(number, of)


def evidence_place(value: Any) -> Path | str:
    """An existing folder, or an address such as ``s3://bucket/chats/{run}``."""
    return str(value) if is_address(str(value)) else Path(str(existing_folder(Path(value))))


def handed_over_to(value: str) -> str:
    """A folder or an address that evidence can be copied to, with the name of the shared run in it."""
    try:
        address = with_shared_run(value)
        if is_address(address):
            Place.at(address)
    except HarnessError as error:
        rejected(error.what, error.hint, value=value)
    return address


def check_evidence(places: Iterable[Path | str], into: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The folders of the runs to be judged, and why others are left out. What is on object storage is copied below ``into``.

    Rejects runs that cannot be read, or not be judged together, before the last report is removed.
    """
    from e2e.analysis.model.columns import AnalysisError
    from e2e.analysis.model.pooling import agree

    places = tuple(places)
    value = " ".join(map(str, places))
    try:
        found = [run for place in places for run in local_runs(place, into)]
        runs, left_out = one_of_each([Recorded(run, read_meta(run)) for run in found])
        agree([run.meta for run in runs])
    except AnalysisError as error:
        rejected(str(error), "judge them one by one", field="from_evidence", value=value)
    except HarnessError as error:
        rejected(error.what, error.hint, field="from_evidence", value=value)
    return tuple(run.folder for run in runs), tuple(left_out)


def _index(environment: Mapping[str, str]) -> int:
    name, first = next((v for v in _INDEX_VARIABLES if environment.get(v[0])), ("", 0))
    if not name:
        rejected("neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX is set", _SHARD_HINT)
    if not re.fullmatch(r"[0-9]{1,9}", environment[name]):
        rejected(f"{name}={environment[name]} is not a whole number", _SHARD_HINT)
    return int(environment[name]) - first + 1
