"""What a font is here: a mask of each character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


GLYPH_PX = 64


@dataclass(frozen=True, slots=True)
class Font:
    """Glyph masks of one typeface: uint8, GLYPH_PX high (tails reach lower), one width each."""

    glyphs: dict[str, NDArray[np.uint8]]
    kind: str


def trim(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a mask without empty columns at its sides, cut below the longest tail."""
    used = np.flatnonzero(mask.max(axis=0) > 30)
    mask = mask[:, used[0] : used[-1] + 1] if len(used) else mask
    return np.ascontiguousarray(mask[: GLYPH_PX + 6])
