"""What was planned and is missing in the evidence, of one run or of the shards of one."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.records.records import RunMeta, RunRecords


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
    missing = run.meta.planned_chats - sum(c.scenario == "plain" for c in run.chats)
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
