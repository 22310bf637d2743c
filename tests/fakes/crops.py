"""Crops that a net can tell apart without knowing a letter."""

from __future__ import annotations

import numpy as np

from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX


def striped_crops() -> np.ndarray:
    """Make four crops that are easy to tell apart: one stripe pattern each."""
    columns = np.arange(WIDTH_PX)
    rows = [np.where((columns // width) % 2 == 0, 30, 220) for width in (3, 7, 80, 13)]
    return np.stack([np.tile(r, (HEIGHT_PX, 1)) for r in rows]).astype(np.uint8)
