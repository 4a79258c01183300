"""Values of options that are more than a word or a number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from e2e.capture.run.shards import WHOLE, Shard
from e2e.errors import HarnessError
from e2e.records.evidence import find_runs, read_meta

_COUNTED = (("JOB_COMPLETION_INDEX", 0), ("CI_NODE_INDEX", 1))
"""Variables that number the machines, and where they begin: Kubernetes at 0."""
_EXAMPLE = "name a part such as 2/3, or /3 where JOB_COMPLETION_INDEX or CI_NODE_INDEX numbers the machines"


def shard_of(text: str, environment: Mapping[str, str]) -> Shard:
    """The shard that ``--shard`` says, or that the environment numbers. Raises ``pytest.UsageError``.

    Without the option an indexed job is a shard only where it says of how many (``JOB_COMPLETIONS``).
    """
    if not text:
        if "JOB_COMPLETION_INDEX" not in environment or "JOB_COMPLETIONS" not in environment:
            return WHOLE
        text = f"/{environment['JOB_COMPLETIONS']}"
    said = re.fullmatch(r"(\d+)?/(\d+)", text.strip())
    if said is None:
        raise pytest.UsageError(f"--shard {text}: {_EXAMPLE}")
    of = int(said[2])
    number = int(said[1]) if said[1] else _numbered(environment, text)
    if not 1 <= number <= of:
        raise pytest.UsageError(f"--shard {number}/{of}: there is no such part; {_EXAMPLE}")
    return Shard(number, of)


def check_evidence(folders: Sequence[Path]) -> None:
    """Raises ``pytest.UsageError`` when these runs cannot be read, or not be judged together: before the last report is removed."""
    from e2e.analysis.model.columns import AnalysisError
    from e2e.analysis.model.pooling import agree

    for folder in folders:
        if not folder.is_dir():
            raise pytest.UsageError(
                f"--from-evidence {folder}: not a folder; name one with run.json in it, or one that holds such folders"
            )
    try:
        agree([read_meta(run) for folder in folders for run in find_runs(folder)])
    except AnalysisError as error:
        raise pytest.UsageError(f"--from-evidence: {error}\n  hint: judge them one by one") from None
    except HarnessError as error:
        raise pytest.UsageError(f"--from-evidence: {error}") from None


def _numbered(environment: Mapping[str, str], text: str) -> int:
    for name, first in _COUNTED:
        value = environment.get(name, "")
        if value:
            if not value.isdigit():
                raise pytest.UsageError(f"{name}={value}: not a number, and --shard {text} counts by it")
            return int(value) - first + 1
    raise pytest.UsageError(
        f"--shard {text}: neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX is set; {_EXAMPLE}"
    )
