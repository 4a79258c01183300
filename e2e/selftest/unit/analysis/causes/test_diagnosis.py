"""From failed checks to causes: each fault, two at once, and unexplained where no rule fits."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.analysis.causes.registry import chat_rules
from e2e.analysis.checks import rotation
from e2e.analysis.diagnosis.diagnose import _FEW, _recalls, explain, with_unseen
from e2e.analysis.judge import Judgement, explained, judge
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import ChatKey, Verdict
from e2e.analysis.model.wording import plural
from e2e.records.records import Chat, Problem
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_messages, with_meta

STORED, SENT = "rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh"
EQUAL, ONE = "rotation.sent_equals_stored", "rotation.one_id_per_chat"

MATRIX = {
    "stale-state": {STORED, SENT, EQUAL},
    "session-not-ended": {STORED, SENT},
    "session-restored": {STORED, SENT},
    "id-constant": {STORED, SENT},
    "id-collision": {STORED, SENT},
    "stale-closure": {SENT, EQUAL},
    "late-rotation": {SENT, EQUAL, ONE},
    "over-rotation": {EQUAL, ONE},
    "split-session": {EQUAL},
    "history-bleed": {"chat.starts_empty"},
    "provider-pinned": {"provider.varies", "provider.balanced", "backend.assigns", "backend.state"},
    "provider-flaps": {"provider.persists", "backend.persists"},
    "session-leaked": {"backend.cleans_up"},
    "label-stale": {"provider.label_is_true"},
}


def fields(fault: str) -> dict[str, Any]:
    return {"messages": 2} if fault in ("late-rotation", "over-rotation") else {}


def failed(judgement: Judgement) -> set[str]:
    return {v.name for v in judgement.verdicts if v.outcome == "fail"}


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_run_has_no_cause(seed: int) -> None:
    judgement = judge(judge_run(seed=seed))
    assert (judgement.outcome, judgement.causes, failed(judgement)) == ("pass", (), set())


@pytest.mark.parametrize("fault", MATRIX)
def test_a_fault_fails_its_checks_and_is_named(fault: str) -> None:
    judgement = judge(judge_run(fault, **fields(fault)))
    assert failed(judgement) == MATRIX[fault]
    [cause] = judgement.causes
    assert (cause.name, set(cause.checks), cause.confidence) == (fault, MATRIX[fault], 1.0)
    assert cause.chats == cause.of > 0
    assert cause.evidence
    for verdict in judgement.verdicts:
        assert verdict.cause == (fault if verdict.name in MATRIX[fault] else "")


@pytest.mark.parametrize("pattern", ["fixed", "browserBased"])
def test_one_id_for_all_browsers_is_shared(pattern: str) -> None:
    judgement = judge(judge_run(id_pattern=pattern))
    assert failed(judgement) == {STORED, SENT}
    [cause] = judgement.causes
    assert (cause.name, cause.chats, cause.of) == ("id-shared", 19, 19)
    assert cause.where[0] == "src/lib/session.ts:33 createSession"


@pytest.mark.parametrize("pattern", ["fixed", "browserBased"])
def test_the_same_id_in_a_single_browser_is_constant(pattern: str) -> None:
    [cause] = judge(judge_run(id_pattern=pattern, lanes=1, chats=8)).causes
    assert (cause.name, cause.chats) == ("id-constant", 7)


@pytest.mark.parametrize("pattern", ["timestamp", "counter", "userBased", "chatBased", "uuid"])
def test_unique_id_patterns_pass(pattern: str) -> None:
    assert judge(judge_run(id_pattern=pattern)).outcome == "pass"


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("fault", ["stale-state", "session-not-ended", "session-restored", "stale-closure"])
def test_a_cause_is_named_with_one_lane_and_with_several(fault: str, lanes: int) -> None:
    assert [c.name for c in judge(judge_run(fault, lanes=lanes, chats=12)).causes] == [fault]


# -- places and words


def test_stale_state_names_the_code_that_removed_the_key_and_the_code_that_sent_the_old_id() -> None:
    [cause] = judge(judge_run("stale-state")).causes
    assert cause.where == (
        "src/lib/session.ts:97 endSession",
        "src/hooks/useSession.ts:41 startNew",
        "src/lib/transport/sse.ts:22 post",
        "src/components/ChatPage.tsx:118 sendMessage",
    )
    assert [f"{p.source}:{p.line} {p.function}" for p in cause.code] == list(cause.where)
    assert cause.explanation == (
        "New Chat removed the key at src/lib/session.ts:97, "
        "the next send at src/components/ChatPage.tsx:118 still carried the old ID"
    )
    assert cause.layer == "frontend state"
    assert "removed session_…" in cause.evidence[0]
    assert "while the store held nothing" in cause.evidence[1]


def test_stale_closure_names_the_removal_of_the_key() -> None:
    [cause] = judge(judge_run("stale-closure")).causes
    assert cause.explanation.startswith("New Chat removed the key at src/lib/session.ts:97")
    assert "one chat behind" in cause.explanation


def test_without_a_source_map_the_location_in_the_bundle_is_marked() -> None:
    [cause] = judge(judge_run("stale-state", mapped=False)).causes
    assert cause.name == "stale-state"
    assert cause.where[0] == "assets/index-1.js:1:400 a (no source map)"


def test_without_stacks_the_cause_is_named_without_a_code_location() -> None:
    [cause] = judge(judge_run("stale-state", stacks=False)).causes
    assert (cause.name, cause.where) == ("stale-state", ())
    assert cause.explanation == "New Chat removed the key, the next send still carried the old ID"


def test_library_code_is_never_a_code_location() -> None:
    for fault in MATRIX:
        for cause in judge(judge_run(fault, **fields(fault))).causes:
            assert not any(place.vendor for place in cause.code)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ("session-restored", "src/lib/persist.ts:15 rehydrate"),
        ("id-constant", "src/lib/session.ts:33 createSession"),
        ("id-collision", "src/lib/session.ts:33 createSession"),
        ("split-session", "src/lib/session.ts:33 createSession"),
        ("session-not-ended", "src/lib/transport/sse.ts:22 post"),
    ],
)
def test_the_decisive_code_location_comes_first(fault: str, place: str) -> None:
    [cause] = judge(judge_run(fault)).causes
    assert cause.where[0] == place


# -- writes that change nothing


def test_an_id_generated_over_itself_is_constant_although_the_key_never_changed() -> None:
    [cause] = judge(judge_run("id-constant", overwrite=True)).causes
    assert (cause.name, cause.where[0]) == ("id-constant", "src/lib/session.ts:33 createSession")


@pytest.mark.parametrize("wrapper", [False, True])
def test_touching_the_old_id_does_not_count_as_generating_it(wrapper: bool) -> None:
    """`lastUsed` moves with each send; when all writes share one function, its place tells nothing."""
    [cause] = judge(judge_run("session-not-ended", wrapper=wrapper)).causes
    assert cause.name == "session-not-ended"


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_new_id_written_over_the_old_one_is_a_rotation(lanes: int) -> None:
    assert judge(judge_run(overwrite=True, lanes=lanes)).outcome == "pass"
    [cause] = judge(judge_run("stale-closure", overwrite=True, lanes=lanes)).causes
    assert cause.explanation.startswith("New Chat wrote a new ID at src/lib/session.ts:33")


# -- what is not named


def test_without_storage_events_the_absence_of_writes_proves_nothing() -> None:
    judgement = judge(judge_run("session-not-ended", storage_events=False))
    assert [(c.name, c.layer, c.confidence) for c in judgement.causes] == [("unexplained", "unknown", 0.0)]
    assert set(judgement.causes[0].checks) == {STORED, SENT}
    assert any("session_…" in line for line in judgement.causes[0].evidence)


@pytest.mark.parametrize("fault", ["id-constant", "session-restored", "id-collision"])
def test_without_stacks_a_generator_and_a_rehydration_are_unexplained(fault: str) -> None:
    assert [c.name for c in judge(judge_run(fault, stacks=False)).causes] == ["unexplained"]


def test_a_shared_id_needs_no_stack() -> None:
    assert [c.name for c in judge(judge_run(id_pattern="fixed", stacks=False)).causes] == ["id-shared"]


def test_a_stored_id_that_is_never_sent_is_unexplained() -> None:
    judgement = judge(assemble([with_messages(make_run(), sent=None)]))
    assert [c.name for c in judgement.causes] == ["unexplained"]


def test_a_label_that_no_earlier_reply_explains_is_unexplained() -> None:
    judgement = judge(assemble([with_messages(make_run(), label_provider="Nobody")]))
    assert [(c.name, c.checks) for c in judgement.causes] == [("unexplained", ("provider.label_is_true",))]


def test_old_messages_on_the_screen_alone_are_unexplained() -> None:
    shown = with_chats(make_run(), lambda c: replace(c, screen_messages=2))
    assert [c.name for c in judge(assemble([shown])).causes] == ["unexplained"]


def test_counts_that_do_not_add_up_are_not_explained_by_shares() -> None:
    records = make_run()
    events = tuple(
        replace(e, data=dict(e.data) | {"active": 99}) if e.data.get("probe") == "state" else e
        for e in records.events
    )
    judgement = judge(assemble([replace(records, events=events)]))
    assert [(c.name, c.checks) for c in judgement.causes] == [("unexplained", ("backend.state",))]


def test_chats_that_fit_no_rule_stay_unexplained_beside_the_cause() -> None:
    records = make_run("stale-state")
    stored_again = (
        with_chats(  # chat 2 of each lane: the store kept the old ID after all, which the writes do not show
            records,
            lambda c: (
                replace(
                    c,
                    stored=c.messages[0].sent,
                    messages=tuple(replace(m, stored=m.sent) for m in c.messages),
                )
                if c.chat == 2
                else c
            ),
        )
    )
    stale, rest = judge(assemble([stored_again])).causes
    assert (stale.name, stale.chats, stale.of, stale.confidence) == ("stale-state", 12, 16, 0.75)
    assert (rest.name, rest.chats, rest.confidence) == ("unexplained", 4, 0.0)


def test_a_cause_that_few_chats_fit_comes_second_with_low_confidence() -> None:
    def odd(c: Chat) -> Chat:
        return replace(
            c, stored=c.messages[0].sent, messages=tuple(replace(m, stored=m.sent) for m in c.messages)
        )

    records = with_chats(make_run("stale-state"), lambda c: odd(c) if c.chat != 2 else c)
    rest, stale = judge(assemble([records])).causes
    assert (rest.name, stale.name) == ("unexplained", "stale-state")
    assert stale.confidence == round(stale.chats / (stale.chats + rest.chats), 4)


# -- several at once


@pytest.mark.parametrize(
    "faults",
    [
        ("stale-state", "provider-pinned"),
        ("stale-closure", "label-stale"),
        ("stale-state", "history-bleed"),
        ("provider-flaps", "session-leaked"),
        ("session-restored", "provider-flaps"),
    ],
)
def test_two_causes_are_both_named_each_with_its_checks(faults: tuple[str, ...]) -> None:
    judgement = judge(judge_run(*faults))
    found = {c.name: set(c.checks) for c in judgement.causes}
    assert set(found) == set(faults)
    for fault in faults:
        # with few distinct sessions left, the statistical checks may have become inconclusive
        assert found[fault] == MATRIX[fault] & failed(judgement)
        assert found[fault]


def test_two_pooled_builds_keep_their_own_causes() -> None:
    runs = [make_run("stale-state", run_id="a"), make_run("session-not-ended", run_id="b", seed=9)]
    judgement = judge(assemble(runs))
    assert {(c.name, c.chats, c.of, c.confidence) for c in judgement.causes} == {
        ("stale-state", 16, 32, 0.5),
        ("session-not-ended", 16, 32, 0.5),
    }


# -- the table


def test_a_problem_at_the_new_chat_button_names_new_chat_unavailable() -> None:
    problem = Problem(
        "CaptureIncomplete", "New Chat cannot be used: not enabled", "lane 0, chat 0; steps.new_chat: button"
    )
    judgement = judge(assemble([with_meta(make_run(), problems=(problem,))]))
    assert [(c.name, c.checks) for c in judgement.causes] == [("new-chat-unavailable", ())]
    assert [c.confidence for c in judgement.causes] == [1.0]
    assert judgement.outcome == "broken"
    walled = with_chats(
        make_run(), lambda c: replace(c, status="blocked") if (c.lane, c.chat) == (0, 4) else c
    )
    assert judge(assemble([with_meta(walled, problems=(problem,))])).causes == ()
    slow = Problem("CaptureIncomplete", "requests went on for 30 s after New Chat", "steps.new_chat")
    assert judge(assemble([with_meta(make_run(), problems=(slow,))])).causes == ()


def test_every_chat_rule_has_a_test_that_names_its_cause() -> None:
    """Above, or in the matrix of faults."""
    in_a_browser = {
        "message-lost",
        "id-never-sent",
        "ended-on-leave",
        "tab-bleed",
        "session-unbound",
        "restored-on-load",
        "late-stream",
        "cached-reply",
    }
    in_test_one_cause = {"screen-not-cleared"}
    by_code_words = {
        "context-bleed",
        "context-lost",
    }  # in the tests of the checks chat.remembers and chat.forgets
    assert {one.cause.name for one in chat_rules()} <= set(MATRIX) | {
        "id-shared"
    } | in_a_browser | by_code_words | in_test_one_cause


def test_only_failures_are_explained() -> None:
    run = judge_run("stale-state")
    assert rotation.sent_id_is_fresh(run).causes == ()
    assert explained(run, rotation.sent_id_is_fresh(run)).cause == "stale-state"
    assert explained(run, rotation.one_id_per_chat(run)).causes == ()


def test_a_check_that_passes_has_no_cause_and_counts_nothing_as_unseen() -> None:
    run = judge_run("stale-state", chats=6, lanes=2)
    failed, name = judge(run), "rotation.sent_id_is_fresh"
    assert explain(failed.verdict(name), failed.causes) == failed.causes
    assert explain(Verdict(name, "pass", ""), failed.causes) == ()
    assert explain(Verdict("smoke", "fail", ""), failed.causes) == ()
    blind = assemble([make_run(chats=6, lanes=2)])
    blind.once("unseen", lambda: {name: (ChatKey("r", 0, 1),)})
    assert with_unseen(blind, Verdict(name, "pass", "all")).headline == "all"
    one = with_unseen(blind, Verdict(name, "fail", "some", numbers={"not_seen": 2}))
    assert (one.headline, one.numbers["not_seen"]) == ("some; 1 chat of these was not seen in full", 3)


@pytest.mark.parametrize("unseen", [{"stored_seen": False, "stored": None}, {"sent_seen": False}])
@pytest.mark.parametrize("fault", ["stale-state", "session-not-ended"])
def test_a_chat_with_incomplete_evidence_is_not_unexplained(fault: str, unseen: dict[str, Any]) -> None:
    """On a busy machine the store of some chats is not read at the send: these are counted, and nothing is made of them."""

    def blind(c: Chat) -> Chat:
        if c.chat != 2:
            return c
        first = replace(c.messages[0], **unseen)
        store = {k: v for k, v in unseen.items() if k != "sent_seen"}
        return replace(c, messages=(first, *c.messages[1:]), **store)

    judgement = judge(assemble([with_chats(make_run(fault, messages=2), blind)]))
    assert [c.name for c in judgement.causes] == [fault]
    assert judgement.causes[0].confidence == 1.0


def test_chats_with_incomplete_evidence_are_counted_in_the_verdict() -> None:
    def blind(c: Chat) -> Chat:
        if c.chat != 2:
            return c
        return replace(
            c,
            stored_seen=False,
            messages=tuple(replace(m, stored_seen=False, stored=None) for m in c.messages),
        )

    verdict = judge(assemble([with_chats(make_run("stale-state"), blind)])).verdict(
        "rotation.sent_id_is_fresh"
    )
    assert verdict.cause == "stale-state"
    assert verdict.numbers["not_seen"] == 4
    assert verdict.headline.endswith("4 chats of these were not seen in full")


def test_a_failure_with_only_incomplete_evidence_is_unexplained() -> None:
    records = with_chats(
        make_run("stale-state"),
        lambda c: replace(
            c,
            stored_seen=False,
            messages=tuple(replace(m, stored_seen=False, stored=None) for m in c.messages),
        ),
    )
    judgement = judge(assemble([records]))
    assert judgement.outcome == "fail"
    assert judgement.causes


def test_a_chat_after_one_that_was_cut_is_not_unexplained_beside_others_with_a_cause() -> None:
    """What New Chat did to the ID of a chat that was refused or cut is not compared: no rule can fit the chat after it."""

    def cut(chat: Chat) -> Chat:
        return replace(chat, status="blocked", reason="the reply was cut") if chat.chat == 3 else chat

    judged = judge(assemble([with_chats(make_run("stale-state", lanes=1, chats=8), cut)]))
    assert [cause.name for cause in judged.causes] == ["stale-state"]


def test_the_evidence_of_a_cause_is_what_its_chat_did_in_order_of_time() -> None:
    records = make_run("stale-state", chats=2, lanes=1, continue_last=False, backend=False)
    [cause] = judge(assemble([records])).causes
    old = records.chats[0].messages[0].sent
    plain = [
        f"lane 0, chat 1: +0.001 s removed {old} at src/lib/session.ts:97",
        f"lane 0, chat 1: +0.011 s message 0 sent {old} at src/components/ChatPage.tsx:118, while the store held nothing",
    ]
    assert list(cause.evidence) == plain

    def changed(c: Chat) -> Chat:
        messages = (replace(m, bleeds_from=0, label_provider="Old oak") for m in c.messages)
        return replace(c, shows_from=0, messages=tuple(messages)) if c.chat else c

    several = judge(assemble([with_chats(records, changed)])).causes
    replied = records.chats[1].messages[0].reply_provider
    for cause in several:
        assert list(cause.evidence) == [
            *plain,
            "lane 0, chat 1: +0.011 s message 0 contained text of chat 0",
            f"lane 0, chat 1: +0.211 s reply 0 came from {replied}, the screen named Old oak",
            "lane 0, chat 1: +0.261 s the screen showed text of a reply to chat 0",
        ]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"names": 1, "names_lane": 0}, "the reply to message 1 named the chat's own code word"),
        (
            {"names": 0, "names_lane": 0},
            "the reply to message 1 named the code word that lane 0 chat 0 was given",
        ),
        (
            {"names": 1, "names_lane": 2},
            "the reply to message 1 named the code word that lane 2 chat 1 was given",
        ),
        ({"knows": False}, "the reply to message 1 did not know the chat's code word"),
        (
            {"knows": False, "in_payload": True},
            "the reply to message 1, whose payload held the code word, did not know the chat's code word",
        ),
        (
            {"knows": False, "in_payload": False},
            "the reply to message 1, whose payload held no code word, did not know the chat's code word",
        ),
        ({"knows": False, "word_of": 0}, None),
        ({"knows": None}, None),
        ({"knows": True}, None),
    ],
)
def test_what_a_reply_showed_of_code_words_is_evidence(fields: dict[str, Any], text: str | None) -> None:
    known = {
        "t": 5.0,
        "message": 1,
        "names": None,
        "names_lane": None,
        "knows": None,
        "in_payload": None,
        "word_of": 1,
    }
    chat: Any = SimpleNamespace(key=ChatKey("run", 0, 1), recalls=[SimpleNamespace(**known | fields)])
    assert _recalls(chat) == ([] if text is None else [(5.0, text)])


@pytest.mark.parametrize("chats", [4, 5, 20])
def test_of_many_chats_a_few_are_shown_and_the_others_counted(chats: int) -> None:
    run = judge_run("stale-state", chats=chats, lanes=1, continue_last=False, backend=False)
    [cause] = judge(run).causes
    assert cause.chats == chats - 1
    *lines, last = cause.evidence
    shown = {line.partition(": ")[0] for line in (*lines, last) if line.startswith("lane ")}
    assert shown == {f"lane 0, chat {n}" for n in range(1, min(chats, _FEW + 1))}
    assert last.startswith("… and ") is (chats - 1 > _FEW)
    if chats - 1 > _FEW:
        assert last == f"… and {plural(chats - 1 - _FEW, 'more chat')} like these"
