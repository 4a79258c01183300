"""What a page sends besides its messages is judged too: a title request must not carry an earlier chat's session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.checks import rotation, scenarios
from e2e.analysis.facts import secondary_requests
from e2e.analysis.facts.secondary_requests import OldPayload, old_payloads
from e2e.analysis.judge import explained, judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Chat, Event, RunRecords
from e2e.selftest.unit.builders import make_run, stack, with_chats

Session = Callable[[Chat, dict[int, str | None]], str | None]


def own(chat: Chat, ids: dict[int, str | None]) -> str | None:
    return ids[chat.chat]


def of_the_load(chat: Chat, ids: dict[int, str | None]) -> str | None:
    return ids[0]


def nothing(chat: Chat, ids: dict[int, str | None]) -> str | None:
    return None


def with_titles(records: RunRecords, session: Session, times: int = 1, **given: Any) -> Run:
    """The run whose page also asks for a title (so many ``times``) in each chat, with ``session`` of it."""
    ids: dict[int, dict[int, str | None]] = {}
    for chat in records.chats:
        ids.setdefault(chat.lane, {})[chat.chat] = chat.messages[0].sent
    events = list(records.events)
    for n, chat in enumerate(records.chats):
        t = chat.messages[0].sent_at
        assert t is not None
        data = {
            "rule": "title",
            "transport": "http",
            "method": "POST",
            "url": "http://127.0.0.1:8765/api/title",
            "session": session(chat, ids[chat.lane]),
            "message": 0,
            "request": f"title-{n}",
            "judged": True,
            "retry": False,
            "stack": stack("mount"),
            **given,
        }
        one = Event(records.meta.run_id, 10_000 + n, t + 0.3, chat.lane, chat.chat, "payload", data)
        events += [replace(one, seq=one.seq + 1_000 * time, t=one.t + 0.01 * time) for time in range(times)]
    return assemble([replace(records, events=tuple(events))])


def test_a_title_request_with_the_session_of_the_page_load_fails_and_is_named() -> None:
    run = with_titles(make_run(chats=8, lanes=2), of_the_load)
    verdict = explained(run, rotation.sent_id_is_fresh(run))
    assert verdict.outcome == "fail"
    assert "title request (POST /api/title)" in verdict.headline
    assert any("title request (POST /api/title) of chats 1-3 carried" in line for line in verdict.actual)
    (cause,) = verdict.causes
    assert cause.name == "stale-state"
    assert cause.where == ("src/hooks/useSession.ts:20 useSession",) or "useSession.ts:20" in " ".join(
        cause.where
    )
    assert "another request at src/hooks/useSession.ts:20 still carried an old ID" in cause.explanation
    assert [c.name for c in judge(run).causes] == ["stale-state"]


def test_an_id_that_nobody_had_before_is_not_old() -> None:
    run = with_titles(make_run(chats=8, lanes=2), lambda chat, ids: "session_…new")
    assert old_payloads(run) == {}


def test_a_chat_that_was_lost_shows_no_old_request() -> None:
    records = make_run(chats=8, lanes=2)
    lost = with_chats(records, lambda c: replace(c, status="lost", reason="x") if c.chat == 2 else c)
    assert {key.chat for key in old_payloads(with_titles(records, of_the_load))} == {1, 2, 3}
    assert {key.chat for key in old_payloads(with_titles(lost, of_the_load))} == {1, 3}


@pytest.mark.parametrize("session", [own, nothing])
def test_its_own_session_or_none_is_right(session: Session) -> None:
    assert rotation.sent_id_is_fresh(with_titles(make_run(chats=8, lanes=2), session)).outcome == "pass"


@pytest.mark.parametrize("given", [{"judged": False}, {"judged": None}], ids=["left-out", "old-evidence"])
def test_a_rule_that_is_not_judged_is_not(given: dict[str, Any]) -> None:
    run = with_titles(make_run(chats=8, lanes=2), of_the_load, **given)
    assert rotation.sent_id_is_fresh(run).outcome == "pass"


def test_what_the_messages_show_already_is_not_reported_twice() -> None:
    run = with_titles(make_run("session-not-ended", chats=8, lanes=2), own)
    verdict = explained(run, rotation.sent_id_is_fresh(run))
    assert verdict.outcome == "fail"
    assert "title" not in verdict.headline
    assert [c.name for c in verdict.causes] == ["session-not-ended"]


def test_it_is_no_session_of_the_statistics() -> None:
    plain = judge(assemble([make_run(chats=8, lanes=2)]))
    titled = judge(with_titles(make_run(chats=8, lanes=2), of_the_load))
    for name in ("provider.varies", "provider.persists", "session_ids.pattern", "rotation.one_id_per_chat"):
        assert titled.verdict(name).numbers == plain.verdict(name).numbers


def test_under_a_scenario_too() -> None:
    records = make_run(chats=8, lanes=2)
    reloading = with_chats(
        records, lambda c: replace(c, scenario="double-click" if c.chat == 3 else c.scenario)
    )
    run = with_titles(reloading, of_the_load)
    verdict = explained(run, scenarios.double_click(run))
    assert verdict.outcome == "fail"
    assert "in its title request (POST /api/title)" in verdict.actual[0]


def test_the_first_attempt_of_a_message_that_was_sent_again_is_judged() -> None:
    """The retry carried the new ID, and is the message; what failed before it carried the old one."""
    run = with_titles(
        make_run(chats=8, lanes=2), of_the_load, rule="chat", url="http://127.0.0.1:8765/api/chat"
    )
    assert "chat request (POST /api/chat)" in rotation.sent_id_is_fresh(run).headline


def with_retries(records: RunRecords, between: bool = False) -> Run:
    """The run whose page sends each chat's first message again, after a failure, with the session of the page load.

    ``between``: with one that the store held between two clicks.
    """
    loaded = {c.lane: c.messages[0].sent for c in records.chats if c.chat == 0}
    if between:
        loaded = {lane: f"session_…between{lane}" for lane in loaded}
    events = list(records.events)

    def again(chat: Chat) -> Chat:
        first = chat.messages[0]
        if chat.chat != 2 or first.sent_at is None:
            return chat
        sent = replace(
            first, sent=loaded[chat.lane], request=f"again-{chat.lane}", sent_at=first.sent_at + 0.1
        )
        one = next(e for e in events if e.kind == "payload" and e.data["request"] == first.request)
        data = {
            **one.data,
            "session": sent.sent,
            "request": sent.request,
            "retry": True,
            "stack": stack("mount"),
        }
        events.append(Event(one.run_id, 20_000 + chat.lane, one.t + 0.1, one.lane, one.chat, "payload", data))
        if between:
            at = next(n for n, e in enumerate(events) if _mints(e, chat))
            last = events[at]
            first_id: dict[str, Any] = {"session": sent.sent, "previous": last.data["previous"]}
            events[at : at + 1] = [
                replace(last, t=last.t - 0.0005, data={**last.data, **first_id}),
                replace(last, seq=30_000 + chat.lane, data={**last.data, "previous": sent.sent}),
            ]
            return replace(chat, scenario="double-click", messages=(sent, *chat.messages[1:]))
        return replace(chat, messages=(sent, *chat.messages[1:]))

    changed = with_chats(records, again)
    return assemble([replace(changed, events=tuple(events))])


def _mints(event: Event, chat: Chat) -> bool:
    """The write of the chat's own ID after New Chat."""
    here = event.kind == "storage" and (event.lane, event.chat) == (chat.lane, chat.chat)
    return here and event.data["session"] is not None and not event.data["same_value"]


def test_a_retry_with_the_id_between_two_clicks_is_stale_state_too() -> None:
    run = with_retries(make_run(chats=8, lanes=2, messages=2), between=True)
    verdict = explained(run, scenarios.double_click(run))
    assert verdict.outcome == "fail"
    assert [c.name for c in verdict.causes] == ["stale-state"]
    assert [c.name for c in judge(run).causes] == ["stale-state"]


def test_a_retry_with_the_session_of_the_page_load_is_stale_state_at_the_retry() -> None:
    run = with_retries(make_run(chats=8, lanes=2))
    verdict = explained(run, rotation.sent_id_is_fresh(run))
    assert verdict.headline == "2 of 6 new chats kept sending an old session ID"
    assert [c.name for c in judge(run).causes] == ["stale-state"]
    (cause,) = verdict.causes
    assert "src/hooks/useSession.ts:20 useSession" in cause.where
    assert (
        "a failed message was sent again at src/hooks/useSession.ts:20 with the old ID" in cause.explanation
    )


def test_a_retry_after_new_chat_where_the_next_message_is_fresh_is_no_late_rotation() -> None:
    run = with_retries(make_run(chats=8, lanes=2, messages=2))
    assert [c.name for c in judge(run).causes] == ["stale-state"]


def previous(chat: Chat, ids: dict[int, str | None]) -> str | None:
    """A receipt that leaves when the next chat is under way already."""
    return ids[chat.chat - 1] if chat.chat else None


def test_a_receipt_that_comes_in_a_later_chat_is_no_old_session() -> None:
    """It carries its own chat's session, and no session has more of them than messages."""
    run = with_titles(make_run(chats=16, lanes=2), previous, by_text=False)
    assert rotation.sent_id_is_fresh(run).outcome == "pass"
    assert (
        rotation.sent_id_is_fresh(with_titles(make_run(chats=16, lanes=2), previous)).outcome == "fail"
    )  # old evidence does not tell


def test_receipts_that_all_carry_the_first_chats_session_are() -> None:
    run = with_titles(make_run(chats=16, lanes=2), of_the_load, by_text=False)
    verdict = explained(run, rotation.sent_id_is_fresh(run))
    assert verdict.outcome == "fail"
    assert [c.name for c in verdict.causes] == ["stale-state"]


def test_two_receipts_for_each_message_may_both_be_late() -> None:
    run = with_titles(make_run(chats=16, lanes=2), previous, times=2, by_text=False)
    assert rotation.sent_id_is_fresh(run).outcome == "pass"


def payload(**fields: Any) -> Any:
    known = {
        "rule": "title",
        "transport": "http",
        "method": "POST",
        "url": "http://a/api/title?x=1",
        "retry": False,
    }
    return SimpleNamespace(**known | fields)


class TestWords:
    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({}, "title request (POST /api/title)"),
            ({"retry": True}, "repeated title request (POST /api/title)"),
            ({"retry": None}, "title request (POST /api/title)"),
            ({"url": None}, "title request (POST /)"),
            ({"transport": "websocket", "url": "ws://a/ws"}, "title frame (/ws)"),
            ({"transport": "websocket", "retry": True, "url": "ws://a"}, "repeated title frame (/)"),
        ],
    )
    def test_a_payload(self, fields: dict[str, Any], text: str) -> None:
        assert secondary_requests._what(payload(**fields)) == text

    def old(self, what: str, session: str = "s…1", owner: int = 0) -> OldPayload:
        return OldPayload(1.0, what, session, ChatKey("run", 0, owner), ())

    def test_two_requests_are_named_and_others_counted_in(self) -> None:
        some = [self.old(what) for what in ("title", "title", "feedback")]
        assert secondary_requests.names(some[:1]) == "title"
        assert secondary_requests.names(some) == "title, feedback"
        assert secondary_requests.names([*some, self.old("rating")]) == "title, feedback and others"

    def test_a_chats_lines_are_one_for_each_request_and_id(self) -> None:
        some = [self.old("title"), self.old("title"), self.old("title", "s…2", 3)]
        assert secondary_requests.texts(some) == [
            "sent s…1, the ID of chat 0, in its title", "sent s…2, the ID of chat 3, in its title",
        ]  # fmt: skip

    def test_a_runs_lines_are_one_for_each_lane_request_and_id(self) -> None:
        run = assemble([make_run(chats=4, lanes=2)])
        name = run.metas[0].run_id
        found = {
            ChatKey(name, 1, 1): [self.old("title")], ChatKey(name, 0, 2): [self.old("title"), self.old("rating")],
            ChatKey(name, 0, 1): [self.old("title")],
        }  # fmt: skip
        assert secondary_requests.lines(run, found) == [
            "lane 0: title of chats 1-2 carried s…1, the ID of chat 0",
            "lane 0: rating of chat 2 carried s…1, the ID of chat 0",
            "lane 1: title of chat 1 carried s…1, the ID of chat 0",
        ]


class TestHeld:
    @pytest.mark.parametrize(
        ("session", "t", "let_go"),
        [("a", 2.5, True), ("a", 1.5, False), ("a", 0.5, False), ("a", 1.0, False), ("b", 2.5, False), ("b", 3.5, True),
         ("a", 3.5, False), ("c", 3.5, False), (None, 3.5, False)],
    )  # fmt: skip
    def test_a_store_let_go_of_an_id_when_it_held_another_one_after_it(
        self, session: str | None, t: float, let_go: bool
    ) -> None:
        held = secondary_requests._Held()
        for at, one in ((1.0, "a"), (2.0, "b"), (3.0, "a")):
            held.add(at, one)
        assert held.let_go_of(session, t) is let_go


class TestUsual:
    @pytest.mark.parametrize(
        ("ratios", "own", "usual"),
        [
            ([], None, 0.0),
            ([3.0], 3.0, 0.0),
            ([3.0], None, 3.0),
            ([3.0, 1.0], 3.0, 1.0),
            ([3.0, 1.0], 1.0, 3.0),
            ([9.0, 3.0, 2.0, 1.0], None, 3.0),
            ([9.0, 3.0, 2.0, 1.0, 1.0], 9.0, 2.0),
            ([9.0, 3.0, 2.0, 1.0, 1.0], 1.0, 3.0),
        ],
    )
    def test_three_of_four_other_sessions_do_not_exceed_it(
        self, ratios: list[float], own: float | None, usual: float
    ) -> None:
        assert secondary_requests._usual_without(ratios, own) == usual
