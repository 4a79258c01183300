"""However the reference chat keeps its session, talks and rotates, the verdicts are the same."""

from __future__ import annotations

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run
from e2e.profile.profile import Profile
from e2e.profile.variants import STORES, reference_variant
from e2e.selftest.browser.conftest import Record

STALE = {"rotation.sent_id_is_fresh", "rotation.stored_id_is_fresh", "rotation.sent_equals_stored"}


def failed(run: Run) -> set[str]:
    return {v.name for v in judge(run).verdicts if v.outcome == "fail"}


def formats(store: str) -> tuple[str, ...]:
    return ("bare",) if store in ("url", "none") else ("blob", "bare")


ALWAYS = {
    ("localStorage", "bare", "on_click"),
    ("sessionStorage", "blob", "on_first_message"),
    ("cookie", "bare", "on_first_message"),
    ("url", "bare", "on_click"),
    ("indexedDB", "blob", "on_click"),
    ("none", "bare", "on_click"),
}
"""Each store once; the other formats and rotations are for `make test-all`."""
CASES = [
    pytest.param(
        store,
        form,
        rotation,
        id=f"{store}-{form}-{rotation}",
        marks=() if (store, form, rotation) in ALWAYS else pytest.mark.long,
    )
    for store in STORES
    for form in formats(store)
    for rotation in ("on_click", "on_first_message")
    if (form, rotation) != ("bare", "on_first_message") or store in ("url", "none", "cookie")
]


@pytest.mark.parametrize(("store", "form", "rotation"), CASES)
class TestStores:
    def test_a_healthy_chat_passes(
        self, record: Record, reference: Profile, store: str, form: str, rotation: str
    ) -> None:
        profile = reference_variant(reference, store=store, id_format=form, rotation=rotation)
        run = record(chats=5, lanes=2, profile=profile, store=store, id_format=form, rotation=rotation)
        assert not run.partial, run.partial_reasons
        assert failed(run) == set()
        passed = {v.name for v in judge(run).verdicts if v.outcome == "pass"}
        wanted = {"smoke", "rotation.sent_id_is_fresh", "rotation.one_id_per_chat"}
        assert wanted | (STALE if store != "none" else set()) <= passed

    def test_the_historical_fault_is_found(
        self, record: Record, reference: Profile, store: str, form: str, rotation: str
    ) -> None:
        profile = reference_variant(reference, store=store, id_format=form, rotation=rotation)
        run = record(
            chats=5,
            lanes=2,
            profile=profile,
            store=store,
            id_format=form,
            rotation=rotation,
            faults=["stale-state"],
        )
        assert "rotation.sent_id_is_fresh" in failed(run)
        if store != "none":  # without a store nothing tells a stale state from an ID that is always the same
            assert failed(run) == STALE
            assert [c.name for c in judge(run).causes] == ["stale-state"]


@pytest.mark.parametrize("transport", ["json", "sse", "websocket"])
def test_the_store_is_watched_whatever_the_transport(
    record: Record, reference: Profile, transport: str
) -> None:
    profile = reference_variant(reference, store="indexedDB", id_format="blob", rotation="on_first_message")
    run = record(
        chats=4, lanes=2, profile=profile, store="indexedDB", rotation="on_first_message", transport=transport
    )
    assert failed(run) == set()
    assert set(run.payloads["transport"]) == {"websocket" if transport == "websocket" else "http"}
