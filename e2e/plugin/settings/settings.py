"""The options of the suite: each is one field here.

The flag of pytest, the environment variable ``CHAT_E2E_<NAME>``, the help text, the message for a bad value and the
variable of ``make e2e`` follow from the field.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from e2e.capture.network.sources import CDP, WIRES
from e2e.capture.run.shards import Shard
from e2e.errors import HarnessError
from e2e.plugin.settings.fields import PREFIX, messages, option, rejected
from e2e.plugin.settings.values import (
    BROWSERS,
    CHANNEL_NAMES,
    RANDOM_TEST_STEPS,
    SCENARIO_NAMES,
    address_of,
    check_channel,
    check_connection,
    check_evidence,
    check_faults,
    evidence_place,
    existing_folder,
    handed_over_to,
    known_fault,
    listed,
    one_of,
    separated,
    shard_of,
    web_address,
    web_address_or_none,
)
from e2e.profile.environment import check_files, check_variables
from e2e.profile.profile import SUITE, Profile, load
from e2e.profile.variants import reference_variant
from fixtures.reference_chat.backend.settings import ID_FORMATS, ID_PATTERNS, ROTATIONS, STORES, TRANSPORTS

OUT = SUITE / "reports" / "out"
_REFERENCE_ONLY = ("fault", "id_pattern", "transport", "store", "id_format", "rotation", "seed")
_NOT_FOR_A_SHARD = ("from_evidence", "until_decided", "walk", "replay")


class OptionError(Exception):
    """An option has a value that it cannot have; the message names flag or variable, value, rule and hint."""


class Settings(BaseSettings):
    """The options of one session, checked: from the command line, then from the environment, then the defaults."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", arbitrary_types_allowed=True
    )

    target: str = option(
        "reference", "a profile in fixtures/targets/, or the path of a TOML file", "NAME_OR_PATH"
    )
    base_url: Annotated[str | None, AfterValidator(web_address)] = option(
        None,
        "where the chat is, in place of the profile's address",
        "URL",
        example="https://chat.example.org/",
        flag_of="pytest-base-url",
    )
    browser: Annotated[tuple[Annotated[str, one_of(BROWSERS)], ...], NoDecode, BeforeValidator(listed)] = (
        option(
            (), "the browser: chromium, firefox, webkit", "NAME", repeatable=True, flag_of="pytest-playwright"
        )
    )
    wire: Annotated[str, one_of(WIRES)] = option(
        "auto",
        "what reports requests, replies and frames: cdp (the protocol of Chromium), in-page (a script in the page, any "
        "browser), auto (cdp in Chromium, in-page elsewhere)",
        "auto|cdp|in-page",
    )
    browser_channel: Annotated[str | None, one_of(CHANNEL_NAMES)] = option(
        None,
        "an installed browser in place of the suite's: chrome, msedge, …",
        "NAME",
        example="msedge",
        flag_of="pytest-playwright",
    )
    device: Annotated[tuple[str, ...], NoDecode, BeforeValidator(separated)] = option(
        (),
        "emulate this device of Playwright's list, with taps in place of clicks; several with commas between them, "
        "desktop for none",
        "NAMES",
        example="iPhone 15",
        flag_of="pytest-playwright",
    )
    connect: Annotated[str, AfterValidator(address_of("ws", "wss"))] = option(
        "", "use a browser of the Playwright server at this address", "URL", example="ws://127.0.0.1:3000/"
    )
    connect_over_cdp: Annotated[str, AfterValidator(address_of("http", "https", "ws", "wss"))] = option(
        "",
        "use a running Chromium by its debugging port, as grids and hosted browsers offer it",
        "URL",
        example="http://127.0.0.1:9222/",
    )
    target_version: str = option(
        "", "the version deployed there, for the run history: a commit, a release", "TEXT"
    )
    shard: Annotated[Shard, NoDecode, PlainValidator(shard_of)] = option(
        "",
        "record only this part of the lanes, i of n, to be judged with --from-evidence; /n takes i from "
        "JOB_COMPLETION_INDEX or CI_NODE_INDEX",
        "I/N",
        example="2/3",
        validate_default=True,
    )
    chats: int = option(20, "chats per run, distributed over the lanes", "N", example="40", ge=1, le=100_000)
    lanes: int = option(4, "browser contexts side by side", "L", example="4", ge=1, le=64)
    fault: Annotated[
        tuple[Annotated[str, AfterValidator(known_fault)], ...], NoDecode, BeforeValidator(listed)
    ] = option(
        (), "a named fault of the reference chat; repeatable", "NAME", example="stale-state", repeatable=True
    )
    id_pattern: Annotated[str, one_of(ID_PATTERNS)] = option(
        "timestamp", f"how the reference chat makes session IDs: {', '.join(ID_PATTERNS)}", "NAME"
    )
    transport: Annotated[str, one_of(TRANSPORTS)] = option(
        "sse", f"how replies reach the reference chat's page: {', '.join(TRANSPORTS)}", "NAME"
    )
    store: Annotated[str, one_of(STORES)] = option(
        "localStorage", f"where the reference chat keeps its session: {', '.join(STORES)}", "NAME"
    )
    id_format: Annotated[str, one_of(ID_FORMATS)] = option(
        "blob", "how the reference chat stores the ID: blob (in a JSON object), bare", "NAME"
    )
    rotation: Annotated[str, one_of(ROTATIONS)] = option(
        "on_click", f"when the reference chat begins a new session: {', '.join(ROTATIONS)}", "NAME"
    )
    seed: int | None = option(
        None, "makes the random choices of the reference chat repeatable", "N", example="7", ge=0, le=10**17
    )
    scenarios: Annotated[
        tuple[Annotated[str, one_of(SCENARIO_NAMES)], ...],
        NoDecode,
        BeforeValidator(lambda given: listed(given, every=SCENARIO_NAMES)),
    ] = option(
        "all",
        f"scenarios after the plain chats: all, none, or some, with commas between them, of {', '.join(SCENARIO_NAMES)}",
        "NAMES",
        example="reload,two-tabs",
        validate_default=True,
    )
    experiments: bool = option(
        True, "after a failure, the experiments that isolate the layer: on, off", "on|off", shown="on"
    )
    until_decided: bool = option(False, "stop as soon as every verdict is decided, whatever --chats is")
    max_chats: int = option(
        200, "with --until-decided: at most this many chats", "N", example="200", ge=1, le=100_000
    )
    walk: int = option(
        0, "steps of the random test over user actions; 0 for none", "N", example="200", ge=0, le=100_000
    )
    replay: Annotated[
        tuple[Annotated[str, one_of(RANDOM_TEST_STEPS)], ...], NoDecode, BeforeValidator(listed)
    ] = option((), "exactly these steps, as a failed random test lists them", "STEPS", example="new send")
    alarms_per_year: float = option(
        0.02,
        "false-alarm budget from which each statistical check gets its threshold",
        "X",
        example="0.02",
        gt=0,
        le=365,
        allow_inf_nan=False,
    )
    strict_evidence: bool = option(False, "an inconclusive verdict fails instead of being skipped")
    show_ids: bool = option(
        False, "write session IDs in the clear (local debugging); otherwise they are masked everywhere"
    )
    from_evidence: Annotated[
        tuple[Annotated[Path | str, PlainValidator(evidence_place)], ...], NoDecode, BeforeValidator(listed)
    ] = option(
        (),
        "judge recorded runs instead of driving a browser: a folder, or an address such as s3://bucket/chats; "
        "repeatable, pooled",
        "DIR",
        repeatable=True,
    )
    evidence_to: Annotated[str, AfterValidator(handed_over_to)] = option(
        "",
        "copy the evidence there after the run, run.json last: a folder or an address; {run} is the last part of "
        "JOB_NAME",
        "PLACE",
        example="s3://bucket/chats/{run}",
    )
    otlp: Annotated[str, AfterValidator(web_address_or_none)] = option(
        "",
        "send the run as traces to this OpenTelemetry collector (OTLP over HTTP); without it, "
        "OTEL_EXPORTER_OTLP_ENDPOINT counts",
        "URL",
        example="http://localhost:4318",
    )
    traceparent: bool = option(
        False,
        "add the header traceparent to the page's chat requests, so that the backend's own traces join; only to the "
        "page's own origin, and to where.trace_origins",
    )
    source_maps: Annotated[Path | None, AfterValidator(existing_folder)] = option(
        None,
        "a folder with source maps that are built but not published, for code locations (used while recording)",
        "DIR",
    )
    out: Annotated[Path, AfterValidator(Path.absolute)] = option(
        OUT, "where a run writes", "DIR", shown="reports/out"
    )

    _profile: Profile = PrivateAttr()
    _recorded: tuple[Path, ...] = PrivateAttr(())
    _left_out: tuple[str, ...] = PrivateAttr(())

    @property
    def profile(self) -> Profile:
        """The target's profile; of the reference chat, as the options change it."""
        return self._profile

    @property
    def recorded(self) -> tuple[Path, ...]:
        """The folders of the recorded runs that ``--from-evidence`` names, each shard once."""
        return self._recorded

    @property
    def left_out(self) -> tuple[str, ...]:
        """Why recorded runs there are not judged: one sentence each."""
        return self._left_out

    @property
    def starts_reference_chat(self) -> bool:
        """Whether the suite starts the reference chat itself."""
        return self._profile.where.start == "reference" and self.base_url is None

    @model_validator(mode="after")
    def _options_fit_together(self) -> Self:
        self._profile = load(self.target)
        self._check_reference_only()
        if self.starts_reference_chat:
            self._profile = reference_variant(
                self._profile, store=self.store, id_format=self.id_format, rotation=self.rotation
            )
            check_faults(self.fault, store=self.store, transport=self.transport)
        try:
            is_file = self.out.is_file()
            os.fsencode(self.out)
        except (OSError, UnicodeError):
            rejected("no name of a folder", "a shorter name", field="out", value=str(self.out))
        if is_file:
            rejected("this is a file; name a folder for the results", field="out", value=str(self.out))
        self._check_shard()
        if self.wire == CDP and (other := next((b for b in self.browser if b != "chromium"), None)):
            rejected(
                f"only Chromium has this protocol, and the browser is {other}",
                "leave it out, or use --wire in-page",
                field="wire",
                value=CDP,
            )
        self._check_evidence_to()
        check_channel(self.browser_channel, self.browser)
        check_connection(self.connect, self.connect_over_cdp, self.browser, self.browser_channel)
        if self.otlp and self.show_ids:
            rejected(
                "not with --show-ids: only masked evidence is exported",
                "leave one out",
                field="otlp",
                value=self.otlp,
            )
        if self.from_evidence:
            self._recorded, self._left_out = check_evidence(self.from_evidence, self.out / "fetched")
        else:
            check_variables(self._profile, os.environ)
            check_files(self._profile, SUITE)
        return self

    def _check_reference_only(self) -> None:
        if self.starts_reference_chat:
            return
        for name in _REFERENCE_ONLY:
            if name in self.model_fields_set and getattr(self, name) != ():
                rejected(
                    f"for the reference chat that the suite starts itself, not for target {self._profile.name!r}",
                    "leave it out, or use --target reference",
                    field=name,
                    value=_text(getattr(self, name)),
                )

    def _check_evidence_to(self) -> None:
        for name in ("from_evidence", "show_ids"):
            if self.evidence_to and getattr(self, name):
                rule = (
                    "nothing is recorded"
                    if name == "from_evidence"
                    else "only masked evidence is handed over"
                )
                value = _text(getattr(self, name))
                rejected(f"not with --evidence-to: {rule}", "leave one out", field=name, value=value)

    def _check_shard(self) -> None:
        if self.shard.whole:
            return
        for name in _NOT_FOR_A_SHARD:
            if name in self.model_fields_set and getattr(self, name):
                hint = "judge all shards with --from-evidence"
                rejected(
                    "not for a shard, which only records", hint, field=name, value=_text(getattr(self, name))
                )
        lanes = min(self.lanes, self.chats)
        if self.shard.of > lanes:
            rule = f"there are {lanes} lanes with chats, and each shard needs one"
            rejected(rule, "raise --lanes or --chats", field="shard", value=str(self.shard))


def read_settings(flags: Mapping[str, Any]) -> Settings:
    """Settings from the flags of the command line (field name -> value), the environment, and the defaults.

    Raises `OptionError` with one message for each value that cannot be, and `HarnessError` for an unusable profile.
    """
    try:
        return Settings(**flags)
    except ValidationError as error:
        raise OptionError("\n".join(messages(error, Settings.model_fields, flags))) from None
    except HarnessError as error:
        raise OptionError(str(error)) from None


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
