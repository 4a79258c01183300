"""Which recorded runs may be judged together."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.analysis.model.columns import AnalysisError
from e2e.records.records import RunMeta


def agree(metas: Sequence[RunMeta]) -> None:
    """Raises `AnalysisError` when these runs cannot be judged together."""
    if not metas:
        raise AnalysisError("there is no run to judge")
    first = metas[0]
    names = [meta.run_id for meta in metas]
    for name in names:
        if names.count(name) > 1:
            raise AnalysisError(f"run {name} is listed twice: its chats would count twice")
    for meta in metas[1:]:
        if meta.target != first.target:
            raise AnalysisError(
                f"runs of different targets cannot be judged together: {first.run_id} is of {first.target}, "
                f"{meta.run_id} of {meta.target}"
            )
        mine, other = first.policy.to_json(), meta.policy.to_json()
        for key, value in mine.items():
            if other[key] != value and key != "accepted":  # how a cause is handled, not what is judged
                raise AnalysisError(
                    f"runs under different policies cannot be judged together: {key} is {value!r} "
                    f"in {first.run_id}, {other[key]!r} in {meta.run_id}"
                )
