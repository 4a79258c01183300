"""Guards what is stated about entropy: never more than the data support, never less room than the form has."""

from __future__ import annotations

from hashlib import sha256

import pytest

from e2e.analysis.id_patterns.bits import alphabet, bearer, supported_bits
from e2e.analysis.id_patterns.positions import positions
from e2e.analysis.id_patterns.samples import Sample
from e2e.capture.session_ids.features import features


@pytest.mark.parametrize(
    ("n", "bits"),
    [(0, 0.0), (1, 0.0), (2, 0.0), (20, 6.0), (50, 8.7), (100, 10.7), (1000, 17.3), (20000, 26.0)],
)
def test_supported_bits_are_the_published_ones(n: int, bits: float) -> None:
    assert supported_bits(n) == bits


@pytest.mark.parametrize(
    ("classes", "size"),
    [("0", 10), ("a0", 16), ("0A", 16), ("0ag", 36), ("0Ag", 62), ("0agAGu", 64), ("u", 64), ("0?", 94)],
)
def test_the_smallest_alphabet_that_holds_the_classes(classes: str, size: int) -> None:
    assert alphabet(classes)[0] == size


def test_a_format_with_too_few_bits_cannot_be_a_credential() -> None:
    found = bearer(46.5, 6.0)
    assert found.enough is False
    assert "at most 46.5" in found.owasp
    assert "7.2.3 requires 128" in found.asvs


@pytest.mark.parametrize(("bits", "enough"), [(63.9, False), (64.0, None), (64.1, None)])
def test_as_many_bits_as_are_required_may_be_enough(bits: float, enough: bool | None) -> None:
    found = bearer(bits, 6.0)
    assert found.enough is enough
    assert ("at most" in found.owasp) is (enough is False)
    assert (found.nominal_bits, found.supported_bits) == (bits, 6.0)


def test_nominal_bits_do_not_count_as_randomness() -> None:
    found = bearer(122.0, 6.0)
    assert found.enough is None
    assert "support 6" in found.owasp
    assert "at most 122" in found.asvs


def test_positions_tell_what_varies() -> None:
    ids = ["s_1a", "s_2a", "s_1a", "s_3ab"]
    found = positions(
        [Sample(features(i, 0.0, None, lambda text: sha256(text.encode()).hexdigest())) for i in ids]
    )
    assert [(p["kind"], p["distinct"]) for p in found] == [
        ("constant", 1),
        ("constant", 1),
        ("varying", 3),
        ("constant", 1),
        ("ragged", 1),
    ]
    assert [p["index"] for p in found] == [0, 1, 2, 3, 4]
