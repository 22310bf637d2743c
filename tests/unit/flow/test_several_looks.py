"""A plate of a snapshot is read several times, cut out a little differently, and the looks are averaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.domain.geometry import Detection
from platesieve.domain.plate import Glyph, PlateRead, PlateText
from platesieve.flow.several_looks import LOOKS, SHARPENED, Look, SeveralLooks, aside, pool
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAME = Frame(np.zeros((100, 400), np.uint8), 0, 0, 0)
PLATE = Detection(((100, 20), (200, 30), (200, 60), (100, 50)), 0.9)
ALL = 1 + len(LOOKS)

Seen = tuple[str, float] | None


def read_of(text: str, sure: float, detection: Detection = PLATE) -> PlateRead:
    """Return a read that is equally sure of each character."""
    glyphs = tuple(Glyph(((c, sure), ("0" if c != "0" else "O", 1 - sure))) for c in text)
    return PlateRead(PlateText(text), glyphs, detection)


@dataclass
class Reader:
    """Reads what the test says: at first sight, and then at each further look."""

    says: Sequence[Seen]
    looked_at: list[Detection] = field(default_factory=list)

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the next of them."""
        assert frame is FRAME
        self.looked_at.append(detection)
        said = self.says[len(self.looked_at) - 1]
        return None if said is None else read_of(*said, detection)


def seen(*says: Seen) -> tuple[str, float]:
    """Return what is read by the first look and the others, and how sure that is."""
    reader = Reader(says)
    read = SeveralLooks(reader).read(FRAME, PLATE)
    assert read is not None
    assert read.detection == PLATE
    assert len(reader.looked_at) == ALL
    return read.text.reveal(), read.confidence


def test_what_shows_no_plate_is_not_looked_at_again() -> None:
    """Lettering does not become a plate by looking at it often."""
    reader = Reader([None])
    assert SeveralLooks(reader).read(FRAME, PLATE) is None
    assert len(reader.looked_at) == 1


def sharpened(share: float) -> float:
    """Return what an average means where all of the rest is one rival."""
    return float(share**SHARPENED / (share**SHARPENED + (1 - share) ** SHARPENED))


def test_looks_that_agree_are_hardly_surer_than_one_of_them() -> None:
    """They share light, angle and dirt: a doubt that all of them have stays. Seven witnesses would be certain."""
    text, sure = seen(*[("AB12", 0.85)] * ALL)
    assert text == "AB12"
    assert sure == pytest.approx(sharpened(0.85))
    assert 0.85 < sure < 0.92


def test_a_sure_read_that_lost_its_last_character_is_doubted() -> None:
    """The first look is certain, because it cannot know what lies beyond its cut; three others see it."""
    text, sure = seen(("AB1", 1.0), ("AB1", 0.95), ("AB12", 0.9), ("AB1", 0.95), ("AB12", 0.9), ("AB12", 0.9), None)
    assert text == "AB1"
    assert sure < 0.5


def test_surer_looks_correct_the_first() -> None:
    """Most see a character that the first one lost."""
    text, sure = seen(("B12", 0.6), *[("AB12", 0.8)] * (ALL - 1))
    assert text == "AB12"
    assert 0.6 < sure < 0.8


def test_characters_are_averaged_one_by_one() -> None:
    """Two looks, each wrong somewhere else, give the right text."""
    text, _ = seen(("AB12", 0.9), ("AB17", 0.6), ("XB12", 0.6), *[None] * (ALL - 3))
    assert text == "AB12"


def test_a_read_stands_in_doubt_where_nothing_else_is_seen() -> None:
    """The other looks see no plate at all."""
    text, sure = seen(("AB12", 0.9), *[None] * (ALL - 1))
    assert text == "AB12"
    assert sure < 0.2


READS = st.lists(
    st.tuples(st.sampled_from(["AB12", "AB1", "AB17", "8B12"]), st.floats(0.51, 1.0)), min_size=1, max_size=7
)


@given(READS)
def test_no_pool_is_surer_than_its_surest_look_sharpened(says: list[tuple[str, float]]) -> None:
    """Whatever they say; and the alternatives of a place stay in order, with no more than one in sum."""
    read = pool([read_of(*each) for each in says], ALL)
    assert read.confidence <= max(sharpened(sure) for _, sure in says) + 1e-9
    for glyph in read.glyphs:
        shares = [probability for _, probability in glyph.alternatives]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1 + 1e-9


def test_looks_follow_the_plate() -> None:
    """A plate that hangs askew is followed, and grown, in its own direction."""
    moved = [value for corner in aside(PLATE, Look(along=0.02)).corners for value in corner]
    assert moved == pytest.approx([102, 20.2, 202, 30.2, 202, 60.2, 102, 50.2])
    grown = [value for corner in aside(PLATE, Look(wider=0.01, taller=0.1)).corners for value in corner]
    assert grown == pytest.approx([99, 16.9, 201, 27.1, 201, 63.1, 99, 52.9])


def test_no_look_is_the_first_again() -> None:
    """Each of them differs from the first and from one another."""
    assert len({Look(), *LOOKS}) == ALL
