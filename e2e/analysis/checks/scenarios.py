"""The same questions in less quiet moments: one check for each scenario, with what the policy says is right in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from e2e.analysis.facts import secondary_requests
from e2e.analysis.facts.freshness import carries, given_by_reply
from e2e.analysis.facts.lost_messages import describe, lost_messages
from e2e.analysis.facts.ownership import foreign, owners
from e2e.analysis.facts.scenario_runs import Plays, plays_of
from e2e.analysis.facts.several_ids import provisional, stored_in_one_chat
from e2e.analysis.facts.tabs import ended_for_both, provider_changes
from e2e.analysis.facts.unseen import payloads_unseen
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey, Question, Verdict, question
from e2e.analysis.model.wording import capped, clean_worth, key_of, lane_name, not_seen, plural, short
from e2e.analysis.stats import significance
from e2e.records.records import NOT_TAKEN

NAMES: Mapping[str, str] = {
    "rotation.rapid_send": "rapid-send",
    "rotation.double_click": "double-click",
    "rotation.mid_stream": "mid-stream",
    "rotation.reload": "reload",
    "rotation.two_tabs": "two-tabs",
    "rotation.back_forward": "back-forward",
    "rotation.empty_chat": "empty-chat",
    "rotation.return_to_chat": "return-to-chat",
}
"""Check -> the scenario that it judges."""

_EXPECTED = {
    "rapid-send": "a message sent the instant after New Chat carries the new chat's own ID",
    "double-click": "after a double click on New Chat one fresh ID, stored and sent",
    "mid-stream": "nothing of a reply that was left behind reaches the new chat, which has an ID of its own",
    "reload": "a reload goes on with the chat's own ID, and brings no ended one back",
    "two-tabs": "New Chat in one tab leaves the other tab's running chat alone (its ID and its provider), and has an ID of its own",
    "back-forward": "Back and Forward go on with the chat's own ID, and bring no ended one back",
    "empty-chat": "New Chat on an empty chat leads to one fresh ID, stored and sent",
    "return-to-chat": "an older chat that is gone back to goes on with its own ID",
}
_ELSEWHERE = ("other-tab", "return")
"""After these the store may hold another chat's ID by right."""


def first_senders(run: Run) -> Mapping[tuple[str, str], ChatKey]:
    """``(mask_key, ID)`` -> the chat that sent it first, or whose reply issued it."""

    return run.once("first_senders", lambda: {at: claim.key for at, claim in owners(run).items()})


def findings(run: Run, scenario: str) -> tuple[dict[ChatKey, list[str]], list[ChatKey]]:
    """What was wrong in each chat of a scenario, and the chats that were judged."""
    lost = lost_messages(run)
    chats = run.chats[run.chats["scenario"] == scenario]
    messages: dict[ChatKey, list[Any]] = defaultdict(list)
    anew: set[ChatKey] = set()
    for m in rows(run.messages[run.messages["scenario"] == scenario]):
        if m.sent_seen and not _excused(run, m):
            messages[key_of(m)].append(m)
        elif m.sent_seen and m.number:
            anew.add(key_of(m))  # judged: it went on as the policy says
    wrong: dict[ChatKey, list[str]] = {}
    judged: list[ChatKey] = []
    for chat in rows(chats):
        key = key_of(chat)
        if key not in lost and (chat.status != "observed" or not (messages[key] or key in anew)):
            continue
        judged.append(key)
        found = [describe(m) for m in lost.get(key, ())]
        if messages[key]:
            found += [*_of_session(run, chat, messages[key]), *_of_store(run, messages[key])]
        if scenario == "two-tabs" and key in provider_changes(run):
            found.append(provider_changes(run)[key])
        found += dict.fromkeys(one.text for one in foreign(run).get(key, ()) if one.layer == "stored")
        if not found and (ids := stored_in_one_chat(run).get(key)):
            found.append(f"stored {', then '.join(ids)}")
        found += _of_text(chat, messages[key])
        found += secondary_requests.texts(secondary_requests.old_payloads(run).get(key, ()))
        if found:
            wrong[key] = found
    return wrong, judged


def _loses_on_load(run: Run, message: Any) -> bool:
    """The page was loaded anew before this message, and by the policy may have begun another session then."""
    return message.after in ("reload", "back") and (run.policy.store == "none" or not run.policy.reload_keeps)


def _excused(run: Run, message: Any) -> bool:
    """It carries no ID by right: the backend gives it with the reply to the first message of a chat, or after such a load."""
    first = message.number == 0 or _loses_on_load(run, message)
    none = message.sent is None or (key_of(message), message.number) in provisional(run)
    return first and none and given_by_reply(run)


def _of_session(run: Run, chat: Any, messages: list[Any]) -> list[str]:
    first, found, senders, key = messages[0], [], first_senders(run), key_of(chat)
    if first.sent is None:
        return ["sent no session ID"]
    owner = senders.get((chat.mask_key, first.sent), key)
    # A page load goes on with what the browser has, and so does a second tab where the policy says so.
    continues = chat.via == "load" and (chat.tab == 0 or run.policy.tabs == "share")
    if owner != key and not continues and owner not in _refused(run) and not _taken_over(run, owner, chat):
        issued = owners(run)[chat.mask_key, first.sent].issued
        had = "the reply to {} had issued" if issued else "{} had sent before"
        found.append(f"sent {first.sent}, which {had.format(_chat(run, owner, key))}")
    for m in messages[1:]:
        how = _WHEN.get(m.after, "")
        # Kept or lost: memory promises neither, and Back may load the page anew or not.
        if _loses_on_load(run, m) and (run.policy.store == "none" or m.after == "back"):
            if m.sent != first.sent and senders.get((chat.mask_key, m.sent)) != key:
                found.append(f"message {m.number}{how} sent {m.sent or 'no ID'}, which was there before")
            first = m
        elif m.after == "reload" and not run.policy.reload_keeps:
            if senders.get((chat.mask_key, m.sent)) != key or m.sent == first.sent:
                found.append(
                    f"message {m.number}{how} sent {m.sent or 'no ID'}, and a reload is to begin a new session"
                )
            first = m
        elif m.sent != first.sent:
            other = senders.get((chat.mask_key, m.sent), key)
            whose = f", the ID of {_chat(run, other, key)}" if other != key else ""
            found.append(
                f"message {m.number}{how} sent {m.sent or 'no ID'}{whose}, after {short(first.sent)}"
            )
    return found


def _refused(run: Run) -> frozenset[ChatKey]:
    """Chats of which the backend took no message: the next one may go on with them by design, as with an empty chat."""

    def collect() -> frozenset[ChatKey]:
        taken: dict[ChatKey, bool] = {}
        for m in rows(run.messages):
            taken[key_of(m)] = taken.get(key_of(m), False) or m.outcome not in NOT_TAKEN
        return frozenset(key for key, any_taken in taken.items() if not any_taken)

    return run.once("refused", collect)


def _taken_over(run: Run, owner: ChatKey, chat: Any) -> bool:
    """The other is a page load that came after this chat's New Chat, and went on with its session before it said a word."""
    loads = run.once(
        "loads", lambda: {key_of(c): c.began for c in rows(run.chats[run.chats["via"] == "load"])}
    )
    began = loads.get(owner)
    return began is not None and run.policy.tabs == "share" and bool(began > chat.began)


_WHEN = {
    "reload": " after a reload",
    "back": " after Back",
    "other-tab": " after New Chat in the other tab",
    "return": " after going back to the chat",
}


def _of_store(run: Run, messages: list[Any]) -> list[str]:
    if run.policy.store == "none":
        return []
    found = []
    for m in messages:
        if m.after in _ELSEWHERE:
            break  # from here on the store may hold another chat's ID
        if m.stored_seen and m.sent != m.stored and carries(run, m):
            found.append(
                f"message {m.number} sent {m.sent or 'no ID'} while the store held {short(m.stored)}"
            )
    return found


def _of_text(chat: Any, messages: list[Any]) -> list[str]:
    earlier = sorted({m.bleeds_from for m in messages if m.bleeds_from is not None})
    found = [f"sent text of chat {', '.join(map(str, earlier))}"] if earlier else []
    if chat.shows_from is not None:
        found.append(f"showed text of a reply to chat {chat.shows_from}")
    return found


def _chat(run: Run, other: ChatKey, key: ChatKey) -> str:
    if (other.run_id, other.lane) == (key.run_id, key.lane):
        return f"chat {other.chat}"
    return f"{lane_name(run, other.run_id, other.lane)} chat {other.chat}"


def _judge(run: Run, name: str) -> Verdict:
    scenario = NAMES[name]
    wrong, judged = findings(run, scenario)
    played = plays_of(run, scenario)
    note = f"; {played.note}" if played.note else ""
    if scenario == "two-tabs" and (ended := ended_for_both(run)):
        note += f"; {ended}"
    numbers = {
        "wrong": len(wrong),
        "chats": len(judged),
        "plays": sum(meta.scenarios.get(scenario, 0) for meta in run.metas),
        "plays_seen": played.seen,
        "plays_unseen": len(played.unseen),
        "bound95": round(significance.upper_bound(len(wrong), len(judged)), 4),
    }
    if not judged:
        needs = (
            "needs one play whose payloads are seen"
            if played.seen
            else "needs one play of it that is seen to its end"
        )
        return not_seen(name, run, _unplayed(run, played), needs, **numbers)
    if wrong:
        lines = [
            f"{lane_name(run, key.run_id, key.lane)}: chat {key.chat} {'; '.join(texts)}"
            for key, texts in sorted(wrong.items())
        ]
        headline = f"{len(wrong)} of {plural(len(judged), 'chat')} went wrong under {scenario}{note}"
        return Verdict(
            name,
            "fail",
            headline,
            _EXPECTED[scenario],
            capped(lines),
            numbers,
            chats=tuple(sorted(wrong)),
            evidence=run.evidence,
        )
    if played.mostly_unseen:
        return not_seen(name, run, played.note, "needs most plays to be seen to their end", **numbers)
    if scenario == "mid-stream" and not run.chats["cut"].fillna(value=False).any():
        why = "every reply had ended before New Chat could be clicked"
        return not_seen(name, run, why, "needs a message with a longer reply (steps.long_request)", **numbers)
    if scenario == "mid-stream" and (unread := _unread(run)):
        why = (
            f"no text of {plural(unread, 'reply', 'replies')} that {'was' if unread == 1 else 'were'} left behind could be read, "
            "so it would not have been recognised in the new chat"
        )
        return not_seen(
            name, run, why, "needs a wire rule that names where the reply's text comes", **numbers
        )
    return Verdict(
        name,
        "pass",
        f"{len(judged)} of {plural(len(judged), 'chat')} went as they should under {scenario}{note}",
        _EXPECTED[scenario],
        numbers=numbers,
        worth=clean_worth(len(judged), "chat", "fault"),
        evidence=run.evidence,
    )


def _unread(run: Run) -> int:
    """Chats that were left while a reply streamed whose text could not be followed."""
    cut = run.chats["cut"].fillna(value=False).astype(bool)
    return int((cut & ~run.chats["reply_followed"].fillna(value=True).astype(bool)).sum())


def _unplayed(run: Run, played: Plays) -> str:
    scenario = played.scenario
    why = next((m.left_out[scenario] for m in run.metas if scenario in m.left_out), "")
    if why:
        return f"{scenario} was not played: {why}"
    otherwise = f"{scenario} was not played to its end" + (f" ({played.note})" if played.note else "")
    return (
        otherwise
        if len(played.unseen) == played.planned
        else payloads_unseen(run, otherwise, scenario=scenario)
    )


def _question(name: str) -> Question:
    def judge(run: Run) -> Verdict:
        return _judge(run, name)

    said = _EXPECTED[NAMES[name]]
    judge.__doc__ = said[0].upper() + said[1:] + "."
    return question(name)(judge)


rapid_send = _question("rotation.rapid_send")
double_click = _question("rotation.double_click")
mid_stream = _question("rotation.mid_stream")
reload = _question("rotation.reload")
two_tabs = _question("rotation.two_tabs")
back_forward = _question("rotation.back_forward")
empty_chat = _question("rotation.empty_chat")
return_to_chat = _question("rotation.return_to_chat")
