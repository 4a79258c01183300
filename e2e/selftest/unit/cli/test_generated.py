"""Generated documents are what the code makes of them, and the command reference keeps them so."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.analysis.causes.registry import definitions
from e2e.analysis.checks.registry import CHECKS
from e2e.analysis.model.verdict import UNEXPLAINED
from e2e.cli import checks_page, generated
from e2e.setup.places import REPO


@pytest.mark.parametrize("path", generated.generated(), ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    expected = generated.generated()[path]
    assert path.read_text(encoding="utf-8") == expected, "hint: python -m e2e reference"


def test_the_command_compares_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = REPO / "reports" / "out" / tmp_path.name
    page.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(checks_page, "PAGE", page)
    try:
        assert generated.write_generated(check=True) == 1
        assert "is out of date\n  hint: python -m e2e reference\n" in capsys.readouterr().err
        assert generated.write_generated(check=False) == 0
        assert generated.write_generated(check=True) == 0
        assert page.read_text(encoding="utf-8") == checks_page.page()
    finally:
        page.unlink(missing_ok=True)


def test_the_page_has_every_check_and_every_cause() -> None:
    names = [*(check.name for check in CHECKS), *(name for name in definitions() if name != UNEXPLAINED)]
    assert [name for name in names if f"\n| `{name}` | " not in checks_page.page()] == []


def test_explanations_have_no_placeholders() -> None:
    assert "{" not in checks_page.page()
