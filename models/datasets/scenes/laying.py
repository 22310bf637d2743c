"""Lay drawn plates into pictures: a panel round them, the light of where they go, or a ground that is drawn as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.datasets.lookalikes import Sticker
from models.datasets.scenes.boxes import overlaps
from models.datasets.scenes.pasting import paste

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.scenes.types import Target


def lay(
    rng: np.random.Generator, canvas: NDArray[np.uint8], plate: NDArray[np.uint8], corners: NDArray[np.float32]
) -> None:
    """Paste a drawn plate with the light of where it goes."""
    low = np.maximum(corners.min(axis=0).astype(int), 0)
    high = np.maximum(corners.max(axis=0).astype(int), low + 1)
    there = canvas[low[1] : high[1], low[0] : high[0]]
    luma = plate.astype(np.float32)
    if there.size and rng.random() < 0.7:  # borrow brightness and contrast of what it covers
        spread = float(there.std()) + 12
        gain = spread / (float(luma.std()) + 12) * rng.uniform(0.7, 1.5)
        luma = (luma - luma.mean()) * gain + float(there.mean()) + rng.normal(0, 20)
    else:
        luma = luma * rng.uniform(0.35, 1.1) + rng.uniform(-10, 40)
    if rng.random() < 0.3:  # a shadow of the boot lid over the upper part
        edge = int(rng.uniform(0.1, 0.7) * luma.shape[0])
        luma[:edge] *= rng.uniform(0.4, 0.85)
    if rng.random() < 0.3:
        luma *= np.linspace(rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.3), luma.shape[1], dtype=np.float32)
    picture = np.clip(luma, 0, 255).astype(np.uint8)
    blur = float(rng.uniform(0.3, 0.9)) if rng.random() < 0.5 else 0.0
    paste(canvas, Sticker(picture, np.full_like(picture, 255)), corners, blur)


def lay_panel(
    rng: np.random.Generator,
    canvas: NDArray[np.uint8],
    corners: NDArray[np.float32],
    plates: list[Target],
    ignore: NDArray[np.float32],
) -> None:
    """Draw the recess or bumper that a plate sits in, most of the time."""
    if rng.random() < 0.25:
        return
    centre = corners.mean(axis=0)
    around = (centre + (corners - centre) * np.array([rng.uniform(1.05, 2.2), rng.uniform(1.1, 2.2)])).astype(
        np.float32
    )
    if overlaps(around, plates, ignore):
        return
    shade = np.linspace(rng.integers(0, 256), rng.integers(0, 256), 24, dtype=np.float32)[:, None]
    board = np.clip(shade + rng.normal(0, 4, (24, 64)), 0, 255).astype(np.uint8)
    paste(canvas, Sticker(board, np.full_like(board, int(rng.integers(160, 256)))), around, 0.8)


def draw_ground(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Draw a ground of ramps, bars and blobs."""
    corner = rng.uniform(0, 255, (2, 2)).astype(np.float32)
    ground = np.asarray(cv2.resize(corner, (width, height), interpolation=cv2.INTER_LINEAR), np.float32).copy()
    for _ in range(int(rng.integers(2, 14))):
        at = (int(rng.integers(width)), int(rng.integers(height)))
        to = (int(rng.integers(width)), int(rng.integers(height)))
        shade, kind = float(rng.integers(256)), rng.integers(3)
        if kind == 0:
            cv2.rectangle(ground, at, to, shade, -1 if rng.random() < 0.6 else 2)
        elif kind == 1:
            cv2.line(ground, at, to, shade, int(rng.integers(1, 9)))
        else:
            cv2.circle(ground, at, int(rng.integers(4, 60)), shade, -1)
    return np.clip(ground, 0, 255).astype(np.uint8)
