"""Does a chat know the code word that it was given, and the next chat not? Sessions by their content, with or without an ID."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from e2e.analysis.facts.scenario_runs import plays_of
from e2e.analysis.model.check import CONVERSATIONS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow, RecallRow
from e2e.analysis.model.verdict import ChatKey, Number, Verdict
from e2e.analysis.model.wording import capped, clean_limit, key_of, lane_name, not_requested, not_seen, plural
from e2e.analysis.stats import significance

SCENARIO = "memory"


@check(
    "chat.remembers",
    title="Does a chat know what it was given in the message before?",
    layer="conversation and delivery",
    group=CONVERSATIONS,
    story="A chat remembers",
    detection_limit=clean_limit(20, "chat", "loss"),
    scenario=SCENARIO,
    position=152,
)
def remembers(run: Run) -> Verdict:
    """A code word that was given in one message of a chat is known in the next one."""
    name = "chat.remembers"
    if not run.policy.has_memory:
        return _no_prompts(name, run)
    questions = [r for r in run.every(RecallRow) if r.chat == r.word_of]
    lost = [r for r in questions if r.knows is False]
    judged = [r for r in questions if r.knows is not None]
    numbers = _numbers(run, len(lost), len(judged), len(questions))
    if not judged:
        return _unseen(name, run, questions, numbers)
    expected = "a reply that knows the code word which the message before gave"
    if lost:
        lines = [
            f"{lane_name(run, r.run_id, r.lane)}: chat {r.chat} was asked for its code word in message {r.message}, and the reply "
            f"{f'named that of {_whose(r)}' if r.names is not None else 'did not name it'}{_seen(run, r)}"
            for r in lost
        ]
        headline = (
            f"{len(lost)} of {plural(len(judged), 'chat')} did not know the code word of the message before"
        )
        return Verdict(
            name,
            "fail",
            headline,
            expected,
            capped(lines),
            numbers,
            chats=_chats(lost),
            evidence=run.evidence,
        )
    headline = f"{len(judged)} of {plural(len(judged), 'chat')} knew the code word of the message before"
    limit = clean_limit(len(judged), "chat", "loss")
    return Verdict(name, "pass", headline, expected, (), numbers, limit, evidence=run.evidence)


@check(
    "chat.forgets",
    title="Does a new chat know nothing of what an earlier one was given?",
    layer="conversation and delivery",
    group=CONVERSATIONS,
    story="A new chat does not know the chat before",
    detection_limit=clean_limit(20, "transition", "leak"),
    scenario=SCENARIO,
    position=154,
)
def forgets(run: Run) -> Verdict:
    """A code word that was given in one chat is not known in the chat after New Chat."""
    name = "chat.forgets"
    if not run.policy.has_memory:
        return _no_prompts(name, run)
    recalls = run.every(RecallRow)
    remembered = {(r.run_id, r.lane, r.chat) for r in recalls if r.chat == r.word_of and r.knows}
    questions = [r for r in recalls if r.chat != r.word_of]
    leaks = [r for r in questions if r.names is not None]
    # That a chat does not know a word shows something only where the chat which was given it does.
    clean = [
        r
        for r in questions
        if r not in leaks and r.knows is False and (r.run_id, r.lane, r.word_of) in remembered
    ]
    judged = len(leaks) + len(clean)
    numbers = _numbers(run, len(leaks), judged, len(questions))
    if not judged:
        unknown = [r for r in questions if r.knows is False]
        if unknown and len(unknown) == len(questions):
            why = "the chats that were given a code word did not know it themselves, so a new chat cannot be distinguished from them"
            return not_seen(
                name, run, why, "needs 1 chat that knows its own code word (chat.remembers)", **numbers
            )
        return _unseen(name, run, [r for r in questions if r.knows is None], numbers)
    expected = "a reply in the new chat that knows no code word of an earlier chat"
    if leaks:
        lines = [
            f"{lane_name(run, r.run_id, r.lane)}: chat {r.chat} named the code word that {_whose(r)} was given"
            f"{_seen(run, r)}"
            for r in leaks
        ]
        headline = f"{len(leaks)} of {plural(judged, 'new chat')} knew the code word of another chat"
        return Verdict(
            name,
            "fail",
            headline,
            expected,
            capped(lines),
            numbers,
            chats=_chats(leaks),
            evidence=run.evidence,
        )
    headline = f"{judged} of {plural(judged, 'new chat')} did not know the code word of the chat before, which knew it"
    limit = clean_limit(judged, "transition", "leak")
    return Verdict(name, "pass", headline, expected, (), numbers, limit, evidence=run.evidence)


def _no_prompts(name: str, run: Run) -> Verdict:
    return not_requested(
        name,
        run,
        "not requested: the profile has no [memory]",
        "needs [memory] in the profile; an empty table is enough",
    )


def _numbers(run: Run, wrong: int, judged: int, questions: int) -> dict[str, Number]:
    return {
        "wrong": wrong,
        "chats": judged,
        "asked": questions,
        "plays": sum(meta.scenarios.get(SCENARIO, 0) for meta in run.metas),
        "bound95": round(significance.upper_bound(wrong, judged), 4),
    }


def _unseen(name: str, run: Run, questions: Sequence[RecallRow], numbers: dict[str, Number]) -> Verdict:
    """Inconclusive: no reply could be judged; with the most frequent reason."""
    reasons = Counter(r.why for r in questions if r.knows is None and r.why)
    if reasons:
        [(why, _)] = reasons.most_common(1)
        needs = "needs 1 reply whose text can be read (the wire rule, screen.messages, memory.knows)"
        return not_seen(name, run, f"no reply could be judged: {why}", needs, **numbers)
    left_out = next((m.left_out[SCENARIO] for m in run.metas if SCENARIO in m.left_out), "")
    if left_out:
        return not_seen(
            name,
            run,
            f"scenario {SCENARIO} was not run: {left_out}",
            "needs one lane that completes it",
            **numbers,
        )
    played = plays_of(run, SCENARIO)
    note = f" ({played.note})" if played.note else ""
    return not_seen(
        name,
        run,
        f"scenario {SCENARIO} was not completed{note}",
        "needs one lane that completes it",
        **numbers,
    )


def _seen(run: Run, recall: RecallRow) -> str:
    """What else was seen of the question: its session ID, and whether its payload held a code word."""
    parts: list[str] = []
    messages = [m for m in run.every(MessageRow) if key_of(m) == key_of(recall) and m.sent_seen]
    if run.policy.sends_id and messages:
        ids = list(dict.fromkeys(m.sent or "no ID" for m in messages))
        parts.append(f"the chat sent {', then '.join(ids)}")
    if recall.in_payload is not None:
        parts.append(f"the question's payload held {'the' if recall.in_payload else 'no'} code word")
    if recall.same_line is False:
        parts.append("the page had opened another WebSocket meanwhile")
    return f" ({'; '.join(parts)})" if parts else ""


def _whose(recall: RecallRow) -> str:
    """The chat whose word the reply named."""
    lane = f"lane {recall.names_lane} " if recall.names_lane not in (None, recall.lane) else ""
    return f"{lane}chat {recall.names}"


def _chats(recalls: Sequence[RecallRow]) -> tuple[ChatKey, ...]:
    return tuple(dict.fromkeys(map(key_of, recalls)))
