"""The suite's options: one group, each also an environment variable, all checked before anything is collected."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.capture.run.shards import WHOLE, Shard
from e2e.errors import HarnessError
from e2e.plugin.settings.option_list import ID_PATTERNS, OPTIONS, SCENARIO_NAMES, TRANSPORTS, WALK_STEPS
from e2e.plugin.settings.values import check_evidence, shard_of
from e2e.profile.profile import Profile, check_files, check_variables, is_web_address, load
from e2e.profile.variants import ID_FORMATS, ROTATIONS, STORES, reference_variant

ROOT = Path(__file__).resolve().parents[3]
_REFERENCE_ONLY = ("fault", "id-pattern", "transport", "store", "id-format", "rotation", "seed")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of one session, checked."""

    profile: Profile
    base_url: str | None
    chats: int
    lanes: int
    faults: tuple[str, ...]
    id_pattern: str
    transport: str
    store: str
    id_format: str
    rotation: str
    seed: int | None
    scenarios: tuple[str, ...]
    experiments: bool
    until_decided: bool
    max_chats: int
    walk: int
    replay: tuple[str, ...]
    alarms_per_year: float
    strict_evidence: bool
    show_ids: bool
    from_evidence: tuple[Path, ...]
    out: Path
    target_version: str = ""
    shard: Shard = WHOLE
    source_maps: Path | None = None
    target: str = "reference"
    """As it was given: a name, or a path."""


SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(
        "chat", "chat-session-e2e (each option is also an environment variable, CHAT_E2E_<NAME>)"
    )
    for option in OPTIONS:
        said = f" (default: {option.default})" if option.default else ""
        text = f"{option.help}{said}. Variable: {option.variable}".replace("%", "%%")
        dest = "chat_" + option.name.replace("-", "_")
        if option.flag:
            group.addoption(f"--{option.name}", action="store_true", default=None, dest=dest, help=text)
        elif option.repeatable:
            group.addoption(
                f"--{option.name}",
                action="append",
                default=None,
                dest=dest,
                metavar=option.metavar,
                help=text,
            )
        else:
            group.addoption(
                f"--{option.name}", action="store", default=None, dest=dest, metavar=option.metavar, help=text
            )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not drives_the_suite(config):
        return
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            "-n: the suite's lanes already run side by side in one process; use --lanes instead"
        )
    settings = read_settings(config.getoption, os.environ, config.getoption("--base-url"))
    config.stash[SETTINGS] = settings
    if not config.getoption("allure_report_dir"):
        config.option.allure_report_dir = str(settings.out / "allure-results")
        config.option.clean_alluredir = True
    if (
        config.getoption("--output") == "test-results"
    ):  # pytest-playwright's default would be a new top-level folder
        config.option.output = str(settings.out / "playwright")


def drives_the_suite(config: pytest.Config) -> bool:
    """Whether this session is to judge a chat, and not one of the suite's own tests."""
    if config.getoption("help") or config.getoption("version"):
        return False
    selftest = ROOT / "e2e" / "selftest"
    paths = [Path(config.invocation_params.dir, str(a).split("::")[0]).resolve() for a in config.args]
    return not any(p == selftest or selftest in p.parents for p in paths)


def read_settings(
    option: Callable[[str], Any], environment: Mapping[str, str], base_url: str | None
) -> Settings:
    """Settings from the command line, then the environment, then the defaults. Raises ``pytest.UsageError``."""
    said = _Said(option, environment)
    try:
        profile = load(said.text("target"))
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from None
    if base_url is not None:
        try:
            is_web_address(base_url)
        except ValueError as error:
            raise pytest.UsageError(f"--base-url {base_url}: {error}") from None
    reference = _reference_options(said, profile, base_url)
    if reference.starts:
        profile = reference_variant(
            profile, store=reference.store, id_format=reference.id_format, rotation=reference.rotation
        )
    folders = tuple(Path(d) for d in said.many("from-evidence"))
    if folders:
        check_evidence(folders)
    else:
        try:
            check_variables(profile, environment)
            check_files(profile, ROOT)
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None
    out = Path(said.text("out"))
    if out.is_file():
        raise pytest.UsageError(f"--out {out}: a file; name the folder where the run is to write")
    lanes, chats = said.whole("lanes", 1, 64), said.whole("chats", 1, 100_000)
    shard = shard_of(said.text("shard"), environment)
    _check_shard(shard, said, min(lanes, chats))
    return Settings(
        profile=profile,
        base_url=base_url,
        chats=chats,
        lanes=lanes,
        faults=reference.faults,
        id_pattern=reference.id_pattern,
        transport=reference.transport,
        store=reference.store,
        id_format=reference.id_format,
        rotation=reference.rotation,
        seed=said.whole("seed", 0, 10**17) if said.given("seed") else None,
        scenarios=_scenarios(said.text("scenarios")),
        experiments=said.one_of("experiments", ("on", "off")) == "on",
        until_decided=said.flag("until-decided"),
        max_chats=said.whole("max-chats", 1, 100_000),
        walk=said.whole("walk", 0, 100_000),
        replay=_replay(said.text("replay")),
        alarms_per_year=said.number("alarms-per-year", above=0, most=365),
        strict_evidence=said.flag("strict-evidence"),
        show_ids=said.flag("show-ids"),
        from_evidence=folders,
        out=out if out.is_absolute() else ROOT / out if not said.given("out") else Path.cwd() / out,
        target_version=said.text("target-version"),
        shard=shard,
        source_maps=_folder(said, "source-maps"),
        target=said.text("target"),
    )


def _folder(said: _Said, name: str) -> Path | None:
    """The folder that an option names. Raises ``pytest.UsageError`` where there is none."""
    if not said.given(name):
        return None
    folder = Path(said.text(name))
    if not folder.is_dir():
        raise pytest.UsageError(f"--{name} {folder}: no such folder")
    return folder


def _check_shard(shard: Shard, said: _Said, lanes: int) -> None:
    """Raises ``pytest.UsageError`` where a part of a run makes no sense."""
    if shard.whole:
        return
    for other in ("from-evidence", "until-decided", "walk", "replay"):
        if said.given(other):
            raise pytest.UsageError(
                f"--{other}: not for a shard, which only records; judge all shards with --from-evidence"
            )
    if shard.of > lanes:
        raise pytest.UsageError(
            f"--shard {shard}: there are {lanes} lanes with chats, and each shard needs one; raise --lanes or --chats"
        )


def _scenarios(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return SCENARIO_NAMES if text == "all" else ()
    names = tuple(text.replace(",", " ").split())
    for name in names:
        if name not in SCENARIO_NAMES:
            raise pytest.UsageError(
                f"--scenarios {text}: no scenario is called {name}; all, none, or some of {', '.join(SCENARIO_NAMES)}"
            )
    return names


def _replay(text: str) -> tuple[str, ...]:
    steps = tuple(text.replace(",", " ").split())
    for step in steps:
        if step not in WALK_STEPS:
            raise pytest.UsageError(
                f"--replay {text}: no step is called {step}; known: {', '.join(WALK_STEPS)}"
            )
    return steps


@dataclass(frozen=True, slots=True)
class _Reference:
    """What the reference chat is to be like."""

    starts: bool
    faults: tuple[str, ...]
    id_pattern: str
    transport: str
    store: str
    id_format: str
    rotation: str


def _reference_options(said: _Said, profile: Profile, base_url: str | None) -> _Reference:
    starts = profile.where.start == "reference" and base_url is None
    for name in _REFERENCE_ONLY:
        if said.given(name) and not starts:
            raise pytest.UsageError(
                f"--{name} is for the reference chat that the suite starts itself, not for target {profile.name!r}"
            )
    faults = said.many("fault")
    if faults:
        from fixtures.reference_chat.backend.faults import FAULTS, FaultError, check
        from fixtures.reference_chat.backend.providers import DEFAULT_PROVIDERS

        known = [f.name for f in FAULTS]
        for fault in faults:
            if fault not in known:
                raise pytest.UsageError(f"--fault {fault}: no such fault; known: {', '.join(known)}")
        try:
            check(faults, len(DEFAULT_PROVIDERS), store=said.text("store"), transport=said.text("transport"))
        except FaultError as error:
            raise pytest.UsageError(f"--fault: {error}") from None
    return _Reference(
        starts,
        faults,
        said.one_of("id-pattern", ID_PATTERNS),
        said.one_of("transport", TRANSPORTS),
        said.one_of("store", STORES),
        said.one_of("id-format", ID_FORMATS),
        said.one_of("rotation", ROTATIONS),
    )


class _Said:
    def __init__(self, option: Callable[[str], Any], environment: Mapping[str, str]) -> None:
        self._option = option
        self._environment = environment
        self._table = {o.name: o for o in OPTIONS}

    def _raw(self, name: str) -> Any:
        return self._option("chat_" + name.replace("-", "_"))

    def given(self, name: str) -> bool:
        return self._raw(name) not in (None, []) or bool(self._environment.get(self._table[name].variable))

    def text(self, name: str) -> str:
        raw = self._raw(name)
        return (
            str(raw)
            if raw is not None
            else self._environment.get(self._table[name].variable) or self._table[name].default
        )

    def many(self, name: str) -> tuple[str, ...]:
        raw = self._raw(name)
        values = (
            raw if raw else self._environment.get(self._table[name].variable, "").replace(",", " ").split()
        )
        return tuple(dict.fromkeys(v for v in values if v and v != "none"))

    def flag(self, name: str) -> bool:
        if self._raw(name):
            return True
        text = self._environment.get(self._table[name].variable, "").lower()
        if text not in ("", "0", "1", "false", "true", "no", "yes"):
            raise pytest.UsageError(f"{self._table[name].variable}={text}: a switch is 1 or 0")
        return text in ("1", "true", "yes")

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name)
        if text not in allowed:
            raise pytest.UsageError(f"--{name} {text}: not known; one of {', '.join(allowed)}")
        return text

    def whole(self, name: str, least: int, most: int) -> int:
        text = self.text(name)
        if not text.isdecimal() or not least <= int(text) <= most:
            raise pytest.UsageError(f"--{name} {text}: a whole number from {least} to {most:,}")
        return int(text)

    def number(self, name: str, *, above: float, most: float) -> float:
        text = self.text(name)
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not above < value <= most:
            raise pytest.UsageError(f"--{name} {text}: a number above {above:g}, at most {most:g}")
        return value


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """The session's options, checked."""
    return pytestconfig.stash[SETTINGS]
