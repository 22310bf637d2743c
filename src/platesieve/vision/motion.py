"""A cheap gate before the detector: how much of the picture moves.

The luma plane is averaged down to 64 x 36 cells. A cell moved if it differs from what usually stands there and also
from what stood there a moment ago: road that a car has just uncovered fails the first, a car that has parked the
second. A change of exposure moves all cells by one factor, which the median finds and takes out; noise is measured
per cell, so that a flickering lamp or leaves in the wind raise their own bar. At this size no plate is legible, and
the state holds nothing finer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = 64
ROWS = 36
LEAST_STEP_LUMA = 5.0
"""Luma steps below this are never motion: an 8-bit sensor's noise, averaged over a cell, stays under it."""

NOISE_FACTOR = 4.0
"""A cell moved when it differs by more than this many times its usual deviation."""

RECENT_RATE = 0.1
"""A moment is about 10 frames: long enough that the slow edge of a creeping car still differs."""

STILL_RATE = 0.05
"""How fast the background follows cells at rest: about 20 frames."""

MOVED_RATE = 0.01
"""How fast it follows cells that moved: traffic passing all day does not become background."""

NOISE_CEILING_LUMA = 12.0
"""However restless a cell has been, a vehicle in it still counts."""

BLACK_OFFSET_LUMA = 8.0
"""Keeps the exposure factor steady in pictures that are nearly black."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MotionState:
    """What usually stands there, what stood there a moment ago, and the usual deviation: (36, 64) float32 luma."""

    background: NDArray[np.float32]
    recent: NDArray[np.float32]
    deviation: NDArray[np.float32]


def step(state: MotionState | None, luma: NDArray[np.uint8]) -> tuple[MotionState, float]:
    """Compare one frame with the background and learn from it.

    Args:
        state: from the frame before; None for the first.
        luma: H x W uint8, any size that does not change from frame to frame.

    Returns:
        The new state, and the share of cells that moved, 0..1. The first frame gives 1: with nothing to compare
        with, the detector must look.
    """
    cells = cv2.resize(luma, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA).astype(np.float32)
    if state is None:
        return MotionState(cells, cells, np.full_like(cells, LEAST_STEP_LUMA / NOISE_FACTOR)), 1.0
    expected = as_exposed(state.background, cells)
    moment_ago = as_exposed(state.recent, cells)
    change = np.minimum(np.abs(cells - expected), np.abs(cells - moment_ago))
    moved = change > np.maximum(NOISE_FACTOR * state.deviation, LEAST_STEP_LUMA)
    rate = np.where(moved, np.float32(MOVED_RATE), np.float32(STILL_RATE))
    background = expected + rate * (cells - expected)
    seen = np.minimum(change, np.float32(NOISE_CEILING_LUMA / NOISE_FACTOR))
    deviation = state.deviation + rate * (seen - state.deviation)
    recent = moment_ago + np.float32(RECENT_RATE) * (cells - moment_ago)
    return MotionState(background.astype(np.float32), recent, deviation.astype(np.float32)), float(moved.mean())


def as_exposed(background: NDArray[np.float32], cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the background as it would look at the exposure of `cells`; the median cell did not move."""
    factor = np.median((cells + BLACK_OFFSET_LUMA) / (background + BLACK_OFFSET_LUMA))
    return np.asarray(factor * (background + BLACK_OFFSET_LUMA) - BLACK_OFFSET_LUMA, np.float32)
