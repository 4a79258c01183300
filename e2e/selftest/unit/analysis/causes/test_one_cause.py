"""One fault, one cause: IDs in memory, what a page load shows of them, and consequences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.causes.registry import ChatCandidate, chat_rules
from e2e.analysis.diagnosis.assignment import Assignment, Pair, fold
from e2e.analysis.judge import Judgement, judge
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.selftest.unit.analysis.causes.test_experiments import experiment_started, pair
from e2e.selftest.unit.builders import START, judge_run, make_run, with_chats, with_meta

SENT, EMPTY = "rotation.sent_id_is_fresh", "chat.starts_empty"


def after_reload(records: RunRecords, before: str, after: str) -> RunRecords:
    """With the experiment: New Chat, a reload, and what was sent before and after."""
    chats = pair("reload", ("", before, before), ("reload", after, after))
    return replace(
        records, chats=(*records.chats, *chats), events=(*records.events, experiment_started("reload"))
    )


def causes(*records: RunRecords) -> dict[str, tuple[str, ...]]:
    return {c.name: c.consequences for c in judge(assemble(list(records))).causes}


# -- an ID from memory


@pytest.mark.parametrize("brings", ["another", ""])
def test_an_id_that_the_send_stores_again_from_memory_is_stale_state(brings: str) -> None:
    records = make_run("stale-state", publishes=("sendMessage",))
    if brings:
        records = after_reload(records, "s…1", "s…2")
    [cause] = judge(assemble([records])).causes
    assert (cause.name, cause.chats, cause.confidence) == ("stale-state", 16, 1.0)
    assert "from memory" in cause.explanation
    assert cause.where[0] == "src/lib/session.ts:97 endSession"
    assert "src/components/ChatPage.tsx:118 sendMessage" in cause.where


def test_a_reload_that_leads_to_another_id_rules_out_the_generator() -> None:
    """A function of its own may only publish: the page load shows which of the two it is."""
    records = make_run("stale-state", publishes=("mint", "sendMessage"))
    assert causes(records) == {"id-constant": ()}
    assert causes(after_reload(records, "s…1", "s…1")) == {"id-constant": ()}
    assert causes(after_reload(records, "s…1", "s…2")) == {"stale-state": ()}


def test_a_generator_that_is_called_by_a_send_is_still_the_generator() -> None:
    records = make_run("id-constant", publishes=("mint", "sendMessage"))
    assert causes(records) == {"id-constant": ()}
    assert causes(after_reload(records, "s…1", "s…1")) == {"id-constant": ()}


def test_storing_the_id_when_sending_is_no_fault() -> None:
    assert judge(judge_run(publishes=("sendMessage",))).causes == ()


# -- nothing stored


def unstored(*faults: str) -> RunRecords:
    records = make_run(*faults, storage_events=False, backend=False)
    records = with_chats(
        records,
        lambda c: replace(
            c,
            stored_seen=False,
            stored=None,
            stored_before=None,
            messages=tuple(
                replace(m, stored_seen=False, stored=None) for m in c.messages if m.after != "reload"
            ),
        ),
    )
    return with_meta(records, policy=replace(records.meta.policy, store="none"))


def test_a_stale_id_is_named_although_nothing_is_stored() -> None:
    records = unstored("stale-state")
    assert list(causes(records)) == ["unexplained"]
    assert list(causes(after_reload(records, "s…1", "s…1"))) == ["unexplained"]
    [cause] = judge(assemble([after_reload(records, "s…1", "s…2")])).causes
    assert (cause.name, cause.chats, cause.checks) == ("stale-state", 16, (SENT,))
    assert "removed" not in cause.explanation
    assert "nothing is stored" in cause.explanation


def test_a_reload_inside_a_chat_shows_a_stale_id_in_memory() -> None:
    """Where nothing is stored, any page load shows what memory alone had kept."""
    records = with_chats(
        unstored("stale-state"),
        lambda c: replace(c, messages=(*c.messages, _reloaded(c))) if c.chat == 4 else c,
    )
    assert list(causes(records)) == ["stale-state"]


def _reloaded(c: Chat) -> Message:
    last = c.messages[-1]
    at = (last.sent_at or START) + 0.02
    return replace(
        last, number=len(c.messages), after="reload", after_reload=True, sent=f"s…{c.lane}", sent_at=at
    )


def test_a_healthy_chat_that_stores_nothing_passes() -> None:
    assert causes(after_reload(unstored(), "s…1", "s…2")) == {}


# -- what follows from a cause


def shown(records: RunRecords, when: Any = lambda c: c.chat > 0) -> RunRecords:
    """New chats show messages of the chat before."""
    return with_chats(
        records,
        lambda c: (
            replace(c, screen_messages=2, screen_compared=True, screen_from=c.chat - 1)
            if c.chat and when(c)
            else c
        ),
    )


def verdict_causes(judgement: Judgement, check: str) -> list[str]:
    return [c.name for c in judgement.verdict(check).causes]


@pytest.mark.parametrize("fault", ["session-restored", "session-not-ended", "id-constant", "stale-state"])
def test_old_messages_on_the_screen_are_a_consequence_of_an_old_session(fault: str) -> None:
    judgement = judge(assemble([shown(make_run(fault))]))
    [cause] = judgement.causes
    assert (cause.name, cause.consequences, cause.confidence) == (fault, (EMPTY,), 1.0)
    assert verdict_causes(judgement, EMPTY) == [fault]


def test_old_messages_in_chats_with_fresh_ids_were_left_on_the_screen() -> None:
    assert causes(shown(make_run())) == {"screen-not-cleared": ()}
    late = shown(make_run("session-restored"), lambda c: c.chat == 1)
    fresh = shown(make_run(run_id="b", seed=9))
    assert causes(late, fresh) == {"session-restored": (EMPTY,), "screen-not-cleared": ()}


def test_an_old_history_is_a_consequence_of_a_restored_session_that_shows_it() -> None:
    assert causes(shown(make_run("session-restored", "history-bleed"))) == {
        "session-restored": ("history-bleed",)
    }
    assert set(causes(make_run("session-restored", "history-bleed"))) == {
        "session-restored",
        "history-bleed",
    }


def cached(records: RunRecords, *also: int) -> RunRecords:
    """Second replies of chat 2 come from a cache; their providers, and those of the chats ``also``, are others than before."""

    def change(c: Chat) -> Chat:
        if c.chat not in (2, *also):
            return c
        other = "Low tide" if c.messages[0].reply_provider != "Low tide" else "Far hill"
        second = replace(c.messages[1], reply_provider=other, label_provider=other)
        third = replace(second, number=2, served_by="browser cache" if c.chat == 2 else "")
        return replace(c, messages=(c.messages[0], second, third))

    return with_chats(records, change)


def test_a_provider_change_is_a_consequence_of_cached_replies_in_the_same_chats() -> None:
    """A worker that answers from its cache and asks the backend as well is not always seen to be a cache."""
    judgement = judge(assemble([cached(make_run(messages=2, backend=False))]))
    [cause] = judgement.causes
    assert (cause.name, cause.consequences) == ("cached-reply", ("provider-flaps", "provider.persists"))
    assert verdict_causes(judgement, "provider.persists") == ["cached-reply"]


def test_a_provider_change_in_other_chats_is_a_cause_of_its_own() -> None:
    records = cached(make_run(messages=2, backend=False), 3)
    assert causes(records) == {"cached-reply": (), "provider-flaps": ()}


def test_a_session_that_has_not_rotated_yet_is_a_consequence_of_late_rotation() -> None:
    """In a chat of one message the late rotation cannot be seen: New Chat alone looks as if it did nothing."""
    records = late()
    assert causes(records) == {"late-rotation": ("session-not-ended",)}


def late() -> RunRecords:
    """The store rotates after the first payload; chat 2 of each lane ends before that."""
    records = make_run("late-rotation", messages=2, continue_last=False, overwrite=True)

    def change(c: Chat) -> Chat:
        if c.chat == 0:
            return c
        old = c.messages[0].sent
        first = replace(c.messages[0], stored=old)
        rest = () if c.chat == 2 else c.messages[1:]
        return replace(c, stored=old, stored_before=old, messages=(first, *rest))

    def moved(e: Event) -> Event | None:
        if e.kind == "storage" and e.chat is not None and e.chat > 0 and not e.data["same_value"]:
            return None if e.chat == 2 else replace(e, t=e.t + 0.1)
        if e.kind == "storage" and e.chat is not None and e.chat > 0:
            return None
        return e

    changed = with_chats(records, change)
    return replace(changed, events=tuple(e for e in map(moved, changed.events) if e is not None))


def test_two_ids_of_one_chat_that_swap_are_one_split_session() -> None:
    def change(c: Chat) -> Chat:
        if len(c.messages) < 2:
            return c
        stored = c.messages[0].stored
        return replace(c, messages=(c.messages[0], replace(c.messages[1], sent=stored), *c.messages[2:]))

    records = with_chats(make_run("split-session", messages=2, continue_last=False), change)
    assert causes(records) == {"split-session": ()}


def test_a_restored_session_names_the_code_that_removed_and_the_code_that_restored_it() -> None:
    [cause] = judge(judge_run("session-restored")).causes
    assert cause.where[0] == "src/lib/persist.ts:15 rehydrate"
    assert "src/lib/session.ts:97 endSession" in cause.where
    assert cause.explanation == (
        "New Chat removed the key at src/lib/session.ts:97, "
        "and the same ID was written back at src/lib/persist.ts:15"
    )


def test_an_id_in_the_address_that_new_chat_keeps_is_session_not_ended() -> None:
    """A load of the same address keeps the ID: it is no generator, and no memory."""
    records = unstored("session-not-ended")
    records = with_meta(records, policy=replace(records.meta.policy, in_address=True))
    for one in (records, after_reload(records, "s…1", "s…1")):
        [cause] = judge(assemble([one])).causes
        assert (cause.name, cause.chats) == ("session-not-ended", 16)
        assert "page's address" in cause.explanation


# -- one explanation that covers all


def test_one_cause_that_covers_the_chats_of_another_is_named_alone() -> None:
    """In a second tab the page's own last chat is an older one of the browser: its ID in memory is no collision."""

    def in_two_tabs(c: Chat) -> Chat:
        if c.chat not in (3, 4):
            return c
        tab = 1 if c.chat == 3 else 0
        return replace(c, scenario="two-tabs", tab=tab, via="load" if tab else "new_chat")

    records = after_reload(with_chats(unstored("stale-state"), in_two_tabs), "s…1", "s…2")
    assert list(causes(records)) == ["stale-state"]


def test_two_faults_keep_their_names() -> None:
    other = "history-bleed"
    records = after_reload(unstored("stale-state", other), "s…1", "s…2")
    assert set(causes(records)) == {"stale-state", other}
    assert set(causes(make_run("stale-state", other, publishes=("sendMessage",)))) == {"stale-state", other}


def test_a_rarer_cause_is_replaced_by_one_whose_rules_fit_its_chats_too() -> None:
    known = {
        Pair("rotation.two_tabs", ChatKey("a", 0, 1)): [rule("id-collision"), rule("stale-state")],
        Pair("rotation.reload", ChatKey("a", 0, 2)): [rule("stale-state")],
        Pair("rotation.reload", ChatKey("a", 0, 3)): [rule("stale-state")],
        Pair("rotation.two_tabs", ChatKey("b", 0, 1)): [rule("id-collision"), rule("stale-state")],
    }
    found = Assignment(causes={pair: rules[0].cause.name for pair, rules in known.items()})
    fold(found, known)
    assert [found.causes[pair] for pair in known] == ["stale-state"] * 3 + ["id-collision"]
    known[Pair("rotation.two_tabs", ChatKey("a", 0, 4))] = [rule("id-collision")]
    found = Assignment(causes={pair: rules[0].cause.name for pair, rules in known.items()})
    fold(found, known)
    assert set(found.causes.values()) == {"id-collision", "stale-state"}
    assert len(found.pairs("a", "id-collision")) == 2


def rule(cause: str) -> ChatCandidate:
    return next(one for one in chat_rules() if one.cause.name == cause)
