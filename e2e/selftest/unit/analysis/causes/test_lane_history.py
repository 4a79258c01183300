"""What a lane shows over all its chats: the code that writes IDs, what page loads bring, what another tab changes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.causes.definition import CauseFollows
from e2e.analysis.causes.evidence.chat_evidence import chat_evidence
from e2e.analysis.causes.evidence.lane_history import (
    IdsOfLaterChats,
    IdsOfOtherTabs,
    ScenarioChats,
    lane_of,
    later_writes,
)
from e2e.analysis.causes.frontend_storage import session_restored
from e2e.analysis.facts.reloads import brings
from e2e.analysis.ids.writes import OwnWrite
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.records.records import Chat, RunRecords
from e2e.selftest.unit.analysis.checks.test_scenarios import chat
from e2e.selftest.unit.builders import PROVIDERS, judge_run, make_run, stack, with_chats, with_meta


def write(t: float, session: str | None, previous: str | None, *code: str) -> Any:
    return SimpleNamespace(t=t, op="set", session=session, previous=previous, stack=stack(*code))


def test_only_an_id_that_is_written_over_itself_outside_of_new_chat_is_touched() -> None:
    run = judge_run(chats=2, lanes=1)
    writes = [
        write(1.0, "s…1", None, "mint"),
        write(2.0, None, None, "remove"),  # a removal from an empty store
        write(3.0, "s…2", "s…1", "mint"),
        write(4.0, "s…2", "s…2", "sendMessage"),
        write(6.0, "s…2", "s…2", "remove"),  # between New Chat and the first payload
    ]
    lane = lane_of(run, run.metas[0].run_id, writes, [(5.0, 7.0)])
    assert [place.function for place in lane.touches] == ["sendMessage"]
    assert lane.generator is not None
    assert lane.generator.function == "createSession"
    assert lane.writes_seen


@pytest.mark.parametrize("wrapper", [False, True])
@pytest.mark.parametrize("fault", ["id-constant", "session-restored"])
def test_who_wrote_the_old_id_is_known_of_a_run_that_was_killed(fault: str, wrapper: bool) -> None:
    """Its stacks were not resolved; with kill -9 at a chat's end, both causes became "unexplained"."""
    records = with_meta(make_run(fault, wrapper=wrapper), code={}, finished=None)
    assert {cause.name for cause in judge(assemble([records])).causes} == {fault}


def test_one_function_that_writes_for_all_does_not_show_who_wrote() -> None:
    records = with_meta(make_run(chats=2, lanes=1), code={})
    writes = [write(1.0, "s…1", None, "save", "mint"), write(3.0, None, "s…1", "save", "remove")]
    assert lane_of(assemble([records]), records.meta.run_id, writes, []).generator is None


@pytest.mark.parametrize(("lane", "brought"), [(0, ""), (1, "another")])
def test_an_id_that_only_another_lane_had_sent_is_another_one_after_a_reload(lane: int, brought: str) -> None:
    earlier = chat("plain", 10, [("", "s…x", None)], lane=0)
    reloaded = chat("reload", 11, [("", "s…b", None), ("reload", "s…x", None)], lane=lane)
    run = with_chats_of_none(earlier, reloaded)
    assert brings(run, run.metas[0].run_id) == brought


def with_chats_of_none(*chats: Chat) -> Run:
    """A run of a frontend that stores nothing."""
    records = make_run(chats=4, lanes=2, continue_last=False)
    records = with_meta(records, policy=replace(records.meta.policy, store="none"))
    return assemble([replace(records, chats=(*records.chats, *chats))])


def other_tab(records: RunRecords, number: int, **also: Any) -> RunRecords:
    """In chat ``number`` another provider answers once New Chat was clicked in the other tab; ``also``: without that click."""

    def change(c: Chat) -> Chat:
        if c.chat not in (number, also.get("flaps")):
            return c
        first = c.messages[0]
        provider = next(name for name in PROVIDERS if name != first.reply_provider)
        clicked: Any = "other-tab" if c.chat == number else ""
        later = replace(
            first,
            number=1,
            after=clicked,
            reply_provider=provider,
            label_provider=provider,
            backend_provider=None,
        )
        return replace(c, messages=(first, later))

    return with_chats(records, change)


@pytest.mark.parametrize("flaps", [False, True])
def test_where_providers_change_anyway_the_other_tab_did_not_change_one(flaps: bool) -> None:
    records = make_run(chats=8, lanes=1, backend=False, continue_last=False)
    run = assemble([other_tab(records, 2, **({"flaps": 5} if flaps else {}))])
    found = {key.chat: c.other_tab_changed_provider for key, c in chat_evidence(run).items()}
    assert found == {number: number == 2 and not flaps for number in range(8)}


@pytest.mark.parametrize(
    ("compared", "shown_from", "messages", "follows"),
    [
        (True, 0, 2, True),
        (True, None, 2, False),
        (False, None, 2, True),
        (False, None, 0, False),
        (False, None, None, False),
    ],
)
def test_a_restored_session_explains_bleeding_history_where_old_messages_were_on_the_screen(
    compared: bool, shown_from: int | None, messages: int | None, follows: bool
) -> None:
    shown: Any = SimpleNamespace(
        chat=SimpleNamespace(screen_compared=compared, screen_from=shown_from, screen_messages=messages)
    )
    [when] = [
        c.when
        for c in session_restored.CAUSE.consequences
        if isinstance(c, CauseFollows) and c.cause == "history-bleed"
    ]
    assert when(shown) == follows


@pytest.mark.parametrize(
    ("writes", "after", "kept"),
    [
        ([(1.0, 0, "page"), (2.0, 0, "page")], 0.0, [1.0, 2.0]),
        ([(1.0, 0, "page"), (2.0, 0, "page")], 1.0, [2.0]),
        ([(1.0, 1, "page"), (2.0, 0, "other-tab"), (3.0, 0, "server"), (4.0, 0, "page")], 0.0, [4.0]),
        ([(1.0, 0, "page"), (9.5, 0, "page")], 0.0, [1.0]),  # after the chat's end
        ([(1.0, 0, "page"), (2.0, 0, "start"), (3.0, 0, "page")], 0.0, [1.0]),
        ([(1.0, 0, "page"), (2.0, 1, "start"), (3.0, 0, "page")], 0.0, [1.0, 3.0]),  # another tab's page load
    ],
)
def test_writes_after_a_moment_are_those_of_the_page_until_it_is_loaded_anew(
    writes: list[tuple[float, int, str]], after: float, kept: list[float]
) -> None:
    run = judge_run(chats=2, lanes=1)
    every: Any = [
        OwnWrite(run.metas[0].run_id, t, tab, "start" if by == "start" else "set", "s…1", None, by, None)
        for t, tab, by in writes
    ]
    one: Any = SimpleNamespace(ended=9.0, tab=0)
    assert [w.t for w in later_writes(run, every, one, after, [])] == kept


def test_what_comes_after_another_action_of_the_user_is_not_the_chats_own() -> None:
    run = judge_run(chats=2, lanes=1)
    every: Any = [OwnWrite(run.metas[0].run_id, t, 0, "set", "s…1", None, "page", None) for t in (1.0, 3.0)]
    one: Any = SimpleNamespace(ended=9.0, tab=0)
    messages: Any = [SimpleNamespace(ended_at=2.0, after=""), SimpleNamespace(ended_at=4.0, after="reload")]
    assert [w.t for w in later_writes(run, every, one, 0.0, messages)] == [1.0]
    assert [w.t for w in later_writes(run, every, one, 0.0, messages[:1])] == [1.0, 3.0]
    plain: Any = [SimpleNamespace(ended_at=t, after="") for t in (2.0, 4.0)]
    assert [w.t for w in later_writes(run, every, one, 0.0, plain)] == [1.0, 3.0]


def test_the_first_ids_of_scenarios_are_those_of_other_tabs_and_of_later_chats() -> None:
    """As sets of their own for each chat would have them: 20,000 chats made 1.3 GB of those."""
    every: list[Any] = [
        SimpleNamespace(chat=n, tab=tab, first=first)
        for n, (tab, first) in enumerate(
            [(0, "a"), (1, "b"), (0, "b"), (1, "a"), (0, "c"), (0, "a"), (2, "d")]
        )
    ]
    known = ScenarioChats()
    for one in every:
        known.add(one, one.first)
    for one in every:
        others, later = IdsOfOtherTabs(known, one), IdsOfLaterChats(known, one)
        assert set(others) == {c.first for c in every if c.tab != one.tab}
        assert set(later) == {c.first for c in every if c.tab == one.tab and c.chat > one.chat}
        for ids in (others, later):
            assert (len(ids), bool(ids)) == (len(set(ids)), bool(set(ids)))
            assert None not in ids
            assert "x" not in ids
    assert not IdsOfOtherTabs(ScenarioChats(), every[0])
