"""Which provider answers: one per session, shown truly (here); several, in the expected shares (`variation`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from e2e.analysis.checks.independence import independent
from e2e.analysis.checks.variation import balanced, varies
from e2e.analysis.facts.sessions import Answer, sessions
from e2e.analysis.model.check import PROVIDERS, check
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.analysis.model.wording import (
    capped,
    chats_text,
    clean_limit,
    lane_name,
    no_chats,
    not_seen,
    plural,
)
from e2e.analysis.stats import significance

__all__ = ["balanced", "independent", "label_is_true", "persists", "varies"]


@check(
    "provider.persists",
    title="Does a session keep its provider?",
    layer="backend",
    group=PROVIDERS,
    story="One session, one provider",
    detection_limit=clean_limit(20, "session", "change"),
    position=170,
)
def persists(run: Run) -> Verdict:
    """A session keeps one provider, in all replies and all look-ups at the backend."""
    name = "provider.persists"
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    if run.policy.affinity == "none":
        why = "the profile has affinity = none: a session does not keep its provider"
        return not_seen(name, run, why, "needs a profile with affinity = session")
    judged: list[list[Answer]] = []
    shared = 0
    for session in sessions(run).values():
        if len(session.places) > 1:
            shared += (
                1  # New Chat in another browser or tab may have ended it: a new assignment would be right
            )
            continue
        by_chat: dict[ChatKey, list[Answer]] = defaultdict(list)
        for answer in session.answers:
            by_chat[answer.chat].append(
                answer
            )  # a New Chat ends the session, so each chat is judged by itself
        judged += by_chat.values()
    held = [a for a in judged if sum(x.first_hand for x in a) > 1]
    wrong = [a for a in judged if _changed(a)]
    numbers = {
        "sessions_with_several": len(wrong),
        "sessions": len(held),
        "shared_by_browsers": shared,
        "bound95": round(significance.upper_bound(sum(_changed(a) for a in held), len(held)), 4),
    }
    expected = "one provider in all replies and look-ups of a session"
    left_out = (
        f"; {plural(shared, 'session')} shared by browsers or tabs {'was' if shared == 1 else 'were'} left out"
        if shared
        else ""
    )
    if wrong:
        lines = []
        for answers in wrong:
            key = answers[0].chat
            replies = ", ".join(f"{a.provider} ({a.how} {a.message})" for a in answers[:6])
            lines.append(f"{lane_name(run, key.run_id, key.lane)}: chat {key.chat}: {replies}")
        total = max(len(judged), len(wrong))
        return Verdict(
            name,
            "fail",
            f"{len(wrong)} of {plural(total, 'session')} changed the provider{left_out}",
            expected,
            capped(lines),
            numbers,
            chats=tuple(sorted({a[0].chat for a in wrong})),
            evidence=run.evidence,
        )
    if not held:
        why = "no session had two replies with a known provider"
        if shared:
            why = f"{plural(shared, 'session')} shared by browsers or tabs left out: New Chat in any of them may have ended it"
        return not_seen(name, run, why, "needs at least 1 session with 2 replies", **numbers)
    whose = "its" if len(held) == 1 else "their"
    headline = (
        f"{len(held)} of {plural(len(held), 'session')} with several replies kept {whose} provider{left_out}"
    )
    limit = clean_limit(len(held), "session", "change")
    return Verdict(
        name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
    )


def _changed(answers: Sequence[Answer]) -> bool:
    return len({a.provider for a in answers}) > 1


@check(
    "provider.label_is_true",
    title="Does the screen name the provider that replied?",
    layer="screen",
    group=PROVIDERS,
    story="The label is true",
    detection_limit=clean_limit(20, "chat", "mislabelling"),
    position=180,
)
def label_is_true(run: Run) -> Verdict:
    """The screen names the provider that replied."""
    name = "provider.label_is_true"
    if not run.policy.has_label:
        return no_chats(name, run) or not_seen(
            name,
            run,
            "the profile names no label: the screen shows no provider",
            "needs a profile with a label",
        )
    nothing = no_chats(name, run)
    if nothing:
        return nothing
    judged = [m for m in run.observed_messages if m.label_provider is not None and _truth(m) is not None]
    wrong = [m for m in judged if m.label_provider != _truth(m)]
    chats = len({m.key for m in judged})
    wrong_chats = tuple(dict.fromkeys(m.key for m in wrong))
    unlabelled = sum(m.seen_on_screen and m.label_provider is None for m in run.observed_messages)
    numbers = {
        "untrue": len(wrong),
        "labels": len(judged),
        "without_label": unlabelled,
        "bound95": round(significance.upper_bound(len(wrong_chats), chats), 4),
    }
    expected = "at each reply the name of the provider that answered"
    if not judged:
        why = "no label was seen beside a reply whose provider is known from another layer"
        return not_seen(name, run, why, "needs at least 1 reply with a label", **numbers)
    if not wrong:
        limit = clean_limit(chats, "chat", "mislabelling")
        if numbers["without_label"]:
            limit += f"; {plural(int(numbers['without_label']), 'reply', 'replies')} showed no label"
        headline = f"{len(judged)} of {plural(len(judged), 'label')} named the provider of the reply"
        return Verdict(
            name, "pass", headline, expected, numbers=numbers, detection_limit=limit, evidence=run.evidence
        )
    groups: dict[tuple[str, int, str], list[MessageRow]] = defaultdict(list)
    for m in wrong:
        groups[m.run_id, m.lane, m.label_provider or ""].append(m)
    lines = [
        f"{lane_name(run, run_id, lane)}: the screen named {label} in {chats_text(m.chat for m in found)}, "
        f"the replies came from {_names(Counter(_truth(m) or '' for m in found))}"
        for (run_id, lane, label), found in sorted(groups.items())
    ]
    return Verdict(
        name,
        "fail",
        f"{len(wrong)} of {plural(len(judged), 'label')} named another provider than the one that replied",
        expected,
        capped(lines),
        numbers,
        chats=wrong_chats,
        evidence=run.evidence,
    )


def _truth(message: MessageRow) -> str | None:
    """The provider that replied, by the reply itself or else by the backend; None where neither names one."""
    return message.backend_provider if message.reply_provider is None else message.reply_provider


def _names(counts: Counter[str], limit: int = 4) -> str:
    named = [f"{name} ({n})" for name, n in counts.most_common(limit)]
    return ", ".join(named) + (f" and {len(counts) - limit} more" if len(counts) > limit else "")
