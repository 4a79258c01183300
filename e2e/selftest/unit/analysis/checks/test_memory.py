"""What a chat knows of code words: its own it must, another chat's it must not; and which cause is behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import Verdict
from e2e.records.records import Chat, Event, Message, Policy
from e2e.selftest.unit.analysis.checks.test_scenarios import Turn, chat
from e2e.selftest.unit.builders import PROVIDERS, make_run

GIVEN, NEXT = 10, 11
OWN: tuple[Turn, Turn] = (("", "s…a", "s…a"), ("", "s…a", "s…a"))
FRESH: tuple[Turn, ...] = (("", "s…b", "s…b"),)


def recall(
    chat: int, message: int, word_of: int, *, knows: bool | None, **data: Any
) -> tuple[int, dict[str, Any]]:
    names = word_of if knows else None
    fields = {"message": message, "word_of": word_of, "knows": knows, "names": names, "why": ""}
    more = {"names_lane": 0 if knows else None, "in_payload": False, "same_line": None}
    return chat, {**fields, **more, "named_in_payload": data.get("in_payload", False), **data}


def played(
    *recalls: tuple[int, dict[str, Any]],
    own: tuple[Turn, ...] = OWN,
    fresh: tuple[Turn, ...] = FRESH,
    bleeds_from: int | None = None,
    stored_before: str | None = None,
    memory: bool = True,
    sends_id: bool = True,
    history: bool = True,
    chats_before: int = 4,
    provider: str | None = None,
    **policy: Any,
) -> Run:
    """One lane that was given a word in chat 10 and asked for it there and in chat 11."""
    records = make_run(chats=chats_before, lanes=1)
    last = chat("memory", NEXT, list(fresh), stored_before=stored_before)
    last = replace(last, messages=tuple(replace(m, bleeds_from=bleeds_from) for m in last.messages))
    chats: list[Chat] = [*records.chats, chat("memory", GIVEN, list(own)), last]
    if provider is not None:
        chats = [replace(c, messages=tuple(_by(m, provider) for m in c.messages)) for c in chats]
    if not sends_id:
        chats = [_without_id(c) for c in chats]
    t = max(c.ended for c in chats)
    events = [
        Event("2026-11-22T0215Z-2f9c", 9000 + n, t + n, 0, at, "recall", data)
        for n, (at, data) in enumerate(recalls)
    ]
    kept = [e for e in records.events if sends_id or e.kind not in ("storage", "minted", "issued")]
    if not history:
        kept = [replace(e, data={**e.data, "history": None}) for e in kept]
    rules = Policy(providers=PROVIDERS, has_memory=memory, sends_id=sends_id, **policy)
    meta = replace(records.meta, policy=rules, scenarios={"memory": 1}, planned_chats=chats_before)
    return assemble([replace(records, meta=meta, chats=tuple(chats), events=(*kept, *events))])


def _by(message: Message, provider: str) -> Message:
    return replace(message, reply_provider=provider, label_provider=provider, backend_provider=None)


def _without_id(chat: Chat) -> Chat:
    messages = tuple(replace(m, sent=None, stored=None, stored_seen=False) for m in chat.messages)
    return replace(chat, stored=None, stored_seen=False, stored_before=None, messages=messages)


def verdict(run: Run, name: str) -> Verdict:
    return judge(run).verdict(f"chat.{name}")


HEALTHY = (recall(GIVEN, 1, GIVEN, knows=True), recall(NEXT, 0, GIVEN, knows=False))
LEAK = (recall(GIVEN, 1, GIVEN, knows=True), recall(NEXT, 0, GIVEN, knows=True))
LOST = (recall(GIVEN, 1, GIVEN, knows=False), recall(NEXT, 0, GIVEN, knows=False))


@pytest.mark.parametrize("sends_id", [True, False])
def test_a_chat_that_knows_its_own_word_and_no_other_passes(sends_id: bool) -> None:
    run = played(*HEALTHY, sends_id=sends_id, store="localStorage" if sends_id else "none")
    assert [verdict(run, name).outcome for name in ("remembers", "forgets")] == ["pass", "pass"]
    assert judge(run).causes == ()


@pytest.mark.parametrize("sends_id", [True, False])
def test_a_word_that_the_new_chat_did_not_bring_along_is_the_backends(sends_id: bool) -> None:
    run = played(*LEAK, sends_id=sends_id, store="localStorage" if sends_id else "none")
    assert verdict(run, "forgets").outcome == "fail"
    assert "chat 11 named the code word that chat 10 was given" in verdict(run, "forgets").actual[0]
    assert [(c.name, c.layer, c.checks) for c in judge(run).causes] == [
        ("context-bleed", "backend", ("chat.forgets",))
    ]


@pytest.mark.parametrize("sends_id", [True, False])
def test_a_word_in_the_new_chats_payload_is_the_pages(sends_id: bool) -> None:
    leak = recall(NEXT, 0, GIVEN, knows=True, in_payload=True)
    run = played(
        LEAK[0], leak, bleeds_from=GIVEN, sends_id=sends_id, store="localStorage" if sends_id else "none"
    )
    assert [(c.name, c.layer) for c in judge(run).causes] == [("history-bleed", "frontend state")]
    assert "chat.forgets" in judge(run).causes[0].checks


def test_a_word_that_came_with_the_old_session_is_a_consequence() -> None:
    """New Chat left the session as it was: the backend knows the word by right."""
    run = played(*LEAK, fresh=(("", "s…a", "s…a"),), stored_before="s…a")
    [cause] = judge(run).causes
    assert cause.name == "session-not-ended"
    assert cause.consequences == ("chat.forgets",)


def test_a_leak_whose_payload_was_not_read_stays_unexplained() -> None:
    run = played(LEAK[0], recall(NEXT, 0, GIVEN, knows=True, in_payload=None))
    assert [c.name for c in judge(run).causes] == ["unexplained"]


def test_a_chat_whose_payload_held_the_word_was_failed_by_the_backend() -> None:
    run = played(recall(GIVEN, 1, GIVEN, knows=False, in_payload=True), LOST[1])
    assert verdict(run, "remembers").outcome == "fail"
    assert [(c.name, c.layer) for c in judge(run).causes] == [("context-lost", "backend")]


def test_a_session_that_stayed_and_forgot_is_the_backends_where_it_holds_the_conversation() -> None:
    run = played(*LOST, history=False)
    assert [(c.name, c.layer) for c in judge(run).causes] == [("context-lost", "backend")]
    assert "which holds the conversation" in judge(run).causes[0].explanation


def test_a_page_that_sends_the_history_and_left_it_out_is_not_blamed_on_the_backend() -> None:
    run = played(*LOST)
    [cause] = judge(run).causes
    assert cause.name == "unexplained"
    assert "in a payload without the message that had given it" in cause.explanation


@pytest.mark.parametrize(
    ("same_line", "cause"), [(True, "context-lost"), (False, "unexplained"), (None, "unexplained")]
)
def test_without_an_id_only_the_connection_shows_that_the_session_stayed(
    same_line: bool | None, cause: str
) -> None:
    lost = recall(GIVEN, 1, GIVEN, knows=False, same_line=same_line)
    run = played(lost, LOST[1], sends_id=False, store="none", history=False)
    assert [c.name for c in judge(run).causes] == [cause]


def test_a_chat_that_changed_its_session_forgot_by_that() -> None:
    run = played(*LOST, own=(("", "s…a", "s…a"), ("", "s…c", "s…c")), history=False)
    [cause] = judge(run).causes
    assert cause.name == "over-rotation"
    assert "chat.remembers" in cause.consequences


@pytest.mark.parametrize("sends_id", [True, False])
def test_a_word_of_another_browser_is_a_leak_and_no_loss(sends_id: bool) -> None:
    """One memory for all users: the chat names a word, and not its own."""
    other = {"names": 4, "names_lane": 1}
    mixed = (recall(GIVEN, 1, GIVEN, knows=False, **other), recall(NEXT, 0, GIVEN, knows=False, **other))
    run = played(*mixed, sends_id=sends_id, store="localStorage" if sends_id else "none", history=False)
    assert [verdict(run, name).outcome for name in ("remembers", "forgets")] == ["fail", "fail"]
    assert "named that of lane 1 chat 4" in verdict(run, "remembers").actual[0]
    assert [(c.name, c.checks) for c in judge(run).causes] == [
        ("context-bleed", ("chat.remembers", "chat.forgets"))
    ]


def test_a_chat_that_knows_nothing_shows_nothing_of_the_next_one() -> None:
    found = verdict(played(*LOST), "forgets")
    assert found.outcome == "inconclusive"
    assert "did not know it themselves" in found.headline


def test_a_reply_that_cannot_be_read_is_inconclusive_with_the_reason() -> None:
    why = "no text of the reply could be read"
    run = played(recall(GIVEN, 1, GIVEN, knows=None, why=why), recall(NEXT, 0, GIVEN, knows=None, why=why))
    for name in ("remembers", "forgets"):
        assert verdict(run, name).outcome == "inconclusive"
        assert why in verdict(run, name).headline


def test_without_prompts_the_checks_are_not_requested() -> None:
    run = played(memory=False)
    for name in ("remembers", "forgets"):
        found = verdict(run, name)
        assert (found.outcome, found.requested) == ("inconclusive", False)
        assert found.headline == "not requested: the profile has no [memory]"


def test_a_scenario_that_was_not_completed_states_it() -> None:
    assert "was not completed" in verdict(played(), "remembers").headline


@pytest.mark.parametrize(
    ("sends_id", "names"), [(False, {"context-bleed"}), (True, {"context-bleed", "provider-sticky"})]
)
def test_a_kept_context_explains_the_kept_provider_only_where_no_id_is_sent(
    sends_id: bool, names: set[str]
) -> None:
    """Without an ID the session that the backend keeps is one session, and one provider replies in it."""
    run = played(
        *LEAK, sends_id=sends_id, store="localStorage" if sends_id else "none",
        chats_before=9, provider="Big hat",
    )  # fmt: skip
    assert {v.name for v in judge(run).verdicts if v.outcome == "fail"} >= {"chat.forgets", "provider.varies"}
    assert {c.name for c in judge(run).causes} == names


@pytest.mark.parametrize("name", ["remembers", "forgets"])
def test_replies_that_could_not_be_judged_have_their_most_frequent_reason(name: str) -> None:
    question = GIVEN if name == "remembers" else NEXT
    reasons = ("", "", "", "an echo", "an echo", "no text")
    found = verdict(played(*(recall(question, 1, GIVEN, knows=None, why=why) for why in reasons)), name)
    assert (found.outcome, found.headline) == ("inconclusive", "no reply could be judged: an echo")
    assert found.needs.startswith("needs 1 reply whose text can be read")
    silent = verdict(played(*(recall(question, 1, GIVEN, knows=None) for _ in range(2))), name)
    assert "was not completed" in silent.headline
