"""Facts that several checks need, each from a few records: other tabs, page loads, probes of the backend, unusual payloads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks import memory
from e2e.analysis.facts import backend_probes, reloads, scenario_findings, tabs
from e2e.analysis.facts.secondary_requests import unusual_payloads
from e2e.analysis.facts.sessions import sessions
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.schema import BackendRow, ChatRow, MessageRow, RecallRow
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import SIDE_LANE, Chat, Event, Message, Policy
from e2e.selftest.unit.analysis.checks.test_memory import GIVEN, NEXT, OWN, played, recall
from e2e.selftest.unit.builders import PROVIDERS, make_run, with_chats, with_meta

RECORDS = make_run(chats=1, lanes=1, backend=False)
CHAT = RECORDS.chats[0]
MESSAGE = replace(CHAT.messages[0], backend_provider=None, label_provider=None, issued=None)
RUN = RECORDS.meta.run_id


def turn(
    number: int, sent: str | None = "s-1", by: str | None = "A", after: Any = "", **more: Any
) -> Message:
    t = CHAT.began + number
    return replace(
        MESSAGE, number=number, sent=sent, reply_provider=by, after=after, sent_at=t, ended_at=t + 0.5, **more
    )


def chat(number: int, *messages: Message, **more: Any) -> Chat:
    t = CHAT.began + 100 * number
    moved = tuple(
        replace(
            m,
            sent_at=None if m.sent_at is None else m.sent_at + 100 * number,
            ended_at=(m.ended_at or 0) + 100 * number,
        )
        for m in messages
    )
    via: Any = "new_chat" if number else "load"
    return replace(CHAT, chat=number, began=t, ended=t + 50, messages=moved, via=via, **more)


def run_of(*chats: Chat, events: Sequence[Event] = (), **policy: Any) -> Run:
    rules = replace(Policy(providers=PROVIDERS), **policy)
    records = replace(RECORDS, chats=chats, events=tuple(events))
    return assemble([with_meta(records, policy=rules, planned_chats=len(chats))])


def key(number: int) -> ChatKey:
    return ChatKey(RUN, 0, number)


class TestTabs:
    CHANGED = (turn(0), turn(1, by="B", after="other-tab"))

    def test_a_running_chat_that_another_provider_goes_on_with_is_reported(self) -> None:
        text = "reply 1 came from B after New Chat in the other tab, and from A before"
        assert tabs.provider_changes(run_of(chat(0, *self.CHANGED))) == {key(0): text}
        assert tabs.provider_changes(run_of(chat(0, *self.CHANGED), affinity="none")) == {}

    @pytest.mark.parametrize(
        "messages",
        [
            (turn(0), turn(1, after="other-tab")),
            (turn(0), turn(1, sent="s-2", by="B", after="other-tab")),
            (turn(0), turn(1, by="B")),
            (turn(0), turn(1, by=None, after="other-tab")),
            (turn(0), turn(1, by="B", after="other-tab", served_by="a cache")),
            (turn(0, sent=None), turn(1, sent=None, by="B", after="other-tab")),
        ],
    )
    def test_anything_else_is_no_change_by_the_other_tab(self, messages: tuple[Message, ...]) -> None:
        assert tabs.provider_changes(run_of(chat(0, *messages))) == {}

    def test_a_chat_that_was_not_observed_shows_nothing(self) -> None:
        assert tabs.provider_changes(run_of(chat(0, *self.CHANGED, status="lost", reason="x"))) == {}

    @pytest.mark.parametrize(
        ("messages", "flaps"),
        [
            ((turn(0), turn(1, by="B")), True),
            (CHANGED, False),
            ((turn(0, backend_provider="A"),), False),
            ((turn(0, backend_provider="B"),), True),
            ((turn(0, backend_provider="B", served_by="a cache"),), False),
            ((turn(0, by=None, backend_provider="B"),), False),
        ],
    )
    def test_a_session_that_changes_its_provider_by_itself_flaps(
        self, messages: tuple[Message, ...], flaps: bool
    ) -> None:
        assert tabs.flapping(run_of(chat(0, *messages))) == (frozenset({RUN}) if flaps else frozenset())

    @pytest.mark.parametrize(
        ("chats", "shared", "text"),
        [
            (1, "share", "1 running chat was"),
            (2, "share", "2 running chats were"),
            (1, "own", ""),
            (0, "share", ""),
        ],
    )
    def test_a_session_that_ended_for_both_tabs(self, chats: int, shared: str, text: str) -> None:
        found = [chat(n, turn(0, ended_elsewhere=n < chats)) for n in range(3)]
        rest = (
            " refused after New Chat in the other tab had ended the session that the tabs share (policy.tabs)"
        )
        assert tabs.ended_for_both(run_of(*found, tabs=shared)) == (text + rest if text else "")


class TestReloads:
    """What a load after New Chat brings, by the ID before and the one after."""

    @pytest.mark.parametrize(("after", "brings"), [("s-1", "same"), ("s-3", "another"), (None, "")])
    def test_the_first_message_after_new_chat_and_a_load(self, after: str | None, brings: str) -> None:
        run = run_of(chat(0, turn(0)), chat(1, turn(0, sent=after, after="reload")))
        assert reloads.brings(run, RUN) == brings
        assert reloads.brings(run, "another run") == ""

    def test_an_id_that_the_lane_has_sent_before_is_no_other_one(self) -> None:
        run = run_of(
            chat(0, turn(0, sent="s-0")), chat(1, turn(0)), chat(2, turn(0, sent="s-0", after="reload"))
        )
        assert reloads.brings(run, RUN) == ""

    def test_two_loads_that_differ_show_nothing(self) -> None:
        loads = [chat(1, turn(0, after="reload")), chat(2, turn(0, sent="s-9", after="reload"))]
        assert reloads.brings(run_of(chat(0, turn(0)), loads[0]), RUN) == "same"
        assert reloads.brings(run_of(chat(0, turn(0)), *loads), RUN) == ""

    def test_a_payload_that_was_not_seen_shows_nothing(self) -> None:
        run = run_of(chat(0, turn(0)), chat(1, turn(0, after="reload", sent_seen=False)))
        assert reloads.brings(run, RUN) == ""

    @pytest.mark.parametrize(
        ("policy", "after", "brings"),
        [
            ({"store": "none", "rotation": "on_first_reply"}, None, "another"),
            ({"store": "none"}, None, ""),
            ({"store": "none"}, "s-1", "same"),
            ({"store": "none", "in_address": True}, None, ""),
            ({}, None, ""),
        ],
    )
    def test_with_nothing_stored_a_load_inside_a_chat_shows_it_too(
        self, policy: dict[str, Any], after: str | None, brings: str
    ) -> None:
        run = run_of(chat(0, turn(0), turn(1, sent=after, after="reload")), **policy)
        assert reloads.brings(run, RUN) == brings

    @pytest.mark.parametrize(
        ("second", "status", "brings"),
        [("s-1", "observed", "same"), ("s-2", "observed", "another"), ("s-1", "lost", "")],
    )
    def test_the_experiment_shows_it_too(self, second: str, status: Any, brings: str) -> None:
        side = [
            replace(chat(n, turn(0, sent=sent), status=s, reason=""), lane=SIDE_LANE, experiment="reload")
            for n, sent, s in ((0, "s-1", "observed"), (1, second, status))
        ]
        assert reloads.brings(run_of(chat(0, turn(0, sent="s-9")), *side), RUN) == brings
        others = [replace(one, experiment="user") for one in side]
        assert reloads.brings(run_of(chat(0, turn(0)), *others), RUN) == ""


def answer(n: int, question: str, session: str | None = "p-1", **data: Any) -> Event:
    known: dict[str, Any] = {
        "question": question, "probe": "fresh", "pattern": None, "session": session, "provider": "A", "status": 200,
        "found": True, "active": None, "distribution": None,
    }  # fmt: skip
    return Event(RUN, 100 + n, CHAT.began + n, -1, None, "backend", known | data)


class TestProbes:
    def run_of(self, *events: Event, **policy: Any) -> Run:
        return run_of(chat(0, turn(0, sent="s-1")), events=events, **policy)

    def test_look_ups_of_the_chats_own_sessions_are_no_probes(self) -> None:
        run = self.run_of(
            answer(3, "lookup", "s-1", probe=None),
            answer(2, "lookup", "p-1", probe=None),
            answer(1, "lookup", "s-1", probe="same"),
            answer(0, "state", "s-1", probe=None, distribution={"A": 1}),
        )
        assert [r.seq for r in backend_probes.probe_rows(run)] == [100, 101, 102]
        assert [r.seq for r in backend_probes.probes(run, "same")] == [101]

    def test_a_session_lives_from_one_removal_to_the_next(self) -> None:
        run = self.run_of(
            answer(0, "assign"), answer(1, "lookup", provider="B"), answer(2, "remove", provider=None),
            answer(3, "lookup", probe="removed"), answer(4, "assign", provider="C"), answer(5, "assign", "p-2"),
            answer(6, "assign", "s-1"), answer(7, "lookup", provider=None), answer(8, "state", None),
        )  # fmt: skip
        found = [[r.provider for r in life] for life in backend_probes.answers_by_session(run)]
        assert found == [["A", "B"], ["C"], ["A"]]

    def test_the_suites_own_sessions_before_a_state_are_counted(self) -> None:
        events = [
            answer(0, "assign", "p-1"), answer(1, "assign", "p-2", provider="B"), answer(2, "assign", "p-3"),
            answer(3, "remove", "p-3"), answer(4, "assign", "s-1"), answer(5, "assign", "p-4", provider=None),
            answer(6, "assign", "p-5", probe=None), answer(7, "state", None, distribution={}), answer(8, "assign", "p-6"),
        ]  # fmt: skip
        run = self.run_of(*events)
        (state,) = [r for r in run.every(BackendRow) if r.question == "state"]
        assert backend_probes.probed_before(run, state) == Counter({"A": 1, "B": 1})

    @pytest.mark.parametrize(
        ("statuses", "text"),
        [
            ([], ""),
            ([500], "HTTP 500"),
            ([500, 500, None], "2 times HTTP 500, no response"),
            ([1, 2, 3, 4, 5], "HTTP 1, HTTP 2, HTTP 3, HTTP 4"),
        ],
    )
    def test_statuses_are_counted(self, statuses: list[int | None], text: str) -> None:
        rows: Any = [
            replace(r, status=s)
            for r in self.run_of(answer(0, "state")).every(BackendRow)[:1]
            for s in statuses
        ]
        assert backend_probes.statuses(rows) == text

    def test_why_there_is_no_answer(self) -> None:
        for has, why, needs in (
            (False, "the profile names no backend API", "needs a [backend] section in the profile"),
            (True, "the backend was not probed in this run", "needs a run that reaches the backend probes"),
        ):
            verdict = backend_probes.not_probed("backend.assigns", self.run_of(has_backend=has), "fresh")
            assert verdict is not None
            assert (verdict.outcome, verdict.headline, verdict.needs) == ("inconclusive", why, needs)
        assert backend_probes.not_probed("backend.assigns", self.run_of(answer(0, "assign")), "fresh") is None


def payload(n: int, request: str, **data: Any) -> Event:
    known = {"request": request, "session": "s-1", "rule": "chat", "judged": True, "form": "", "message": 0}
    return Event(RUN, n, CHAT.began + n, 0, 0, "payload", known | data)


def test_payloads_of_messages_are_usual_unless_their_id_is_encoded() -> None:
    events = [
        payload(3, "own"),
        payload(2, "own", form="percent-encoded"),
        payload(1, "other"),
        payload(0, "third"),
    ]
    run = run_of(chat(0, turn(0, request="own")), events=events)
    assert [p.seq for p in unusual_payloads(run)] == [0, 1, 2]


class TestMemory:
    """The words of the checks of code words."""

    def test_the_most_frequent_reason_is_reported(self) -> None:
        run = played(
            recall(GIVEN, 1, GIVEN, knows=None, why="no text"),
            recall(NEXT, 0, GIVEN, knows=None, why="cut"),
            recall(NEXT, 0, GIVEN, knows=None, why="cut"),
        )
        found = memory._unseen("x", run, run.every(RecallRow), {})
        assert found.headline == "no reply could be judged: cut"
        assert (
            found.needs
            == "needs 1 reply whose text can be read (the wire rule, screen.messages, memory.knows)"
        )

    def test_the_reason_of_a_reply_that_was_judged_is_none(self) -> None:
        run = played(recall(GIVEN, 1, GIVEN, knows=True, why="odd"), own=OWN)
        found = memory._unseen("x", run, run.every(RecallRow), {})
        assert found.headline.startswith("scenario memory was not completed")
        assert found.needs == "needs one lane that completes it"

    def test_a_scenario_that_was_left_out_names_the_reason(self) -> None:
        run = played()
        metas = tuple(replace(m, left_out={"memory": "no budget"}) for m in run.metas)
        found = memory._unseen("x", replace(run, metas=metas), (), {"wrong": 0})
        assert (found.headline, found.numbers) == ("scenario memory was not run: no budget", {"wrong": 0})

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ({}, " (the chat sent s…b; the question's payload held no code word)"),
            ({"in_payload": True}, " (the chat sent s…b; the question's payload held the code word)"),
            ({"in_payload": None}, " (the chat sent s…b)"),
            (
                {"in_payload": None, "same_line": False},
                " (the chat sent s…b; the page had opened another WebSocket meanwhile)",
            ),
            ({"in_payload": None, "same_line": True}, " (the chat sent s…b)"),
        ],
    )
    def test_what_else_was_seen(self, data: dict[str, Any], text: str) -> None:
        run = played(recall(NEXT, 0, GIVEN, knows=True, **data))
        (row,) = run.every(RecallRow)
        assert memory._seen(run, row) == text

    @pytest.mark.parametrize(
        ("lane", "text"), [(0, f"chat {GIVEN}"), (None, f"chat {GIVEN}"), (3, f"lane 3 chat {GIVEN}")]
    )
    def test_whose_word_it_was(self, lane: int | None, text: str) -> None:
        run = played(recall(NEXT, 0, GIVEN, knows=True, names_lane=lane))
        (row,) = run.every(RecallRow)
        assert memory._whose(row) == text


def test_a_reply_from_a_cache_is_no_assignment() -> None:
    records = make_run(chats=2, lanes=1, messages=2, continue_last=False)

    def change(c: Chat) -> Chat:
        first, second = c.messages
        if c.chat:
            return c
        return replace(
            c,
            messages=(
                replace(first, served_by="http-cache", reply_provider="Old oak"),
                replace(second, reply_provider="Red kite"),
            ),
        )

    run = assemble([with_chats(records, change)])
    one, other = sessions(run).values()
    assert (one.provider, other.provider) == ("Red kite", records.chats[1].messages[0].reply_provider)
    assert [(a.provider, a.message) for a in one.answers if a.how == "reply"] == [("Red kite", 1)]


@pytest.mark.parametrize("order", [1, -1])
def test_without_ids_a_chat_is_one_session_until_something_else_than_a_message(order: int) -> None:
    """Nothing says which session it has after a reload, whatever the order of its records."""
    records = make_run(chats=2, lanes=1, messages=3, continue_last=False, policy=Policy(sends_id=False))

    def change(c: Chat) -> Chat:
        first, second, third = c.messages
        if c.chat == 0:
            second = replace(second, after="reload", after_reload=True)
        return replace(c, messages=(first, second, third)[::order])

    found = sessions(assemble([with_chats(records, change)]))
    assert [(s.chats[0].chat, sorted(m.number for m in s.messages)) for s in found.values()] == [
        (0, [0]),
        (1, [0, 1, 2]),
    ]


@pytest.mark.parametrize("seen", [False, True])
def test_a_message_whose_store_was_not_seen_is_compared_with_nothing(seen: bool) -> None:
    """Of a scenario: what the store held is not known, so it is not reported as nothing."""
    records = make_run(chats=2, lanes=1, continue_last=False)

    def change(c: Chat) -> Chat:
        messages = tuple(replace(m, stored_seen=seen, stored=None) for m in c.messages)
        return replace(c, scenario="double-click", messages=messages) if c.chat else c

    run = assemble([with_chats(records, change)])
    messages = [m for m in run.every(MessageRow) if m.scenario == "double-click"]
    assert len(messages) == 1
    assert len(scenario_findings._of_store(run, messages)) == int(seen)


def test_a_scenarios_first_message_without_an_id_is_reported_as_that() -> None:
    records = make_run(chats=2, lanes=1, continue_last=False)
    run = assemble([
        with_chats(records, lambda c: replace(c, messages=tuple(replace(m, sent=None) for m in c.messages)) if c.chat else c)
    ])  # fmt: skip
    chat = next(c for c in run.every(ChatRow) if c.chat)
    messages = [m for m in run.every(MessageRow) if m.key == chat.key]
    assert scenario_findings._of_session(run, chat, messages) == ["sent no session ID"]
