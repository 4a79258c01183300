"""Which recorded runs may be judged together, and what was planned and is missing in their evidence."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.analysis.model.columns import AnalysisError
from e2e.records.records import RunMeta, RunRecords


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


def partial_reasons(run: RunRecords, *, pooled: bool) -> list[str]:
    """What was planned in a run and is not in its evidence; with the run's name, where several are pooled."""
    reasons: list[str] = []
    if run.meta.interrupted:
        reasons.append(f"interrupted: {run.meta.interrupted}")
    elif run.meta.finished is None:
        reasons.append(
            "the run did not finish (it was killed, its disk took nothing more, or it is still running)"
        )
    if run.torn_lines:
        reasons.append(f"{run.torn_lines} incomplete line{'s' if run.torn_lines > 1 else ''} ignored")
    if run.cut:
        reasons.append(run.cut)
    for status in ("blocked", "lost"):
        # an incomplete scenario is reported by its own check
        why = [
            c.reason
            for c in run.chats
            if c.status == status
            and (c.scenario == "plain" or status == "blocked")
            and not any(m.accepted for m in c.messages)  # that the page lost a message was seen
        ]
        if why:
            texts = "; ".join(dict.fromkeys(reason or "no reason given" for reason in why))
            reasons.append(f"{len(why)} chat{'s' if len(why) > 1 else ''} {status}: {texts}")
    missing = run.meta.planned_chats - run.cut_chats - sum(c.scenario == "plain" for c in run.chats)
    if missing > 0:
        reasons.append(f"{missing} of {run.meta.planned_chats} planned chats were not recorded")
    shard = f", shard {run.meta.shard.replace('/', ' of ')}" if run.meta.shard else ""
    return [f"{run.meta.run_id}{shard}: {reason}" for reason in reasons] if pooled else reasons


def missing_shards(metas: Sequence[RunMeta]) -> list[str]:
    """Shards without evidence: their chats were planned and not observed."""
    parts = [tuple(map(int, meta.shard.split("/"))) for meta in metas if meta.shard]
    reasons = []
    for of in sorted({of for _, of in parts}):
        seen = {number for number, whole in parts if whole == of}
        missing = [str(n) for n in range(1, of + 1) if n not in seen]
        if missing:
            mine = [m for m in metas if m.shard.endswith(f"/{of}")]
            chats = mine[0].whole_chats - sum(m.planned_chats for m in mine)
            which = "shard " + missing[0] if len(missing) == 1 else "shards " + " and ".join(missing)
            reasons.append(f"{which} of {of} left no evidence: {chats} planned chats are missing")
    return reasons
