"""Contact sheets: small grey pictures with a caption below each, side by side in one PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CAPTION_PX = 20
SIDE_PX = 4
LARGEST, ROOM = 0.38, 9.0  # size of the lettering; what a caption of one letter could have in 168 px


def tile(picture: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    """Return a picture (H x W) on white with its caption."""
    high, wide = picture.shape
    made = np.full((high + CAPTION_PX, wide + 2 * SIDE_PX), 255, np.uint8)
    made[:high, SIDE_PX:-SIDE_PX] = picture
    size = min(LARGEST, ROOM * made.shape[1] / 168 / len(caption))
    cv2.putText(made, caption, (SIDE_PX, high + 14), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 1, cv2.LINE_AA)
    return made


def write_sheet(path: Path, tiles: Sequence[NDArray[np.uint8]], columns: int) -> None:
    """Write tiles of one size in rows, in 32 greys so that the file stays small; none leave an empty sheet."""
    whole = list(tiles) or [np.full((CAPTION_PX, CAPTION_PX), 255, np.uint8)]
    whole += [np.full_like(whole[0], 255)] * (-len(whole) % columns)
    rows = [np.hstack(whole[at : at + columns]) for at in range(0, len(whole), columns)]
    cv2.imwrite(str(path), np.vstack(rows) // 8 * 8, [cv2.IMWRITE_PNG_COMPRESSION, 9])
