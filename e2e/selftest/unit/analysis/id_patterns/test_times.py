"""Times in session IDs, from features that are written down here: what is claimed, in which words, and where the limits are."""

from __future__ import annotations

import math
from typing import Any

import pytest

from e2e.analysis.id_patterns import times
from e2e.analysis.id_patterns.bits import alphabet
from e2e.analysis.id_patterns.samples import Sample
from e2e.analysis.id_patterns.times import correlation, judge_time

START = 1_763_860_000.0


def samples(*written: float, lanes: int = 1) -> list[Sample]:
    return [
        Sample({"ref": str(n), "written": START + t, "gaps": [], "tokens": 1}, lane=n % lanes, order=n)
        for n, t in enumerate(written)
    ]


def column(label: str, *off: float, length: int = 13, has: str = "0") -> list[dict[str, Any]]:
    return [{"time": [(label, o)], "length": length, "has": has, "ref": str(n)} for n, o in enumerate(off)]


SLOW = samples(0, 10, 20, 30, 40)


class TestNamed:
    def test_a_timestamp_that_is_the_whole_part(self) -> None:
        assert judge_time(column("ms base 10", -0.1, -0.2, -0.1, -0.2, -0.1), SLOW) == (
            "timestamp",
            "timestamp ms base 10",
            "ms base 10: a time within 0.2 s of the write in all 5, correlated with it (1.0000)",
            0.0,
            False,
        )

    def test_writes_that_lie_close_together_show_no_correlation(self) -> None:
        found = judge_time(column("ms base 10", -0.1, -0.1), samples(5, 5))
        assert found is not None
        assert found[2] == (
            "ms base 10: a time within 0.1 s of the write in all 2; the writes lie within 0.0 s, too close for a correlation"
        )
        for last, close_enough in ((1.9, True), (2.0, False)):
            close = judge_time(column("s base 10", 0.0, -0.9, -0.9), samples(0, 1, last))
            assert close is not None
            assert ("the writes lie within 1.9 s" in close[2]) is close_enough

    @pytest.mark.parametrize(("off", "words"), [(60.0, "60 s after"), (-60.0, "60 s before")])
    def test_another_clock_is_recognised_from_five_ids_on(self, off: float, words: str) -> None:
        found = judge_time(column("ms base 10", *[off] * 5), SLOW)
        assert found is not None
        assert (
            found[2]
            == f"ms base 10: a time {words} the write in all 5 (another clock), correlated with it (1.0000)"
        )
        few = judge_time(column("ms base 10", *[off] * 4), SLOW[:4])
        assert few is None or few[0] == "unknown"

    @pytest.mark.parametrize(
        ("label", "name"),
        [
            ("head ms base 36", "timestamp ms base 36 then 9 of a-z0-9"),
            ("tail ms base 36", "9 of a-z0-9 then timestamp ms base 36"),
        ],
    )
    def test_what_is_beside_a_time_is_taken_for_random(self, label: str, name: str) -> None:
        found = judge_time(column(label, *[-0.1] * 5, length=17, has="0a"), SLOW)
        assert found is not None
        kind, called, _, bits, loose = found
        size, letters = alphabet("0a")
        assert (kind, called, loose) == ("timestamp", name.replace("a-z0-9", letters), True)
        assert bits == pytest.approx(9 * math.log2(size))

    @pytest.mark.parametrize("label", times._FORMATS)
    def test_a_known_format_has_its_kind_and_what_is_left_for_randomness(self, label: str) -> None:
        found = judge_time(column(label, *[-0.1] * 5), SLOW)
        assert found is not None
        kind, bits, _ = times._FORMATS[label]
        assert (found[0], found[1], found[3], found[4]) == (kind, label, bits, False)

    def test_a_format_comes_before_a_reading_and_the_longer_reading_first(self) -> None:
        def of(length: int, *labels: str) -> str:
            times = [(label, -0.1) for label in labels]
            parts = [{"time": times, "length": length, "has": "0a", "ref": str(n)} for n in range(5)]
            found = judge_time(parts, SLOW)
            assert found is not None
            return found[1]

        assert of(26, "s base 36", "ULID") == "ULID"
        assert of(20, "head s base 10", "head ms base 10").startswith("timestamp ms base 10 then 7 of")


class TestLimits:
    @pytest.mark.parametrize(("off", "near"), [(5.0, True), (-5.0, True), (5.01, False)])
    def test_a_time_is_within_five_seconds_of_the_write(self, off: float, near: bool) -> None:
        assert times._near([0.0, off]) is near

    @pytest.mark.parametrize(
        ("off", "near"),
        [([60.0] * 5, True), ([60.0, 65.0] * 3, True), ([60.0, 65.01] * 3, False), ([60.0] * 4, False)],
    )
    def test_a_clock_that_is_off_is_off_by_the_same(self, off: list[float], near: bool) -> None:
        assert times._near(off) is near

    def test_a_number_near_the_time_that_does_not_move_with_it_is_unknown(self) -> None:
        found = judge_time(column("ms base 10", 4.0, 2.0, 0.0, -2.0, -4.0), samples(0, 2, 4, 6, 8))
        assert found == (
            "unknown",
            "number near the time (ms base 10)",
            "a part reads as a time (ms base 10) near the write in all 5, but does not change with it",
            0.0,
            False,
        )

    @pytest.mark.parametrize(
        ("off", "written", "follows"),
        [
            ([0.0, 0.3], [0.0, 9.0], True),
            ([0.0, 1.3], [0.0, 9.0], True),
            ([0.0, 1.31, 0.0], [0.0, 0.5, 1.0], False),
            ([0.0, 2.0, 4.0], [0.0, 10.0, 20.0], True),
            ([0.0, 2.6, 5.2], [0.0, 10.0, 20.0], False),
            ([0.0, -1.9, -3.8], [0.0, 10.0, 20.0], True),
            ([0.0, -2.1, -4.2], [0.0, 10.0, 20.0], False),
            ([0.0, 1.5], [5.0, 5.0], False),
        ],
    )
    def test_it_moves_at_the_pace_of_the_writes(
        self, off: list[float], written: list[float], follows: bool
    ) -> None:
        assert times._follows(off, written, 1.0) is follows

    @pytest.mark.parametrize(
        ("n", "of", "reported"), [(2, 3, True), (2, 4, False), (3, 5, True), (1, 1, False), (1, 2, False)]
    )
    def test_a_time_in_more_than_half_of_the_ids_is_reported(self, n: int, of: int, reported: bool) -> None:
        offsets = [{"s base 10": 0.0}] * n + [{}] * (of - n)
        expected = f"a part reads as a time (s base 10) near the write in {n} of {of}, not in all within 5 s"
        found = times._some(offsets)
        assert found == (
            ("unknown", "number near the time (s base 10)", expected, 0.0, False) if reported else None
        )

    def test_ids_without_any_time(self) -> None:
        assert judge_time([{"length": 3, "has": "0", "ref": "a"}] * 3, SLOW[:3]) is None

    @pytest.mark.parametrize(
        ("label", "coarse"),
        [
            ("s base 10", 1.0),
            ("head s base 36", 1.0),
            ("tail ms base 36", 1e-3),
            ("KSUID", 1.0),
            ("ULID", 1e-3),
        ],
    )
    def test_the_unit_of_a_time(self, label: str, coarse: float) -> None:
        assert times._coarse(label) == coarse


class TestCorrelation:
    @pytest.mark.parametrize(
        ("a", "b", "r"),
        [
            ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 1.0),
            ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], -1.0),
            ([1.0, 1.0], [1.0, 2.0], None),
            ([1.0, 2.0], [1.0, 1.0], None),
        ],
    )
    def test_pearsons_r(self, a: list[float], b: list[float], r: float | None) -> None:
        found = correlation(a, b)
        assert found == (None if r is None else pytest.approx(r))


class TestSnowflake:
    def flakes(self, *epochs: float, lanes: int = 1) -> Any:
        column: list[dict[str, Any]] = [{"length": 19, "has": "0", "ref": str(n)} for n in range(len(epochs))]
        for piece, epoch in zip(column, epochs, strict=True):
            piece["flake"] = (0, epoch)
        return judge_time(column, samples(*range(0, 10 * len(epochs), 10), lanes=lanes))

    def test_an_epoch_of_its_own_is_named(self) -> None:
        epoch = 1_420_070_400.0
        assert self.flakes(0.0, epoch, epoch + 5) == (
            "snowflake",
            "Snowflake (epoch 2015-01-01)",
            "the upper bits of 3 numbers count the milliseconds since 2015-01-01 00:00:02 UTC",
            0.0,
            False,
        )

    def test_it_takes_two_that_agree_within_five_seconds(self) -> None:
        assert self.flakes(0.0, 1e9) is None
        assert self.flakes(0.0, 1e9, 1e9 + 5.1) is None
        assert self.flakes(0.0, 1e9, 1e9, 1e9, lanes=4) is None
