"""Cut a plate out of a frame, upright and stretched to one size: the picture the reader sees.

The same functions feed training, evaluation and the device, so the reader never meets a picture made another way.
Coordinates are continuous: the left edge of the first pixel is 0.0, its centre 0.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from platesieve.domain.geometry import Corners

HEIGHT_PX: Final = 48
WIDTH_PX: Final = 160
MARGIN: Final = (0.02, 0.05)
"""Share of the plate's width and height added on each side: what reads most held-out crops under the detector's usual
error of corners (models/LOG.md)."""

_FLAT_STD: Final = 4.0
_MIN_AREA_PX2: Final = 4.0


def rectify(luma: NDArray[np.uint8], corners: Corners, margin: tuple[float, float] = MARGIN) -> NDArray[np.uint8]:
    """Warp the quadrilateral `corners`, grown by `margin`, to an upright crop.

    Args:
        luma: H x W, uint8; the whole frame or any view of it.
        corners: clockwise from the plate's own top left, in pixels of `luma`; they may lie outside.
        margin: share of the plate's width and height to add at each side.

    Returns:
        48 x 160, uint8. A quadrilateral without area gives a flat grey crop, which reads as no plate.
    """
    quad = np.asarray(corners, np.float32)
    if not np.isfinite(quad).all() or abs(cv2.contourArea(quad)) < _MIN_AREA_PX2:
        return np.full((HEIGHT_PX, WIDTH_PX), 127, np.uint8)
    patch, quad = _near(luma, quad, margin)
    patch, quad = _shrink(patch, quad)
    transform = cv2.getPerspectiveTransform(quad - np.float32(0.5), _target(margin))
    crop = cv2.warpPerspective(
        patch, transform, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8)


def normalise(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the crop as the net's input: 1 x 1 x 48 x 160, float32, zero mean and about unit deviation.

    The constant keeps a flat crop (fog, darkness) flat instead of blowing its noise up to full contrast.
    """
    x = crop.astype(np.float32)
    x = (x - x.mean()) / (x.std() + np.float32(_FLAT_STD))
    return np.ascontiguousarray(x[None, None], np.float32)


def _target(margin: tuple[float, float]) -> NDArray[np.float32]:
    left = WIDTH_PX * margin[0] / (1 + 2 * margin[0])
    top = HEIGHT_PX * margin[1] / (1 + 2 * margin[1])
    inner = [(left, top), (WIDTH_PX - left, top), (WIDTH_PX - left, HEIGHT_PX - top), (left, HEIGHT_PX - top)]
    return np.asarray(inner, np.float32) - np.float32(0.5)


def _near(
    luma: NDArray[np.uint8], quad: NDArray[np.float32], margin: tuple[float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the part of the frame around the plate: warping a view is cheaper than warping a frame."""
    span = quad.max(axis=0) - quad.min(axis=0)
    reach = span * (max(margin) + 0.1) + 2
    low = np.floor(quad.min(axis=0) - reach).astype(int)
    high = np.ceil(quad.max(axis=0) + reach).astype(int)
    x0, y0 = np.clip(low, 0, (luma.shape[1] - 2, luma.shape[0] - 2))
    x1, y1 = np.clip(high, (x0 + 2, y0 + 2), (luma.shape[1], luma.shape[0]))
    return luma[y0:y1, x0:x1], quad - np.asarray([x0, y0], np.float32)


def _shrink(patch: NDArray[np.uint8], quad: NDArray[np.float32]) -> tuple[NDArray[np.uint8] | Any, NDArray[np.float32]]:
    """Halve a large patch by area first: a bilinear warp by more than two skips pixels and makes jaggies."""
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    factor = min(max(sides[0], sides[2]) / (WIDTH_PX * 1.5), max(sides[1], sides[3]) / (HEIGHT_PX * 1.5))
    if factor <= 1:
        return patch, quad
    size = (max(2, round(patch.shape[1] / factor)), max(2, round(patch.shape[0] / factor)))
    scale = np.asarray([size[0] / patch.shape[1], size[1] / patch.shape[0]], np.float32)
    return cv2.resize(patch, size, interpolation=cv2.INTER_AREA), quad * scale
