"""What went wrong in the chats of a scenario, held against what the policy allows there."""

from __future__ import annotations

from collections import defaultdict

from e2e.analysis.facts import secondary_requests
from e2e.analysis.facts.id_history import carries, given_by_reply, provisional
from e2e.analysis.facts.lost_messages import describe, lost_messages
from e2e.analysis.facts.ownership import foreign, owners, stored_in_one_chat
from e2e.analysis.facts.tabs import provider_changes
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of, lane_name, short
from e2e.records.records import NOT_TAKEN

_ELSEWHERE = ("other-tab", "return")
"""After these the store may hold another chat's ID by right."""


def findings(run: Run, scenario: str) -> tuple[dict[ChatKey, list[str]], list[ChatKey]]:
    """What was wrong in each chat of a scenario, and the chats that were judged."""
    lost = lost_messages(run)
    messages: dict[ChatKey, list[MessageRow]] = defaultdict(list)
    anew: set[ChatKey] = set()
    for m in run.every(MessageRow):
        if m.scenario != scenario:
            continue
        if m.sent_seen and not _excused(run, m):
            messages[key_of(m)].append(m)
        elif m.sent_seen and m.number:
            anew.add(key_of(m))  # judged: it went on as the policy says
    wrong: dict[ChatKey, list[str]] = {}
    judged: list[ChatKey] = []
    for chat in run.every(ChatRow):
        if chat.scenario != scenario:
            continue
        key = key_of(chat)
        if key not in lost and (chat.status != "observed" or not (messages[key] or key in anew)):
            continue
        judged.append(key)
        found = [describe(m) for m in lost.get(key, ())]
        if messages[key]:
            session = _of_session(run, chat, messages[key]) if run.policy.sends_id else []
            found += [*session, *_of_store(run, messages[key])]
        if scenario == "two-tabs" and key in provider_changes(run):
            found.append(provider_changes(run)[key])
        found += dict.fromkeys(one.text for one in foreign(run).get(key, ()) if one.layer == "stored")
        if not found and (ids := stored_in_one_chat(run).get(key)):
            found.append(f"stored {', then '.join(ids)}")
        found += _of_text(run, chat, messages[key])
        found += secondary_requests.texts(secondary_requests.old_payloads(run).get(key, ()))
        if found:
            wrong[key] = found
    return wrong, judged


def _loses_on_load(run: Run, message: MessageRow) -> bool:
    """The page was loaded anew before this message, and by the policy may have begun another session then."""
    return message.after in ("reload", "back") and (run.policy.store == "none" or not run.policy.reload_keeps)


def _excused(run: Run, message: MessageRow) -> bool:
    """It carries no ID by right: the backend gives it with the reply to the first message of a chat, or after such a load."""
    first = message.number == 0 or _loses_on_load(run, message)
    none = message.sent is None or (key_of(message), message.number) in provisional(run)
    return first and none and given_by_reply(run)


def _of_session(run: Run, chat: ChatRow, messages: list[MessageRow]) -> list[str]:
    first, found, key = messages[0], [], key_of(chat)

    def owner_of(session: str | None) -> ChatKey | None:
        claim = None if session is None else owners(run).get((chat.mask_key, session))
        return None if claim is None else claim.key

    if first.sent is None:
        return ["sent no session ID"]
    owner = owner_of(first.sent) or key
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
            if m.sent != first.sent and owner_of(m.sent) != key:
                found.append(f"message {m.number}{how} sent {m.sent or 'no ID'}, an old ID")
            first = m
        elif m.after == "reload" and not run.policy.reload_keeps:
            if owner_of(m.sent) != key or m.sent == first.sent:
                found.append(
                    f"message {m.number}{how} sent {m.sent or 'no ID'}, although a reload must start a new session"
                )
            first = m
        elif m.sent != first.sent:
            other = owner_of(m.sent) or key
            whose = f", the ID of {_chat(run, other, key)}" if other != key else ""
            found.append(
                f"message {m.number}{how} sent {m.sent or 'no ID'}{whose}, instead of {short(first.sent)}"
            )
    return found


def _refused(run: Run) -> frozenset[ChatKey]:
    """Chats of which the backend took no message: the next one may go on with them by design, as with an empty chat."""

    def collect() -> frozenset[ChatKey]:
        taken: dict[ChatKey, bool] = {}
        for m in run.every(MessageRow):
            taken[key_of(m)] = taken.get(key_of(m), False) or m.outcome not in NOT_TAKEN
        return frozenset(key for key, any_taken in taken.items() if not any_taken)

    return run.once("refused", collect)


def _taken_over(run: Run, owner: ChatKey, chat: ChatRow) -> bool:
    """The other is a page load that came after this chat's New Chat, and continued its session before this chat sent anything."""
    loads = run.once("loads", lambda: {key_of(c): c.began for c in run.every(ChatRow) if c.via == "load"})
    began = loads.get(owner)
    return began is not None and run.policy.tabs == "share" and bool(began > chat.began)


_WHEN = {
    "reload": " after a reload",
    "back": " after Back",
    "other-tab": " after New Chat in the other tab",
    "return": " after returning to the chat",
}


def _of_store(run: Run, messages: list[MessageRow]) -> list[str]:
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


def _of_text(run: Run, chat: ChatRow, messages: list[MessageRow]) -> list[str]:
    earlier = sorted(
        {m.bleeds_from for m in messages if m.bleeds_from is not None and not one_conversation(run, m)}
    )
    found = [f"sent text of chat {', '.join(map(str, earlier))}"] if earlier else []
    if chat.shows_from is not None:
        found.append(f"showed text of a reply to chat {chat.shows_from}")
    return found


def one_conversation(run: Run, message: MessageRow) -> bool:
    """The other chat whose text this payload contains is the same conversation.

    By the policy a second tab goes on with that of the first one, until New Chat in either: both may send all of it.
    """
    if run.policy.tabs != "share" or message.bleeds_from is None:
        return False
    tabs = run.once(
        "second tabs", lambda: {key_of(c) for c in run.every(ChatRow) if c.via == "load" and c.tab}
    )
    other = ChatKey(message.run_id, message.lane, message.bleeds_from)
    return key_of(message) in tabs or (message.after == "other-tab" and other in tabs)


def _chat(run: Run, other: ChatKey, key: ChatKey) -> str:
    if (other.run_id, other.lane) == (key.run_id, key.lane):
        return f"chat {other.chat}"
    return f"{lane_name(run, other.run_id, other.lane)} chat {other.chat}"
