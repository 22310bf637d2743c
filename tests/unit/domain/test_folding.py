"""Folding: what looks alike is one, and what that costs is said truly."""

from __future__ import annotations

import itertools
import string
from collections import Counter

import pytest

from platesieve.domain.folding import CLASSES, STANDARD, Folding, fold, fold_characters
from platesieve.domain.plate import PlateText


def test_what_looks_alike_folds_to_one_glyph_and_folding_twice_changes_nothing() -> None:
    """Every class has one answer; every other glyph stays."""
    for group in CLASSES:
        assert {fold_characters(glyph) for glyph in group} == {group[0]}
    everything = string.digits + string.ascii_uppercase
    assert fold_characters(fold_characters(everything)) == fold_characters(everything)
    assert fold_characters("ACDEFHJKLMNPRTUVWXYZ23479") == "ACDEFHJKLMNPRTUVWXYZ23479"


@pytest.mark.parametrize(("letters", "digits"), [(1, 1), (2, 1), (3, 0), (0, 3)])
def test_the_share_of_merged_plates_is_what_counting_gives(letters: int, digits: int) -> None:
    """Against every plate of the series, counted."""
    series = [
        "".join(front) + "".join(back)
        for front in itertools.product(string.ascii_uppercase, repeat=letters)
        for back in itertools.product(string.digits, repeat=digits)
    ]
    how_many = Counter(map(fold_characters, series))
    counted = sum(how_many[fold_characters(plate)] > 1 for plate in series) / len(series)

    assert STANDARD.merged_share(letters, digits) == pytest.approx(counted)


def test_the_key_of_a_list_is_the_folded_plate_and_the_plate() -> None:
    """As ASCII, in this order."""
    assert STANDARD.sort_key(PlateText("BOB1")) == (b"8081", b"BOB1")
    assert fold(PlateText("BOB1")) == "8081"


def test_groups_of_a_policy_take_the_place_of_the_standard_ones() -> None:
    """None at all, too."""
    assert Folding(("OQ", "AR")).fold(PlateText("ROQ1")) == "AOO1"
    assert Folding(()).fold(PlateText("B0B1")) == "B0B1"
    assert Folding(()).merged_share(3, 3) == 0
