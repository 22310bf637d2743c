"""How far the reader carries: labelled plates made narrower, blurred and turned away, one fault at a time.

Only what a picture has can be taken away: a plate is never enlarged, so the wider steps count fewer plates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from platesieve.domain.geometry import Detection
from platesieve.evaluation.metrics import share
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from platesieve.domain.geometry import Corners
    from platesieve.domain.plate import PlateRead
    from platesieve.evaluation.labels import LabelledPlate
    from platesieve.ports import PlateReader

    Judge = Callable[[PlateRead | None, LabelledPlate], bool]

WIDTHS_PX: Final = (24, 32, 40, 50, 65, 80, 100, 130, 160)
BLURS_PERCENT: Final = (0, 1, 2, 3, 4, 6, 8)
"""Length of a streak of motion along the plate, in percent of the plate's width."""
ANGLES_DEG: Final = (0, 15, 30, 40, 50, 60, 70)
"""Between the line of sight and a plate seen straight on; turned about its vertical axis."""
AROUND: Final = 0.5
"""Share of the plate's width and height that is kept on each side, as a reader may look beyond its box."""
AWAY: Final = 10.0
"""Distance of the camera in widths of the plate: near enough for perspective, as 5 m are for a European plate."""

Patch = tuple["NDArray[np.uint8]", "NDArray[np.float64]"]
"""Luma around a plate, and its corners in it (4 x 2)."""


@dataclass(slots=True)
class Sweep:
    """Counts of one fault, by how strong it is."""

    steps: dict[int, list[bool]]

    def as_json(self) -> list[dict[str, Any]]:
        """Return a row for each strength that at least one plate could be given: the share read right."""
        return [{"at": at, **share(sum(right), len(right)).as_json()} for at, right in self.steps.items() if right]


@dataclass(frozen=True, slots=True)
class Sweeps:
    """What a reader reads of worse and worse plates; texts are compared folded, with labels corrected."""

    width_px: Sweep
    blur_percent: Sweep
    angle_deg: Sweep

    @classmethod
    def empty(cls) -> Sweeps:
        """Return counts of nothing."""
        return cls(*(Sweep({step: [] for step in steps}) for steps in (WIDTHS_PX, BLURS_PERCENT, ANGLES_DEG)))

    def add(self, frame: Frame, plates: Sequence[LabelledPlate], reader: PlateReader, is_right: Judge) -> None:
        """Read every plate of a picture that has a text, once for each strength of each fault.

        Args:
            frame: the picture.
            plates: what is marked in it.
            reader: reads one cut-out.
            is_right: compares a read with a label.

        Raises:
            ModelError: inference failed.
        """
        for plate in (each for each in plates if each.truth):
            patch = cut(frame.luma, plate.corners)
            wide = _width(patch[1])
            for at, right in self.width_px.steps.items():
                if at <= wide:
                    right.append(is_right(_read(reader, narrowed(patch, at)), plate))
            for at, right in self.blur_percent.steps.items():
                right.append(is_right(_read(reader, blurred(patch, at / 100)), plate))
            for at, right in self.angle_deg.steps.items():
                right.append(is_right(_read(reader, turned(patch, at)), plate))

    def as_json(self) -> dict[str, Any]:
        """Return the rows of each fault."""
        faults = {"width_px": self.width_px, "blur_percent": self.blur_percent, "angle_deg": self.angle_deg}
        return {name: sweep.as_json() for name, sweep in faults.items()}


def cut(luma: NDArray[np.uint8], corners: Corners) -> Patch:
    """Cut a plate out with what is around it; beyond the picture its edge is repeated."""
    quad = np.asarray(corners, float)
    spread = np.ceil(AROUND * np.ptp(quad, axis=0)).astype(int)
    low, high = np.floor(quad.min(axis=0)).astype(int) - spread, np.ceil(quad.max(axis=0)).astype(int) + spread
    columns = np.clip(np.arange(low[0], high[0]), 0, luma.shape[1] - 1)
    rows = np.clip(np.arange(low[1], high[1]), 0, luma.shape[0] - 1)
    return luma[np.ix_(rows, columns)], quad - low


def narrowed(patch: Patch, width_px: float) -> Patch:
    """Return the plate `width_px` wide, as it is seen from farther away."""
    luma, quad = patch
    scale = width_px / _width(quad)
    size = (max(1, round(luma.shape[1] * scale)), max(1, round(luma.shape[0] * scale)))
    smaller = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), quad * np.asarray(size) / (luma.shape[1], luma.shape[0])


def blurred(patch: Patch, length: float) -> Patch:
    """Return the plate with a streak of motion `length` (share of its width) long, along its upper edge."""
    luma, quad = patch
    along = (quad[1] - quad[0]) * length
    steps = max(1, math.ceil(float(np.hypot(*along)) * 2))
    summed = np.zeros(luma.shape, np.float32)
    for shift in np.linspace(-0.5, 0.5, steps) if steps > 1 else (0.0,):
        moved = np.asarray([[1, 0, along[0] * shift], [0, 1, along[1] * shift]], np.float32)
        size = (luma.shape[1], luma.shape[0])
        summed += cv2.warpAffine(luma, moved, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(np.rint(summed / steps), 0, 255), np.uint8), quad


def turned(patch: Patch, angle_deg: float) -> Patch:
    """Return the plate turned about its vertical axis, through a pin-hole camera AWAY plate widths in front of it."""
    luma, quad = patch
    if not angle_deg:
        return patch
    angle, (x, y) = math.radians(angle_deg), quad.mean(axis=0)
    centred = np.asarray([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    seen = np.asarray([[math.cos(angle), 0, 0], [0, 1, 0], [math.sin(angle) / (AWAY * _width(quad)), 0, 1]])
    whole = np.linalg.inv(centred) @ seen @ centred
    size = (luma.shape[1], luma.shape[0])
    warped = cv2.warpPerspective(luma, whole, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8), cv2.perspectiveTransform(quad[None], whole)[0]


def _width(quad: NDArray[np.float64]) -> float:
    return float(np.hypot(*(quad[1] - quad[0])))


def _read(reader: PlateReader, patch: Patch) -> PlateRead | None:
    luma, quad = patch
    first, second, third, fourth = ((float(x), float(y)) for x, y in quad)
    return reader.read(Frame(luma, 0, 0, 0), Detection((first, second, third, fourth), 1.0))
