"""Source maps that were built but are not published: ``--source-maps DIR``."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote

from e2e.capture.code.libraries import parts_of

LINK = re.compile(r"^//[#@] ?sourceMappingURL=(\S+)\s*$", re.MULTILINE)
_DEBUG_ID = re.compile(r"^//[#@] ?debugId=([0-9A-Fa-f-]{32,36})\s*$", re.MULTILINE)
_FIELD = re.compile(r"\"(debug_?[iI]d|file)\"\s*:\s*(\"(?:[^\"\\]|\\.)*\")")


class LocalMaps:
    """The maps below a folder, found by what a script or a map says about itself."""

    def __init__(self, folder: Path | None) -> None:
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_file: dict[str, list[Path]] = defaultdict(list)
        self._by_debug_id: dict[str, list[Path]] = defaultdict(list)
        self._folder = folder
        for path in sorted(folder.rglob("*.map")) if folder is not None else ():
            self._by_name[path.name].append(path)
            for key, value in _fields(path):
                if key == "file":
                    self._by_file[value.rpartition("/")[2]].append(path)
                else:
                    self._by_debug_id[value.lower()].append(path)

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def find(self, url: str, script: str | None) -> str | None:
        """The map of the script at ``url``: by its debug ID, the name in its ``sourceMappingURL``, its own name, the map's ``file``."""
        path = unquote(parts_of(url).path)
        name = path.rpartition("/")[2]
        debug_id = _DEBUG_ID.search(script or "")
        if debug_id is not None and (same := self._by_debug_id.get(debug_id[1].lower())):
            return _read(same[0])
        links = [link for link in LINK.findall(script or "") if not link.startswith("data:")]
        linked = unquote(parts_of(links[-1]).path).rpartition("/")[2] if links else ""
        for candidates in (
            self._by_name.get(linked),
            self._by_name.get(f"{name}.map"),
            self._by_file.get(name),
        ):
            best = self._nearest(candidates or [], path)
            if best is not None:
                return _read(best)
        return None

    def _nearest(self, candidates: list[Path], path: str) -> Path | None:
        """The one whose folders are those of the script's path; None where several fit alike: a wrong map names wrong lines."""
        wanted = path.split("/")[-2::-1]

        def alike(candidate: Path) -> int:
            folders = [parent.name for parent in candidate.parents]
            return next(
                (n for n, (a, b) in enumerate(zip(folders, wanted, strict=False)) if a != b),
                min(len(folders), len(wanted)),
            )

        ranked = sorted(candidates, key=alike, reverse=True)
        if len(ranked) > 1 and alike(ranked[0]) == alike(ranked[1]):
            texts = {_read(c) for c in ranked if alike(c) == alike(ranked[0])}
            return ranked[0] if len(texts) == 1 else None
        return ranked[0] if ranked else None


def _fields(path: Path) -> list[tuple[str, str]]:
    """``file`` and the debug ID of a map, from its ends: maps are large, and these stand beside the long fields."""
    try:
        with path.open("rb") as opened:
            head = opened.read(4096)
            opened.seek(0, 2)
            opened.seek(max(len(head), opened.tell() - 4096))
            ends = (head + b"\n" + opened.read()).decode(errors="replace")
    except OSError:
        return []
    found = []
    for key, value in _FIELD.findall(ends):
        try:
            found.append((key, str(json.loads(value))))
        except ValueError:
            continue
    return found


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
