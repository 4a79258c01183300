"""The numbers of each verdict: of a run with a fault at every click, and of one without, each counted by hand.

Four lanes of five chats. The last chat of a lane has three messages, the third one after a reload; any other has one. So there are
20 chats, 28 messages, 16 clicks on New Chat, and 4 chats with several messages.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import beta

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.records.records import Chat, RunRecords
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_messages, with_meta

CHATS, MESSAGES, CLICKS, LONG = 20, 28, 16, 4


def none_of(n: int) -> float:
    """The upper limit at 95 % of a rate of which no case was seen in ``n``."""
    return float(round(1 - 0.05 ** (1 / n), 4))


def some_of(k: int, n: int) -> float:
    """The same with ``k`` cases (Clopper and Pearson)."""
    return round(float(beta.ppf(0.95, k + 1, n - k)), 4)


HEALTHY: dict[str, dict[str, Any]] = {
    "smoke": {"observed": CHATS, "replied": CHATS, "with_sent_id": CHATS, "with_stored_id": CHATS},
    "rotation.stored_id_is_fresh": {
        "reused": 0, "without_id": 0, "shared_first": 0, "transitions": CLICKS, "not_seen": 0, "bound95": none_of(CLICKS),
    },
    "rotation.sent_id_is_fresh": {
        "reused": 0, "without_id": 0, "shared_first": 0, "transitions": CLICKS, "other_requests": 0, "not_seen": 0,
        "bound95": none_of(CLICKS),
    },
    "rotation.sent_equals_stored": {
        "different": 0, "messages": MESSAGES, "chats_different": 0, "chats": CHATS, "bound95": none_of(CHATS),
    },
    "rotation.one_id_per_chat": {"chats_with_several": 0, "chats": LONG, "bound95": none_of(LONG)},
    "chat.starts_empty": {"shown": 0, "sent": 0, "transitions": CLICKS, "bound95": none_of(CLICKS)},
    "reply.is_live": {"cached": 0, "replies": MESSAGES, "bound95": none_of(MESSAGES)},
    "provider.persists": {
        "sessions_with_several": 0, "sessions": LONG, "shared_by_browsers": 0, "bound95": none_of(LONG),
    },
    "provider.label_is_true": {"untrue": 0, "labels": MESSAGES, "without_label": 0, "bound95": none_of(CHATS)},
}  # fmt: skip
STALE: dict[str, dict[str, Any]] = HEALTHY | {
    "smoke": HEALTHY["smoke"] | {"with_stored_id": 4},
    "rotation.stored_id_is_fresh": HEALTHY["rotation.stored_id_is_fresh"]
    | {"without_id": CLICKS, "bound95": 1.0},
    "rotation.sent_id_is_fresh": HEALTHY["rotation.sent_id_is_fresh"] | {"reused": CLICKS, "bound95": 1.0},
    "rotation.sent_equals_stored": HEALTHY["rotation.sent_equals_stored"]
    # the third message of each last chat is sent after a reload, which brings the store's own state
    | {"different": 20, "chats_different": CLICKS, "bound95": some_of(CLICKS, CHATS)},
}


@pytest.mark.parametrize("check", HEALTHY)
@pytest.mark.parametrize(
    ("faults", "numbers"), [((), HEALTHY), (("stale-state",), STALE)], ids=["healthy", "stale"]
)
def test_of_a_run(faults: tuple[str, ...], numbers: dict[str, dict[str, Any]], check: str) -> None:
    assert dict(judge(judge_run(*faults)).verdict(check).numbers) == numbers[check]


def changed(chats: int, **fields: Any) -> RunRecords:
    """A healthy run in which the first messages of so many chats have these fields."""
    records = make_run()
    some = [(c.lane, c.chat) for c in sorted(records.chats, key=lambda c: (c.chat, c.lane))][:chats]

    def change(c: Chat) -> Chat:
        if (c.lane, c.chat) not in some:
            return c
        return replace(c, messages=(replace(c.messages[0], **fields), *c.messages[1:]))

    return with_chats(records, change)


@pytest.mark.parametrize(
    ("records", "check", "numbers"),
    [
        (changed(3, label_provider="Old oak (no more)"), "provider.label_is_true",
         {"untrue": 3, "labels": MESSAGES, "without_label": 0, "bound95": some_of(3, CHATS)}),
        (changed(3, label_provider=None), "provider.label_is_true", {"labels": MESSAGES - 3, "without_label": 3}),
        (changed(2, served_by="http-cache"), "reply.is_live", {"cached": 2, "bound95": some_of(2, MESSAGES)}),
        (changed(2, sent=None), "rotation.sent_equals_stored", {"different": 2, "chats_different": 2}),
        (changed(2, sent_seen=False, sent=None), "rotation.sent_equals_stored", {"messages": MESSAGES - 2}),
        (with_messages(make_run(), sent=None), "rotation.sent_id_is_fresh", {"without_id": CLICKS}),
        (with_messages(make_run(), outcome="timeout"), "smoke", {"observed": CHATS, "replied": 0}),
        (with_chats(make_run(), lambda c: replace(c, screen_messages=2, screen_compared=True, screen_from=0) if c.chat else c),
         "chat.starts_empty", {"shown": CLICKS, "bound95": 1.0}),
        (with_messages(make_run(), bleeds_from=0), "chat.starts_empty", {"sent": CLICKS}),
        (with_meta(make_run(), scenarios={"reload": 2}), "rotation.reload", {"plays": 2, "plays_seen": 0}),
        (with_meta(make_run(), scenarios={"two-tabs": 2}), "rotation.reload", {"plays": 0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_of_a_run_with_some_chats_changed(records: RunRecords, check: str, numbers: dict[str, Any]) -> None:
    found = judge(assemble([records])).verdict(check).numbers
    assert {name: found[name] for name in numbers} == numbers
