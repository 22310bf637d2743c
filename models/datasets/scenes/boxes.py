"""Corners, boxes and what overlaps what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.scenes.types import Target


SMALLEST_PLATE_PX = 8.0
VISIBLE_SHARE = 0.75


def box_corners(box: list[float]) -> NDArray[np.float32]:
    """Return the corners of x, y, width, height, clockwise from the top left."""
    x, y, wide, high = box
    return np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]], np.float32)


def upright(corners: NDArray[np.float32]) -> list[float]:
    """Return x, y, width, height of the upright box around corners."""
    low, size = corners.min(axis=0), np.ptp(corners, axis=0)
    return [float(low[0]), float(low[1]), float(size[0]), float(size[1])]


def clip_boxes(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return the parts of boxes (n, 4) that lie in the picture; those outside come back empty."""
    limit = np.array([width, height], np.float32)
    low = np.clip(boxes[:, :2], 0, limit)
    return np.concatenate([low, np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit) - low], axis=1)


def split_by_edge(plates: list[Target], width: int, height: int) -> tuple[list[Target], NDArray[np.float32]]:
    """Return the plates that are mostly in the picture, and the visible parts of the others as boxes (n, 4)."""
    boxes = np.array([upright(p.corners) for p in plates], np.float32).reshape(-1, 4)
    inside = clip_boxes(boxes, width, height)
    shown = np.prod(inside[:, 2:], axis=1) / np.maximum(np.prod(boxes[:, 2:], axis=1), 1.0)
    return [p for p, share in zip(plates, shown, strict=True) if share >= VISIBLE_SHARE], inside[shown < VISIBLE_SHARE]


def overlaps(corners: NDArray[np.float32], plates: list[Target], ignore: NDArray[np.float32]) -> bool:
    """Return True if the quadrangle's box, grown a little, meets a plate or a masked box."""
    grow = 0.2 * float(np.ptp(corners[:, 0])) + 2
    low, high = corners.min(axis=0) - grow, corners.max(axis=0) + grow
    boxes = [(p.corners.min(axis=0), p.corners.max(axis=0)) for p in plates]
    boxes += [(b[:2], b[:2] + b[2:]) for b in ignore]
    return any(bool((low < far).all() and (near < high).all()) for near, far in boxes)
