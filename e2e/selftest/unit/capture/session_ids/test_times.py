"""Times in IDs, on the published examples of each format."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from e2e.capture.session_ids.times import number_in, snowflake, times_in, uuid_version

RFC = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC).timestamp()
PUBLISHED = [
    pytest.param("C232AB00-9414-11EC-B3C8-9F6BDECED846", "UUID v1", RFC, id="rfc-9562-v1"),
    pytest.param("1EC9414C-232A-6B00-B3C8-9F6BDECED846", "UUID v6", RFC, id="rfc-9562-v6"),
    pytest.param("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "UUID v7", RFC, id="rfc-9562-v7"),
    pytest.param("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ULID", 1469922850.259, id="ulid"),
    pytest.param("0ujtsYcgvSTl8PAuAdqWYSMnLOv", "KSUID", 1507608047.0, id="ksuid"),
    pytest.param("507f1f77bcf86cd799439011", "ObjectId", 1350508407.0, id="objectid"),
    pytest.param("9m4e2mr0ui3e8a215n4g", "xid", 1300816219.0, id="xid"),
    pytest.param("cjld2cjxh0000qzrmn831i7rn", "cuid", 1535421552.101, id="cuid"),
    pytest.param("1541815603606036480", "Snowflake (Twitter)", 1656432460.105, id="twitter"),
    pytest.param("175928847299117063", "Snowflake (Discord)", 1462015105.796, id="discord"),
]


@pytest.mark.parametrize(("text", "label", "t"), PUBLISHED)
def test_the_time_of_a_published_example_is_read(text: str, label: str, t: float) -> None:
    assert dict(times_in(text, t))[label] == pytest.approx(t, abs=1e-3)


@pytest.mark.parametrize("cut", [1, -1], ids=["one-shorter", "one-longer"])
@pytest.mark.parametrize(("text", "label", "t"), PUBLISHED[:-2])
def test_a_text_of_another_length_is_not_that_format(text: str, label: str, t: float, cut: int) -> None:
    other = text[:-1] if cut == 1 else text + "0"
    assert label not in dict(times_in(other, t))


@pytest.mark.parametrize("hours", [-12, 0, 5.75, 14], ids=["baker-island", "utc", "nepal", "kiribati"])
@pytest.mark.parametrize("form", ["%Y%m%dT%H%M%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ"])
def test_a_date_is_read_in_every_time_zone(form: str, hours: float) -> None:
    written = RFC + 0.4
    local = datetime.fromtimestamp(RFC + 3600 * hours, UTC).strftime(form)
    assert dict(times_in(local, written))["date and time"] == RFC


@pytest.mark.parametrize("hours", [-24, 15])
def test_a_date_that_no_time_zone_brings_near_is_no_time(hours: int) -> None:
    local = datetime.fromtimestamp(RFC + 3600 * hours, UTC).strftime("%Y%m%dT%H%M%S")
    assert "date and time" not in dict(times_in(local, RFC))
    assert "date and time" not in dict(times_in("20221332T256161", RFC))


def test_the_milliseconds_of_a_date_count() -> None:
    assert dict(times_in("20220222T192222250Z", RFC))["date and time"] == RFC + 0.25


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("f47ac10b-58cc-4372-a567-0e02b2c3d479", 4),
        ("f47ac10b58cc4372a5670e02b2c3d479", 4),
        ("f47ac10b-58cc-8372-b567-0e02b2c3d479", 8),
        ("f47ac10b-58cc-1372-8567-0e02b2c3d479", 1),
        ("f47ac10b-58cc-9372-a567-0e02b2c3d479", 0),
        ("f47ac10b-58cc-4372-7567-0e02b2c3d479", 0),
        ("00000000-0000-0000-0000-000000000000", 0),
        ("f47ac10b-58cc-4372-a567-0e02b2c3d47", None),
        ("f47ac10b-58cc-4372-a567-0e02b2c3d47g", None),
    ],
)
def test_the_version_of_a_uuid_needs_its_variant(text: str, version: int | None) -> None:
    assert uuid_version(text) == version


def test_a_number_is_read_only_in_its_alphabet() -> None:
    assert number_in("zz", "base 36") == 35 * 36 + 35
    assert number_in("1l", "crockford") is None


class TestSnowflakeOfUnknownEpoch:
    """The difference of two of them is the time between their writings."""

    EARLIER, LATER = str((10**9 << 22) + 7), str((10**9 + 90_000 << 22) + 3)

    def test_it_gives_the_seconds_between_two_and_the_epoch(self) -> None:
        assert snowflake(self.LATER, self.EARLIER, 1_763_860_090.0) == [90.0, 1_763_860_090 - 1_000_090]

    def test_two_that_lie_far_apart_are_none(self) -> None:
        assert snowflake(str(10**9 + 600_000 << 22), str(10**9 << 22), 1_763_860_000.0) is not None
        assert snowflake(str(10**9 + 601_000 << 22), str(10**9 << 22), 1_763_860_000.0) is None

    @pytest.mark.parametrize("other", ["", "12345678901234", "12345678901234567890", "²" * 17, "x" * 17])
    def test_another_text_is_none(self, other: str) -> None:
        assert snowflake(self.LATER, other, 1_763_860_000.0) is None
        assert snowflake(other, self.EARLIER, 1_763_860_000.0) is None
