"""Guards what is reported of plays that were not seen, of messages that the page lost, and of sessions that leaving the page ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks import scenarios
from e2e.analysis.facts.lost_messages import lines, lost_messages
from e2e.analysis.facts.scenario_runs import plays_of
from e2e.analysis.judge import judge
from e2e.analysis.model.pooling import partial_reasons
from e2e.analysis.model.run import Run, assemble
from e2e.records.records import Chat, Event, Message, RunRecords
from e2e.selftest.unit.analysis.checks.test_scenarios import FINE, chat, message
from e2e.selftest.unit.builders import START, make_run, stack, with_meta

DISABLED: dict[str, Any] = {
    "scenario": "reload",
    "what": "the element to click cannot be used: element is not enabled",
    "where": "steps.new_chat[0]: button",
}


def unsent(number: int, accepted: str = "the message box was emptied") -> Message:
    return replace(
        message(number, FINE, 0.0), sent_seen=False, sent=None, sent_at=None, ended_at=None, outcome="unsent",
        reply_provider=None, status=None, accepted=accepted,
    )  # fmt: skip


def lost(scenario: Any, number: int, *messages: Message, **changes: Any) -> Chat:
    reason = "message 0 was accepted by the page and never sent"
    return replace(
        chat(scenario, number, []),
        messages=messages or (unsent(0),),
        status="lost",
        reason=reason,
        **changes,
    )


def records(*chats: Chat, events: tuple[Event, ...] = (), **meta: Any) -> RunRecords:
    made = with_meta(make_run(chats=4, lanes=1), **meta)
    return replace(made, chats=(*made.chats, *chats), events=(*made.events, *events))


def event(kind: Any, lane: int = 0, number: int | None = None, t: float = START + 200, **data: Any) -> Event:
    return Event("2026-11-22T0215Z-2f9c", 9000, t, lane, number, kind, data)


def plays(*lanes: int) -> tuple[Event, ...]:
    return tuple(event("play", lane, scenario="reload") for lane in lanes)


class TestPlays:
    def run(self, unseen: int, *chats: Chat, of: int = 4) -> Run:
        events = (*plays(*range(of)), *(event("unseen", lane, **DISABLED) for lane in range(unseen)))
        return assemble([records(*chats, events=events, scenarios={"reload": of})])

    def good(self, number: int, lane: int) -> Chat:
        own = f"s…{lane}"
        return chat("reload", number, [("", own, own), ("reload", own, own)], lane=lane)

    def test_incomplete_lanes_are_counted_with_their_reason(self) -> None:
        verdict = scenarios.reload(self.run(2, self.good(10, 2), self.good(10, 3)))
        assert verdict.outcome == "pass"
        assert "2 of 4 lanes did not complete it: the element to click cannot be used" in verdict.headline
        assert "steps.new_chat[0]" in verdict.headline
        assert (verdict.numbers["plays_seen"], verdict.numbers["plays_unseen"]) == (2, 2)

    def test_most_lanes_incomplete_is_inconclusive(self) -> None:
        verdict = scenarios.reload(self.run(3, self.good(10, 3)))
        assert verdict.outcome == "inconclusive"
        assert "3 of 4 lanes did not complete it" in verdict.headline

    def test_one_complete_lane_is_enough_for_a_failure(self) -> None:
        bad = chat("reload", 10, [("", "s…3", "s…3"), ("reload", "s…4", "s…4")], lane=3)
        verdict = scenarios.reload(self.run(3, bad))
        assert verdict.outcome == "fail"
        assert "3 of 4 lanes did not complete it" in verdict.headline

    def test_no_complete_lane_is_inconclusive_with_the_reason(self) -> None:
        verdict = scenarios.reload(self.run(2, of=2))
        assert verdict.outcome == "inconclusive"
        assert "element is not enabled" in verdict.headline

    def test_a_lane_that_never_started_is_incomplete(self) -> None:
        run = assemble([records(self.good(10, 0), scenarios={"reload": 2})])
        assert plays_of(run, "reload").note.startswith("1 of 2 lanes did not complete it: not started")

    def test_all_lanes_complete_has_no_note(self) -> None:
        assert plays_of(self.run(0, of=1), "reload").note == ""


class TestLostMessages:
    def test_a_scenario_fails_by_it(self) -> None:
        run = assemble([records(chat("rapid-send", 10, [FINE]), lost("rapid-send", 11))])
        verdict = judge(run).verdict("rotation.rapid_send")
        assert verdict.outcome == "fail"
        assert verdict.cause == "message-lost"
        assert "the page accepted message 0 (the message box was emptied) and never sent it" in "".join(
            verdict.actual
        )
        assert not plays_of(run, "rapid-send").unseen

    def test_the_evidence_names_the_message(self) -> None:
        (cause,) = judge(assemble([records(lost("plain", 10))])).causes
        assert "the page accepted message 0 (the message box was emptied) and never sent it" in "".join(
            cause.evidence
        )

    def test_the_lines_are_in_the_order_of_lanes_and_chats(self) -> None:
        run = assemble([records(lost("rapid-send", 10))])
        [(key, messages)] = lost_messages(run).items()
        later = {key._replace(lane=1): messages, key._replace(chat=12): messages, key: messages}
        assert [line.partition(": the page")[0] for line in lines(run, later)] == [
            "lane 0: chat 10",
            "lane 0: chat 12",
            "lane 1: chat 10",
        ]

    def test_in_a_plain_chat_smoke_fails_by_it(self) -> None:
        judgement = judge(assemble([records(lost("plain", 10))]))
        assert judgement.verdict("smoke").outcome == "fail"
        assert judgement.verdict("smoke").cause == "message-lost"
        assert judgement.outcome == "fail"

    def test_what_was_seen_is_not_missing(self) -> None:
        assert partial_reasons(records(lost("plain", 10)), pooled=False) == []

    def test_what_the_page_did_not_accept_is_no_finding(self) -> None:
        run = assemble([records(lost("rapid-send", 10, unsent(0, accepted="")))])
        assert lost_messages(run) == {}
        assert scenarios.rapid_send(run).outcome == "inconclusive"

    def test_where_no_message_ever_left_it_may_be_the_profile(self) -> None:
        made = records(lost("rapid-send", 10))
        made = replace(made, chats=tuple(c for c in made.chats if c.status == "lost"))
        assert lost_messages(assemble([made])) == {}

    def test_one_that_left_later_was_late(self) -> None:
        late = event("payload", 0, 10, rule="chat", session="s…a", message=0, request="9")
        assert lost_messages(assemble([records(lost("rapid-send", 10), events=(late,))])) == {}

    def test_old_ids_beside_it_are_still_found(self) -> None:
        sent = message(0, ("", "s…old", "s…old"), START + 111)
        made = records(
            chat("rapid-send", 10, [("", "s…old", "s…old")]), lost("rapid-send", 11, sent, unsent(1))
        )
        line = "".join(scenarios.rapid_send(assemble([made])).actual)
        assert "which chat 10 had sent before" in line
        assert "never sent" in line


def write(
    t: float, op: str, session: str | None, previous: str | None, by: str = "page", *places: str
) -> Event:
    return event(
        "storage", 0, 10, t, store="localStorage", op=op, key="chat_session", session=session, previous=previous,
        same_value=session == previous, by=by, stack=stack(*places) if places else [],
    )  # fmt: skip


class TestEndedOnLeave:
    BEGAN = START + 110

    def run(self, after: Any, *events: Event, sent: str = "s…b", stored: str | None = "s…b") -> Run:
        scenario = {"reload": "reload", "back": "back-forward"}[after]
        made = chat(scenario, 10, [FINE, (after, sent, stored)])
        first, second = made.messages
        # the first reply ends 0.2 s after New Chat, the next payload leaves 0.6 s after it
        second = replace(second, sent_at=self.BEGAN + 0.6, ended_at=self.BEGAN + 0.7)
        return assemble([records(replace(made, messages=(first, second)), events=events)])

    @pytest.mark.parametrize("after", ["reload", "back"])
    def test_the_handler_that_removed_the_key_is_named(self, after: str) -> None:
        run = self.run(
            after,
            write(self.BEGAN + 0.3, "remove", None, "s…a", "page", "remove"),
            write(self.BEGAN + 0.4, "start", None, None, "page-start"),
            write(self.BEGAN + 0.5, "set", "s…b", None, "page", "mint", "mount"),
        )
        verdict = judge(run).verdict({"reload": "rotation.reload", "back": "rotation.back_forward"}[after])
        assert verdict.outcome == "fail"
        assert verdict.cause == "ended-on-leave"
        assert verdict.causes[0].where[0].startswith("src/lib/session.ts:97")

    def test_a_page_out_of_the_cache_goes_on_with_what_its_store_has_lost(self) -> None:
        run = self.run(
            "back", write(self.BEGAN + 0.3, "remove", None, "s…a", "page", "remove"), sent="s…a", stored=None
        )
        assert judge(run).verdict("rotation.back_forward").cause == "ended-on-leave"

    def test_what_the_next_page_itself_lost_was_not_ended_by_leaving(self) -> None:
        run = self.run(
            "reload",
            write(self.BEGAN + 0.4, "start", "s…a", None, "page-start"),
            write(self.BEGAN + 0.5, "set", "s…b", "s…a", "page", "mint", "mount"),
        )
        assert judge(run).verdict("rotation.reload").cause != "ended-on-leave"


def answered(made: Chat, *providers: str) -> Chat:
    messages = tuple(replace(m, reply_provider=who) for m, who in zip(made.messages, providers, strict=True))
    return replace(made, messages=messages)


class TestTwoTabs:
    SAME = (FINE, ("other-tab", "s…a", "s…z"))

    def run(self, *chats: Chat, faults: tuple[str, ...] = (), **policy: Any) -> Run:
        made = make_run(*faults, chats=8, lanes=2, messages=2, backend=False)
        made = replace(made, meta=replace(made.meta, policy=replace(made.meta.policy, **policy)))
        return assemble([replace(made, chats=(*made.chats, *chats))])

    def test_another_provider_after_the_other_tabs_new_chat_is_a_bleed(self) -> None:
        verdict = judge(self.run(answered(chat("two-tabs", 10, self.SAME), "Big hat", "Tin drum"))).verdict(
            "rotation.two_tabs"
        )
        assert verdict.outcome == "fail"
        assert "reply 1 came from Tin drum after New Chat in the other tab" in verdict.actual[0]
        assert verdict.cause == "tab-bleed"
        assert "kept its ID" in verdict.causes[0].explanation

    def test_a_session_that_no_tab_shares_has_no_second_cause(self) -> None:
        judgement = judge(self.run(answered(chat("two-tabs", 10, self.SAME), "Big hat", "Tin drum")))
        assert [c.name for c in judgement.causes] == ["tab-bleed"]
        assert "provider.persists" in judgement.causes[0].consequences

    def test_where_providers_flap_anyway_it_follows_from_that(self) -> None:
        made = answered(chat("two-tabs", 10, self.SAME), "Big hat", "Tin drum")
        judgement = judge(self.run(made, faults=("provider-flaps",)))
        assert [c.name for c in judgement.causes] == ["provider-flaps"]
        assert judgement.verdict("rotation.two_tabs").cause == "provider-flaps"
        assert "rotation.two_tabs" in judgement.causes[0].consequences

    def test_the_same_provider_is_right(self) -> None:
        made = answered(chat("two-tabs", 10, self.SAME), "Big hat", "Big hat")
        assert scenarios.two_tabs(self.run(made)).outcome == "pass"

    def test_without_affinity_the_provider_may_change(self) -> None:
        made = answered(chat("two-tabs", 10, self.SAME), "Big hat", "Tin drum")
        assert scenarios.two_tabs(self.run(made, affinity="none")).outcome == "pass"

    def test_shared_sessions_are_counted(self) -> None:
        shared = [chat("two-tabs", 10, [FINE]), chat("two-tabs", 11, [FINE], tab=1, via="load")]
        verdict = judge(self.run(*shared)).verdict("provider.persists")
        assert "1 session shared by browsers or tabs was left out" in verdict.headline


NO_ID = ("", None, None)


class TestLoadsThatBeginAnew:
    @pytest.mark.parametrize(
        ("scenario", "turns", "policy", "outcome"),
        [
            # The backend gives the ID with the first reply, and a reload begins anew: its first message has none.
            ("reload", [NO_ID, ("", "s…a", "s…a"), ("reload", None, "s…a")], {"rotation": "on_first_reply", "reload_keeps": False}, "pass"),
            ("reload", [NO_ID, ("reload", None, None)], {"rotation": "on_first_reply", "store": "none"}, "pass"),
            ("back-forward", [NO_ID, ("back", None, None)], {"rotation": "on_first_reply", "store": "none"}, "pass"),
            # In memory only: Back that loads the page has lost it, Back out of the cache has not.
            ("back-forward", [("", "s…a", None), ("back", "s…b", None)], {"store": "none"}, "pass"),
            ("back-forward", [("", "s…a", None), ("back", "s…a", None)], {"store": "none"}, "pass"),
            ("reload", [("", "s…a", None), ("reload", "s…b", None), ("", "s…b", None)], {"store": "none"}, "pass"),
            ("back-forward", [FINE, ("back", "s…b", "s…b")], {"reload_keeps": False}, "pass"),
            # What is kept must be kept.
            ("back-forward", [FINE, ("back", "s…b", "s…b")], {}, "fail"),
            ("reload", [NO_ID, ("", "s…a", "s…a"), ("reload", None, "s…a")], {"rotation": "on_first_reply"}, "fail"),
            ("reload", [("", "s…a", None), ("reload", None, None)], {"store": "none"}, "fail"),
        ],
    )  # fmt: skip
    def test_the_first_message_after_it_is_excused_as_a_chats_first_is(
        self, scenario: Any, turns: Any, policy: dict[str, Any], outcome: str
    ) -> None:
        made = records(chat(scenario, 10, turns))
        made = replace(made, meta=replace(made.meta, policy=replace(made.meta.policy, **policy)))
        check = {"reload": scenarios.reload, "back-forward": scenarios.back_forward}[scenario]
        assert check(assemble([made])).outcome == outcome
