"""Parametric stroke fonts: a skeleton and a handful of numbers make all 36 characters."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.datasets.fonts.glyphs import CHARACTERS, Font, trim
from models.datasets.fonts.skeletons import NARROW, SKELETONS, WIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.datasets.fonts.faces import Face

HEIGHT_PX = 128
BARE_STEM = ".5,0 .5,1"


@dataclass(frozen=True, slots=True)
class _Pen:
    width: float
    thickness_px: float
    contrast: float
    radius: float
    oval: float
    middle: float
    squareness: float
    slant: float
    spread: float


def stroke_font(rng: np.random.Generator) -> Font:
    """Draw one random stroke font: all 36 characters with one set of proportions."""
    thickness = float(rng.uniform(0.09, 0.21)) * HEIGHT_PX
    pen = _Pen(
        width=float(rng.uniform(0.42, 0.68)),
        thickness_px=thickness,
        contrast=float(rng.uniform(0.8, 1.1)),
        radius=float(rng.choice([rng.uniform(0.25, 0.7), rng.uniform(0.7, 1.0), 1.0])),
        oval=float(rng.choice([0.0, 0.0, rng.uniform(0, 1), 1.0])),
        middle=float(rng.uniform(0.44, 0.54)),
        squareness=float(rng.choice([2.0, 2.0, 2.5, 4.0, 8.0])),
        slant=float(rng.normal(0, 0.03)) if rng.random() < 0.1 else 0.0,
        spread=float(rng.choice([0.0, rng.uniform(0.3, 1.0), 1.0])),
    )
    return Font({c: _stroke_glyph(pen, _variant(rng, SKELETONS[c]), _factor(c, pen)) for c in CHARACTERS}, "stroke")


def face_font(rng: np.random.Generator, face: Face) -> Font:
    """Draw one font of a family: all 36 characters with one set of its proportions."""
    pen = _Pen(
        width=float(rng.uniform(*face.width)),
        thickness_px=float(rng.uniform(*face.thickness)) * HEIGHT_PX,
        contrast=float(rng.uniform(0.9, 1.05)),
        radius=float(rng.uniform(*face.radius)),
        oval=float(rng.uniform(*face.oval)),
        middle=float(rng.uniform(0.45, 0.52)),
        squareness=float(rng.uniform(*face.squareness)),
        slant=0.0,
        spread=1.0,
    )
    glyphs = {}
    for c in CHARACTERS:
        factor = face.factors.get(c, _factor(c, pen))
        glyphs[c] = _stroke_glyph(pen, _variant(rng, face.shapes.get(c, SKELETONS[c])), factor)
    return Font(glyphs, "face")


def _factor(character: str, pen: _Pen) -> float:
    """Return how wide a character is beside the others."""
    if character in NARROW and pen.spread:
        return NARROW[character]
    return 1 + pen.spread * (WIDE.get(character, 1.0) - 1)


def _variant(rng: np.random.Generator, shapes: Sequence[str]) -> str:
    options = [spec.split("|") for spec in shapes]
    weights = np.asarray([float(w) for w, _ in options])
    return options[int(rng.choice(len(options), p=weights / weights.sum()))][1]


def _stroke_glyph(pen: _Pen, spec: str, factor: float) -> NDArray[np.uint8]:
    height = HEIGHT_PX
    inner = 0.0 if spec == BARE_STEM else max(height * pen.width * factor - pen.thickness_px, height * 0.14)
    canvas = np.zeros((height + 16, round(inner + pen.thickness_px) + 14), np.uint8)
    scale = np.asarray([inner, height - pen.thickness_px])
    for text in spec.split(";"):
        points, closed = _trace(text, pen, scale)
        points = points + np.asarray([pen.thickness_px / 2 + 4, pen.thickness_px / 2])
        cv2.polylines(canvas, [np.round(points * 16).astype(np.int32)], closed, 255, 1, cv2.LINE_8, 4)
    mask = cv2.dilate(canvas, _nib(pen.thickness_px, pen.thickness_px * pen.contrast, pen.squareness))
    if pen.slant:
        turn = np.asarray([[1, -pen.slant, pen.slant * height / 2], [0, 1, 0]], np.float32)
        mask = cv2.warpAffine(mask, turn, (mask.shape[1], mask.shape[0]))
    small = cv2.resize(mask, (max(4, mask.shape[1] // 2), mask.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return trim(small)


@functools.lru_cache(maxsize=256)
def _nib(width_px: float, height_px: float, squareness: float) -> NDArray[np.uint8]:
    w, h = max(3, round(width_px)), max(3, round(height_px))
    x = np.abs(np.linspace(-1, 1, w))[None, :]
    y = np.abs(np.linspace(-1, 1, h))[:, None]
    return ((x**squareness + y**squareness) <= 1.0 + 1e-6).astype(np.uint8)


def _trace(text: str, pen: _Pen, scale: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    closed = text.endswith("z")
    corners, rounded = [], []
    for word in text.removesuffix("z").split():
        x, y = word.removesuffix("r").split(",")
        corners.append((float(x), pen.middle if y == "m" else float(y)))
        rounded.append(word.endswith("r"))
    points = np.asarray(corners) * scale
    path: list[NDArray[np.float64]] = []
    count = len(points)
    for i in range(count):
        inside = closed or 0 < i < count - 1
        if rounded[i] and inside:
            path.extend(_arc(points, rounded, i, pen))
        else:
            path.append(points[i])
    return np.asarray(path), closed


def _arc(points: NDArray[np.float64], rounded: Sequence[bool], i: int, pen: _Pen) -> list[NDArray[np.float64]]:
    """Replace a corner by a quarter of an ellipse, as large as radius and neighbours allow."""
    here, count = points[i], len(points)
    arms, room = [], []
    for j in ((i - 1) % count, (i + 1) % count):
        arm = points[j] - here
        length = float(np.linalg.norm(arm)) + 1e-6
        arms.append(arm / length)
        room.append(length / 2 if rounded[j] else length * 0.9)
    least = min(room)
    cuts = [pen.radius * (pen.oval * r + (1 - pen.oval) * least) for r in room]
    start, end = here + arms[0] * cuts[0], here + arms[1] * cuts[1]
    first, second = start + (here - start) * 0.55, end + (here - end) * 0.55
    t = np.linspace(0, 1, 8)[:, None]
    curve = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end
    return list(curve)
