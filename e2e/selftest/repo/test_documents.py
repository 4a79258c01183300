"""The documents name what exists: links, make targets, paths, commands, options; and their lines stay short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e.cli.app import app
from e2e.cli.main import COMMANDS
from e2e.plugin.settings.settings import Settings
from e2e.profile.values.renamed_keys import RENAMED
from e2e.selftest.repo.test_repository import targets
from e2e.setup.places import REPO

GENERATED = [REPO / "e2e" / "docs" / "profiles.md", REPO / "e2e" / "docs" / "checks.md"]
WRITTEN = sorted(
    [
        REPO / "README.md",
        REPO / "e2e" / "README.md",
        *(REPO / ".github").glob("*.md"),
        *(p for p in (REPO / "e2e" / "docs").glob("*.md") if p not in GENERATED),
    ]
)
ALL = [*WRITTEN, *GENERATED]
CHANGELOG = REPO / ".github" / "CHANGELOG.md"
EXAMPLES = ("acme", "chat-example-org", "reports/out")
"""Parts of paths that the reader makes, and that are not in the repository."""

LONGEST_LINE = 119
WORDS_A_SENTENCE = 15

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_PATH = re.compile(r"(?:e2e|fixtures|reports|\.github|\.ci)/[\w./*<>-]*")


def name_of(path: Path) -> str:
    return path.relative_to(REPO).as_posix()


def code_of(path: Path) -> list[str]:
    """Everything that is set as code: blocks and words in backticks."""
    return _CODE.findall(path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The fragments under which GitHub shows the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> list[str]:
    broken = []
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, fragment = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    return broken


def unknown_paths(code: list[str]) -> list[str]:
    named = {found.rstrip(".") for part in code for found in _PATH.findall(part)}
    real = {name for name in named if not any(example in name for example in EXAMPLES)}
    patterns = {name: re.sub(r"<[^>]*>", "*", name).rstrip("/") for name in real}
    return sorted(name for name, pattern in patterns.items() if not any(REPO.glob(pattern)))


def unknown_targets(code: list[str]) -> set[str]:
    named = re.findall(r"(?<![\w/-])make ([a-z][a-z0-9-]*)", "\n".join(code))
    return set(named) - set(targets())


def unknown_commands(code: list[str]) -> set[str]:
    assert COMMANDS  # their import fills the tree
    known = {
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback
    }
    known |= {group.name for group in app.registered_groups if group.name}
    return set(re.findall(r"python -m e2e ([a-z][a-z-]*)", "\n".join(code))) - known


def unknown_variables(code: list[str]) -> set[str]:
    """Variables of `make e2e` that are no options."""
    lines = re.findall(r"make e2e ([^`\n#]*)", "\n".join(code))
    named = {name for line in lines for name in re.findall(r"\b([A-Z_]+)=", line)}
    return named - {name.upper() for name in Settings.model_fields} - {"ARGS"}


def sentences(text: str) -> list[str]:
    """The sentences of the prose: no code, tables, headings, images."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    prose = [line for line in text.splitlines() if not re.match(r"\s*(\||#|!\[|<!--)", line)]
    blocks = re.split(r"\n\s*\n|\n\s*(?=(?:[-*]|\d+\.) )", "\n".join(prose))
    found = [re.split(r"(?<=[.!?:])\s+", re.sub(r"\s+", " ", block).strip()) for block in blocks]
    return [sentence for block in found for sentence in block if len(sentence.split()) > 2]


@pytest.mark.parametrize("path", ALL, ids=name_of)
class TestDocument:
    def test_every_link_leads_to_a_file_and_a_heading(self, path: Path) -> None:
        assert broken_links(path) == []

    def test_every_make_target_exists(self, path: Path) -> None:
        assert unknown_targets(code_of(path)) == set()

    def test_every_command_and_every_option_exists(self, path: Path) -> None:
        assert unknown_commands(code_of(path)) | unknown_variables(code_of(path)) == set()

    def test_every_path_exists(self, path: Path) -> None:
        if path == CHANGELOG:
            pytest.skip("a changelog names what was removed too")
        assert unknown_paths(code_of(path)) == []

    def test_lines_stay_short(self, path: Path) -> None:
        if path in GENERATED:
            pytest.skip("its tables are generated")
        lines = path.read_text(encoding="utf-8").splitlines()
        assert [n for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE] == []


class TestReadme:
    def test_sentences_are_short(self) -> None:
        found = sentences((REPO / "README.md").read_text(encoding="utf-8"))
        assert len(found) > 20
        assert sum(len(sentence.split()) for sentence in found) / len(found) <= WORDS_A_SENTENCE

    def test_it_links_every_document(self) -> None:
        text = (REPO / "README.md").read_text(encoding="utf-8")
        assert [name_of(p) for p in ALL if p.name != "README.md" and f"({name_of(p)}" not in text] == []


class TestChangelog:
    def test_it_has_every_renamed_profile_key(self) -> None:
        text = CHANGELOG.read_text(encoding="utf-8")
        rows = {old: f"| `{old}` | `{new}` |".replace("[]", "") for old, new in RENAMED.items()}
        assert [old for old, row in rows.items() if row not in text] == []


class TestMap:
    def test_it_has_every_folder(self) -> None:
        folders = [REPO / "e2e", REPO / "e2e" / "analysis", REPO / "e2e" / "capture"]
        packages = [
            p for folder in folders for p in sorted(folder.iterdir()) if (p / "__init__.py").is_file()
        ]
        text = (REPO / "e2e" / "README.md").read_text(encoding="utf-8")
        assert [
            name_of(p) for p in packages if f"({p.relative_to(REPO / 'e2e').as_posix()})" not in text
        ] == []


class TestTheTestsThemselves:
    def test_a_broken_link_is_found(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("# A heading\n[a](gone.md) [b](#a-heading) [c](#gone) [d](https://x.example/)\n")
        assert broken_links(page) == ["gone.md", "#gone"]

    def test_an_unknown_make_target_is_found(self) -> None:
        assert unknown_targets(["`make e2e CHATS=1`", "```sh\nmake nothing   # make sure\n```"]) >= {
            "nothing"
        }

    def test_an_unknown_command_is_found(self) -> None:
        assert unknown_commands(["`python -m e2e discover URL`", "`python -m e2e nothing`"]) == {"nothing"}

    def test_an_unknown_option_is_found(self) -> None:
        assert unknown_variables(['`make e2e CHATS=1 NOTHING=2 ARGS="-x"`']) == {"NOTHING"}

    def test_an_unknown_path_is_found(self) -> None:
        assert unknown_paths(["`e2e/gone.py` `e2e/specs` `e2e/<name>/` `fixtures/targets/acme.toml`"]) == [
            "e2e/gone.py"
        ]

    def test_sentences_are_counted_without_code_and_tables(self) -> None:
        text = "# Head one two\n\nOne two three. Four five six!\n\n| a b c | d |\n```\nx y z.\n```\n- seven eight nine\n"
        assert sentences(text) == ["One two three.", "Four five six!", "- seven eight nine"]
