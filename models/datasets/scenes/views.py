"""From where a crop looks at a scene: near or far, turned, slanted, a plate or nothing in particular in view."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.scenes.types import Scene


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(max(high, low))))


def view(
    rng: np.random.Generator, scene: Scene, anchor: NDArray[np.float32] | None, size: tuple[int, int], plate_px: float
) -> tuple[NDArray[np.float64], float]:
    """Return the 3 x 3 map from the full picture to the crop and its scale."""
    width, height = size
    full_high, full_wide = scene.levels[0].shape
    if anchor is not None:
        centre, scale = anchor.mean(axis=0), plate_px / max(float(np.ptp(anchor[:, 0])), 4.0)
        scale = float(np.clip(scale, 0.75 * width / full_wide, 2.2))
    else:
        centre = np.array([rng.uniform(0.2, 0.8) * full_wide, rng.uniform(0.2, 0.8) * full_high])
        scale = log_uniform(rng, 0.6 * width / full_wide, 1.5)
    spot = np.array([rng.uniform(0.08, 0.92) * width, rng.uniform(0.1, 0.95) * height])
    exact = all(p.exact for p in scene.plates)
    angle = rng.normal(0, 0.10 if exact else 0.035)
    stretch = math.exp(rng.normal(0, 0.10))
    shear = rng.normal(0, 0.08 if exact else 0.02)
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = linear @ np.array([[stretch, 0], [shear, 1 / stretch]])
    # Keep the picture over most of the crop: pull the view back in where it would look past the picture's edge.
    shift = spot - linear @ centre
    for axis, (full, length) in enumerate(((full_wide, width), (full_high, height))):
        seen = abs(linear[axis, axis]) * full
        if seen > length and rng.random() < 0.85:
            shift[axis] = float(np.clip(shift[axis], length - seen, 0))
    turn = np.eye(3)
    turn[:2, :2], turn[:2, 2] = linear, shift
    return turn, scale
