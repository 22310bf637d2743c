"""What a font is here: a mask of each character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


DIGITS = "0123456789"
CHARACTERS = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

GLYPH_PX = 64
TAIL_PX = 6
"""How far a tail reaches below the line on a plate. Typefaces for books let J and Q hang lower."""


@dataclass(frozen=True, slots=True)
class Font:
    """Glyph masks of one typeface: uint8, GLYPH_PX high (tails reach lower), one width each."""

    glyphs: dict[str, NDArray[np.uint8]]
    kind: str


def trim(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a mask without empty columns at its sides, at most GLYPH_PX + TAIL_PX high.

    A glyph that hangs lower is squeezed until it fits. Cut off, a J would look like an I and a Q like an O, and a
    reader would learn that they do.
    """
    across, down = (np.flatnonzero(mask.max(axis=axis) > 30) for axis in (0, 1))
    if not len(across):
        return mask[: GLYPH_PX + TAIL_PX]
    mask = mask[:, across[0] : across[-1] + 1]
    if down[-1] >= GLYPH_PX + TAIL_PX:
        size = (mask.shape[1], GLYPH_PX + TAIL_PX)
        return np.asarray(cv2.resize(mask[: down[-1] + 1], size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(mask[: GLYPH_PX + TAIL_PX])
