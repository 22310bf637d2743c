"""What stands between the groups of a serial and is no letter: seals, state outlines, hearts, dashes, dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.uint8]

EMBLEMS = 6  # kinds that `emblem` knows; the last three are outlines
SEAL_SIZE = (0.16, 0.46)  # diameter
SEALS_APART = (0.36, 0.60)  # from centre to centre
"""As shares of the serial's height. The small ones are like a colon, and a serial of figures with them like a clock."""


def dash(rng: np.random.Generator, em: float, height: float, kind: str) -> Mask:
    """Draw a dash or (`kind` is ".") a dot at half height."""
    mask = np.zeros((round(height), max(3, round(em * (0.55 if kind == "-" else 0.3)))), np.uint8)
    thick = max(1.0, height * float(rng.uniform(0.06, 0.14)))
    middle = height * float(rng.uniform(0.42, 0.58))
    if kind == "-":
        mask[round(middle - thick / 2) : max(round(middle + thick / 2), round(middle - thick / 2) + 1)] = 255
    else:
        cv2.circle(mask, (mask.shape[1] // 2, round(middle)), max(1, round(thick * 0.9)), 255, -1, cv2.LINE_AA)
    return mask


def seals(rng: np.random.Generator, em: float, height: float) -> Mask:
    """Draw two round seals one above the other: a test and an authority's, each with a ground and a rim of its own."""
    tall = height * float(rng.uniform(*SEAL_SIZE))
    wide = tall * float(rng.uniform(0.8, 1.15))
    apart, middle = height * float(rng.uniform(*SEALS_APART)), height * float(rng.uniform(0.46, 0.54))
    mask = np.zeros((round(height), max(3, round(wide + em * float(rng.uniform(0.0, 0.5))))), np.uint8)
    rim, ground = (float(v) for v in rng.uniform((60, 0), (256, 200)))
    filled = rng.random() < 0.5
    for side in (-1, 1):
        centre = mask.shape[1] / 2 + float(rng.normal(0, 0.02)) * height, middle + side * apart / 2
        shade = float(np.clip(rng.normal(1, 0.15), 0.5, 1.2))
        _disc(mask, centre, (wide / 2, tall / 2), min(255.0, rim * shade))
        if not filled:
            share = float(rng.uniform(0.4, 0.8))
            _disc(mask, centre, (wide / 2 * share, tall / 2 * share), min(255.0, ground * shade))
    return mask


def emblem(rng: np.random.Generator, em: float, height: float, shape: int) -> Mask:
    """Draw a seal, two of them, a ring, or something like a state's outline, a heart or a flag (EMBLEMS kinds)."""
    if shape == 1:
        return seals(rng, em, height)
    w, h = max(5, round(em * float(rng.uniform(0.5, 1.1)))), round(height)
    mask = np.zeros((h, w), np.uint8)
    level = int(rng.integers(70, 256))
    middle = (w // 2, round(h * float(rng.uniform(0.35, 0.65))))
    radius = max(2, round(min(w / 2, h * 0.3) * float(rng.uniform(0.5, 1.0))))
    if shape == 0:
        cv2.circle(mask, middle, radius, level, -1, cv2.LINE_AA)
        cv2.circle(mask, middle, max(1, radius // 2), int(rng.integers(0, 120)), -1, cv2.LINE_AA)
    elif shape == 2:
        cv2.circle(mask, middle, radius, level, max(1, radius // 3), cv2.LINE_AA)
    else:
        count = int(rng.integers(4, 10))
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = rng.uniform(0.45, 1.0, count)
        points = np.stack(
            [w / 2 + np.cos(angle) * reach * w / 2, middle[1] + np.sin(angle) * reach * min(w * 0.7, h / 2)], 1
        )
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], level, cv2.LINE_AA, 4)
    return mask


def _disc(mask: Mask, centre: tuple[float, float], axes: tuple[float, float], level: float) -> None:
    """Fill an ellipse whose middle and half axes are fractions of a pixel."""
    x, y, wide, tall = (round(v * 16) for v in (*centre, *axes))
    cv2.ellipse(mask, ((x / 16, y / 16), (wide / 8, tall / 8), 0.0), level, -1, cv2.LINE_AA)
