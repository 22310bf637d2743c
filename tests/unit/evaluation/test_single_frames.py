"""Single frames held against the vote: whose read is whose, and what the surest frame alone would have said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from platesieve.domain.instant import Instant
from platesieve.domain.plate import PlateText
from platesieve.domain.sighting import Sighting
from platesieve.evaluation.clip import count_singles
from platesieve.evaluation.single_frames import SingleFrames, SingleRead, best_of_each
from platesieve.vision.frame import Frame
from tests.unit.evaluation.test_runs import WHERE, Eyes
from tests.unit.tracking.scene import glyphs_of


def sighting(text: str, first_s: float, last_s: float) -> Sighting:
    """Return a Sighting of a passage from and to these seconds."""
    first, last = (Instant(int(t * 1e9), int(t * 1e9)) for t in (first_s, last_s))
    return Sighting(PlateText(text), glyphs_of(text, 0.9), 0.9, 3, 5, None, WHERE, (640, 480), first, last)


def read(at_s: float, text: str, confidence: float = 0.9) -> SingleRead:
    """Return a read of one frame."""
    return SingleRead(int(at_s * 1e9), PlateText(text), confidence)


def test_the_surest_frame_of_each_sighting_answers_alone() -> None:
    """It may be wrong where the vote is right: then the vote has brought a plate."""
    seen = [sighting("AB12CDE", 0.0, 2.0), sighting("XY34ZZZ", 5.0, 7.0)]
    reads = [read(0.5, "AB12CDE", 0.8), read(1.0, "AB12CDF", 0.95), read(6.0, "XY34ZZZ"), read(3.0, "ZZ99ZZZ")]

    assert best_of_each(seen, reads) == [PlateText("AB12CDF"), PlateText("XY34ZZZ")]
    scores = count_singles(seen, reads, [PlateText("AB12CDE"), PlateText("XY34ZZZ")])
    assert (scores.reads, scores.right, scores.best_right, scores.best_wrong) == (4, 2, 1, 1)


def test_side_by_side_a_read_belongs_to_the_text_it_resembles() -> None:
    """Two vehicles at once do not answer for each other."""
    seen = [sighting("AB12CDE", 0.0, 2.0), sighting("XY34ZZZ", 0.0, 2.0)]
    reads = [read(1.0, "AB12CDF", 0.7), read(1.0, "XY34ZZZ", 0.99)]
    assert best_of_each(seen, reads) == [PlateText("AB12CDF"), PlateText("XY34ZZZ")]


def test_reads_are_handed_on_and_kept() -> None:
    """The pipeline sees no difference; a read of nothing is not kept."""
    eyes = SingleFrames(Eyes({WHERE: "AB12CDE"}))
    frame = Frame(np.zeros((480, 640), np.uint8), 1, 0, 7)
    found = eyes.read(frame, WHERE)
    assert found is not None
    assert [(kept.monotonic_ns, kept.text) for kept in eyes.reads] == [(7, found.text)]
    other = replace(WHERE, corners=((1, 1), (2, 1), (2, 2), (1, 2)))
    assert eyes.read(frame, other) is None
    assert len(eyes.reads) == 1
