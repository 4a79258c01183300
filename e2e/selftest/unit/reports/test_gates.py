"""The release gate's limits: the profile's where it says any, and none on what a run cannot tell."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.judge import judge
from e2e.analysis.model.run import assemble
from e2e.errors import InvalidProfile
from e2e.profile.parts.policy import Gates
from e2e.profile.profile import TARGETS, parse
from e2e.records.records import RunMeta
from e2e.selftest.unit.builders import make_run, with_meta
from reports.allure.config import GATES, allure_run
from reports.summary.aggregate import Judged
from reports.summary.summary import summarise


def gates(*faults: str, policy: dict[str, Any] | None = None, **meta: Any) -> dict[str, float]:
    records = make_run(*faults)
    records = with_meta(records, policy=replace(records.meta.policy, **(policy or {})), **meta)
    run = assemble([records])
    return dict(allure_run(Judged(run, judge(run), summarise(run, judge(run)), ())).gates)


def test_the_limits_are_those_that_the_profiles_page_tells() -> None:
    assert gates() == {name: limit for name, (_, limit) in GATES.items()}
    limits = {name: field.default for name, field in Gates.model_fields.items()}
    assert limits == {name: limit for name, (_, limit) in GATES.items()} | {"effective_providers": None}


def test_the_profile_says_other_ones() -> None:
    assert gates(gates={"reuse_bound": 14.0, "effective_providers": 4.0}) == {
        "reuse_bound": 14,
        "effective_providers": 4,
        "log10_e": 4.26,
        "chat_latency_p95": 300,
    }


def test_a_chat_with_one_provider_needs_no_second_one() -> None:
    assert "effective_providers" not in gates(policy={"providers": None, "provider_count": 1})
    assert "effective_providers" not in gates(policy={"providers": ("Big hat",)})
    assert "effective_providers" in gates(policy={"providers": None, "provider_count": 2})


def test_they_are_recorded_with_the_run() -> None:
    meta = with_meta(make_run(), gates={"log10_e": 3.0}).meta
    assert RunMeta.from_json(meta.to_json()) == meta


@pytest.mark.parametrize(("limits", "rule"), [("reuse_bound = 0", "above 0"), ("reuse = 14", "reuse_bound")])
def test_a_limit_that_is_none_is_refused(limits: str, rule: str) -> None:
    text = (TARGETS / "reference.toml").read_text(encoding="utf-8") + f"\n[gates]\n{limits}\n"
    with pytest.raises(InvalidProfile) as raised:
        parse(tomllib.loads(text), "acme.toml")
    assert rule in str(raised.value)
