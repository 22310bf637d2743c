"""From the detector's heat map to plates: peaks, corners read out around each, the best of those that overlap.

Objects as points, after Zhou et al. 2019 (CenterNet): a cell that is the highest of its 3 x 3 neighbours is a plate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from platesieve.domain.geometry import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from platesieve.vision.letterbox import Placement

STRIDE_PX = 8
"""Input pixels per cell of the heat map."""

MOST_PLATES = 32
"""No frame of a road holds more; a flood of peaks must not cost more than a crowded frame."""

NEIGHBOUR_SHARE = 0.5
"""A neighbour with at least this share of the peak's heat has a say in the corners."""

OVERLAP_IOU = 0.3
"""Two plates cannot lie in the same place: of two that overlap more than this, the better stays."""

SMALLEST_WIDTH_PX = 6.0
"""In input pixels: narrower than a cell, a plate is a guess, and no reader reads it."""


def decode(
    heat: NDArray[np.float32],
    offsets: NDArray[np.float32],
    placement: Placement,
    threshold: float,
) -> tuple[Detection, ...]:
    """Return the plates of one image, best first, corners in pixels of the frame and clipped to it.

    Args:
        heat: (1, 1, h, w), 0..1, the chance that a plate's centre lies in the cell.
        offsets: (1, 8, h, w), x and y of four corners relative to the cell's centre, in pixels of the input.
        placement: from `letterbox`, where the frame lies in the input.
        threshold: plates with less heat than this are left out.

    Returns:
        At most MOST_PLATES detections.
    """
    chance = np.ascontiguousarray(heat[0, 0], np.float32)
    rows, columns = find_peaks(chance, threshold)
    found: list[Detection] = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        corners = read_corners(chance, offsets[0], row, column)
        if not is_plausible(corners):
            continue
        first, second, third, fourth = (placement.to_frame(float(x), float(y)) for x, y in corners)
        plate = Detection((first, second, third, fourth), float(chance[row, column]))
        if plate.box.area > 0 and all(plate.box.iou(better.box) <= OVERLAP_IOU for better in found):
            found.append(plate)
        if len(found) == MOST_PLATES:
            break
    return tuple(found)


def find_peaks(chance: NDArray[np.float32], threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of cells (h, w) that no neighbour exceeds, best first; NaN is never a peak."""
    highest = cv2.dilate(chance, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((chance >= threshold) & (chance >= highest))
    order = np.argsort(-chance[rows, columns], kind="stable")[: 4 * MOST_PLATES]
    return rows[order], columns[order]


def read_corners(
    chance: NDArray[np.float32], offsets: NDArray[np.float32], row: int, column: int
) -> NDArray[np.float64]:
    """Return corners (4, 2) in input pixels: the mean of what the peak and its warm neighbours say, by heat.

    Each cell around the centre predicts the same corners, with errors of its own; the mean is steadier than any.
    """
    height, width = chance.shape
    total, weight = np.zeros((4, 2)), 0.0
    least = NEIGHBOUR_SHARE * float(chance[row, column])
    for y in range(max(row - 1, 0), min(row + 2, height)):
        for x in range(max(column - 1, 0), min(column + 2, width)):
            heat = float(chance[y, x])
            if heat < least:
                continue
            centre = np.array([(x + 0.5) * STRIDE_PX, (y + 0.5) * STRIDE_PX])
            total += heat * (offsets[:, y, x].reshape(4, 2) + centre)
            weight += heat
    return total / max(weight, 1e-9)


def is_plausible(corners: NDArray[np.float64]) -> bool:
    """Return True for four finite corners that turn clockwise (y down) around an area a plate can have."""
    if not np.isfinite(corners).all():
        return False
    ahead = np.roll(corners, -1, axis=0) - corners
    turns = ahead[:, 0] * np.roll(ahead[:, 1], -1) - ahead[:, 1] * np.roll(ahead[:, 0], -1)
    width = float(np.ptp(corners[:, 0]))
    return bool((turns > 0).all()) and width >= SMALLEST_WIDTH_PX
