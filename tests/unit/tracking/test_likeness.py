"""Likeness of texts: by distance where the texts are at hand, by shared digests where they are not."""

from __future__ import annotations

import pytest

from platesieve.domain.plate import PlateText
from platesieve.tracking.likeness import align, alike, distance, neighbourhood
from tests.unit.tracking.scene import fingerprint


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", 0), ("ABC", "ABC", 0), ("ABC", "ABD", 1), ("ABC", "AB", 1), ("ABC", "XABC", 1), ("KITTEN", "SITTING", 3)],
)
def test_distance_counts_edits(one: str, other: str, expected: int) -> None:
    """Insertions, deletions and substitutions cost one each."""
    assert distance(one, other) == distance(other, one) == expected


def test_confusable_glyphs_cost_nothing() -> None:
    """0 and O, 1 and I are one glyph to a reader."""
    assert alike(PlateText("AB0180"), PlateText("ABOIB0"))


def test_short_texts_forgive_one_fault_and_long_ones_two() -> None:
    """Three faults are another plate."""
    assert alike(PlateText("WXYZ"), PlateText("WXYK"))
    assert not alike(PlateText("WXYZ"), PlateText("WXHK"))
    assert alike(PlateText("WX34YZK"), PlateText("WX34HJK"))
    assert not alike(PlateText("WX34YZK"), PlateText("WX34HJM"))


@pytest.mark.parametrize("other", ["AB12CDE", "AB12CDF", "B12CDE", "AB12CDEF", "A812CDE"])
def test_one_fault_leaves_a_common_digest(other: str) -> None:
    """Substitution, deletion and insertion are recognised from digests alone."""
    one = neighbourhood(PlateText("AB12CDE"), fingerprint)

    assert one & neighbourhood(PlateText(other), fingerprint)


def test_other_plates_share_no_digest() -> None:
    """Two substitutions in different places are not recognised."""
    one = neighbourhood(PlateText("AB12CDE"), fingerprint)

    assert not one & neighbourhood(PlateText("XB12CDF"), fingerprint)
    assert not one & neighbourhood(PlateText("ZZ98XYW"), fingerprint)


def test_alignment_finds_what_was_left_out() -> None:
    """Each position of the pivot gets its partner, or None."""
    assert align("ABCD", "ABCD") == (0, 1, 2, 3)
    assert align("ABCD", "ACD") == (0, None, 1, 2)
    assert align("ABCD", "XABCD") == (1, 2, 3, 4)
    assert align("AB", "") == (None, None)


def test_a_part_of_a_plate_is_alike() -> None:
    """A plate that enters the picture shows its end first; three characters are not enough."""
    assert alike(PlateText("AB12CDEF"), PlateText("CDEF"))
    assert not alike(PlateText("AB12CDEF"), PlateText("DEF"))
