"""Fit a frame into the detector's input, and find the way back. Training and device share this code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from platesieve.domain.geometry import Point

PADDING_LUMA = 114
"""Grey of the bars beside the picture. It normalises to 0, which is also what convolutions pad with."""

LUMA_PER_UNIT = 64.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the frame lies in the detector's input.

    Attributes:
        scale_x: input pixels per frame pixel; the two differ only by rounding to whole pixels.
        scale_y: the same for rows.
        left: input pixels between the left edge of the input and the frame.
        top: the same for rows.
        frame_width: width of the frame in its own pixels.
        frame_height: its height.
    """

    scale_x: float
    scale_y: float
    left: int
    top: int
    frame_width: int
    frame_height: int

    def to_frame(self, x: float, y: float) -> Point:
        """Return the point of the frame that lies at (x, y) of the input, clipped to the frame."""
        across = (x - self.left) / self.scale_x
        down = (y - self.top) / self.scale_y
        return min(max(across, 0.0), float(self.frame_width)), min(max(down, 0.0), float(self.frame_height))

    def to_input(self, x: float, y: float) -> Point:
        """Return the point of the input at which (x, y) of the frame lies."""
        return x * self.scale_x + self.left, y * self.scale_y + self.top


def normalise(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return luma as the network sees it: a fixed map, so that the device needs no statistics of the picture."""
    return (luma.astype(np.float32) - np.float32(PADDING_LUMA)) * np.float32(1 / LUMA_PER_UNIT)


def letterbox(luma: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.float32], Placement]:
    """Scale a frame to fit width x height, centre it between grey bars and normalise it.

    Shrinking averages areas, so that thin strokes fade rather than flicker; enlarging interpolates linearly.

    Args:
        luma: H x W uint8.
        width: of the network's input, a multiple of 32 pixels.
        height: the same for rows.

    Returns:
        The input (1, 1, height, width), and the placement that leads back to the frame.
    """
    rows, columns = luma.shape
    scale = min(width / columns, height / rows)
    wide = min(max(round(columns * scale), 1), width)
    high = min(max(round(rows * scale), 1), height)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = luma if (wide, high) == (columns, rows) else cv2.resize(luma, (wide, high), interpolation=method)
    left, top = (width - wide) // 2, (height - high) // 2
    canvas = np.full((height, width), PADDING_LUMA, np.uint8)
    canvas[top : top + high, left : left + wide] = scaled
    placement = Placement(wide / columns, high / rows, left, top, columns, rows)
    return normalise(canvas)[None, None], placement
