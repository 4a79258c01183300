"""Each fact that the causes combine, read from the evidence of one chat that is written by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.causes.evidence import decisive_writes
from e2e.analysis.causes.evidence import predicates as p
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.lane_history import Lane, Write
from e2e.analysis.causes.frontend_state import stale_state
from e2e.analysis.facts.secondary_requests import OldPayload
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import CodePlace

OLDER, OLD, NEW, OTHER = "older", "old", "new", "other"
GENERATOR = CodePlace("src/session.ts", 10, 1, "createSession", mapped=True, vendor=False)
ELSEWHERE = CodePlace("src/restore.ts", 20, 1, "restore", mapped=True, vendor=False)
LANE = Lane(
    generator=GENERATOR,
    touches=(),
    shared_frames=0,
    writes_seen=True,
    sends_one_behind=False,
    generates_often=False,
    restores_on_load=False,
    regenerates_on_load=False,
)


def message(number: int = 0, sent: str | None = NEW, stored: str | None = NEW, **more: Any) -> Any:
    fields = {
        "number": number, "sent": sent, "sent_seen": True, "stored": stored, "stored_seen": True, "after": "", "loaded": False,
        "served_by": "", "bleeds_from": None, "label_provider": None, "reply_provider": None,
    }  # fmt: skip
    return SimpleNamespace(**(fields | more))


def write(
    session: str | None, previous: str | None, t: float = 1.0, place: CodePlace = GENERATOR, op: str = "set"
) -> Write:
    return Write(t, op, session, previous, (place,))


REMOVED, STORED = write(None, OLD, 1.0), write(NEW, None, 2.0)
KEPT = write(OLD, OLD, 1.0)
BACK = write(OLD, None, 2.0, ELSEWHERE)


def chat(
    *messages: Any, stored: str | None = NEW, stored_before: str | None = OLD, **more: Any
) -> ChatEvidence:
    """The second chat after New Chat, of a browser whose two chats before it had the IDs ``older`` and ``old``."""
    row = {
        "via": "new_chat", "tab": 0, "stored": stored, "stored_seen": True, "scenario": "plain", "shows_from": None,
    } | more.pop("row", {})  # fmt: skip
    fields: dict[str, Any] = {
        "key": ChatKey("r", 0, 2),
        "chat": SimpleNamespace(**row),
        "messages": messages or (message(),),
        "before": SimpleNamespace(stored_before=stored_before, sent_before=OLD),
        "earlier": (frozenset({OLDER}), frozenset({OLD})),
        "in_other_browsers": frozenset(),
        "seen_earlier": frozenset({OLDER, OLD}),
        "writes": (REMOVED, STORED),
        "earlier_removal": None,
        "send_path": (),
        "lane": LANE,
        "earlier_providers": (),
    }
    return ChatEvidence(**(fields | more))


HEALTHY = chat(message(), message(1))
STALE = chat(message(sent=OLD), message(1, sent=OLD))


class TestIds:
    def test_old_ids_are_those_of_all_earlier_chats_and_of_the_store_at_the_click(self) -> None:
        assert HEALTHY.old_ids == {OLDER, OLD}
        assert chat(stored_before=OTHER).old_ids == {OLDER, OLD, OTHER}
        assert chat(stored_before=None).old_ids == {OLDER, OLD}
        assert chat(before=None, earlier=()).old_ids == frozenset()

    def test_previous_ids_are_those_of_the_last_chat(self) -> None:
        assert HEALTHY.previous_ids == {OLD}
        assert chat(stored_before=OTHER, ids_of_chat_before=frozenset({"tab"})).previous_ids == {
            OLD,
            OTHER,
            "tab",
        }

    def test_messages_after_a_load_or_another_action_are_not_of_the_running_page(self) -> None:
        c = chat(
            message(sent="a", loaded=True),
            message(1, sent="b"),
            message(2, sent="c", after="stop"),
            message(3, sent="d", after="back"),
            message(4, sent="e", loaded=True),
            message(5, sent="f"),
        )
        assert c.sent == ("a", "b", "d")

    def test_a_message_that_was_not_seen_or_needs_no_id_does_not_count(self) -> None:
        c = chat(
            message(sent=None), message(1, sent="x", sent_seen=False), message(2), without_id=frozenset({0})
        )
        assert (c.sent, c.first) == ((NEW,), NEW)
        assert chat(message(sent_seen=False)).first is None

    @pytest.mark.parametrize(
        ("c", "incomplete"),
        [
            (HEALTHY, False),
            (chat(message(sent_seen=False)), True),
            (chat(message(stored_seen=False)), True),
            (chat(row={"stored_seen": False}), True),
            (chat(message(stored_seen=False), lane=replace(LANE, writes_seen=False)), False),
            (replace(HEALTHY, messages=()), True),
        ],
    )
    def test_a_payload_or_a_store_that_was_not_seen_makes_the_evidence_incomplete(
        self, c: ChatEvidence, incomplete: bool
    ) -> None:
        assert c.incomplete is incomplete


class TestWrites:
    def test_the_write_of_the_stored_id_is_not_any_other_write(self) -> None:
        passing = write(OTHER, None, 1.5)
        assert decisive_writes.write_of_the_stored_id(
            chat(writes=(REMOVED, passing, write(NEW, OTHER, 2.0)))
        ) == write(NEW, OTHER, 2.0)
        assert decisive_writes.write_of_the_stored_id(chat(writes=(REMOVED, STORED), stored=None)) is None
        assert decisive_writes.write_of_the_stored_id(chat(writes=(REMOVED,))) is None

    def test_an_old_id_that_comes_back_after_its_removal_was_restored(self) -> None:
        assert chat(writes=(REMOVED, BACK)).restoring_write() == BACK
        assert chat(writes=(BACK,), stored_before=None).restoring_write() == BACK
        assert chat(writes=(BACK,)).restoring_write() is None, "nothing was removed before it"
        assert chat(writes=(KEPT,), stored_before=None).restoring_write() is None
        assert HEALTHY.restoring_write() is None

    def test_the_write_that_removed_it_before_is_the_removal(self) -> None:
        c = chat(writes=(KEPT, REMOVED, BACK), earlier_removal=STORED)
        assert decisive_writes.removal_before_restore(c, BACK) == REMOVED
        assert decisive_writes.removal_before_restore(replace(c, writes=(BACK,)), BACK) == STORED
        assert decisive_writes.write_that_dropped_the_old_id(c) == REMOVED
        assert decisive_writes.write_that_dropped_the_old_id(replace(c, writes=(KEPT,))) == STORED
        assert decisive_writes.write_of_the_old_id(c) == BACK

    def test_the_same_value_from_the_generator_is_generated_again_and_from_a_touch_is_not(self) -> None:
        assert chat(writes=(KEPT,)).regenerating_write() == KEPT
        assert chat(writes=(write(OLD, OLD, place=ELSEWHERE),)).regenerating_write() is None
        assert chat(writes=(write(None, None),)).regenerating_write() is None
        assert chat(writes=(KEPT,), lane=replace(LANE, touches=(GENERATOR,))).regenerating_write() is None
        assert chat(writes=(KEPT,), lane=replace(LANE, generator=None)).regenerating_write() is None
        assert chat(writes=(replace(KEPT, path=()),)).regenerating_write() is None

    def test_the_id_before_the_last_change(self) -> None:
        assert HEALTHY.id_before_the_last_change == OLD
        assert (
            chat(writes=(REMOVED, write(OTHER, None), write(NEW, OTHER))).id_before_the_last_change == OTHER
        )
        assert chat(stored_before=None).id_before_the_last_change is None
        assert chat(writes=(write(OTHER, OTHER),)).id_before_the_last_change == OLD

    def test_writes_after_a_page_load_are_of_the_next_page(self) -> None:
        start = write(NEW, NEW, 3.0, op="start")
        c = chat(writes=(REMOVED, start, BACK))
        assert (c.writes_before_load, c.page_was_loaded) == ((REMOVED,), True)
        assert (HEALTHY.writes_before_load, HEALTHY.page_was_loaded) == ((REMOVED, STORED), False)
        assert not p.old_id_was_restored_without_a_page_load(c)
        assert p.old_id_was_restored_without_a_page_load(chat(writes=(REMOVED, BACK, start)))

    def test_another_issued_id_is_the_last_one_stored(self) -> None:
        late = write(OTHER, NEW, 5.0)
        c = chat(stored_one_after_another=(NEW, OTHER), later_writes=(write(NEW, None, 4.0), late))
        assert decisive_writes.write_of_another_issued_id(c) == late
        assert decisive_writes.write_of_another_issued_id(replace(c, stored_one_after_another=())) is None


def old_payload(session: str) -> OldPayload:
    return OldPayload(2.0, "title request", session, ChatKey("r", 0, 1), ())


TABLE: list[tuple[p.Predicate, list[ChatEvidence], list[ChatEvidence]]] = [
    (p.after_new_chat, [HEALTHY], [chat(before=None)]),
    (
        p.started_by_page_load,
        [chat(row={"via": "load"}, earlier=()), chat(row={"via": "load", "tab": 1})],
        [HEALTHY, chat(row={"via": "load"})],
    ),
    (
        p.new_tab_generated_a_known_id,
        [
            chat(row={"tab": 1}, writes=(write(OLD, None),)),
            chat(row={"tab": 1}, lane=replace(LANE, regenerates_on_load=True)),
        ],
        [
            chat(writes=(write(OLD, None),)),
            chat(row={"tab": 1}, writes=(STORED,)),
            chat(row={"tab": 1}, writes=(BACK,)),
            chat(row={"tab": 1}, writes=(KEPT,)),
        ],
    ),
    (
        p.id_was_in_another_browser_before,
        [chat(in_other_browsers=frozenset({OLD}))],
        [HEALTHY, chat(in_other_browsers=frozenset({NEW}))],
    ),
    (p.id_is_in_another_browser, [chat(in_other_browsers=frozenset({NEW}))], [HEALTHY]),
    (
        p.old_id_was_generated_again,
        [
            chat(writes=(KEPT,)),
            chat(writes=(REMOVED, write(OLD, None))),
            chat(message(sent=OLD), writes=(), lane=replace(LANE, regenerates_on_load=True)),
        ],
        [
            HEALTHY,
            chat(writes=(REMOVED, BACK)),
            chat(message(), lane=replace(LANE, regenerates_on_load=True)),
            chat(message(sent=OLDER), lane=replace(LANE, regenerates_on_load=True)),
        ],
    ),
    (
        p.old_id_was_restored_by_other_code,
        [chat(writes=(REMOVED, BACK))],
        [
            HEALTHY,
            chat(writes=(REMOVED, write(OLD, None))),
            chat(writes=(REMOVED, BACK), lane=replace(LANE, generator=None)),
            chat(writes=(REMOVED, replace(BACK, path=()))),
        ],
    ),
    (
        p.shared_id_was_written_in_this_chat,
        [
            chat(writes=(REMOVED, BACK)),
            chat(writes=(KEPT,)),
            chat(lane=replace(LANE, writes_seen=False)),
            chat(in_other_browsers=frozenset({NEW})),
        ],
        [HEALTHY, chat(in_other_browsers=frozenset({OLD}))],
    ),
    (
        p.id_belongs_to_an_older_chat,
        [chat(stored=OLDER), chat(message(sent=OLDER), row={"stored_seen": False})],
        [HEALTHY, chat(stored=OLD), chat(stored=None), chat(message(sent=OLDER))],
    ),
    (
        p.id_was_written_by_the_generator,
        [HEALTHY, chat(message(), lane=replace(LANE, writes_seen=False), row={"stored_seen": False})],
        [
            chat(writes=(REMOVED, replace(STORED, path=(ELSEWHERE,)))),
            chat(writes=(REMOVED, write(OTHER, None))),
            chat(message(sent=OLD), lane=replace(LANE, writes_seen=False), row={"stored_seen": False}),
        ],
    ),
    (
        p.no_write_changed_the_key,
        [chat(writes=()), chat(writes=(write(OLD, OLD, place=ELSEWHERE),))],
        [HEALTHY, chat(writes=(KEPT,))],
    ),
    (
        p.store_kept_the_old_id,
        [chat(stored=OLD)],
        [
            HEALTHY,
            chat(stored=None, stored_before=None),
            chat(stored=OLD, before=None),
            chat(stored=OLD, row={"stored_seen": False}),
        ],
    ),
    (
        p.store_kept_the_id_of_another_tab,
        [chat(stored=OTHER, stored_before=OTHER, ids_of_other_tabs=frozenset({OTHER}))],
        [
            chat(stored=OLD, ids_of_other_tabs=frozenset({OLD})),
            chat(stored=OTHER, stored_before=OTHER),
            chat(ids_of_other_tabs=frozenset({NEW})),
        ],
    ),
    (
        p.store_got_no_id_after_the_first_payload,
        [HEALTHY, chat(later_writes=(write(None, NEW), write(NEW, NEW)))],
        [chat(later_writes=(STORED,))],
    ),
    (
        p.sent_ids_equal_stored_ids,
        [HEALTHY, chat(message(sent=OLD, stored_seen=False))],
        [STALE, chat(message(), message(1, sent=OLD))],
    ),
    (
        p.sent_id_never_changed,
        [HEALTHY, STALE, chat(message(sent_seen=False))],
        [chat(message(sent=OLD), message(1))],
    ),
    (
        p.store_dropped_the_old_id,
        [
            HEALTHY,
            STALE,
            chat(message(stored=None), stored=None, writes=(REMOVED,)),
            chat(writes=(), earlier_removal=REMOVED),
        ],
        [
            chat(before=None),
            chat(writes=()),
            chat(message(stored=OLD)),
            chat(message(stored=OLDER)),
            chat(message(stored_seen=False)),
        ],
    ),
    (
        p.first_payload_carried_the_previous_id,
        [STALE, chat(message(sent=OLD), message(1))],
        [
            HEALTHY,
            chat(message(sent=OLDER)),
            chat(message(sent=None)),
            chat(message(), message(1, sent=OLD)),
            replace(STALE, before=None),
        ],
    ),
    (
        p.payloads_kept_the_last_sent_id,
        [STALE],
        [
            HEALTHY,
            chat(message(sent=OLD), message(1)),
            chat(message(sent=OLDER)),
            replace(STALE, before=None),
        ],
    ),
    (p.messages_carried_fresh_ids, [HEALTHY], [STALE, chat(message(), message(1, sent=OLDER))]),
    (
        p.only_retries_carried_an_old_id,
        [chat(message(), message(1, sent=OLD), resent_payloads=(old_payload(OLD),))],
        [
            HEALTHY,
            STALE,
            chat(message(sent=OLD), message(1, sent=OLD), resent_payloads=(old_payload(OLD),)),
            chat(message(sent=OLD, stored=OLD), resent_payloads=(old_payload(OLD),)),
            chat(message(sent=OLDER), resent_payloads=(old_payload(OLD),)),
        ],
    ),
    (
        p.another_request_carried_an_old_id,
        [chat(secondary_payloads=(old_payload(OLD),))],
        [
            HEALTHY,
            chat(secondary_payloads=(old_payload(OLD), old_payload(OTHER))),
            chat(stored=OLD, secondary_payloads=(old_payload(OLD),)),
            chat(secondary_payloads=(old_payload(OLD),), row={"via": "load"}),
        ],
    ),
    (
        p.later_payloads_carried_fresh_ids,
        [chat(message(sent=OLD), message(1)), chat(message(sent=None), message(1))],
        [
            HEALTHY,
            STALE,
            chat(message(sent=OLD)),
            chat(message(sent=OLD), message(1, sent=OLDER)),
            chat(message(sent=OLD), message(1), message(2, sent=None)),
            chat(message(sent=OLD), message(1), message(2, sent=OLD)),
        ],
    ),
    (
        p.payloads_are_one_chat_behind,
        [
            chat(message(sent=OLD), lane=replace(LANE, sends_one_behind=True)),
            chat(
                message(sent=OTHER),
                writes=(REMOVED, write(OTHER, None), write(NEW, OTHER)),
                lane=replace(LANE, sends_one_behind=True),
            ),
        ],
        [
            STALE,
            replace(HEALTHY, lane=replace(LANE, sends_one_behind=True)),
            chat(message(sent=None), lane=replace(LANE, sends_one_behind=True)),
            chat(message(sent=OLD), message(1), lane=replace(LANE, sends_one_behind=True)),
        ],
    ),
    (
        p.several_fresh_ids_were_sent,
        [chat(message(), message(1, sent=OTHER))],
        [
            HEALTHY,
            chat(message(), message(1, sent=OLD)),
            chat(message(), message(1, sent=None)),
            chat(message(), message(1, sent=OTHER), ids_of_other_tabs=frozenset({OTHER})),
            chat(message(), message(1, sent=OTHER), ids_of_later_chats=frozenset({OTHER})),
            chat(message(), message(1, sent=OTHER, sent_seen=False)),
            chat(message(sent=OTHER), message(1), without_id=frozenset({0})),
        ],
    ),
    (
        p.one_fresh_id_was_sent,
        [HEALTHY],
        [STALE, chat(message(), message(1, sent=OTHER)), chat(message(sent=None))],
    ),
    (
        p.another_fresh_id_was_stored,
        [chat(message(stored=OTHER)), STALE],
        [
            HEALTHY,
            chat(message(stored=OLD)),
            chat(message(stored=None)),
            chat(message(stored=OTHER), message(1, stored="third")),
        ],
    ),
    (
        p.first_payload_differed_from_the_store,
        [chat(message(stored=OTHER)), STALE],
        [
            HEALTHY,
            chat(message(stored=None)),
            chat(message(sent=None)),
            chat(message(stored=OTHER, stored_seen=False)),
            chat(message(), message(1, stored=OTHER)),
        ],
    ),
    (
        p.exactly_two_fresh_ids,
        [chat(message(stored=OTHER)), chat(message(), message(1, sent=OTHER, stored=OTHER))],
        [HEALTHY, STALE, chat(message(stored=None)), chat(message(stored=OTHER), message(1, stored="third"))],
    ),
    (p.payload_contains_text_of_an_earlier_chat, [chat(message(), message(1, bleeds_from=0))], [HEALTHY]),
    (p.reply_came_from_a_cache, [chat(message(), message(1, served_by="service worker"))], [HEALTHY]),
    (p.stored_id_was_never_sent, [chat(lane=replace(LANE, never_sent=True))], [HEALTHY]),
    (p.ids_change_without_user_action, [chat(lane=replace(LANE, generates_often=True))], [HEALTHY]),
    (p.writes_were_observed, [HEALTHY], [chat(lane=replace(LANE, writes_seen=False))]),
    (p.message_was_lost, [chat(lost_messages=1)], [HEALTHY]),
    (p.screen_shows_text_of_an_older_reply, [chat(row={"shows_from": 0})], [HEALTHY]),
    (
        p.wrong_labels_name_earlier_providers,
        [
            chat(message(label_provider="A", reply_provider="B"), earlier_providers=("A",)),
            chat(
                message(label_provider="A", reply_provider="A"),
                message(1, label_provider="A", reply_provider="B"),
            ),
        ],
        [
            HEALTHY,
            chat(message(label_provider="A", reply_provider="A"), earlier_providers=("A",)),
            chat(message(label_provider="A", reply_provider="B")),
            chat(message(label_provider="A", reply_provider=None), earlier_providers=("A",)),
            chat(
                message(label_provider="A", reply_provider="B"),
                message(1, label_provider="C", reply_provider="B"),
                earlier_providers=("A",),
            ),
        ],
    ),
    (
        p.payloads_carried_no_id,
        [chat(message(sent=None)), chat(message(sent=None), message(1, sent=None, sent_seen=False))],
        [HEALTHY, chat(message(sent=None), message(1)), chat(message(sent=None, sent_seen=False))],
    ),
]


@pytest.mark.parametrize(("predicate", "true", "false"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_predicate(predicate: p.Predicate, true: list[ChatEvidence], false: list[ChatEvidence]) -> None:
    assert [predicate(c) for c in true] == [True] * len(true)
    assert [predicate(c) for c in false] == [False] * len(false)


def test_the_first_request_with_an_old_id_shows_the_code_that_sent_it() -> None:
    first, second = replace(old_payload(OLD), path=(GENERATOR,)), replace(old_payload(OLD), path=(ELSEWHERE,))
    c = chat(secondary_payloads=(first, second), resent_payloads=(second, first), send_path=(ELSEWHERE,))
    assert stale_state._sender_of_secondary_request(c) == (GENERATOR,)
    assert stale_state._sender_of_retry(c) == (ELSEWHERE,)
    assert stale_state._sender_of_retry(chat(send_path=(GENERATOR,))) == (GENERATOR,)
    assert stale_state._sender_of_secondary_request(chat(send_path=(GENERATOR,))) == (GENERATOR,)


class TestLateRotation:
    FRESH = write(NEW, OLD, 5.0)

    def test_a_fresh_id_that_later_payloads_carry_is_a_rotation(self) -> None:
        c = chat(message(sent=OLD), later_writes=(self.FRESH,), sent_in_lane=((1.0, OLD), (6.0, NEW)))
        assert p.store_rotated_after_the_first_payload(c)
        assert not p.store_never_rotated(c)
        assert p.rotation_came_after_the_first_payload(c)

    def test_an_echo_that_nobody_sends_is_none(self) -> None:
        c = chat(
            message(sent=OLD), later_writes=(self.FRESH,), sent_in_lane=((1.0, OLD), (4.0, NEW), (6.0, OLD))
        )
        assert not p.store_rotated_after_the_first_payload(c)

    def test_where_nothing_is_sent_later_other_chats_show_it(self) -> None:
        c = chat(message(sent=OLD), later_writes=(self.FRESH,), sent_in_lane=((1.0, OLDER), (4.0, OLD)))
        assert p.store_rotated_after_the_first_payload(c)
        assert not p.store_rotated_after_the_first_payload(replace(c, sent_in_lane=((1.0, OLD), (4.0, OLD))))

    @pytest.mark.parametrize("scenario", ["two-tabs", "return-to-chat"])
    def test_other_chats_of_a_scenario_may_write_too(self, scenario: str) -> None:
        c = chat(
            message(sent=OLD),
            later_writes=(self.FRESH,),
            sent_in_lane=((6.0, NEW),),
            row={"scenario": scenario},
        )
        assert p.store_never_rotated(c)

    def test_an_old_or_removed_id_is_no_rotation(self) -> None:
        for one in (write(OLDER, OLD, 5.0), write(None, OLD, 5.0), write(NEW, NEW, 5.0)):
            c = chat(
                message(sent=OLD), later_writes=(one,), sent_in_lane=((6.0, one.session or ""), (7.0, NEW))
            )
            assert p.store_never_rotated(c)
