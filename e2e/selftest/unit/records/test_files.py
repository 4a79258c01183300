"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.files import replace_file


def test_it_is_written_as_text_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, "Grüße \ud800")
    assert path.read_bytes() == "Grüße ".encode() + b"\\ud800"
    replace_file(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_who_reads_meanwhile_sees_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    seen: list[str] = []
    monkeypatch.setattr("os.fsync", lambda _: seen.append(path.read_text(encoding="utf-8")))
    replace_file(path, "new")
    assert seen == ["old"]
    assert path.read_text(encoding="utf-8") == "new"
