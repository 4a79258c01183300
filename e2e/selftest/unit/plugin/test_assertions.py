"""A verdict becomes a readable failure, a reasoned skip, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.analysis.checks import provider, rotation
from e2e.analysis.judge import explained
from e2e.analysis.model.verdict import Verdict
from e2e.plugin.assertions import act_on
from e2e.selftest.unit.builders import judge_run


def message(verdict: Verdict, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        act_on(verdict, **options)
    return str(caught.value)


def sent_id_is_fresh(*faults: str, **made: Any) -> Verdict:
    run = judge_run(*faults, **made)
    return explained(run, rotation.sent_id_is_fresh(run))


def test_a_pass_contains_nothing() -> None:
    act_on(rotation.sent_id_is_fresh(judge_run()))


def test_a_failure_reads_as_in_the_style_guide() -> None:
    text = message(sent_id_is_fresh("stale-state", chats=5, lanes=1))
    lines = text.splitlines()
    assert lines[0] == "rotation.sent_id_is_fresh: 4 of 4 new chats kept sending an old session ID"
    assert lines[1] == ""
    assert lines[2] == "  expected  a fresh ID in the payloads after each New Chat"
    assert lines[3].startswith("  actual    lane 0: session_…")
    assert lines[4:7] == [
        "  cause     stale-state (frontend state), 4 of 4 chats",
        "            New Chat removed the key at src/lib/session.ts:97, the next send at",
        "            src/components/ChatPage.tsx:118 still carried the old ID",
    ]
    assert lines[7].startswith("  hint      let the function that ends the session generate the new")
    assert lines[-1] == "  evidence  reports/out/evidence/2026-11-22T0215Z-2f9c/chats.jsonl"
    assert max(map(len, lines)) <= 100


def test_what_is_unexplained_shows_its_evidence() -> None:
    text = message(sent_id_is_fresh("session-not-ended", storage_events=False))
    assert "cause     unexplained (unknown), 16 of 16 chats" in text
    assert "message 0 sent session_…" in text


def test_thin_evidence_is_a_skip_with_what_is_needed() -> None:
    with pytest.raises(pytest.skip.Exception) as caught:
        act_on(provider.varies(judge_run("provider-pinned", chats=4, lanes=1)))
    text = str(caught.value)
    assert text.startswith("inconclusive: all ")
    assert text.endswith("; needs 3 more sessions")  # the reload keeps its session, and is no draw


def test_thin_evidence_fails_under_strict_evidence() -> None:
    verdict = provider.varies(judge_run("provider-pinned", chats=4, lanes=1))
    assert "inconclusive, and --strict-evidence is on" in message(verdict, strict=True)
    assert "needs" in message(verdict, strict=True)
