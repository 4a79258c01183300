"""reply.is_live: which replies count, and which did not come from the backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks.chat import is_live
from e2e.analysis.model.run import assemble
from e2e.analysis.model.verdict import Verdict
from e2e.selftest.unit.builders import make_run, with_chats, with_messages


def judged(chat: int, **changes: Any) -> Verdict:
    """A run of one lane; the messages of one chat are changed."""
    records = with_chats(
        make_run(chats=6, lanes=1),
        lambda c: (
            replace(c, messages=tuple(replace(m, **changes) for m in c.messages)) if c.chat == chat else c
        ),
    )
    return is_live(assemble([records]))


WHOLE = is_live(assemble([make_run(chats=6, lanes=1)])).numbers["replies"]


def test_a_reply_from_a_cache_fails_by_its_chat() -> None:
    verdict = judged(3, served_by="service worker")
    assert verdict.outcome == "fail"
    assert [key.chat for key in verdict.chats] == [3]
    assert verdict.actual == ("lane 0: a service worker replied in chat 3",)
    assert verdict.numbers["replies"] == WHOLE


@pytest.mark.parametrize(
    "changes",
    [{"status": 429}, {"status": 500}, {"status": 400}, {"status": None}, {"sent_seen": False}],
    ids=["limit", "error", "refused", "none", "unseen"],
)
def test_a_refused_or_unseen_message_has_no_reply_to_judge(changes: dict[str, Any]) -> None:
    verdict = judged(3, served_by="service worker", **changes)
    assert verdict.outcome == "pass"
    assert isinstance(WHOLE, int)
    assert 0 < int(verdict.numbers["replies"]) < WHOLE


def test_without_any_reply_it_is_not_judged() -> None:
    verdict = is_live(assemble([with_messages(make_run(chats=4, lanes=1), status=503)]))
    assert (verdict.outcome, verdict.numbers["replies"]) == ("inconclusive", 0)
    assert "no reply was seen on the network" in verdict.headline
