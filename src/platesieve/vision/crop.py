"""Pictures of one read: the plate upright, and its vehicle without the rest of the street."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from platesieve.domain.crop import Crop, Crops
from platesieve.domain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from platesieve.domain.geometry import Box, Corners, Detection
    from platesieve.vision.frame import Frame

JPEG_QUALITY = 85
PLATE_MARGIN = 0.15
"""Share of the plate's width and height left around it, so that a person sees where the plate ends."""

VEHICLE_WIDTHS = (2.2, 2.6, 1.0)
"""How far a vehicle reaches beside, above and below its plate, in plate widths (a car is about 3.5 plates wide)."""

LARGEST_SHARE = 0.7
"""Of the frame's width and height: a scene crop shows the vehicle, never the whole frame."""

LONGEST_SIDE_PX = 640
HIDDEN_LUMA = 127


def crops_of(frame: Frame, detection: Detection, others: Sequence[Detection] = ()) -> Crops:
    """Return JPEG pictures of a plate and of the vehicle around it.

    Args:
        frame: where the plate was found; only its luma exists, so no picture shows the colour of a car.
        detection: the plate.
        others: further plates in the frame. They are greyed out: a picture disclosed for one vehicle shows no other's.
    """
    scene_box = vehicle_box(detection.box, frame.width, frame.height)
    scene = _cut(frame.luma, scene_box).copy()
    for other in others:
        if other != detection:
            _hide(scene, other.corners, scene_box)
    return Crops(plate=_jpeg(_cut(frame.luma, _plate_box(detection.box, frame))), scene=_jpeg(_shrunk(scene)))


def vehicle_box(plate: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the vehicle's surroundings, whole pixels within a frame of that size."""
    beside, above, below = (reach * plate.width for reach in VEHICLE_WIDTHS)
    middle_x = plate.x + plate.width / 2
    half = min(plate.width / 2 + beside, LARGEST_SHARE * width / 2)
    shrink = min(1.0, LARGEST_SHARE * height / (plate.height + above + below))
    middle_y = plate.y + plate.height / 2
    top = middle_y - shrink * (plate.height / 2 + above)
    bottom = middle_y + shrink * (plate.height / 2 + below)
    return _within(middle_x - half, top, middle_x + half, bottom, width, height)


def _plate_box(plate: Box, frame: Frame) -> tuple[int, int, int, int]:
    across, down = PLATE_MARGIN * plate.width, PLATE_MARGIN * plate.height
    right, bottom = plate.x + plate.width + across, plate.y + plate.height + down
    return _within(plate.x - across, plate.y - down, right, bottom, frame.width, frame.height)


def _within(left: float, top: float, right: float, bottom: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Return whole pixels inside the frame; at least one, wherever the box lies."""
    x0, y0 = min(max(int(left), 0), width - 1), min(max(int(top), 0), height - 1)
    return x0, y0, min(max(int(np.ceil(right)), x0 + 1), width), min(max(int(np.ceil(bottom)), y0 + 1), height)


def _cut(luma: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    return luma[top:bottom, left:right]


def _hide(scene: NDArray[np.uint8], corners: Corners, box: tuple[int, int, int, int]) -> None:
    quad = np.asarray(corners, np.float64) - box[:2]
    grown = quad.mean(axis=0) + (quad - quad.mean(axis=0)) * (1 + 2 * PLATE_MARGIN)
    cv2.fillConvexPoly(scene, np.round(grown).astype(np.int32), HIDDEN_LUMA)


def _shrunk(scene: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = LONGEST_SIDE_PX / max(scene.shape)
    if factor >= 1:
        return scene
    size = max(round(scene.shape[1] * factor), 1), max(round(scene.shape[0] * factor), 1)
    return np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(picture: NDArray[np.uint8]) -> Crop:
    good, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    if not good:
        raise ModelError("a picture could not be encoded as JPEG", "install opencv-python-headless with JPEG support")
    return Crop(data.tobytes())
