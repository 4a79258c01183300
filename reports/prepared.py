"""The report of a run that the test session has judged, prepared by it: ``prepared.json`` in the output folder.

Judging again, pandas, SciPy and matplotlib took 5.1 of the 6.0 s of CPU time of a report. The file has a fingerprint of all that
the report depends on: the evidence, the session, the place, the suite's code, the installed packages. With any other
fingerprint it is not used, and neither is a file that cannot be read: the report is then composed from the evidence.
"""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.errors import HarnessError
from e2e.files import replace_file
from e2e.records.evidence import files_of
from reports.allure.config import results_of_tests
from reports.composition import Composition, compose
from reports.history.entry import HistoryEntry, entry_of
from reports.history.store import KEEP, Store
from reports.summary.last_run import last_run

if TYPE_CHECKING:
    from reports.summary.aggregate import Judged

PREPARED = "prepared.json"
_SUITE = Path(__file__).resolve().parents[1]
_CODE = (
    "e2e/*.py",
    "e2e/analysis/**/*.py",
    "e2e/records/*.py",
    "reports/*.py",
    "reports/[a-z]*/*.py",
    "reports/templates/*.j2",
)
"""All that decides what a report contains."""  # fmt: skip
_CHUNK = 1 << 20


def prepare(judged: Judged, out: Path, history: Path) -> Path | None:
    """Write the report of a session that judged its run, as `reports.build` finds it; None where a report has to judge again.

    The report shows the run history, so its entries with this run are those of ``history``. Raises ``OSError``.
    """
    (out / PREPARED).unlink(missing_ok=True)
    if not judged.session_ended or not results_of_tests(out / "allure-results"):
        return None  # the report gets a result for the whole run, with what is missing
    # what a reader of the history would get
    entry = HistoryEntry.from_rows(entry_of(judged).rows())
    try:
        entries = _with_entry(history, entry)
    except HarnessError:
        return None
    content = {
        "fingerprint": fingerprint(out, judged.folders, judged.run.alarms_per_year),
        **compose(judged, entries, entry, out).to_json(),
    }
    replace_file(out / PREPARED, json.dumps(content))
    return out / PREPARED


def prepared(out: Path) -> Composition | None:
    """The report that the last session under ``out`` prepared, if nothing that it depends on has changed since."""
    path = out / PREPARED
    if not path.is_file():
        return None
    last = last_run(out)
    if not last.session_ended or last.alarms_per_year is None or not results_of_tests(out / "allure-results"):
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["fingerprint"] != fingerprint(out, last.folders, last.alarms_per_year):
            return None
        return Composition.from_json(content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint(out: Path, folders: Sequence[Path], alarms_per_year: float) -> str:
    """Names all that a report depends on, beside the run history."""
    digest = hashlib.blake2b(digest_size=20)
    packages = Path(sysconfig.get_path("purelib")).stat().st_mtime_ns
    digest.update(repr((sys.version, packages, str(out.resolve()), alarms_per_year)).encode())
    for path in _code():
        stat = path.stat()
        digest.update(repr((str(path), stat.st_mtime_ns, stat.st_size)).encode())
    for folder in folders:
        digest.update(repr(str(folder.resolve())).encode())
        for path in files_of(folder):
            digest.update(path.name.encode() + _digest(path))
    return digest.hexdigest()


def _digest(path: Path) -> bytes:
    digest = hashlib.blake2b(digest_size=20)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _code() -> Iterator[Path]:
    for pattern in _CODE:
        yield from sorted(_SUITE.glob(pattern))


def _with_entry(history: Path, entry: HistoryEntry, keep: int = KEEP) -> list[HistoryEntry]:
    """The series as `Store.add` will leave it."""
    before = Store(history).read().of(*entry.series).entries if history.is_dir() else ()
    others = [one for one in before if one.run_id != entry.run_id]
    return sorted([*others, entry], key=lambda e: (e.began, e.run_id))[-keep:]
