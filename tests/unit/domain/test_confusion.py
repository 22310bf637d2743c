"""What a measured matrix says is alike, and what folding by it costs: against counting."""

from __future__ import annotations

import itertools
import string
from collections import Counter

import pytest

from platesieve.domain.confusion import ANYWHERE, ConfusionMatrix, Confusions, collision_share, folding_groups
from platesieve.domain.plate import ALPHABET


def measured(region: str = ANYWHERE, **mixed: float) -> Confusions:
    """Return confusions in which `O0=0.1` means that ten of a hundred O were read as 0."""
    taken: dict[str, dict[str, float]] = {glyph: {glyph: 1.0} for glyph in ALPHABET}
    for pair, share in mixed.items():
        true, read = tuple(pair.strip("_"))
        taken[true][read] = share
        taken[true][true] -= share
    return Confusions(region, 100, dict.fromkeys(ALPHABET, 100), taken, 0.01, 0.0)


def test_glyphs_are_as_alike_as_the_worse_direction() -> None:
    """A reader that takes O for 0, but never 0 for O, mixes up the two."""
    matrix = measured(O0=0.1)
    assert matrix.share("O", "0") == pytest.approx(0.1)
    assert matrix.share("0", "O") == 0
    assert matrix.alike("0", "O") == matrix.alike("O", "0") == pytest.approx(0.1)
    assert matrix.pairs() == (("0", "O", 0.1),)


def test_groups_hold_what_is_mixed_up_and_nothing_else() -> None:
    """Above the cut together, below it apart; a digit leads."""
    assert folding_groups(measured(O0=0.1, DO=0.08, D0=0.05, S5=0.03, ZT=0.01)) == ("0DO", "5S")
    assert folding_groups(measured()) == ()


def test_a_chain_of_misreads_does_not_become_one_group() -> None:
    """8 with B, B with D, D with 0 are three pairs; 8 and 0 are never mixed up."""
    groups = folding_groups(measured(_8B=0.2, BD=0.03, D0=0.2))
    assert groups == ("0D", "8B")


@pytest.mark.parametrize("series", ["@#", "@@#", "#@A", "??"])
def test_the_share_of_colliding_pairs_is_what_counting_gives(series: str) -> None:
    """Against every pair of the series, counted."""
    groups = ("0DO", "5S", "8B")
    kinds = {"@": string.ascii_uppercase, "#": string.digits, "?": ALPHABET}
    fold = str.maketrans({glyph: group[0] for group in groups for glyph in group})
    plates = ["".join(p) for p in itertools.product(*(kinds.get(c, c) for c in series))]
    same = Counter(plate.translate(fold) for plate in plates)
    pairs = sum(n * (n - 1) for n in same.values()) / (len(plates) * (len(plates) - 1))

    assert collision_share(groups, series) == pytest.approx(pairs)
    assert collision_share((), series) == pytest.approx(0.0, abs=1e-12)


def test_a_series_with_one_plate_has_no_pairs() -> None:
    """Nothing can collide."""
    assert collision_share(("0O",), "AB12") == 0


def test_a_region_is_answered_by_itself_its_group_or_all() -> None:
    """In this order; unknown regions too have an answer."""
    everywhere, eu, us = measured(), measured("EU", O0=0.2), measured("US", O0=0.1)
    matrix = ConfusionMatrix("0" * 64, {ANYWHERE: everywhere, "EU": eu, "US": us}, {"SK": "EU", "XX": "gone"})
    assert matrix.of("US") is us
    assert matrix.of("SK") is eu
    assert matrix.of("NZ") is everywhere
    assert matrix.of("XX") is everywhere
    assert matrix.of(None) is everywhere
