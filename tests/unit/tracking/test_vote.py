"""The vote: clusters, positions, confidence and agreement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from platesieve.domain.geometry import Detection
from platesieve.domain.plate import Glyph, PlateRead, PlateText
from platesieve.tracking.vote import MAX_VARIANTS, Variant, Verdict, add_read, vote
from tests.unit.tracking.scene import read_of

WHERE = Detection(((0, 0), (100, 0), (100, 20), (0, 20)), 0.9)


def verdict(*reads: tuple[str, float]) -> Verdict:
    """Vote on texts with their confidence."""
    variants: tuple[Variant, ...] = ()
    for text, confidence in reads:
        variants = add_read(variants, read_of(text, WHERE, confidence), (640, 480))
    return vote(variants)


def test_the_majority_of_each_position_wins() -> None:
    """Three reads with one fault each, in different places, give the right text although none has it."""
    answer = verdict(("XB12CDE", 0.9), ("AB12CXE", 0.9), ("AB1XCDE", 0.9))

    assert answer.text == PlateText("AB12CDE")
    assert answer.agreeing_frames == 0


def test_agreement_counts_frames_with_exactly_the_voted_text() -> None:
    """A misread in the winning cluster does not agree."""
    answer = verdict(("AB12CDE", 0.9), ("AB12CDE", 0.8), ("AB12CDF", 0.9))

    assert (answer.text, answer.agreeing_frames) == (PlateText("AB12CDE"), 2)


def test_a_confident_stranger_loses_to_an_agreeing_cluster() -> None:
    """Lettering read once with certainty does not outweigh two agreeing reads."""
    assert verdict(("AB12CDE", 0.7), ("AB12CDE", 0.7), ("TRUCKS", 1.0)).text == PlateText("AB12CDE")


def test_confidence_is_that_of_the_weakest_position() -> None:
    """Agreement alone does not make a doubtful glyph certain, and disagreement makes it doubtful."""
    assert verdict(("AB12CDE", 0.6)).confidence == pytest.approx(0.6)
    assert verdict(("AB12CDE", 1.0), ("AB12CDF", 1.0)).confidence == pytest.approx(0.5)


def test_a_dropped_character_is_restored_by_the_others() -> None:
    """Reads of other lengths are aligned and vote for the positions they have."""
    answer = verdict(("AB12CDE", 0.9), ("AB12CDE", 0.9), ("B12CDE", 0.95))

    assert answer.text == PlateText("AB12CDE")
    assert answer.glyphs[0].probability < answer.glyphs[1].probability


def test_alternatives_survive_the_vote() -> None:
    """The runner-up of a position stays visible behind the winner."""
    answer = verdict(("AB12CDE", 1.0), ("AB12CDE", 1.0), ("AB12CDF", 1.0))

    assert [character for character, _ in answer.glyphs[-1].alternatives][:2] == ["E", "F"]


def test_half_sure_reads_add_up_over_alternatives() -> None:
    """Two reads whose second guess is the same outvote two different first guesses."""
    variants: tuple[Variant, ...] = ()
    for first in "BD":
        glyphs = (Glyph((("A", 0.9),)), Glyph(((first, 0.5), ("8", 0.45))), Glyph((("C", 0.9),)), Glyph((("1", 0.9),)))
        variants = add_read(variants, PlateRead(PlateText(f"A{first}C1"), glyphs, WHERE), (640, 480))

    assert vote(variants).text == PlateText("A8C1")


def test_the_clearest_agreeing_read_shows_the_plate() -> None:
    """Detection and crops come from the most confident read of the voted text."""
    variants: tuple[Variant, ...] = ()
    reads = [read_of("AB12CDE", WHERE, 0.7), read_of("AB12CDE", WHERE, 0.9), read_of("AB12CDF", WHERE, 0.95)]
    for read in reads:
        variants = add_read(variants, read, (640, 480))

    assert vote(variants).best == reads[1]


def test_variants_are_bounded() -> None:
    """A plate that reads differently in every frame does not grow its track."""
    variants: tuple[Variant, ...] = ()
    for i in range(100):
        variants = add_read(variants, read_of(f"AB{i:03}", WHERE), (640, 480))

    assert len(variants) == MAX_VARIANTS


def test_frames_that_agree_are_more_than_one_and_fewer_than_they_are() -> None:
    """Agreement makes a read surer, up to three frames; a glyph that every frame doubts is never certain."""
    confidences = [verdict(*[("AB12CDE", 0.6)] * frames).confidence for frames in (1, 2, 3, 50)]

    assert confidences == pytest.approx([0.6, 0.36 / 0.52, 0.216 / 0.28, 0.216 / 0.28])
    assert verdict(*[("AB12CDE", 0.8)] * 3).confidence > 0.98


def from_regions(*regions: tuple[str | None, float]) -> str | None:
    """Vote on one plate, read in frames that are so sure of its region."""
    variants: tuple[Variant, ...] = ()
    for region, probability in regions:
        read = replace(read_of("AB12CDE", WHERE, 0.9), region=region, region_probability=probability)
        variants = add_read(variants, read, (640, 480))
    return vote(variants).region


def test_a_region_is_voted_for_by_probability() -> None:
    """Neither the first nor the most frequent: the one with most of the probability."""
    assert from_regions(("SK", 0.9), ("CZ", 0.95), ("CZ", 0.95)) == "CZ"
    assert from_regions((None, 1.0), ("US", 0.92), (None, 1.0)) == "US"
    assert from_regions(("DE", 0.95), ("AT", 0.92), ("AT", 0.2)) == "AT"


def test_frames_that_disagree_leave_the_region_open() -> None:
    """Half is no majority, and without a vote there is no region."""
    assert from_regions(("SK", 0.9), ("CZ", 0.9)) is None
    assert from_regions(("SK", 0.9), ("CZ", 0.95), ("HU", 0.95)) is None
    assert from_regions((None, 1.0)) is None


def test_reads_outside_the_winning_cluster_have_no_say_in_the_region() -> None:
    """A van's lettering is from nowhere."""
    variants: tuple[Variant, ...] = ()
    stranger = replace(read_of("TRUCKS", WHERE, 0.9), region="US")
    for read in (stranger, read_of("AB12CDE", WHERE, 0.9), read_of("AB12CDE", WHERE, 0.9)):
        variants = add_read(variants, read, (640, 480))
    assert vote(variants).region is None
