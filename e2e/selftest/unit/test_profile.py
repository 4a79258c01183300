"""A profile is right or it is refused before any browser starts, with file, key, value, rule and a way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from e2e.errors import InvalidProfile
from fixtures.targets.profile import TARGETS, Locate, Profile, load

REFERENCE = (TARGETS / "reference.toml").read_text(encoding="utf-8")
NEW_CHAT = 'new_chat = [{ click = { role = "button", name = "New chat" } }]'
READY = 'ready = { role = "textbox", name = "Message" }'
WAY_OUT = "  way out  e2e/README.md explains every key; fixtures/targets/reference.toml is a complete example"

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
        assert profile.wire[0].session.json_ == "session_id"
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
            f"--target {name}: no such profile\n  way out  a name ({known}) or the path of a TOML file"
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


class TestNoToml:
    def test_the_place_is_told(self, refuse: Refuse) -> None:
        said = refuse("[reply]", "[reply")
        assert said.startswith("acme.toml: not a TOML file: Expected ']' ")
        assert "line 40" in said
        assert said.endswith("\n  way out  correct that line")

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "acme.toml").write_bytes(b'title = "\xff"')
        with pytest.raises(InvalidProfile, match=r"acme\.toml: not a TOML file: 'utf-8'"):
            load(str(tmp_path / "acme.toml"))


@pytest.mark.parametrize(
    ("line", "other", "key", "got", "rule"),
    [
        # expressions, patterns, addresses
        (
            'session = "session_id"',
            'session = "args[0"',
            "wire[0].session.json",
            "'args[0'",
            'not a JMESPath expression (Incomplete expression); example: "args[0].sessionId"',
        ),
        (
            'when = "type == \'chat\'"',
            'when = "starts_wiht(type, \'chat\')"',
            "wire[1].when",
            "\"starts_wiht(type, 'chat')\"",
            'not a JMESPath expression (no function starts_wiht()); example: "length(messages)"',
        ),
        (
            'history = "history"',
            'history = "messages[0:2].foo(@)"',
            "wire[0].history",
            "'messages[0:2].foo(@)'",
            'not a JMESPath expression (no function foo()); example: "length(messages)"',
        ),
        (
            'key = "chat_session"',
            'key_pattern = "chat_("',
            "session.key_pattern",
            "'chat_('",
            'not a regular expression (missing ), unterminated subpattern at position 5); example: "^chat_.*"',
        ),
        (
            'url = "http://127.0.0.1:8765/"',
            'url = "localhost:8765"',
            "where.url",
            "'localhost:8765'",
            'not a web address; example: "https://chat.example.org/"',
        ),
        # exactly one of
        (
            READY,
            'ready = { role = "textbox", css = "#a" }',
            "where.ready",
            "{'role': 'textbox', 'css': '#a'}",
            "a locator says exactly one of role, label, placeholder, test_id, text, css (this says role, css);"
            ' example: { role = "button", name = "New chat" }',
        ),
        (
            READY,
            'ready = { exact = true }',
            "where.ready",
            "{'exact': True}",
            "a locator says exactly one of role, label, placeholder, test_id, text, css (this says none of them)",
        ),
        (
            READY,
            'ready = { css = "#a", name = "Message" }',
            "where.ready",
            "{'css': '#a', 'name': 'Message'}",
            'name goes with role; example: { role = "button", name = "New chat" }',
        ),
        (
            'session = "session_id"',
            'session = { json = "a", query = "b" }',
            "wire[0].session",
            "{'json': 'a', 'query': 'b'}",
            'exactly one of json, query, header, path; example: { json = "session_id" }',
        ),
        (
            NEW_CHAT,
            "new_chat = [{ }]",
            "steps.new_chat[0]",
            "{}",
            'an action says exactly one of click, hover, press, wait_for (example: { click = { role = "button"',
        ),
        (
            'key = "chat_session"',
            "",
            "session",
            "{'store': 'localStorage', 'id': 'sessionId'}",
            'a store needs exactly one of key and key_pattern; example: key = "chat_session"',
        ),
        (
            'key = "chat_session"',
            'key = "a"\nkey_pattern = "b"',
            "session",
            "{'store'",
            'a store needs exactly one of key and key_pattern; example: key = "chat_session"',
        ),
        (
            NEW_CHAT,
            'new_chat = [{ hover = { css = "a" } }]',
            "steps",
            "{'message_box'",
            "the last action of new_chat is the one that starts the chat: a click or a press",
        ),
        # what there is to choose from, and numbers
        (
            'store = "localStorage"',
            'store = "cookie"',
            "session.store",
            "'cookie'",
            "'localStorage', 'sessionStorage' or 'none'",
        ),
        (
            'rotation = "on_click"',
            'rotation = "often"',
            "policy.rotation",
            "'often'",
            "'on_click' or 'on_first_message'",
        ),
        ('method = "PUT"', 'method = "PATCH"', "backend.assign.method", "'PATCH'", "'GET', 'PUT', 'POST' or 'DELETE'"),
        ("schema = 1", "schema = 2", "schema", "2", "should be 1"),
        ("ready = 10", "ready = 0", "timeouts.ready", "0", "greater than 0"),
        ("ready = 10", "ready = 601", "timeouts.ready", "601", "less than or equal to 600"),
        ("ready = 10", 'ready = "soon"', "timeouts.ready", "'soon'", "valid number"),
        ("count = 9", "count = 0", "providers.count", "0", "greater than or equal to 1"),
        ('name = "reference"', 'name = "My Chat"', "name", "'My Chat'", "^[a-z0-9][a-z0-9_-]*$"),
        (
            'path = "/api/stats"',
            'path = "api/stats"',
            "backend.state.path",
            "'api/stats'",
            "should match pattern '^/'",
        ),
        (NEW_CHAT, "new_chat = []", "steps.new_chat", "[]", "at least 1 item"),
        # providers
        (
            "count = 9",
            "weights = { a = 0.5, b = 0.4 }",
            "providers",
            "{'weights': {'a': 0.5, 'b': 0.4}}",
            'weights are shares above 0 that sum to 1; example: { "Big hat" = 0.7, "Tall boot" = 0.3 }',
        ),
        ("count = 9", "weights = { a = 0, b = 1 }", "providers", "{'weights'", "shares above 0 that sum to 1"),
        ("count = 9", "weights = { a = nan }", "providers", "{'weights'", "shares above 0 that sum to 1"),
        ("count = 9", "weights = { }", "providers", "{'weights'", "shares above 0 that sum to 1"),
        (
            "count = 9",
            'names = ["a"]\nweights = { b = 1 }',
            "providers",
            "{'names'",
            "weights and names must speak of the same providers",
        ),
        ("count = 9", 'names = ["a", "a"]', "providers", "{'names': ['a', 'a']}", "a provider is named twice"),
        # keys
        ('key = "chat_session"', 'kye = "chat_session"', "session.kye", "'chat_session'", "not permitted"),
        ("[policy]", "[polyci]", "polyci", "{'rotation'", "not permitted"),
        ('title = "Reference chat"', "", "title", "nothing", "required"),
        ('session = "session_id"\n', "", "wire[0].session", "nothing", "required"),
    ],
)  # fmt: skip
def test_a_bad_profile_is_refused_with_file_key_value_rule_and_way_out(
    refuse: Refuse, line: str, other: str, key: str, got: str, rule: str
) -> None:
    said = refuse(line, other).splitlines()
    assert said[0] == f"acme.toml: at {key}"
    value, _, why = said[1].partition(" : ")
    assert value.startswith(f"  got {got}")
    assert rule in why
    assert said[-1] == WAY_OUT


def test_every_problem_is_told_at_once(refuse: Refuse) -> None:
    said = refuse("[session]", "[sessions]").splitlines()
    assert [line for line in said if line.startswith("acme.toml: at ")] == [
        "acme.toml: at session",
        "acme.toml: at sessions",
    ]


def test_a_long_value_is_cut(refuse: Refuse) -> None:
    said = refuse('title = "Reference chat"', f'title = "Reference chat"\nnotes = "{"x" * 200}"')
    assert f"  got '{'x' * 76}... : " in said


def test_a_file_that_says_nothing_lacks_everything(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text("")
    with pytest.raises(InvalidProfile) as refused:
        load(str(tmp_path / "acme.toml"))
    for key in ("name", "title", "where", "session", "steps", "wire"):
        assert f"acme.toml: at {key}\n  got nothing : " in str(refused.value)


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
