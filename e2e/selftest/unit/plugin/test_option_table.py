"""The options that an earlier session kept are those of the settings, and are read again after any change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.plugin.settings import table as module
from e2e.plugin.settings.fields import flag_of
from e2e.plugin.settings.settings import Settings
from e2e.plugin.settings.table import Table, defaults_are_valid, table


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of this test, written by a session with valid defaults; the default profile is a copy."""
    profile = tmp_path / "reference.toml"
    profile.write_bytes(module.DEFAULT_PROFILE.read_bytes())
    monkeypatch.setattr(module, "DEFAULT_PROFILE", profile)
    monkeypatch.setattr(module, "CACHE", tmp_path / "out" / ".options.json")
    defaults_are_valid()
    table.cache_clear()
    yield module.CACHE
    table.cache_clear()


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has an element for each time that the options are read from the settings."""
    times: list[int] = []
    rows = module._rows

    def read() -> Any:
        times.append(1)
        return rows()

    monkeypatch.setattr(module, "_rows", read)
    return times


def test_kept_options_are_those_of_the_settings(read_again: list[int]) -> None:
    found = table()
    assert read_again == []
    assert found == Table(module._rows(), defaults_checked=True)
    assert [row.flag for row in found.rows] == [flag_of(name) for name in Settings.model_fields]


def test_changed_profile_is_checked_again(read_again: list[int]) -> None:
    stat = module.DEFAULT_PROFILE.stat()
    os.utime(module.DEFAULT_PROFILE, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert not table().defaults_checked
    assert read_again == [1]


def test_changed_module_of_the_settings_is_read_again(kept: Path, read_again: list[int]) -> None:
    content = json.loads(kept.read_text(encoding="utf-8"))
    (name,) = (file for file in content["read_from"]["files"] if file.endswith("settings/settings.py"))
    content["read_from"]["files"][name][0] -= 1
    kept.write_text(json.dumps(content), encoding="utf-8")
    assert not table().defaults_checked
    assert read_again == [1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"read_from": {"files": {"/no/such/file": 1}}}'])
def test_unreadable_file_is_replaced(kept: Path, read_again: list[int], text: str) -> None:
    kept.write_text(text, encoding="utf-8")
    assert not table().defaults_checked
    table.cache_clear()
    table()
    assert read_again == [1]


def test_place_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(module, "CACHE", tmp_path / "file" / ".options.json")
    assert table().rows == module._rows()
