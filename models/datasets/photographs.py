"""Make photographs of flat plates: put them on a car, turn them, and cut them out again like a detector would.

Everything happens at the size the sensor would see, and the crop is cut by the device's own `rectify`, so training
meets the same interpolation as the device. `degrade` spoils what lies between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from platesieve.vision.rectify import rectify

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_WIDTH_PX, MAX_WIDTH_PX = 38.0, 260.0
HUGGING = 0.4  # of the crops may lose the plate's edge
LEAST_MARGIN_HUGGED = (-0.015, -0.14)  # of those, as shares of width and height
LEAST_MARGIN = (0.01, 0.02)
MOST_MARGIN = (0.09, 0.18)
TURNS = ((0.35, 0.35), (1.0, 0.45), (1.8, 0.12), (3.0, 0.08))
"""How strongly a plate is turned, slanted and seen aslant, and the share of plates that are."""
TURN_RAD, SLANT = 0.07, 0.10
"""Standard deviations at strength 1."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture of one plate (uint8) and the plate's true corners in it, 4 x 2, clockwise from its top left."""

    luma: NDArray[np.uint8]
    quad: NDArray[np.float32]


def photograph(
    rng: np.random.Generator, plate: NDArray[np.uint8], ground: NDArray[np.uint8] | None = None
) -> Photograph:
    """Put a flat plate into a small scene, seen from somewhere at a random distance."""
    height, width = plate.shape
    aspect = width / height
    wide = float(np.exp(rng.uniform(np.log(MIN_WIDTH_PX), np.log(MAX_WIDTH_PX))))
    if aspect < 2.6:
        wide = max(MIN_WIDTH_PX - 4, wide * 0.8)
    high = wide / aspect * float(rng.uniform(0.85, 1.15))
    high = max(high, 9.0)
    quad = _turned(rng, wide, high)
    margin = np.asarray([wide * 0.25 + 4, high * 0.45 + 4])
    low = quad.min(axis=0)
    quad = (quad - low + margin).astype(np.float32)
    size = np.ceil(quad.max(axis=0) + margin).astype(int)
    scene = _ground(rng, int(size[0]), int(size[1]), ground)
    shrink = wide / width
    if shrink < 0.6:
        fit = (max(8, round(width * shrink * 1.5)), max(6, round(height * shrink * 1.5)))
        plate = cv2.resize(plate, fit, interpolation=cv2.INTER_AREA)
    h, w = plate.shape
    source = np.asarray([[-0.5, -0.5], [w - 0.5, -0.5], [w - 0.5, h - 0.5], [-0.5, h - 0.5]], np.float32)
    transform = cv2.getPerspectiveTransform(source, quad - np.float32(0.5))
    cv2.warpPerspective(plate, transform, (scene.shape[1], scene.shape[0]), dst=scene, flags=cv2.INTER_LINEAR,
                        borderMode=cv2.BORDER_TRANSPARENT)  # fmt: skip
    return Photograph(scene, quad)


def _turned(rng: np.random.Generator, wide: float, high: float) -> NDArray[np.float64]:
    """Return the plate's corners under a random rotation, slant and perspective, now and then of 15 degrees."""
    quad = np.asarray([[0, 0], [wide, 0], [wide, high], [0, high]])
    strengths, shares = zip(*TURNS, strict=True)
    strength = float(rng.choice(strengths, p=shares))
    angle = float(rng.normal(0, TURN_RAD)) * strength
    shear_y, shear_x = float(rng.normal(0, 0.08)) * strength, float(rng.normal(0, SLANT)) * strength
    turn = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.asarray([[1, shear_x], [shear_y, 1]])
    quad = quad @ slant.T @ turn.T
    near = float(rng.normal(0, 0.05)) * strength
    quad[[1, 2], 1] += (quad[[1, 2], 1] - quad[[1, 2], 1].mean()) * near
    quad[[0, 3], 1] -= (quad[[0, 3], 1] - quad[[0, 3], 1].mean()) * near
    return quad + rng.normal(0, 0.006 * strength, quad.shape) * wide


def _ground(rng: np.random.Generator, width: int, height: int, picture: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if picture is not None and rng.random() < 0.5:
        return np.ascontiguousarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    base = float(rng.choice([rng.uniform(5, 60), rng.uniform(5, 250)]))
    scene = np.full((height, width), base, np.float32)
    scene += np.linspace(-1, 1, height, dtype=np.float32)[:, None] * float(rng.normal(0, 25))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            y = int(rng.integers(height))
            cv2.line(
                scene, (0, y), (width, y + int(rng.normal(0, 4))), float(rng.uniform(0, 255)), int(rng.integers(1, 5))
            )
    return np.clip(scene, 0, 255).astype(np.uint8)


def tilted(rng: np.random.Generator, picture: Photograph, spread: float = 0.1) -> Photograph:
    """Turn a whole picture by a random angle (deviation `spread`, radians), as a camera that hangs askew would."""
    height, width = picture.luma.shape
    angle = float(np.degrees(np.clip(rng.normal(0, spread), -0.35, 0.35)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    luma = cv2.warpAffine(picture.luma, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    quad = cv2.transform(picture.quad[None], turn)[0]
    return Photograph(np.asarray(luma, np.uint8), np.asarray(quad, np.float32))


def noisy_crop(rng: np.random.Generator, picture: Photograph, box_share: float = 0.4) -> NDArray[np.uint8]:
    """Cut the plate as a detector would hand it over: its corners or its box, a little wrong, with a random margin."""
    quad = picture.quad.astype(np.float64)
    if rng.random() < box_share:
        low, high = quad.min(axis=0), quad.max(axis=0)
        quad = np.asarray([low, [high[0], low[1]], high, [low[0], high[1]]])
    wide = float(np.linalg.norm(quad[1] - quad[0]))
    tall = float(np.linalg.norm(quad[3] - quad[0]))
    quad = quad + rng.normal(0, 0.018, (4, 2)) * [wide, tall * 2.0]
    sides = rng.normal([-0.0, 0.0, 0.0, 0.0], [0.022, 0.05, 0.022, 0.05])  # left, top, right, bottom, outward
    quad[[0, 3], 0] -= sides[0] * wide
    quad[[0, 1], 1] -= sides[1] * tall
    quad[[1, 2], 0] += sides[2] * wide
    quad[[2, 3], 1] += sides[3] * tall
    # Some detectors, and some people who label boxes, hug the characters: then the plate's own edge is cut away.
    least = LEAST_MARGIN_HUGGED if rng.random() < HUGGING else LEAST_MARGIN
    margin = (float(rng.uniform(least[0], MOST_MARGIN[0])), float(rng.uniform(least[1], MOST_MARGIN[1])))
    corners = tuple((float(a), float(b)) for a, b in quad)
    return rectify(picture.luma, corners, margin)  # type: ignore[arg-type]
