"""A picture of drawn plates that the reader gets wrong: where it fails, without a photograph of anybody's plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.common.metrics import fold
from models.reader.bias import USUAL
from models.reader.sweeps import corners, draw_plates, look
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, rectify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = 31_337
COLUMNS, ROWS = 6, 5
CAPTION_PX = 20


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
        if fold(text) == fold(plate.text):
            continue
        tile = np.full((HEIGHT_PX + CAPTION_PX, WIDTH_PX + 8), 255, np.uint8)
        tile[:HEIGHT_PX, 4:-4] = rectify(picture.luma, corners(picture.quad))
        caption = f"{plate.text} as {text or 'none'}"
        cv2.putText(
            tile,
            caption,
            (4, HEIGHT_PX + 14),
            cv2.FONT_HERSHEY_SIMPLEX,
            min(0.38, 9.0 / len(caption)),
            0,
            1,
            cv2.LINE_AA,
        )
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS) if tiles else []
    rows = [np.hstack(tiles[at : at + COLUMNS]) for at in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows) // 8 * 8, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return drawn
