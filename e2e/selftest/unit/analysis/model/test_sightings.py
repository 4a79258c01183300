"""An ID that no rule found: elsewhere it is the profile's fault, nowhere it is the product's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.analysis.model.sightings import without_wrong_places
from e2e.records.records import Event, Policy, RunRecords
from e2e.selftest.unit.builders import PROVIDERS, make_run, with_chats, with_messages

FRESH, EQUAL, ONE = "rotation.sent_id_is_fresh", "rotation.sent_equals_stored", "rotation.one_id_per_chat"


def silent(place: str | None, *, unread: int = 0, rule: str = "", **fields: Any) -> RunRecords:
    """A run whose payloads carried no ID; it was looked for (None: it was not)."""
    records = with_messages(make_run(chats=8, lanes=2, messages=2, **fields), sent=None)
    records = with_chats_sent(records)
    if place is None:
        return records
    rule = rule or next(e.data["rule"] for e in records.events if e.kind == "payload")
    found = {"session": "session_…1", "place": place, "url": "", "form": "", "layer": "sent", "rule": rule}
    found |= {"searched": 40, "unread": unread}
    last = records.events[-1]
    events = tuple(
        Event(records.meta.run_id, last.seq + n, last.t, n, None, "sighting", found) for n in (0, 1)
    )
    return replace(records, events=(*records.events, *events))


def with_chats_sent(records: RunRecords) -> RunRecords:
    """Payload events agree with the messages."""
    events = tuple(
        replace(e, data={**e.data, "session": None}) if e.kind == "payload" else e for e in records.events
    )
    return replace(records, events=events)


def causes(records: RunRecords) -> list[str]:
    return [cause.name for cause in judge(assemble([records])).causes]


@pytest.mark.parametrize("rotation", ["on_click", "on_first_reply"])
def test_an_id_found_nowhere_was_never_sent(rotation: Any) -> None:
    policy = Policy(providers=PROVIDERS, has_backend=True, rotation=rotation)
    records = silent("", policy=policy)
    judgement = judge(assemble([records]))
    assert judgement.verdict(FRESH).outcome == "fail"
    assert [c.name for c in judgement.verdict(FRESH).causes] == ["id-never-sent"]
    assert causes(records) == ["id-never-sent"]
    assert "no payload of 8 chats" in judgement.verdict(ONE).headline


def test_an_id_found_elsewhere_is_not_a_product_failure() -> None:
    judgement = judge(assemble([silent("header x-thread")]))
    assert {v.name for v in judgement.verdicts if v.outcome == "fail"} == set()
    assert judgement.verdict(FRESH).outcome == "inconclusive"
    assert judgement.causes == ()


UNSEEN = ("smoke", FRESH, EQUAL, ONE, "rotation.rapid_send", "reply.is_live")


def with_a_scenario(records: RunRecords) -> RunRecords:
    """The last chat of each lane was one of rapid-send."""
    last = max(c.chat for c in records.chats)
    return with_chats(records, lambda c: replace(c, scenario="rapid-send") if c.chat == last else c)


def test_a_wrong_profile_is_the_reason_that_no_id_was_seen() -> None:
    records = with_a_scenario(silent("header x-thread"))
    judgement = judge(assemble([records]))
    reason = "the session ID is in header x-thread, and the profile's wire rule names another place"
    assert {name: judgement.verdict(name).headline for name in UNSEEN} == dict.fromkeys(UNSEEN, reason)
    assert {judgement.verdict(name).outcome for name in UNSEEN} == {"inconclusive"}


def test_bodies_that_cannot_be_decoded_are_the_reason_that_no_id_was_seen() -> None:
    records = make_run(chats=8, lanes=2, messages=2, continue_last=False)
    records = with_messages(records, sent=None, sent_seen=False, unreadable="it is binary, not text")
    judgement = judge(assemble([with_a_scenario(records)]))
    for name in UNSEEN:
        n = 4 if name == "rotation.rapid_send" else 16
        reason = f"the payloads of {n} messages could not be decoded: it is binary, not text"
        assert (judgement.verdict(name).outcome, judgement.verdict(name).headline) == ("inconclusive", reason)


@pytest.mark.parametrize(
    "records", [silent(None), silent("", unread=3)], ids=["not looked for", "unread bodies"]
)
def test_without_a_whole_search_there_is_no_such_name(records: RunRecords) -> None:
    assert "id-never-sent" not in causes(records)
    assert judge(assemble([records])).verdict(FRESH).outcome == "fail"


def test_a_sighting_of_another_rule_excuses_nothing() -> None:
    assert judge(assemble([silent("header x-thread", rule="title")])).verdict(FRESH).outcome == "fail"


def test_a_store_that_the_profile_names_wrongly_is_not_empty() -> None:
    records = with_messages(make_run(chats=8, lanes=2), stored=None)
    records = replace(
        records, chats=tuple(replace(c, stored=None, stored_before=None) for c in records.chats)
    )
    stored = {"session": "session_…1", "place": "sessionStorage under 'chat'", "layer": "stored", "rule": ""}
    last = records.events[-1]
    sighting = Event(records.meta.run_id, last.seq + 1, last.t, 0, None, "sighting", stored)
    events = tuple(e for e in records.events if e.kind != "storage")
    fails = judge(assemble([replace(records, events=events)])).verdict("rotation.stored_id_is_fresh")
    assert fails.outcome == "fail"
    judgement = judge(assemble([replace(records, events=(*events, sighting))]))
    assert {v.name for v in judgement.verdicts if v.outcome == "fail"} == set()


def test_the_form_in_which_an_id_was_sent_is_named() -> None:
    records = make_run(chats=4, lanes=1)
    form = "percent-encoded in the payload"
    events = tuple(
        replace(e, data={**e.data, "form": form}) if e.kind == "payload" else e for e in records.events
    )
    verdict = judge(assemble([replace(records, events=events)])).verdict(EQUAL)
    assert verdict.outcome == "pass"
    assert f"({form})" in verdict.headline


@pytest.mark.parametrize("layer", ["sent", "stored"])
def test_an_id_found_elsewhere_in_one_layer_leaves_the_other_as_it_was_seen(layer: str) -> None:
    """An empty store stays one where only the payload's place is wrong, and the other way round."""
    records = with_messages(silent("header x-thread", rule="" if layer == "sent" else "title"), stored=None)
    events = tuple(
        replace(e, data={**e.data, "layer": layer}) if e.kind == "sighting" else e for e in records.events
    )
    run = without_wrong_places(replace(records, events=events))
    assert {m.sent_seen for c in run.chats for m in c.messages} == {layer != "sent"}
    assert {m.stored_seen for c in run.chats for m in c.messages} == {layer != "stored"}


@pytest.mark.parametrize(("form", "named"), [("", ""), ("base64", " (base64)")])
def test_a_message_names_where_its_id_was_and_in_which_form(form: str, named: str) -> None:
    records = silent("header x-thread")
    events = tuple(
        replace(e, data={**e.data, "form": form}) if e.kind == "sighting" else e for e in records.events
    )
    found = without_wrong_places(replace(records, events=events))
    assert {(m.sent_seen, m.unreadable) for c in found.chats for m in c.messages} == {
        (
            False,
            f"the session ID is in header x-thread{named}, and the profile's wire rule names another place",
        )
    }
