"""The facts about code words, page loads, other tabs, late replies and IDs in memory, each read from one chat that is written by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from e2e.analysis.causes.backend import provider_cycles
from e2e.analysis.causes.evidence import code_words as words
from e2e.analysis.causes.evidence import decisive_writes as decisive
from e2e.analysis.causes.evidence import in_memory_ids as memory
from e2e.analysis.causes.evidence import late_replies as late
from e2e.analysis.causes.evidence import scenario_predicates as s
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.page_leave import leave_write
from e2e.analysis.causes.evidence.predicates import Predicate
from e2e.analysis.causes.evidence.rows_by_chat import TimedIds
from e2e.analysis.causes.race import late_rotation
from e2e.records.records import CodePlace
from e2e.selftest.unit.analysis.causes.test_predicates import (
    BACK,
    ELSEWHERE,
    HEALTHY,
    KEPT,
    LANE,
    NEW,
    OLD,
    OLDER,
    OTHER,
    REMOVED,
    STORED,
    chat,
    message,
    write,
)
from e2e.selftest.unit.builders import judge_run


def recall(**changes: Any) -> Any:
    """The reply to message 1, in the chat that was given the word, did not know it; the payload held no word."""
    fields = {
        "names": None, "names_lane": None, "word_of": 2, "knows": False, "named_in_payload": None, "in_payload": False,
        "same_line": None, "message": 1,
    }  # fmt: skip
    return SimpleNamespace(**(fields | changes))


def recalled(
    *messages: Any, lane: Any = LANE, recalls: tuple[Any, ...] = (recall(),), **more: Any
) -> ChatEvidence:
    return chat(*(messages or (message(), message(1))), recalls=recalls, lane=lane, **more)


NAMED = recall(names=1, names_lane=0, named_in_payload=False)
LEFT: dict[str, Any] = {"after": "reload", "loaded": True}
LOADED = write(OLD, OLD, 3.0, op="start")

TABLE: list[tuple[Predicate, list[ChatEvidence], list[ChatEvidence]]] = [
    (
        words.reply_named_another_chats_word,
        [recalled(recalls=(NAMED,)), recalled(recalls=(recall(names=2, names_lane=1),))],
        [recalled(), recalled(recalls=(recall(names=2, names_lane=0),)), HEALTHY],
    ),
    (
        words.question_carried_nothing_of_that_chat,
        [recalled(recalls=(NAMED,))],
        [
            recalled(recalls=(recall(names=1, names_lane=0, named_in_payload=True),)),
            recalled(recalls=(recall(names=1, names_lane=0, named_in_payload=None),)),
            recalled(recalls=(NAMED, recall(names=0, names_lane=0, named_in_payload=True))),
            recalled(message(), message(1, bleeds_from=0), recalls=(NAMED,)),
            recalled(message(), message(1, sent_seen=False), recalls=(NAMED,)),
            recalled(message(), message(1, sent=OLDER), recalls=(NAMED,)),
            recalled(message(), message(1, sent=OTHER), recalls=(NAMED,), ids_of_chat_before=frozenset({OTHER})),
            recalled(recalls=(NAMED,), in_other_browsers=frozenset({NEW})),
        ],
    ),
    (
        words.chat_did_not_know_its_word,
        [recalled()],
        [recalled(recalls=(recall(knows=True),)), recalled(recalls=(recall(knows=None),)), recalled(recalls=(recall(word_of=1),)), HEALTHY],
    ),
    (
        words.question_carried_the_word,
        [recalled(recalls=(recall(in_payload=True),)), recalled(recalls=(recall(in_payload=True), recall(word_of=0)))],
        [recalled(), recalled(recalls=(recall(in_payload=True), recall())), recalled(recalls=(recall(in_payload=None),))],
    ),
    (
        words.session_stayed,
        [
            recalled(),
            recalled(message(sent=None), message(1), without_id=frozenset({0})),
            recalled(message(sent=None), message(1, sent=None), without_id=frozenset({0, 1}), recalls=(recall(same_line=True),)),
            recalled(recalls=(recall(same_line=True),)),
        ],
        [
            recalled(recalls=(recall(in_payload=True),)),
            recalled(recalls=(recall(in_payload=None),)),
            recalled(recalls=(recall(same_line=False),)),
            recalled(lane=replace(LANE, sends_history=True)),
            recalled(message(), message(1, sent=OTHER)),
            recalled(message(sent=None), message(1, sent=None)),
            recalled(message(), message(1, sent_seen=False)),
            recalled(message(sent=None), message(1, sent=None), without_id=frozenset({0, 1})),
        ],
    ),
    (
        words.carried_an_id_of_another_chat,
        [
            recalled(message(), message(1, sent=OLD)),
            recalled(message(), message(1, sent=OTHER), ids_of_chat_before=frozenset({OTHER})),
            recalled(message(sent=None), message(1, sent=None), lane=replace(LANE, never_sent=True)),
        ],
        [
            recalled(),
            recalled(message(sent=None), message(1, sent=None)),
            recalled(lane=replace(LANE, never_sent=True)),
            recalled(message(), message(1, sent=OLD, sent_seen=False)),
        ],
    ),
    (
        words.changed_its_id,
        [
            recalled(message(), message(1, sent=OTHER)),
            recalled(message(sent=None), message(1, sent=None), lane=replace(LANE, never_sent=True)),
        ],
        [
            recalled(),
            recalled(message(), message(1), message(2, sent=OTHER)),
            recalled(message(sent_seen=False), message(1, sent=OTHER)),
            recalled(message(), message(1, sent=OTHER, sent_seen=False)),
            recalled(message(), message(1, sent=OTHER), recalls=(recall(message=None),)),
            recalled(message(sent=None), message(1, sent=None)),
        ],
    ),
    (
        s.sent_id_follows_the_other_tab,
        [chat(message(), message(1, sent=OTHER, after="other-tab"), ids_of_other_tabs=frozenset({OTHER}))],
        [
            HEALTHY,
            chat(message(), message(1, after="other-tab"), ids_of_other_tabs=frozenset({NEW})),
            chat(message(), message(1, sent=OTHER, after="other-tab")),
            chat(message(), message(1, sent=OTHER), ids_of_other_tabs=frozenset({OTHER})),
            chat(
                message(), message(1, sent=OTHER, after="other-tab"), message(2, sent="third", after="other-tab"),
                ids_of_other_tabs=frozenset({OTHER}),
            ),
        ],
    ),
    (s.provider_follows_the_other_tab, [chat(other_tab_changed_provider=True)], [HEALTHY]),
    (
        s.older_chat_sends_a_newer_id,
        [chat(message(), message(1, sent=OTHER, after="return"), ids_of_later_chats=frozenset({OTHER}))],
        [
            HEALTHY,
            chat(message(), message(1, after="return"), ids_of_later_chats=frozenset({NEW})),
            chat(message(), message(1, sent=OTHER, after="return")),
            chat(message(), message(1, sent=OTHER, after="reload"), ids_of_later_chats=frozenset({OTHER})),
        ],
    ),
    (
        s.page_load_restored_an_ended_id,
        [
            chat(message(), message(1, sent=OLD, **LEFT)),
            chat(message(), message(1, sent=OLDER, after="back")),
            chat(message(sent=OLD, **LEFT), lane=replace(LANE, restores_on_load=True)),
            chat(message(sent=OLD, **LEFT), writes=(REMOVED, LOADED)),
        ],
        [
            HEALTHY,
            chat(message(), message(1, **LEFT)),
            chat(message(sent=OLD), message(1, sent=OLD, **LEFT)),
            chat(message(), message(1, sent=OLD)),
            chat(message(sent=OLD, **LEFT)),
            chat(message(sent=OLD, **LEFT), writes=(LOADED, REMOVED)),
            chat(message(sent=OLD, **LEFT), writes=(REMOVED, BACK, LOADED)),
        ],
    ),
    (s.leaving_ended_the_session, [chat(write_at_leave=REMOVED)], [HEALTHY]),
    (
        late.issued_id_arrived_in_the_new_chat,
        [chat(foreign_ids=(SimpleNamespace(late=False), SimpleNamespace(late=True)))],
        [HEALTHY, chat(foreign_ids=(SimpleNamespace(late=False),))],
    ),
    (
        late.stream_end_restored_the_old_id,
        [
            chat(follows_an_aborted_reply=True, writes=(REMOVED, STORED, write(OLD, NEW, 3.0))),
            chat(follows_an_aborted_reply=True, later_writes=(write(OLD, NEW, 3.0),)),
        ],
        [
            HEALTHY,
            chat(writes=(REMOVED, STORED, write(OLD, NEW, 3.0))),
            chat(follows_an_aborted_reply=True),
            chat(follows_an_aborted_reply=True, writes=(REMOVED, write(OLD, None, 3.0))),
            chat(follows_an_aborted_reply=True, writes=(REMOVED, STORED, write(OLDER, NEW, 3.0))),
            chat(follows_an_aborted_reply=True, writes=(REMOVED, STORED, write(OLD, OLD, 3.0))),
            chat(follows_an_aborted_reply=True, writes=(REMOVED, STORED, write(None, NEW, 3.0))),
            chat(follows_an_aborted_reply=True, writes=(REMOVED, STORED, write(None, None, 2.5, op="start"), write(OLD, NEW, 3.0))),
        ],
    ),
    (
        late.several_ids_were_stored_in_the_chat,
        [chat(stored_one_after_another=(NEW, OTHER))],
        [HEALTHY, chat(stored_one_after_another=(NEW,))],
    ),
    (memory.profile_names_no_store, [chat(lane=replace(LANE, stores=False))], [HEALTHY]),
    (memory.page_address_holds_the_id, [chat(lane=replace(LANE, in_address=True))], [HEALTHY]),
    (
        memory.reload_brought_another_id,
        [chat(lane=replace(LANE, reload_brings="another"))],
        [HEALTHY, chat(lane=replace(LANE, reload_brings="same"))],
    ),
    (
        late_rotation._has_one_payload,
        [chat(message())],
        [HEALTHY],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("predicate", "true", "false"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_predicate(predicate: Predicate, true: list[ChatEvidence], false: list[ChatEvidence]) -> None:
    assert [predicate(c) for c in true] == [True] * len(true)
    assert [predicate(c) for c in false] == [False] * len(false)


class TestStoredAgainByTheSend:
    SEND, OUTSIDE = ELSEWHERE, CodePlace("src/other.ts", 5, 1, "other", mapped=True, vendor=False)
    AGAIN = write(OLD, None, 2.0, SEND)

    @pytest.mark.parametrize(
        ("path", "brings", "found"),
        [
            ((SEND,), "", True),
            ((SEND, OUTSIDE), "", False),
            ((SEND, OUTSIDE), "another", True),
            ((SEND,), "same", False),
            ((OUTSIDE,), "another", False),
        ],
    )
    def test_the_path_of_the_write_is_that_of_the_send(
        self, path: tuple[CodePlace, ...], brings: Any, found: bool
    ) -> None:
        again = replace(self.AGAIN, path=path)
        c = chat(
            message(sent=OLD), writes=(REMOVED, again), send_path=(self.SEND,),
            lane=replace(LANE, reload_brings=brings),
        )  # fmt: skip
        assert memory.send_stored_the_old_id_again(c) == found

    def test_what_new_chat_ran_too_is_not_the_send(self) -> None:
        removed = replace(REMOVED, path=(self.SEND,))
        assert not memory.send_stored_the_old_id_again(
            chat(message(sent=OLD), writes=(removed, self.AGAIN), send_path=(self.SEND,))
        )

    def test_a_store_that_was_empty_already_has_no_code_of_new_chat(self) -> None:
        c = chat(message(sent=OLD), stored_before=None, writes=(self.AGAIN,), send_path=(self.SEND,))
        assert memory.send_stored_the_old_id_again(c)
        assert not memory.send_stored_the_old_id_again(chat(writes=(REMOVED,), send_path=(self.SEND,)))


class TestDecisiveWrites:
    def test_the_write_that_a_cause_is_about(self) -> None:
        assert decisive.write_that_dropped_the_old_id(chat(writes=(KEPT, REMOVED, STORED))) is REMOVED
        assert decisive.write_that_dropped_the_old_id(chat(writes=(), earlier_removal=REMOVED)) is REMOVED
        assert decisive.write_of_the_old_id(chat(writes=(REMOVED, BACK))) is BACK
        assert decisive.write_of_the_old_id(chat(writes=(KEPT,))) is KEPT
        assert decisive.write_of_the_old_id(HEALTHY) is None
        assert decisive.write_of_the_stored_id(chat(writes=(REMOVED, BACK, STORED))) is STORED
        assert decisive.write_of_the_stored_id(chat(stored=None, writes=(REMOVED,))) is None
        assert decisive.write_at_page_leave(chat(write_at_leave=REMOVED)) is REMOVED

    def test_the_removal_before_a_restore(self) -> None:
        assert decisive.removal_before_restore(chat(writes=(KEPT, REMOVED, BACK)), BACK) is REMOVED
        assert decisive.removal_before_restore(chat(writes=(BACK,), earlier_removal=REMOVED), BACK) is REMOVED
        assert decisive.removal_before_restore(chat(writes=(BACK,)), BACK) is None

    def test_the_write_of_another_issued_id(self) -> None:
        other = write(OTHER, NEW, 4.0)
        c = chat(later_writes=(write(NEW, None, 3.0), other), stored_one_after_another=(NEW, OTHER))
        assert decisive.write_of_another_issued_id(c) is other
        assert decisive.write_of_another_issued_id(replace(c, stored_one_after_another=())) is None
        assert decisive.write_of_another_issued_id(replace(c, later_writes=())) is None


def test_ids_of_a_chat_until_a_time() -> None:
    timed = TimedIds([(1.0, OLD), (2.0, NEW)])
    assert [timed.until(t) for t in (0.5, 1.0, 1.5, 2.0, 9.0)] == [
        frozenset(),
        {OLD},
        {OLD},
        {OLD, NEW},
        {OLD, NEW},
    ]
    assert TimedIds([]).until(0.0) == frozenset()


class TestLeave:
    """The first page ends at 2.0; the next one starts at 3.0 and sends at 5.0."""

    RUN = judge_run(chats=1, lanes=1, backend=False, stacks=False)
    CHAT: Any = SimpleNamespace(began=0.0, ended=9.0, tab=0)

    def row(self, t: float, session: str | None, previous: str | None, op: str = "set", **more: Any) -> Any:
        fields = {"run_id": "r", "by": "page", "tab": 0, "stack": ()}
        return SimpleNamespace(t=t, session=session, previous=previous, op=op, **(fields | more))

    def found(self, *writes: Any, first: Any = None, second: Any = None) -> float | None:
        one = first or message(ended_at=2.0, sent_at=1.0)
        two = second or message(1, sent=OTHER, stored=OTHER, sent_at=5.0, **LEFT)
        gone = leave_write(self.RUN, writes, self.CHAT, [one, two])
        return None if gone is None else gone.t

    def test_the_write_between_the_reply_and_the_next_page(self) -> None:
        removed, start = self.row(2.5, None, NEW), self.row(3.0, None, None, "start")
        assert self.found(removed, start) == 2.5
        assert self.found(self.row(2.0, None, NEW), start) == 2.0
        assert self.found(self.row(1.9, None, NEW), start) is None
        assert self.found(self.row(2.2, OTHER, NEW), removed, start) == 2.5
        assert self.found(start, self.row(3.5, None, NEW)) is None
        assert (
            self.found(self.row(5.0, None, NEW)) == 5.0
        )  # from the back/forward cache: until the next payload
        assert self.found(self.row(5.1, None, NEW)) is None

    @pytest.mark.parametrize("other", [{"by": "suite"}, {"tab": 1}, {"previous": OTHER}, {"session": NEW}])
    def test_another_write_is_not_the_leaving(self, other: dict[str, Any]) -> None:
        one = {"t": 2.5, "session": None, "previous": NEW} | other
        assert self.found(self.row(**cast(Any, one)), self.row(3.0, None, None, "start")) is None

    def test_a_page_that_goes_on_with_its_id_did_not_end_it(self) -> None:
        removed = self.row(2.5, None, NEW)
        assert self.found(removed, self.row(3.0, NEW, NEW, "start")) is None
        start = self.row(3.0, None, None, "start")
        for stored in ({"stored_seen": False}, {"stored": NEW}):
            more: dict[str, Any] = LEFT | stored
            same = message(1, sent=NEW, sent_at=5.0, **more)
            assert self.found(removed, start, second=same) is None
        same = message(1, sent=NEW, stored=None, sent_at=5.0, **LEFT)
        assert self.found(removed, start, second=same) == 2.5

    def test_only_a_leave_that_was_seen_counts(self) -> None:
        removed, start = self.row(2.5, None, NEW), self.row(3.0, None, None, "start")
        ways: list[dict[str, Any]] = [{"after": ""}, {"after": "other-tab"}, {"sent_seen": False}]
        for second in ways:
            fields: dict[str, Any] = {"sent": OTHER, "stored": OTHER, "sent_at": 5.0} | LEFT | second
            m = message(1, **fields)
            assert self.found(removed, start, second=m) is None
        assert self.found(removed, start, first=message(ended_at=None)) is None
        assert self.found(removed, start, first=message(sent=None, ended_at=2.0)) is None
        back = message(1, sent=OTHER, stored=OTHER, sent_at=None, after="back")
        assert self.found(self.row(8.9, None, NEW), second=back) == 8.9

    def test_a_page_that_is_left_right_after_new_chat(self) -> None:
        first = message(sent=OTHER, stored=None, sent_at=5.0, **LEFT)
        writes = [self.row(1.0, None, OTHER), self.row(3.0, None, None, "start")]
        gone = leave_write(self.RUN, writes, self.CHAT, [first])
        assert gone is not None
        assert gone.t == 1.0


def test_a_cycle_needs_no_id() -> None:
    rule = provider_cycles.CAUSE.run_rule
    assert rule is not None
    assert rule.without_id(judge_run(chats=1, lanes=1, backend=False))
