"""A profile is right or it is refused before any browser starts, with file, key, value, rule and a hint."""

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
    def test_it_loads_by_name_and_by_path(self) -> None:
        assert load("reference") == load(str(TARGETS / "reference.toml"))

    def test_it_says_what_the_file_says(self) -> None:
        profile = load("reference")
        assert (profile.name, profile.where.start, profile.session.key) == (
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

    def test_what_is_not_said_has_a_default(self) -> None:
        profile = load("reference")
        assert (profile.timeouts.action, profile.where.viewport) == (5, (1280, 800))
        assert profile.reply.exchange_finished

    def test_it_cannot_be_changed_afterwards(self) -> None:
        profile = load("reference")
        with pytest.raises(ValidationError, match="frozen"):
            profile.title = "Another"  # type: ignore[misc]

    @pytest.mark.parametrize("path", sorted(TARGETS.glob("*.toml")), ids=lambda path: path.stem)
    def test_every_profile_of_the_suite_loads_under_its_own_name(self, path: Path) -> None:
        assert load(path.stem).name == path.stem


class TestFind:
    @pytest.mark.parametrize("name", ["nope", "nope.toml", "../nope", "", "fixtures"])
    def test_no_such_profile_lists_the_known_ones(self, name: str) -> None:
        known = ", ".join(sorted(path.stem for path in TARGETS.glob("*.toml")))
        with pytest.raises(InvalidProfile) as refused:
            load(name)
        assert str(refused.value) == (
            f"--target {name}: no such profile\n"
            f"  hint: a name ({known}) or the path of a TOML file; `python -m e2e discover URL` proposes one"
        )

    def test_a_name_is_looked_for_in_the_suite_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("reference").write_text("not this one")
        assert load("reference").name == "reference"

    def test_a_file_elsewhere_is_shown_by_its_name_alone(self, tmp_path: Path) -> None:
        (tmp_path / "acme.toml").write_text("schema = 1")
        with pytest.raises(InvalidProfile, match=r"^acme\.toml: at "):
            load(str(tmp_path / "acme.toml"))


def test_every_problem_is_told_at_once(refuse: Refuse) -> None:
    said = refuse(
        'name = "reference"\ntitle = "Reference chat"', 'titel = "A"\nsessions = { key = "a" }'
    ).splitlines()
    assert [line for line in said if line.startswith("acme.toml: at ")] == [
        "acme.toml: at titel",
        "acme.toml: at sessions",
        "acme.toml: at name",
    ]


def test_a_long_value_is_cut(refuse: Refuse) -> None:
    said = refuse('title = "Reference chat"', f'title = "Reference chat"\nnotes = "{"x" * 200}"')
    assert f"  got '{'x' * 76}... : " in said


class TestLocate:
    @pytest.mark.parametrize(
        ("locate", "text"),
        [
            (Locate(role="button", name="New chat"), "{ role = 'button', name = 'New chat' }"),
            (Locate(text="New chat", exact=True), "{ exact = true, text = 'New chat' }"),
            (Locate(css="#a"), "{ css = '#a' }"),
        ],
    )
    def test_it_is_shown_as_it_is_written(self, locate: Locate, text: str) -> None:
        assert str(locate) == text

    def test_blanks_around_a_value_do_not_count(self) -> None:
        assert Locate(css=" #a ") == Locate(css="#a")


def test_a_target_without_a_store_needs_no_key() -> None:
    raw = load("reference").model_dump(by_alias=True, exclude_none=True)
    raw["session"] = {"store": "none"}
    assert Profile.model_validate(raw).session.key is None
