"""Read each plate of a snapshot several times, cut out a little differently, and believe what most looks say.

A net that is sure of what it sees is also sure of what it does not see, such as a last character beyond the cut. So
every read is looked at again, not only the doubtful ones, and the looks' probabilities are averaged (a linear opinion
pool: M. Stone, "The Opinion Pool", Annals of Mathematical Statistics 1961): a character that one look of seven reads
otherwise loses a seventh. Averages of honest probabilities are too humble (R. Ranjan and T. Gneiting, "Combining
Probability Forecasts", JRSS B 2010), so they are sharpened a little. Looks at one picture share its faults and are no
independent witnesses: they are not multiplied.
Moving pictures need none of this: their next frame is a better second look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from platesieve.domain.plate import Glyph, PlateText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.geometry import Detection
    from platesieve.domain.plate import PlateRead
    from platesieve.ports import PlateReader
    from platesieve.vision.frame import Frame

ALTERNATIVES: Final = 3
SHARPENED: Final = 1.3
"""Power of the averaged shares. Held-out crops under the detector's usual error lose least by it (models/LOG.md)."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a further look differs from the first, as shares of the plate's own width and height.

    Attributes:
        along: moved along the plate.
        down: moved down the plate.
        wider: added at the left and at the right; negative cuts away.
        taller: added above and below.
    """

    along: float = 0.0
    down: float = 0.0
    wider: float = 0.0
    taller: float = 0.0


LOOKS: Final = (
    *(Look(along=-0.02), Look(along=0.02)),
    *(Look(wider=-0.02, taller=-0.03), Look(wider=0.03, taller=0.05)),
    *(Look(down=-0.05), Look(down=0.05)),
)
"""About as far as the detector's corners err (models/LOG.md: what fewer looks gave)."""


class SeveralLooks:
    """The PlateReader port over a reader, for snapshots.

    Args:
        reader: reads one cut-out.
    """

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read; see ports.PlateReader. What shows no plate at first sight is not looked at again."""
        first = self._reader.read(frame, detection)
        if first is None:
            return None
        others = (self._reader.read(frame, aside(detection, look)) for look in LOOKS)
        reads = [first, *(read for read in others if read is not None)]
        return replace(pool(reads, 1 + len(LOOKS)), detection=detection)


def pool(reads: Sequence[PlateRead], looks: int) -> PlateRead:
    """Return one read for all looks at a plate.

    The looks that agree on the number of characters, and are surest together, are averaged position by position. The
    others, and those that saw no plate, say nothing for any character: what they would have said is missing from each.

    Args:
        reads: at least one; of equals the first counts.
        looks: how many there were, those that saw no plate among them.
    """
    by_length: dict[int, list[PlateRead]] = {}
    for read in reads:
        by_length.setdefault(len(read.text), []).append(read)
    agreed = max(by_length.values(), key=lambda group: sum(read.confidence for read in group))
    glyphs = tuple(_glyph([read.glyphs[place] for read in agreed], looks) for place in range(len(agreed[0].text)))
    shown = max(agreed, key=lambda read: read.confidence)
    return replace(shown, text=PlateText("".join(glyph.best for glyph in glyphs)), glyphs=glyphs)


def _glyph(said: Sequence[Glyph], looks: int) -> Glyph:
    shares: dict[str, float] = {}
    for glyph in said:
        for character, probability in glyph.alternatives:
            shares[character] = shares.get(character, 0.0) + probability / looks
    others = max(1.0 - sum(shares.values()), 0.0)  # all that no look named, taken as one more character
    whole = sum(share**SHARPENED for share in (*shares.values(), others))
    ranked = sorted(shares.items(), key=lambda item: -item[1])[:ALTERNATIVES]
    return Glyph(tuple((character, share**SHARPENED / whole) for character, share in ranked))


def aside(detection: Detection, look: Look) -> Detection:
    """Return the detection as another look sees it: moved and resized along its plate's own sides."""
    corners = np.asarray(detection.corners, float)
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    outward = np.asarray([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    moved = corners + look.along * along + look.down * down
    grown = moved + outward[:, :1] * look.wider * along + outward[:, 1:] * look.taller * down
    first, second, third, fourth = ((float(x), float(y)) for x, y in grown)
    return replace(detection, corners=(first, second, third, fourth))
