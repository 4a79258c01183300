"""The options: the command line before the environment before the default, and no bad value gets past the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.plugin.settings.option_list import ID_PATTERNS, OPTIONS, TRANSPORTS
from e2e.plugin.settings.options import ROOT, Settings, read_settings
from e2e.profile.profile import TARGETS
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_run
from fixtures.reference_chat.backend.faults import FAULTS

Read = Callable[..., Settings]
KNOWN_FAULTS = ", ".join(fault.name for fault in FAULTS)


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """A profile that the suite does not start itself."""
    text = (TARGETS / "reference.toml").read_text(encoding="utf-8")
    path = tmp_path / "acme.toml"
    path.write_text(text.replace('start = "reference"\n', "").replace('name = "reference"', 'name = "acme"'))
    return str(path)


def read(environment: dict[str, str] | None = None, *, base_url: str | None = None, **said: Any) -> Settings:
    """Settings with these options on the command line (``id_pattern="uuid"``) and these variables."""
    table = {f"chat_{option.name.replace('-', '_')}": None for option in OPTIONS}
    assert {f"chat_{name}" for name in said} <= set(table)
    table |= {f"chat_{name}": value for name, value in said.items()}
    variables = {f"CHAT_E2E_{name}": value for name, value in (environment or {}).items()}
    return read_settings(table.__getitem__, variables, base_url)


def refused(environment: dict[str, str] | None = None, **said: Any) -> str:
    with pytest.raises(pytest.UsageError) as error:
        read(environment, **said)
    return str(error.value)


class TestDefaults:
    def test_they_are_those_of_the_manual(self) -> None:
        settings = read()
        assert settings.profile.name == "reference"
        assert (settings.chats, settings.lanes, settings.alarms_per_year) == (20, 4, 0.02)
        assert (settings.id_pattern, settings.transport, settings.faults) == ("timestamp", "sse", ())
        assert (settings.strict_evidence, settings.show_ids, settings.from_evidence) == (False, False, ())
        assert (settings.base_url, settings.out) == (None, ROOT / "reports" / "out")

    def test_every_option_has_its_variable(self) -> None:
        assert {option.variable for option in OPTIONS} == {
            "CHAT_E2E_TARGET",
            "CHAT_E2E_TARGET_VERSION",
            "CHAT_E2E_SHARD",
            "CHAT_E2E_CHATS",
            "CHAT_E2E_LANES",
            "CHAT_E2E_FAULT",
            "CHAT_E2E_ID_PATTERN",
            "CHAT_E2E_TRANSPORT",
            "CHAT_E2E_STORE",
            "CHAT_E2E_ID_FORMAT",
            "CHAT_E2E_ROTATION",
            "CHAT_E2E_SEED",
            "CHAT_E2E_SCENARIOS",
            "CHAT_E2E_EXPERIMENTS",
            "CHAT_E2E_UNTIL_DECIDED",
            "CHAT_E2E_MAX_CHATS",
            "CHAT_E2E_WALK",
            "CHAT_E2E_REPLAY",
            "CHAT_E2E_ALARMS_PER_YEAR",
            "CHAT_E2E_STRICT_EVIDENCE",
            "CHAT_E2E_SHOW_IDS",
            "CHAT_E2E_FROM_EVIDENCE",
            "CHAT_E2E_OUT",
            "CHAT_E2E_SOURCE_MAPS",
        }


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
    def test_an_empty_variable_says_nothing(self, name: str) -> None:
        assert read({name: ""}) == read()

    def test_the_target(self, elsewhere: str) -> None:
        assert read({"TARGET": elsewhere}).profile.name == "acme"
        assert read({"TARGET": elsewhere}, target="reference").profile.name == "reference"

    def test_a_fault_on_the_command_line_replaces_the_variables(self) -> None:
        assert read({"FAULT": "slow"}, fault=["backend-down"]).faults == ("backend-down",)
        assert read({"FAULT": "slow"}).faults == ("slow",)


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
        said: dict[str, Any] = {name: True}
        assert getattr(read({name.upper(): "0"}, **said), name) is True

    def test_anything_else_is_refused(self) -> None:
        assert refused({"SHOW_IDS": "maybe"}) == "CHAT_E2E_SHOW_IDS=maybe: a switch is 1 or 0"


class TestRepeatables:
    def test_faults_keep_their_order_once(self) -> None:
        assert read(fault=["slow", "backend-down", "slow"]).faults == ("slow", "backend-down")

    @pytest.mark.parametrize("text", ["slow,backend-down", "slow backend-down", " slow , backend-down,"])
    def test_a_variable_lists_them(self, text: str) -> None:
        assert read({"FAULT": text}).faults == ("slow", "backend-down")

    @pytest.mark.parametrize("said", [{"fault": ["none"]}, {"fault": []}])
    def test_none_is_none(self, said: dict[str, Any]) -> None:
        assert read(**said).faults == ()

    def test_recorded_runs_are_pooled(self, tmp_path: Path) -> None:
        folders = [write_run(tmp_path, make_run(run_id=name)) for name in ("one", "two")]
        assert read(from_evidence=[str(folder) for folder in folders]).from_evidence == tuple(folders)
        assert read({"FROM_EVIDENCE": f"{folders[0]},{folders[1]}"}).from_evidence == tuple(folders)


class TestOut:
    def test_a_relative_folder_is_seen_from_where_the_user_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert read(out="here").out == tmp_path / "here"
        assert read({"OUT": "here"}).out == tmp_path / "here"
        assert read().out == ROOT / "reports" / "out"

    def test_an_absolute_folder_is_itself(self, tmp_path: Path) -> None:
        assert read(out=str(tmp_path / "here")).out == tmp_path / "here"


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("chats", "0", "--chats 0: a whole number from 1 to 100,000"),
            ("chats", "-1", "--chats -1: a whole number from 1 to 100,000"),
            ("chats", "many", "--chats many: a whole number from 1 to 100,000"),
            ("chats", "2.5", "--chats 2.5: a whole number from 1 to 100,000"),
            ("chats", "100001", "--chats 100001: a whole number from 1 to 100,000"),
            ("lanes", "0", "--lanes 0: a whole number from 1 to 64"),
            ("lanes", "65", "--lanes 65: a whole number from 1 to 64"),
            ("id_pattern", "UUID", f"--id-pattern UUID: not known; one of {', '.join(ID_PATTERNS)}"),
            ("transport", "http", f"--transport http: not known; one of {', '.join(TRANSPORTS)}"),
            ("alarms_per_year", "0", "--alarms-per-year 0: a number above 0, at most 365"),
            ("alarms_per_year", "366", "--alarms-per-year 366: a number above 0, at most 365"),
            ("alarms_per_year", "few", "--alarms-per-year few: a number above 0, at most 365"),
            ("alarms_per_year", "nan", "--alarms-per-year nan: a number above 0, at most 365"),
        ],
    )
    def test_a_bad_value_names_the_option_and_what_is_allowed(
        self, name: str, value: str, message: str
    ) -> None:
        said: dict[str, Any] = {name: value}
        assert refused(**said) == message
        assert refused({name.upper(): value}) == message

    @pytest.mark.parametrize("said", [{"fault": ["slow", "stale"]}, {"environment": {"FAULT": "stale"}}])
    def test_a_fault_that_there_is_not(self, said: dict[str, Any]) -> None:
        assert refused(**said) == f"--fault stale: no such fault; known: {KNOWN_FAULTS}"

    def test_a_target_that_there_is_not(self) -> None:
        assert refused(target="nope").startswith(
            "--target nope: no such profile\n  hint: a name (chainlit, reference"
        )

    def test_a_target_that_is_broken(self, tmp_path: Path) -> None:
        (tmp_path / "acme.toml").write_text("[where")
        assert refused(target=str(tmp_path / "acme.toml")).startswith(
            "acme.toml: at line 1\n  got '[where' : not TOML ("
        )

    def test_evidence_that_is_no_folder(self, tmp_path: Path) -> None:
        folder = str(tmp_path / "nowhere")
        assert refused(from_evidence=[str(tmp_path), folder]) == (
            f"--from-evidence {folder}: not a folder; name one with run.json in it, or one that holds such folders"
        )

    def test_an_out_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert refused(out=str(tmp_path / "file")) == (
            f"--out {tmp_path / 'file'}: a file; name the folder where the run is to write"
        )

    @pytest.mark.parametrize("url", ["localhost:8765", "chat.example.org", "ftp://chat.example.org/", ""])
    def test_a_base_url_that_is_no_web_address(self, url: str) -> None:
        with pytest.raises(pytest.UsageError) as error:
            read(base_url=url)
        assert (
            str(error.value) == f'--base-url {url}: not a web address; example: "https://chat.example.org/"'
        )


class TestReferenceOnly:
    """What the suite cannot do to a chat that it did not start is refused, not ignored."""

    SAID = (("fault", ["slow"]), ("id_pattern", "uuid"), ("transport", "json"))

    @pytest.mark.parametrize(("name", "value"), SAID)
    def test_another_target_takes_none_of_it(self, elsewhere: str, name: str, value: Any) -> None:
        option = name.replace("_", "-")
        assert refused(target=elsewhere, **{name: value}) == (
            f"--{option} is for the reference chat that the suite starts itself, not for target 'acme'"
        )

    @pytest.mark.parametrize(("name", "value"), SAID)
    def test_a_reference_chat_that_already_runs_takes_none_of_it(self, name: str, value: Any) -> None:
        with pytest.raises(pytest.UsageError, match=f"--{name.replace('_', '-')} is for the reference chat"):
            read(base_url="http://127.0.0.1:8765/", **{name: value})

    def test_without_them_another_target_is_fine(self, elsewhere: str) -> None:
        settings = read(target=elsewhere, base_url="http://127.0.0.1:8765/")
        assert (settings.profile.name, settings.base_url) == ("acme", "http://127.0.0.1:8765/")
