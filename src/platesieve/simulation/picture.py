"""The picture that every simulated vehicle has: drawn, of the size and roughness of a real one, and labelled."""

from __future__ import annotations

import cv2
import numpy as np

from platesieve.domain.crop import Crop, Crops
from platesieve.vision.crop import JPEG_QUALITY

PLATE_PX, SCENE_PX = (200, 60), (640, 420)
"""Width and height: a plate of 150 pixels with its margin, and a scene crop as large as they come."""

_GRAIN = 9.0  # standard deviation of a sensor's noise at dusk, which is what a JPEG of a plate mostly is


def made_up_crops() -> Crops:
    """Return pictures that say SIMULATED."""
    return Crops(plate=_drawn(*PLATE_PX), scene=_drawn(*SCENE_PX))


def _drawn(width: int, height: int) -> Crop:
    luma = np.full((height, width), 190, np.uint8)
    scale = width / 200
    cv2.putText(
        luma, "SIMULATED", (round(8 * scale), height * 2 // 3), cv2.FONT_HERSHEY_SIMPLEX, scale, 30, round(2 * scale)
    )
    noise = np.random.default_rng(1).normal(0, _GRAIN, luma.shape)
    rough = np.clip(luma + noise, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", rough, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return Crop(data.tobytes())
