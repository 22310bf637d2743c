"""A doubtful plate of a snapshot is read again a little aside, and the reads vote."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from platesieve.domain.geometry import Detection
from platesieve.domain.plate import Glyph, PlateRead, PlateText
from platesieve.flow.second_look import ASIDE, SURE, SecondLook, aside
from platesieve.tracking.vote import Variant, add_read, vote
from platesieve.vision.frame import Frame

FRAME = Frame(np.zeros((100, 400), np.uint8), 0, 0, 0)
PLATE = Detection(((100, 20), (200, 30), (200, 60), (100, 50)), 0.9)

Seen = tuple[str, float] | None


@dataclass
class Reader:
    """Reads what the test says: at first sight, and then a little to either side."""

    says: list[Seen]
    looked_at: list[Detection] = field(default_factory=list)

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the next of them."""
        assert frame is FRAME
        self.looked_at.append(detection)
        said = self.says[len(self.looked_at) - 1]
        if said is None:
            return None
        text, sure = said
        glyphs = tuple(Glyph(((c, sure), ("0" if c != "0" else "O", 1 - sure))) for c in text)
        return PlateRead(PlateText(text), glyphs, detection)


def text_of(*says: Seen) -> tuple[str | None, int]:
    """Return what is read, and in how many looks."""
    reader = Reader(list(says))
    read = SecondLook(reader).read(FRAME, PLATE)
    assert read is None or read.detection == PLATE
    return None if read is None else read.text.reveal(), len(reader.looked_at)


def test_a_sure_read_stands() -> None:
    """And costs one look."""
    assert text_of(("AB12", SURE)) == ("AB12", 1)


def test_what_shows_no_plate_is_not_looked_at_again() -> None:
    """Lettering does not become a plate by looking at it often."""
    assert text_of(None) == (None, 1)


def test_two_surer_looks_correct_a_doubtful_one() -> None:
    """Both see a character that the first one lost."""
    assert text_of(("B12", 0.6), ("AB12", 0.85), ("AB12", 0.8)) == ("AB12", 3)


def test_a_doubtful_read_stands_where_nothing_else_is_seen() -> None:
    """The other looks may see no plate at all."""
    assert text_of(("AB12", 0.6), None, None) == ("AB12", 3)


def test_looking_often_at_one_picture_makes_no_read_surer_than_sure() -> None:
    """Three looks agree, and the vote alone would be nearly certain; a doubt that all of them have stays."""
    says: list[Seen] = [("AB12", 0.85)] * 3
    variants: tuple[Variant, ...] = ()
    for number in range(3):
        seen = Reader(says[number:]).read(FRAME, PLATE)
        assert seen is not None
        variants = add_read(variants, seen, (FRAME.width, FRAME.height))
    read = SecondLook(Reader(says)).read(FRAME, PLATE)

    assert read is not None
    assert read.confidence == SURE < vote(variants).glyphs[0].probability


def test_looks_lie_along_the_plate() -> None:
    """A plate that hangs askew is followed in its own direction."""
    assert ASIDE == (-0.02, 0.02)
    moved = [value for corner in aside(PLATE, 0.02).corners for value in corner]
    assert moved == pytest.approx([102, 20.2, 202, 30.2, 202, 60.2, 102, 50.2])
