"""The deterministic checks about sessions and content: what fails them, what does not, and what cannot be judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks import chat, rotation, smoke
from e2e.analysis.model.check import Check
from e2e.analysis.model.run import Run, assemble
from e2e.records.records import Chat, Policy, RunRecords
from e2e.selftest.unit.builders import PROVIDERS, judge_run, make_run, with_chats, with_messages, with_meta

ALL = (
    smoke.smoke,
    rotation.stored_id_is_fresh,
    rotation.sent_id_is_fresh,
    rotation.sent_equals_stored,
    rotation.one_id_per_chat,
    chat.starts_empty,
)


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.name)
def test_a_healthy_run_passes_with_a_detection_limit(check: Check) -> None:
    verdict = check(judge_run())
    assert (verdict.name, verdict.outcome) == (check.name, "pass")
    assert verdict.detection_limit
    assert not verdict.chats


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.name)
def test_no_chat_is_inconclusive_and_never_a_pass(check: Check) -> None:
    run = assemble([replace(make_run(), chats=(), events=())])
    verdict = check(run)
    assert verdict.outcome == "inconclusive"
    assert verdict.headline.startswith("no chat was observed")
    assert "needs" in verdict.needs


@pytest.mark.parametrize("check", ALL[1:3], ids=lambda c: c.name)
def test_chats_without_a_transition_are_inconclusive(check: Check) -> None:
    verdict = check(judge_run(chats=4, lanes=4))
    assert (verdict.outcome, verdict.needs) == ("inconclusive", "needs at least 2 observed chats in one lane")


def test_the_detection_limit_of_sixteen_clean_transitions() -> None:
    verdict = rotation.sent_id_is_fresh(judge_run(chats=20, lanes=4))
    assert (
        verdict.detection_limit
        == "16 clean transitions bound the reuse rate by 17.1 % at 95 %; 59 are needed for 5 %"
    )
    assert verdict.numbers["bound95"] == 0.1707


def test_twenty_transitions_have_the_published_bound() -> None:
    verdict = rotation.sent_id_is_fresh(judge_run(chats=21, lanes=1))
    assert "20 clean transitions bound the reuse rate by 13.9 %" in verdict.detection_limit


def test_a_stale_state_is_seen_in_what_is_sent() -> None:
    verdict = rotation.sent_id_is_fresh(judge_run("stale-state"))
    assert verdict.outcome == "fail"
    assert verdict.headline == "16 of 16 new chats kept sending an old session ID"
    assert verdict.numbers["reused"] == verdict.numbers["transitions"] == 16
    assert verdict.numbers["bound95"] == 1.0
    assert len(verdict.chats) == 16
    assert verdict.actual[0].startswith("lane 0: session_…")
    assert "sent in chats 0-4 (stored: " in verdict.actual[0]
    assert verdict.actual[0].endswith(", then nothing)")


def test_an_empty_store_is_a_finding_and_an_unseen_one_is_not() -> None:
    run = judge_run("stale-state")
    verdict = rotation.stored_id_is_fresh(run)
    assert verdict.headline == "16 of 16 new chats left no session ID in the store"
    assert (verdict.numbers["without_id"], verdict.numbers["reused"]) == (16, 0)

    unseen = with_chats(
        make_run("stale-state"),
        lambda c: replace(
            c, stored_seen=False, messages=tuple(replace(m, stored_seen=False) for m in c.messages)
        ),
    )
    verdict = rotation.stored_id_is_fresh(assemble([unseen]))
    assert verdict.outcome == "inconclusive"
    assert verdict.headline == "the store of no new chat could be read"
    assert verdict.numbers["not_seen"] == 16


def test_a_payload_without_an_id_is_a_finding_and_an_unseen_one_is_not() -> None:
    verdict = rotation.sent_id_is_fresh(assemble([with_messages(make_run(), sent=None)]))
    assert verdict.headline == "16 of 16 new chats sent no session ID"
    unseen = rotation.sent_id_is_fresh(assemble([with_messages(make_run(), sent=None, sent_seen=False)]))
    assert unseen.outcome == "inconclusive"


def test_an_old_id_is_one_also_where_the_backend_refuses_it() -> None:
    verdict = rotation.sent_id_is_fresh(assemble([_refused(make_run("stale-state"), from_chat=1)]))
    assert verdict.headline == "16 of 16 new chats kept sending an old session ID"


def test_an_old_id_is_one_also_in_a_chat_that_the_environment_ended() -> None:
    """What it sent is seen; that it sent a fresh one would show nothing, since nobody answered."""

    def blocked(records: RunRecords) -> Run:
        return assemble([with_chats(records, lambda c: replace(c, status="blocked") if c.chat == 4 else c)])

    verdict = rotation.sent_id_is_fresh(blocked(make_run("stale-state")))
    assert verdict.headline == "16 of 16 new chats kept sending an old session ID"
    verdict = rotation.sent_id_is_fresh(blocked(make_run()))
    assert (verdict.outcome, verdict.numbers["transitions"]) == ("pass", 12)
    stored = rotation.stored_id_is_fresh(blocked(make_run("stale-state")))
    assert stored.numbers["transitions"] == 12  # a page that was shut out may well have emptied its store


def test_a_chat_of_which_nothing_was_taken_may_be_gone_on_with() -> None:
    """As an empty chat: where the page takes it for one, New Chat does nothing, and that is no fault."""
    records = make_run(chats=4, lanes=1)
    of_refused = records.chats[1].messages[0].sent
    again = with_chats(
        _refused(records, from_chat=1, to_chat=1),
        lambda c: (
            replace(c, messages=tuple(replace(m, sent=of_refused, stored=of_refused) for m in c.messages))
            if c.chat == 2
            else c
        ),
    )
    verdict = rotation.sent_id_is_fresh(assemble([again]))
    assert (verdict.outcome, verdict.numbers["transitions"]) == ("pass", 2)


def _refused(records: RunRecords, from_chat: int, to_chat: int = 99) -> RunRecords:
    return with_chats(
        records,
        lambda c: (
            replace(c, messages=tuple(replace(m, outcome="http_error", status=404) for m in c.messages))
            if from_chat <= c.chat <= to_chat
            else c
        ),
    )


def test_unreadable_payloads_weaken_the_detection_limit() -> None:
    records = make_run()
    hidden = with_chats(
        records,
        lambda c: (
            replace(c, messages=tuple(replace(m, sent=None, sent_seen=c.chat != 2) for m in c.messages))
            if c.chat == 2
            else c
        ),
    )
    verdict = rotation.sent_id_is_fresh(assemble([hidden]))
    assert (verdict.outcome, verdict.numbers["transitions"], verdict.numbers["not_seen"]) == ("pass", 12, 4)
    assert "4 more new chats could not be judged" in verdict.detection_limit


@pytest.mark.parametrize("pattern", ["fixed", "browserBased"])
@pytest.mark.parametrize("check", ALL[1:3], ids=lambda c: c.name)
def test_one_id_for_all_browsers_is_a_repeat_also_in_first_chats(check: Check, pattern: str) -> None:
    verdict = check(judge_run(id_pattern=pattern))
    assert (verdict.outcome, verdict.numbers["reused"], verdict.numbers["shared_first"]) == ("fail", 16, 3)
    assert "3 first chats began with another browser's session ID" in verdict.headline
    assert "also in lane" in verdict.actual[0]


def test_one_chat_per_lane_is_enough_to_see_a_shared_id() -> None:
    verdict = rotation.sent_id_is_fresh(judge_run(chats=4, lanes=4, id_pattern="fixed"))
    assert verdict.headline == "3 first chats began with another browser's session ID"


def test_a_page_load_that_finds_its_own_session_again_is_no_repeat() -> None:
    """After a lost chat the lane loads the page anew, in the same browser: the session there is its own."""

    def second_chat_by_load(chat: Chat) -> Chat:
        if chat.chat != 1:
            return chat
        first = records.chats[0]
        sent = tuple(replace(m, sent=first.stored, stored=first.stored) for m in chat.messages)
        return replace(chat, via="load", stored=first.stored, stored_before=first.stored, messages=sent)

    records = make_run(chats=3, lanes=1)
    for check in ALL[1:3]:
        assert check(assemble([with_chats(records, second_chat_by_load)])).outcome == "pass"


def test_a_chat_after_a_lost_one_is_not_judged_but_the_lost_ones_id_counts() -> None:
    records = make_run("session-not-ended", chats=4, lanes=1, continue_last=False)
    lost = with_chats(records, lambda c: replace(c, status="lost", reason="cut") if c.chat in (0, 1) else c)
    verdict = rotation.sent_id_is_fresh(assemble([lost]))
    assert (verdict.numbers["transitions"], verdict.numbers["reused"]) == (
        1,
        1,
    )  # chat 3; chat 2 followed a lost one


def test_pooled_runs_compare_ids_only_under_one_masking_key() -> None:
    same = [make_run(run_id=r, chats=1, lanes=1, id_pattern="fixed") for r in ("a", "b")]
    assert rotation.sent_id_is_fresh(assemble(same)).outcome == "fail"
    other = [same[0], make_run(run_id="b", chats=1, lanes=1, id_pattern="fixed", mask_key="zz")]
    assert rotation.sent_id_is_fresh(assemble(other)).outcome == "inconclusive"


def test_a_store_that_does_not_exist_is_not_judged() -> None:
    policy = Policy(providers=PROVIDERS, store="none")
    run = judge_run(policy=policy)
    for check in (rotation.stored_id_is_fresh, rotation.sent_equals_stored):
        verdict = check(run)
        assert verdict.outcome == "inconclusive"
        assert "store = none" in verdict.headline
    assert rotation.sent_id_is_fresh(run).outcome == "pass"


def test_an_unrotated_store_is_stored_and_sent_alike() -> None:
    run = judge_run("session-not-ended")
    assert (
        rotation.stored_id_is_fresh(run).headline == "16 of 16 new chats kept an old session ID in the store"
    )
    assert rotation.sent_id_is_fresh(run).outcome == "fail"
    assert rotation.sent_equals_stored(run).outcome == "pass"


def test_sent_and_stored_are_compared_message_by_message() -> None:
    verdict = rotation.sent_equals_stored(judge_run("stale-state"))
    assert verdict.outcome == "fail"
    # the second message of each lane's last chat too; the one after the reload carries the new ID
    assert (verdict.numbers["different"], verdict.numbers["messages"]) == (20, 28)
    assert verdict.actual[0].endswith("sent in chats 1-4 while the store held nothing")


def test_several_ids_in_a_chat_fail() -> None:
    verdict = rotation.one_id_per_chat(judge_run("over-rotation", messages=2))
    assert verdict.headline == "20 of 20 chats sent more than one session ID"
    assert ", then session_…" in verdict.actual[0]


def test_a_new_id_after_a_reload_is_no_matter_of_this_check() -> None:
    assert rotation.one_id_per_chat(judge_run("stale-state")).outcome == "pass"


def test_single_messages_cannot_show_one_id_per_chat() -> None:
    verdict = rotation.one_id_per_chat(judge_run(continue_last=False))
    assert (verdict.outcome, verdict.needs) == ("inconclusive", "needs at least 1 chat with 2 messages")


def test_content_of_an_earlier_chat_fails() -> None:
    sent = chat.starts_empty(judge_run("history-bleed"))
    assert (sent.outcome, sent.numbers["sent"], sent.numbers["shown"]) == ("fail", 16, 0)
    assert sent.actual[0] == "lane 0: chat 1 sent text of chat 0"
    shown = with_chats(make_run(), lambda c: replace(c, screen_messages=2 if c.chat == 1 else 0))
    verdict = chat.starts_empty(assemble([shown]))
    assert verdict.headline == "4 of 16 new chats contained text of an earlier chat"
    assert verdict.actual[0] == "lane 0: chat 1 showed 2 messages before its first message"


def test_a_greeting_is_no_content_of_an_earlier_chat() -> None:
    greeted = with_chats(make_run(), lambda c: replace(c, screen_messages=1, screen_compared=True))
    verdict = chat.starts_empty(assemble([greeted]))
    assert (verdict.outcome, verdict.numbers["shown"]) == ("pass", 0)
    assert "16 chats showed a greeting" in verdict.detection_limit
    kept = with_chats(
        make_run(),
        lambda c: replace(c, screen_messages=3, screen_compared=True, screen_from=0 if c.chat == 1 else None),
    )
    verdict = chat.starts_empty(assemble([kept]))
    assert (verdict.outcome, verdict.numbers["shown"]) == ("fail", 4)
    assert verdict.actual[0] == "lane 0: chat 1 showed text of chat 0 before its first message"


def test_screens_that_were_not_compared_are_reported() -> None:
    hidden = with_chats(make_run(), lambda c: replace(c, screen_messages=None))
    verdict = chat.starts_empty(assemble([hidden]))
    assert verdict.outcome == "pass"
    assert "the screens of 16 of them were not compared" in verdict.detection_limit


@pytest.mark.parametrize(
    ("changes", "outcome", "expected"),
    [
        ({"outcome": "failed"}, "inconclusive", "no chat got a reply"),
        ({"sent_seen": False, "sent": None}, "inconclusive", "no payload could be read"),
        ({"stored_seen": False, "stored": None}, "inconclusive", "no store could be read"),
        ({"sent": None}, "fail", "none of 20 chats had a session ID in the payload"),
        ({"stored": None}, "fail", "none of 20 chats had a session ID in the store"),
    ],
)
def test_smoke_names_what_is_missing(changes: dict[str, Any], outcome: str, expected: str) -> None:
    verdict = smoke.smoke(assemble([with_messages(make_run(), **changes)]))
    assert verdict.outcome == outcome
    assert expected in verdict.headline


def test_long_findings_are_cut_and_counted() -> None:
    verdict = rotation.sent_id_is_fresh(judge_run("stale-state", chats=40, lanes=20))
    assert len(verdict.actual) == 8
    assert verdict.actual[-1] == "… and 13 more"


# -- the backend gives the ID with the first reply


def _given_by_reply(records: RunRecords) -> RunRecords:
    """Every chat's first message without an ID, and a second one with it."""

    def change(chat: Chat) -> Chat:
        first, *more = chat.messages
        first_message = replace(first, sent=None, stored=chat.stored_before, request=f"{first.request}-0")
        later = [replace(m, number=m.number + 1) for m in (first, *more)]
        return replace(chat, stored=chat.stored_before, messages=(first_message, *later))

    policy = replace(records.meta.policy, rotation="on_first_reply")
    return with_meta(with_chats(records, change), policy=policy)


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.name)
def test_an_id_that_comes_with_the_first_reply_is_judged_from_then_on(check: Check) -> None:
    run = assemble([_given_by_reply(make_run())])
    assert check(run).outcome == "pass"


def test_one_that_stays_is_found_there_too() -> None:
    run = assemble([_given_by_reply(make_run("session-not-ended"))])
    assert rotation.sent_id_is_fresh(run).outcome == "fail"
    assert rotation.stored_id_is_fresh(run).outcome == "fail"


def test_what_did_not_match_is_reported_lane_by_lane() -> None:
    records = make_run("stale-state", chats=6, lanes=3)
    last_first = replace(records, chats=tuple(sorted(records.chats, key=lambda c: -c.lane)))
    later = with_chats(last_first, lambda c: replace(c, began=c.began - 10 * c.lane))
    lines = rotation.sent_equals_stored(assemble([later])).actual
    assert [line.partition(":")[0] for line in lines] == ["lane 0", "lane 1", "lane 2"]
