"""A profile is loaded by name or path, and is refused with every mistake in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from e2e.errors import InvalidProfile
from e2e.profile.profile import TARGETS, Extract, Locate, Profile, load

REFERENCE = (TARGETS / "reference.toml").read_text(encoding="utf-8")

Refuse = Callable[[str, str], str]


@pytest.fixture
def refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """The message for the reference profile with one line replaced."""
    monkeypatch.chdir(tmp_path)

    def refuse(line: str, other: str) -> str:
        assert REFERENCE.count(line) >= 1
        Path("acme.toml").write_text(REFERENCE.replace(line, other, 1), encoding="utf-8")
        with pytest.raises(InvalidProfile) as refused:
            load("acme.toml")
        return str(refused.value)

    return refuse


class TestReference:
    def test_a_profile_loads_by_name_and_by_path(self) -> None:
        assert load("reference") == load(str(TARGETS / "reference.toml"))

    def test_values_come_from_the_file(self) -> None:
        profile = load("reference")
        assert (profile.name, profile.where.start, profile.id_store.key) == (
            "reference",
            "reference",
            "chat_session",
        )
        assert [rule.transport for rule in profile.wire] == ["http", "websocket"]
        assert profile.wire[0].session == Extract(json="session_id")
        assert profile.steps.new_chat[0].click == Locate(role="button", name="New chat")
        assert profile.backend is not None
        assert profile.backend.assign is not None
        assert profile.backend.assign.path == "/api/sessions/{session}"

    def test_absent_keys_have_defaults(self) -> None:
        profile = load("reference")
        assert (profile.timeouts.action, profile.where.viewport) == (5, (1280, 800))
        assert profile.reply.exchange_finished

    def test_a_profile_is_frozen(self) -> None:
        profile = load("reference")
        with pytest.raises(ValidationError, match="frozen"):
            profile.title = "Another"  # type: ignore[misc]

    @pytest.mark.parametrize("path", sorted(TARGETS.glob("*.toml")), ids=lambda path: path.stem)
    def test_each_shipped_profile_loads_under_its_own_name(self, path: Path) -> None:
        assert load(path.stem).name == path.stem


class TestFind:
    @pytest.mark.parametrize("name", ["nope", "nope.toml", "../nope", "", "fixtures"])
    def test_an_unknown_name_lists_the_known_ones(self, name: str) -> None:
        known = ", ".join(sorted(path.stem for path in TARGETS.glob("*.toml")))
        with pytest.raises(InvalidProfile) as refused:
            load(name)
        assert str(refused.value) == (
            f"--target {name}: no such profile\n"
            f"  hint: a name ({known}) or the path of a TOML file; `python -m e2e discover URL` proposes one"
        )

    def test_a_name_is_looked_up_in_the_suite_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("reference").write_text("not this one")
        assert load("reference").name == "reference"

    def test_messages_show_the_path_as_it_was_given(self, tmp_path: Path) -> None:
        path = tmp_path / "acme.toml"
        path.write_text("schema = 1")
        with pytest.raises(InvalidProfile) as refused:
            load(str(path))
        assert str(refused.value).startswith(f"{path}: name\n")


def test_all_mistakes_are_reported_at_once(refuse: Refuse) -> None:
    message = refuse(
        'name = "reference"\ntitle = "Reference chat"', 'titel = "A"\nsessions = { key = "a" }'
    ).splitlines()
    assert [line for line in message if line.startswith("acme.toml: ")] == [
        "acme.toml: titel",
        "acme.toml: sessions",
        "acme.toml: name",
    ]


def test_a_long_value_is_cut(refuse: Refuse) -> None:
    message = refuse('title = "Reference chat"', f'title = "Reference chat"\nnotes = "{"x" * 200}"')
    assert f"  got '{'x' * 76}...: " in message


class TestLocate:
    @pytest.mark.parametrize(
        ("locate", "text"),
        [
            (Locate(role="button", name="New chat"), "{ role = 'button', name = 'New chat' }"),
            (Locate(text="New chat", exact=True), "{ exact = true, text = 'New chat' }"),
            (Locate(css="#a"), "{ css = '#a' }"),
        ],
    )
    def test_a_locator_prints_as_in_the_file(self, locate: Locate, text: str) -> None:
        assert str(locate) == text

    def test_spaces_around_a_value_are_ignored(self) -> None:
        assert Locate(css=" #a ") == Locate(css="#a")


def test_a_target_without_a_store_needs_no_key() -> None:
    raw = load("reference").model_dump(by_alias=True, exclude_none=True)
    raw["session"] = {"store": "none"}
    assert Profile.model_validate(raw).id_store.key is None
