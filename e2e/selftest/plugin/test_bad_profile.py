"""An invalid profile ends the command with its message: exit code 4, no traceback, no browser, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.selftest.plugin.conftest import Suite

REFERENCE = Path(__file__).resolve().parents[3] / "fixtures" / "targets" / "reference.toml"
USAGE_ERROR = 4


@pytest.mark.parametrize(
    ("line", "other", "message"),
    [
        (
            'session = "session_id"',
            'session = "args[0"',
            "acme.toml: wire[0].session\n"
            "  got 'args[0': not a JMESPath expression (unclosed bracket at column 7)\n"
            '  hint: "args[0].sessionId"\n',
        ),
        (
            "[reply]",
            "[reply",
            "acme.toml: line 45, column 7\n"
            "  got '[reply': not TOML (Expected ']' at the end of a table declaration)\n"
            "  hint: correct this line\n",
        ),
    ],
    ids=["invalid value", "invalid TOML"],
)
def test_the_command_ends_with_only_the_message(
    suite: Suite, tmp_path: Path, line: str, other: str, message: str
) -> None:
    profile = tmp_path / "acme.toml"
    profile.write_text(REFERENCE.read_text(encoding="utf-8").replace(line, other, 1), encoding="utf-8")
    ended = suite("--target", str(profile))
    assert ended.code == USAGE_ERROR, ended.output
    assert message in ended.output
    assert "Traceback" not in ended.output
    assert not (ended.out / "evidence").exists()
