"""Read a doubtful plate of a snapshot again, cut out a little to either side, and let the reads vote.

Looks at one picture share its faults and are no independent witnesses: they may correct a text, and never make it surer
than SURE.
Moving pictures need none of this: their next frame is a better second look.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from platesieve.domain.plate import Glyph
from platesieve.tracking.vote import add_read, vote
from platesieve.vision.tiles import shifted

if TYPE_CHECKING:
    from platesieve.domain.geometry import Detection
    from platesieve.domain.plate import PlateRead
    from platesieve.ports import PlateReader
    from platesieve.tracking.vote import Variant
    from platesieve.vision.frame import Frame

SURE: Final = 0.9
"""From this confidence a read stands as it is. One in eight held-out crops is read again."""
ASIDE: Final = (-0.02, 0.02)
"""How far the second looks lie beside the first, as shares of the plate's width (models/LOG.md: what others gave)."""


class SecondLook:
    """The PlateReader port over a reader, for snapshots.

    Args:
        reader: reads one cut-out.
    """

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read; see ports.PlateReader. What shows no plate at first sight is not looked at again."""
        first = self._reader.read(frame, detection)
        if first is None or first.confidence >= SURE:
            return first
        others = (self._reader.read(frame, aside(detection, share)) for share in ASIDE)
        reads = (first, *(read for read in others if read is not None))
        variants: tuple[Variant, ...] = ()
        for read in reads:
            variants = add_read(variants, read, (frame.width, frame.height))
        verdict = vote(variants)
        glyphs = tuple(doubtful(glyph) for glyph in verdict.glyphs)
        return replace(verdict.best, text=verdict.text, glyphs=glyphs, detection=detection)


def doubtful(glyph: Glyph) -> Glyph:
    """Return the glyph with no character likelier than SURE."""
    return Glyph(tuple((character, min(probability, SURE)) for character, probability in glyph.alternatives))


def aside(detection: Detection, share: float) -> Detection:
    """Return the detection moved along its plate by a share of its width."""
    (left, top), (right, top_right), *_ = detection.corners
    return shifted(detection, share * (right - left), share * (top_right - top))
