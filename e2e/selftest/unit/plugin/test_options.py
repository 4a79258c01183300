"""The options: the command line before the environment before the default, and no bad value gets past the start."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from e2e.plugin.settings.fields import flag_of, help_of, kind_of, option, variable_of
from e2e.plugin.settings.settings import OptionError, Settings, read_settings
from e2e.profile.profile import SUITE, TARGETS
from e2e.records.places import Place
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import write_run
from fixtures.reference_chat.backend.faults import FAULTS
from fixtures.reference_chat.backend.settings import ID_PATTERNS, TRANSPORTS

KNOWN_FAULTS = ", ".join(fault.name for fault in FAULTS)
REFERENCE_CHAT_ONLY = (
    "for the reference chat that the suite starts itself, not for target 'acme'"
    "\n  hint: leave it out, or use --target reference"
)


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """A profile of a chat that the suite does not start itself."""
    text = (TARGETS / "reference.toml").read_text(encoding="utf-8")
    path = tmp_path / "acme.toml"
    path.write_text(text.replace('start = "reference"\n', "").replace('name = "reference"', 'name = "acme"'))
    return str(path)


def read(environment: dict[str, str] | None = None, **flags: Any) -> Settings:
    """Settings with these flags (``id_pattern="uuid"``) and these variables (``{"ID_PATTERN": "uuid"}``)."""
    variables = {f"CHAT_E2E_{name}": value for name, value in (environment or {}).items()}
    outer = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_E2E_")}
    with mock.patch.dict(os.environ, outer | variables, clear=True):
        return read_settings(flags)


def refused(environment: dict[str, str] | None = None, **flags: Any) -> str:
    with pytest.raises(OptionError) as error:
        read(environment, **flags)
    return str(error.value)


PUBLIC = """--target --base-url --browser --browser-channel --device --connect --connect-over-cdp
    --wire --target-version --shard --chats --lanes --fault --id-pattern --transport --store
    --id-format --rotation --seed --scenarios --experiments --until-decided --max-chats --walk --replay --alarms-per-year
    --strict-evidence --show-ids --from-evidence --evidence-to --otlp --traceparent --source-maps --out"""


class TestDefaults:
    def test_defaults_are_those_of_the_documentation(self) -> None:
        settings = read()
        assert settings.profile.name == "reference"
        assert (settings.chats, settings.lanes, settings.alarms_per_year) == (20, 4, 0.02)
        assert (settings.id_pattern, settings.transport, settings.fault) == ("timestamp", "sse", ())
        assert (settings.strict_evidence, settings.show_ids, settings.from_evidence) == (False, False, ())
        assert (settings.base_url, settings.out) == (None, SUITE / "reports" / "out")


def test_wire_is_the_protocol_only_in_a_browser_that_has_one() -> None:
    assert read().wire == "auto"
    assert read(wire="in-page", browser=("chromium",)).wire == "in-page"
    refusal = refused(wire="cdp", browser=("firefox",))
    assert "--wire cdp: only Chromium has this protocol, and the browser is firefox" in refusal
    assert "--wire in-page" in refusal


class TestOneField:
    """Flag, variable, help text and message follow from the field."""

    class WithDummy(Settings):
        dummy: int = option(3, "how many dummies", "N", example="5", ge=1, le=9)

    def test_the_public_options_have_their_names(self) -> None:
        assert {flag_of(name) for name in Settings.model_fields} == set(PUBLIC.split())

    def test_a_field_gives_flag_variable_and_help(self) -> None:
        field = self.WithDummy.model_fields["dummy"]
        assert (flag_of("dummy"), variable_of("dummy"), kind_of(field)) == (
            "--dummy",
            "CHAT_E2E_DUMMY",
            "value",
        )
        assert help_of("dummy", field) == "how many dummies (default: 3). Variable: CHAT_E2E_DUMMY"

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("chats", "value"),
            ("fault", "list"),
            ("show_ids", "switch"),
            ("experiments", "value"),
            ("replay", "value"),
        ],
    )
    def test_the_kind_follows_from_the_type(self, name: str, kind: str) -> None:
        assert kind_of(Settings.model_fields[name]) == kind


class TestEvidenceOnObjectStorage:
    def test_an_address_keeps_its_slashes_and_is_fetched_below_out(self, tmp_path: Path) -> None:
        folder = write_run(tmp_path / "recorded", make_run())
        Place.at("memory://options/7").put_run(folder)
        settings = read({}, from_evidence="memory://options/7", out=str(tmp_path / "out"))
        assert settings.from_evidence == ("memory://options/7",)
        assert [f.name for f in settings.recorded] == [folder.name]
        assert settings.recorded[0].is_relative_to(tmp_path / "out" / "fetched")

    def test_the_name_of_the_shared_run_is_filled_in(self) -> None:
        with mock.patch.dict(os.environ, {"JOB_NAME": "record-7"}):
            assert read(evidence_to="memory://options/{run}").evidence_to == "memory://options/7"
            assert read({"EVIDENCE_TO": "out/{run}"}).evidence_to == "out/7"

    def test_an_attempt_that_was_recorded_again_is_left_out_with_a_reason(self, tmp_path: Path) -> None:
        for name in ("first", "again"):
            meta = {"run_id": name, "shared_run": "7", "shard": "1/1", "started": 1.0 + (name == "again")}
            write_run(tmp_path, with_meta(make_run(), **meta))
        settings = read(from_evidence=str(tmp_path))
        assert [f.name for f in settings.recorded] == ["first"]
        assert settings.left_out == ("again is left out: shard 1 of 1 was recorded again as first",)

    def test_values_that_cannot_be_are_refused(self, tmp_path: Path) -> None:
        assert "holds no recorded run" in refused(from_evidence="memory://nothing", out=str(tmp_path))
        assert "such as s3fs" in refused(evidence_to="nothing://bucket")
        assert "JOB_NAME is not set" in refused(evidence_to="memory://x/{run}")
        assert "only masked evidence" in refused(evidence_to="memory://x", show_ids="1")


class TestPrecedence:
    @pytest.mark.parametrize(
        ("name", "line", "variable", "expected"),
        [
            ("chats", "7", "9", (7, 9, 20)),
            ("lanes", "2", "3", (2, 3, 4)),
            ("id_pattern", "uuid", "fixed", ("uuid", "fixed", "timestamp")),
            ("transport", "json", "websocket", ("json", "websocket", "sse")),
            ("alarms_per_year", "1", "0.5", (1.0, 0.5, 0.02)),
        ],
    )
    def test_the_command_line_then_the_environment_then_the_default(
        self, name: str, line: str, variable: str, expected: tuple[Any, Any, Any]
    ) -> None:
        environment = {name.upper(): variable}
        assert getattr(read(environment, **{name: line}), name) == expected[0]
        assert getattr(read(environment), name) == expected[1]
        assert getattr(read(), name) == expected[2]

    @pytest.mark.parametrize("name", ["TARGET", "CHATS", "FAULT", "STRICT_EVIDENCE", "FROM_EVIDENCE", "OUT"])
    def test_an_empty_variable_is_ignored(self, name: str) -> None:
        assert read({name: ""}) == read()

    def test_the_target(self, elsewhere: str) -> None:
        assert read({"TARGET": elsewhere}).profile.name == "acme"
        assert read({"TARGET": elsewhere}, target="reference").profile.name == "reference"

    def test_a_fault_on_the_command_line_replaces_the_variables(self) -> None:
        assert read({"FAULT": "slow"}, fault=["backend-down"]).fault == ("backend-down",)
        assert read({"FAULT": "slow"}).fault == ("slow",)


class TestFlags:
    @pytest.mark.parametrize("name", ["strict_evidence", "show_ids"])
    @pytest.mark.parametrize(
        ("text", "on"),
        [
            ("1", True),
            ("true", True),
            ("YES", True),
            ("0", False),
            ("False", False),
            ("no", False),
            ("", False),
        ],
    )
    def test_a_variable_is_a_switch(self, name: str, text: str, on: bool) -> None:
        assert getattr(read({name.upper(): text}), name) is on

    @pytest.mark.parametrize("name", ["strict_evidence", "show_ids"])
    def test_on_the_command_line_it_is_on(self, name: str) -> None:
        flags: dict[str, Any] = {name: True}
        assert getattr(read({name.upper(): "0"}, **flags), name) is True

    def test_anything_else_is_refused(self) -> None:
        assert refused({"SHOW_IDS": "maybe"}) == "CHAT_E2E_SHOW_IDS=maybe: expected 1 or 0"


class TestRepeatables:
    def test_repeated_faults_count_once_in_their_order(self) -> None:
        assert read(fault=["slow", "backend-down", "slow"]).fault == ("slow", "backend-down")

    @pytest.mark.parametrize("text", ["slow,backend-down", "slow backend-down", " slow , backend-down,"])
    def test_a_variable_lists_several(self, text: str) -> None:
        assert read({"FAULT": text}).fault == ("slow", "backend-down")

    def test_fault_none_means_no_fault(self, elsewhere: str) -> None:
        assert read(fault=["none"]).fault == ()
        assert read(fault=["none"], target=elsewhere).fault == ()

    def test_several_runs_are_pooled(self, tmp_path: Path) -> None:
        folders = [write_run(tmp_path, make_run(run_id=name)) for name in ("one", "two")]
        assert read(from_evidence=[str(folder) for folder in folders]).from_evidence == tuple(folders)
        assert read({"FROM_EVIDENCE": f"{folders[0]},{folders[1]}"}).from_evidence == tuple(folders)


class TestOut:
    def test_a_relative_folder_is_relative_to_the_working_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert read(out="here").out == tmp_path / "here"
        assert read({"OUT": "here"}).out == tmp_path / "here"
        assert read().out == SUITE / "reports" / "out"

    def test_an_absolute_folder_stays(self, tmp_path: Path) -> None:
        assert read(out=str(tmp_path / "here")).out == tmp_path / "here"


class TestRefused:
    """Every message has flag or variable, value, rule, and a hint where one helps."""

    @pytest.mark.parametrize(
        ("name", "value", "rule", "example"),
        [
            ("chats", "0", "a whole number from 1 to 100,000", "40"),
            ("chats", "-1", "a whole number from 1 to 100,000", "40"),
            ("chats", "many", "a whole number from 1 to 100,000", "40"),
            ("chats", "2.5", "a whole number from 1 to 100,000", "40"),
            ("chats", "100001", "a whole number from 1 to 100,000", "40"),
            ("lanes", "0", "a whole number from 1 to 64", "4"),
            ("lanes", "65", "a whole number from 1 to 64", "4"),
            ("seed", "x", "a whole number from 0 to 100,000,000,000,000,000", "7"),
            ("alarms_per_year", "0", "a number above 0, at most 365", "0.02"),
            ("alarms_per_year", "366", "a number above 0, at most 365", "0.02"),
            ("alarms_per_year", "few", "a number above 0, at most 365", "0.02"),
            ("alarms_per_year", "nan", "a number above 0, at most 365", "0.02"),
        ],
    )
    def test_a_bad_number(self, name: str, value: str, rule: str, example: str) -> None:
        flags: dict[str, Any] = {name: value}
        flag, variable = flag_of(name), variable_of(name)
        assert refused(**flags) == f"{flag} {value}: expected {rule}\n  hint: {flag} {example}"
        assert (
            refused({name.upper(): value})
            == f"{variable}={value}: expected {rule}\n  hint: {variable}={example}"
        )

    @pytest.mark.parametrize(
        ("name", "value", "names", "hint"),
        [
            ("id_pattern", "UUID", ID_PATTERNS, ""),
            ("id_pattern", "uid", ID_PATTERNS, "\n  hint: did you mean uuid?"),
            ("transport", "http", TRANSPORTS, ""),
            ("transport", "websockets", TRANSPORTS, "\n  hint: did you mean websocket?"),
        ],
    )
    def test_a_name_that_is_not_known(self, name: str, value: str, names: tuple[str, ...], hint: str) -> None:
        flags: dict[str, Any] = {name: value}
        assert refused(**flags) == f"{flag_of(name)} {value}: expected one of {', '.join(names)}{hint}"

    def test_a_scenario_that_is_not_known(self) -> None:
        message = refused(scenarios="reload two-tab")
        assert message.startswith("--scenarios two-tab: expected one of reload, ")
        assert message.endswith("\n  hint: did you mean two-tabs?")

    def test_a_step_that_is_not_known(self) -> None:
        assert refused(replay="new fly").startswith("--replay fly: expected one of new, tab, ")

    def test_several_bad_values_have_one_message_each(self) -> None:
        messages = refused({"LANES": "0"}, chats="0").splitlines()
        assert [line.split(":")[0] for line in messages[::2]] == ["--chats 0", "CHAT_E2E_LANES=0"]

    def test_a_fault_that_does_not_exist(self) -> None:
        rule = f"expected one of {KNOWN_FAULTS}\n  hint: did you mean stale-state?"
        assert refused(fault=["slow", "stale-stat"]) == f"--fault stale-stat: {rule}"
        assert refused({"FAULT": "stale-stat"}) == f"CHAT_E2E_FAULT=stale-stat: {rule}"

    def test_a_target_that_does_not_exist(self) -> None:
        assert "nope" in refused(target="nope")
        assert re.search(r"hint: a name \([^)]*\bchainlit,[^)]*\breference\b", refused(target="nope"))

    def test_a_broken_profile(self, tmp_path: Path) -> None:
        path = tmp_path / "acme.toml"
        path.write_text("[where")
        assert refused(target=str(path)).startswith(f"{path}: line 1\n  got '[where': not TOML (")

    def test_evidence_that_is_no_folder(self, tmp_path: Path) -> None:
        folder = str(tmp_path / "nowhere")
        assert refused(from_evidence=[str(tmp_path), folder]).startswith(
            f"--from-evidence {folder}: no such folder\n  hint: "
        )

    def test_an_out_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert refused(out=str(tmp_path / "file")) == (
            f"--out {tmp_path / 'file'}: this is a file; name a folder for the results"
        )

    @pytest.mark.parametrize("url", ["localhost:8765", "chat.example.org", "ftp://chat.example.org/", ""])
    def test_a_base_url_that_is_no_web_address(self, url: str) -> None:
        expected = f"--base-url {url}: expected a web address\n  hint: --base-url https://chat.example.org/"
        assert refused(base_url=url) == expected


class TestReferenceOnly:
    """Options of the reference chat are refused for other targets, not ignored."""

    OPTIONS = (("fault", ["slow"], "slow"), ("id_pattern", "uuid", "uuid"), ("transport", "json", "json"))

    @pytest.mark.parametrize(("name", "value", "text"), OPTIONS)
    def test_another_target_refuses_them(self, elsewhere: str, name: str, value: Any, text: str) -> None:
        flags: dict[str, Any] = {name: value}
        assert refused(target=elsewhere, **flags) == f"{flag_of(name)} {text}: {REFERENCE_CHAT_ONLY}"

    def test_a_variable_is_named_too(self, elsewhere: str) -> None:
        assert refused({"FAULT": "slow"}, target=elsewhere) == f"CHAT_E2E_FAULT=slow: {REFERENCE_CHAT_ONLY}"

    @pytest.mark.parametrize(("name", "value", "text"), OPTIONS)
    def test_a_reference_chat_that_already_runs_refuses_them(self, name: str, value: Any, text: str) -> None:
        flags: dict[str, Any] = {name: value}
        message = refused(base_url="http://127.0.0.1:8765/", **flags)
        assert message.startswith(
            f"{flag_of(name)} {text}: for the reference chat that the suite starts itself"
        )

    def test_without_them_another_target_is_fine(self, elsewhere: str) -> None:
        settings = read(target=elsewhere, base_url="http://127.0.0.1:8765/")
        assert (settings.profile.name, settings.base_url) == ("acme", "http://127.0.0.1:8765/")
