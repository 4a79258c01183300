"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def replace_file(path: Path, content: str | bytes) -> None:
    """Write beside ``path``, then rename: who reads meanwhile, or after a crash, sees the old file or the new one.

    Text is written as UTF-8, with what that cannot hold (half of a surrogate pair) as an escape. Raises ``OSError``; ``path``
    is then as it was.
    """
    data = content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
    with draft_of(path) as file:
        file.write(data)


@contextlib.contextmanager
def draft_of(path: Path) -> Iterator[BinaryIO]:
    """A file beside ``path`` that replaces it at the end of the block. Raises ``OSError``; ``path`` is then as it was."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
