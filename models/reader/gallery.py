"""A picture of drawn plates that the reader gets wrong: where it fails, without a photograph of anybody's plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.common.contact import tile, write_sheet
from models.common.metrics import fold
from models.reader.bias import USUAL
from models.reader.sweeps import corners, draw_plates, look
from platesieve.vision.rectify import rectify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = 31_337
COLUMNS, ROWS = 6, 5


def failures(path: Path, read: Callable[..., object]) -> int:
    """Write the first thirty drawn plates that are read wrong, with what is written and what was read.

    Returns:
        How many plates were drawn to find them.
    """
    rng, tiles, drawn = np.random.default_rng(SEED), [], 0
    while len(tiles) < COLUMNS * ROWS and drawn < 1000:
        plate = draw_plates(1, SEED + drawn, rows=None)[0]
        drawn += 1
        picture = look(rng, plate.luma, USUAL)
        text = read(picture.luma, corners(picture.quad)).text  # type: ignore[attr-defined]
        if fold(text) != fold(plate.text):
            cut = rectify(picture.luma, corners(picture.quad))
            tiles.append(tile(cut, f"{plate.text} as {text or 'none'}"))
    write_sheet(path, tiles, COLUMNS)
    return drawn
