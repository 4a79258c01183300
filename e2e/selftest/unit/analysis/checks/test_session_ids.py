"""What is said of the IDs' form, and how much randomness is claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.analysis.checks.session_ids import describe
from e2e.analysis.id_patterns.bits import supported_bits
from e2e.analysis.model.run import Run, assemble
from e2e.records.records import Event
from e2e.selftest.unit.builders import judge_run, make_run


@pytest.mark.parametrize(("n", "bits"), [(20, 6.0), (50, 8.7), (100, 10.7), (1000, 17.3), (20000, 26.0)])
def test_the_published_bits(n: int, bits: float) -> None:
    assert supported_bits(n) == bits


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_ids_support_nothing(n: int) -> None:
    assert supported_bits(n) == 0.0


@pytest.mark.parametrize(
    ("pattern", "label", "bits"),
    [
        ("timestamp", "timestamp+random", 6.0),
        ("userBased", "timestamp+part", 6.0),
        ("fixed", "fixed", 0.0),
        ("browserBased", "fixed", 0.0),
        ("uuid", "uuid", 6.0),
        ("counter", "unknown", 6.0),  # masked, a counter's steps cannot be seen
        ("chatBased", "unknown", 6.0),
    ],
)
def test_the_seven_patterns(pattern: str, label: str, bits: float) -> None:
    found = describe(judge_run(id_pattern=pattern, continue_last=False))
    assert (found.pattern, found.supported_bits) == (label, bits)
    assert found.evidence


def shaped(shape: str, offset: float | None = None, **fields: Any) -> Run:
    """A run whose written IDs all have this form and time offset."""
    records = make_run(**fields)

    def change(e: Event) -> Event:
        return (
            replace(e, data=dict(e.data) | {"shape": shape, "time_offset": offset})
            if e.kind == "storage"
            else e
        )

    return assemble([replace(records, events=tuple(map(change, records.events)))])


@pytest.mark.parametrize(
    ("shape", "offset", "label"),
    [
        ("s_{d13}", 0.001, "timestamp"),
        ("s_{d13}", 60.0, "unknown"),  # a time, and not the one of the writing
        ("s_{d13}", None, "unknown"),
        ("{X22}", None, "random"),
        ("{X8}", None, "unknown"),
        ("{d13}-{x8}", 0.0, "timestamp+random"),
        ("{x8}-{h4}", 0.0, "timestamp+part"),
    ],
)
def test_forms_and_times(shape: str, offset: float | None, label: str) -> None:
    assert describe(shaped(shape, offset)).pattern == label


def test_few_ids_have_no_pattern() -> None:
    assert describe(judge_run(chats=1, lanes=1)).pattern == "unknown"
    assert describe(shaped("s_{d13}", 0.0, chats=4)).pattern == "unknown"


def test_a_repeat_supports_no_randomness() -> None:
    assert describe(judge_run("id-collision")).supported_bits == 0.0


def test_a_stale_state_does_not_count_against_the_generator() -> None:
    found = describe(judge_run("stale-state"))
    assert (found.distinct_stored, found.distinct_sent) == (8, 8)
    assert found.supported_bits == supported_bits(8)


def test_without_storage_the_sent_ids_are_counted() -> None:
    found = describe(judge_run(storage_events=False))
    assert (found.pattern, found.supported_bits) == ("unknown", 6.0)
