"""The key figures: each against numbers that were worked out by hand, and absent where a run cannot tell it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest

from e2e.analysis.model.run import assemble
from e2e.records.records import Policy
from e2e.selftest.unit.builders import judge_run, make_run, with_chats, with_meta
from reports.charts.figures import FIGURES, against_shares, figures, latencies


def test_twenty_clean_chats_in_four_lanes_bound_the_reuse_by_that_of_sixteen_clicks() -> None:
    assert figures(judge_run())["reuse_bound"] == pytest.approx(100 * (1 - 0.05 ** (1 / 16)), abs=0.01)
    assert figures(judge_run("stale-state"))["reuse_bound"] == 100


def test_effective_providers_are_the_inverse_of_the_simpson_index() -> None:
    run = judge_run()
    counted = against_shares(run)
    assert counted is not None
    counts = Counter(counted[0])
    n = counts.total()
    expected = n * n / sum(c * c for c in counts.values())
    assert figures(run)["effective_providers"] == pytest.approx(expected, abs=0.001)
    assert figures(judge_run("provider-pinned"))["effective_providers"] == 1


def test_the_evidence_of_a_pin_is_that_of_its_sessions() -> None:
    """All n sessions on one of k alike providers, under the Dirichlet(1/2, …) mixture: a product of k (1/2 + i) / (k/2 + i)."""
    run = judge_run("provider-pinned")
    n, k = len(run.observed), 9
    by_hand = sum(math.log10(k * (0.5 + i) / (k / 2 + i)) for i in range(n))
    assert figures(run)["log10_e"] == pytest.approx(by_hand, abs=0.3)
    assert figures(judge_run())["log10_e"] < 2


def test_latency_is_reported_of_replies_only() -> None:
    records = make_run()
    plain = latencies(assemble([records]))
    assert len(plain) == 20
    refused = with_chats(
        records,
        lambda c: (
            replace(c, messages=tuple(replace(m, outcome="http_error", status=404) for m in c.messages))
            if c.chat == 2
            else c
        ),
    )
    assert len(latencies(assemble([refused]))) == 16
    found = figures(assemble([records]))
    assert min(plain) - 1 <= found["chat_latency_p50"] <= found["chat_latency_p95"] <= max(plain) + 1


def test_latency_is_that_of_plain_chats_that_were_observed() -> None:
    records = make_run()
    for change in ({"scenario": "reload"}, {"status": "lost", "reason": "x"}):
        changed = with_chats(records, lambda c, change=change: replace(c, **change) if c.chat == 2 else c)
        assert len(latencies(assemble([changed]))) == 16


def test_what_a_run_cannot_tell_is_absent() -> None:
    thin = figures(judge_run(chats=1, lanes=1))
    assert "reuse_bound" not in thin
    records = make_run()
    nothing_expected = with_meta(records, policy=replace(records.meta.policy, providers=None))
    assert "log10_e" not in figures(assemble([nothing_expected]))
    assert set(thin) <= set(FIGURES)


def test_where_only_their_number_is_known_providers_go_by_rank() -> None:
    records = make_run()
    counted = with_meta(records, policy=replace(records.meta.policy, providers=None, provider_count=9))
    by_number, by_name = against_shares(assemble([counted])), against_shares(assemble([records]))
    assert by_number is not None
    assert by_name is not None
    assert sorted(by_number[0].values())[-5:] == sorted(by_name[0].values())[-5:]
    assert list(by_number[1].values()) == pytest.approx([1 / 9] * 9)


def test_expected_weights_are_the_shares() -> None:
    weights = {"Big hat": 0.5, "Tin drum": 0.5}
    records = with_meta(make_run(), policy=Policy(providers=tuple(weights), weights=weights))
    found = against_shares(assemble([records]))
    assert found is not None
    assert found[1] == weights
