"""Where plates are looked for: outlines drawn by an installer become pixels that nothing behind the camera sees."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from platesieve.settings import Outline

_KEPT: Final = 255


def blanked(frame: Frame, regions: tuple[Outline, ...], masks: tuple[Outline, ...]) -> Frame:
    """Return a frame that is black outside the regions and inside the masks; the frame itself where there are none.

    Args:
        frame: as the camera gave it; it is not changed.
        regions: outlines of what is looked at, x and y as shares of width and height; none: all of it.
        masks: outlines of what is never looked at; they win over regions.
    """
    if not regions and not masks:
        return frame
    kept = _kept(frame.width, frame.height, regions, masks)
    luma = np.asarray(cv2.bitwise_and(np.ascontiguousarray(frame.luma), kept), np.uint8)
    return Frame(luma, frame.number, frame.wall_ns, frame.monotonic_ns)


@lru_cache(maxsize=4)
def _kept(width: int, height: int, regions: tuple[Outline, ...], masks: tuple[Outline, ...]) -> NDArray[np.uint8]:
    """Return H x W, uint8: 255 where pixels stay, 0 where they go."""
    kept = np.full((height, width), 0 if regions else _KEPT, np.uint8)
    for outlines, value in ((regions, _KEPT), (masks, 0)):
        for outline in outlines:
            corners = np.round(np.asarray(outline, np.float64) * (width, height)).astype(np.int32)
            cv2.fillPoly(kept, [corners], value)
    return kept
