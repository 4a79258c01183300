"""Anomalies of unexplained chats are named with their code; chats in order have none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.causes.evidence.chat_evidence import chat_evidence
from e2e.analysis.diagnosis.anomalies import anomaly, in_common
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import UNEXPLAINED
from e2e.records.records import Chat, RunRecords
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_meta


def with_first(records: RunRecords, **changes: Any) -> RunRecords:
    """The first message of every chat that New Chat began, changed."""
    return with_chats(
        records,
        lambda c: replace(c, messages=(replace(c.messages[0], **changes), *c.messages[1:])) if c.chat else c,
    )


def words(run: Run) -> set[str]:
    return {anomaly(c) for c in chat_evidence(run).values()}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (assemble([make_run()]), {""}),
        (assemble([with_first(make_run(), sent=None)]), {"", "sent no session ID while the store held one"}),
        (assemble([with_first(make_run(), sent=None, stored=None)]), {"", "sent no session ID"}),
        (judge_run("stale-state"), {"", "sent the ID of an earlier chat"}),
        (judge_run(id_pattern="fixed", chats=4, lanes=4), {"sent an ID that another browser had"}),
        (judge_run("over-rotation", messages=2), {"sent several session IDs"}),
    ],
)
def test_the_first_anomaly_of_a_chat_is_reported(run: Run, expected: set[str]) -> None:
    assert words(run) == expected


def test_an_id_issued_by_the_first_reply_is_not_missing_before_it() -> None:
    records = with_first(make_run(messages=2), sent=None)
    given = with_meta(records, policy=replace(records.meta.policy, rotation="on_first_reply"))
    assert "sent no session ID while the store held one" in words(assemble([records]))
    assert words(assemble([given])) == {""}


def test_the_most_frequent_anomaly_is_counted() -> None:
    run = assemble([with_first(make_run(), sent=None)])
    chats = [c for key, c in chat_evidence(run).items() if key.chat]
    assert in_common(chats) == "16 of 16 chats sent no session ID while the store held one"
    assert in_common([c for key, c in chat_evidence(run).items() if not key.chat]) == ""
    assert in_common([]) == ""


def test_an_unexplained_failure_names_its_anomaly_and_the_sending_code() -> None:
    run = assemble([with_first(make_run(), sent=None)])
    (cause,) = judge(run).causes
    assert cause.name == UNEXPLAINED
    assert cause.confidence == 0
    assert cause.explanation.endswith(": 16 of 16 chats sent no session ID while the store held one")
    assert cause.where == (
        "src/lib/transport/sse.ts:22 post",
        "src/components/ChatPage.tsx:118 sendMessage",
    )


def test_an_id_counts_as_an_earlier_chats_from_the_time_at_which_it_was_seen() -> None:
    records = make_run(chats=4, lanes=1)
    late = "session_…late"

    def went_on(chat: Chat) -> Chat:
        message = replace(chat.messages[0], number=1, sent=late, sent_at=records.chats[2].began + 0.01)
        return replace(chat, messages=(*chat.messages, message)) if chat.chat == 0 else chat

    evidence = chat_evidence(assemble([with_chats(records, went_on)]))
    assert [late in c.old_ids for c in evidence.values()] == [False, False, False, True]


def test_later_chats_share_the_ids_of_an_earlier_one() -> None:
    """A set for each pair of chats took memory and time by the square of their number: 1 GB for 10,000."""
    chats = list(chat_evidence(judge_run(chats=4, lanes=1)).values())
    assert chats[1].earlier[0] is chats[2].earlier[0] is chats[3].earlier[0]
