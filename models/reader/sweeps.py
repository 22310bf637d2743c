"""How the reader fares as plates get small, blurred, turned, or badly boxed: drawn plates, one fault at a time.

Each plate is set before a pin-hole camera (the plate 0.52 m wide, as in Europe), seen through a little noise, and
read by the device's own code from its true corners. Plates are drawn as in training, with seeds of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.charts import Line, Panel
from models.common.metrics import Score, fold
from models.datasets.degrade import motion_blur_px, streak
from models.datasets.photographs import Photograph
from models.datasets.plates import draw_plate
from platesieve.vision.rectify import rectify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.datasets.plates import DrawnPlate
    from platesieve.domain.geometry import Corners

SEED = 77_001
PLATES = 80
FOCAL_PX = 1500.0
PLATE_M = 0.52
USUAL_WIDTH_PX = 120.0
WIDTHS_PX = (24, 30, 36, 44, 54, 70, 90, 120, 180, 240)
BLURS_PX = (0, 1, 2, 3, 4, 6, 8, 10, 12)
YAWS_DEG = (0, 15, 30, 40, 50, 60, 68, 75)
CORNER_ERRORS = (0.0, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2)
NOISE_LUMA = 3.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a view: width seen from the front, turn about the vertical axis, streak of motion, corners."""

    width_px: float = USUAL_WIDTH_PX
    yaw_deg: float = 0.0
    blur_px: float = 0.0
    corner_error: float = 0.0


def draw_plates(count: int, seed: int = SEED, *, rows: int | None = 1, region: str | None = None) -> list[DrawnPlate]:
    """Draw plates that no training run drew with the same seed; of one row unless told otherwise."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        plate = draw_plate(rng, region)
        if rows in (None, plate.rows):
            found.append(plate)
    return found


def look(rng: np.random.Generator, plate: NDArray[np.uint8], fault: Fault) -> Photograph:
    """Return a picture of a flat plate as a camera with this fault sees it."""
    half_m = np.asarray([PLATE_M, PLATE_M * plate.shape[0] / plate.shape[1]]) / 2
    flat = np.asarray([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half_m
    yaw, away_m = math.radians(fault.yaw_deg), FOCAL_PX * PLATE_M / fault.width_px
    across, depth = flat[:, 0] * math.cos(yaw), away_m + flat[:, 0] * math.sin(yaw)
    quad = FOCAL_PX * np.stack([across, flat[:, 1]], 1) / depth[:, None]
    margin = np.asarray([12.0, 12.0]) + 0.3 * np.ptp(quad, axis=0)
    quad = (quad - quad.min(axis=0) + margin).astype(np.float32)
    size = np.ceil(quad.max(axis=0) + margin).astype(int)
    scene = np.full((int(size[1]), int(size[0])), 90, np.uint8)
    fit = (max(4, round(np.ptp(quad[:, 0]) * 1.2)), max(3, round(np.ptp(quad[:, 1]) * 1.2)))
    small = cv2.resize(plate, (min(fit[0], plate.shape[1]), min(fit[1], plate.shape[0])), interpolation=cv2.INTER_AREA)
    h, w = small.shape
    source = np.asarray([[-0.5, -0.5], [w - 0.5, -0.5], [w - 0.5, h - 0.5], [-0.5, h - 0.5]], np.float32)
    turn = cv2.getPerspectiveTransform(source, quad - np.float32(0.5))
    cv2.warpPerspective(small, turn, (scene.shape[1], scene.shape[0]), dst=scene, borderMode=cv2.BORDER_TRANSPARENT)
    seen = scene.astype(np.float32)
    if fault.blur_px > 1:
        seen = np.asarray(cv2.filter2D(seen, -1, streak(fault.blur_px, 0.0)), np.float32)
    seen += rng.normal(0, NOISE_LUMA, seen.shape).astype(np.float32)
    error = rng.normal(0, 1, (4, 2)) * fault.corner_error * np.ptp(quad[:, 1])
    return Photograph(np.clip(seen, 0, 255).astype(np.uint8), (quad + error).astype(np.float32))


def corners(quad: NDArray[np.float32]) -> Corners:
    """Return four corners as the device holds them."""
    first, second, third, fourth = ((float(x), float(y)) for x, y in quad)
    return first, second, third, fourth


def score(plates: Sequence[DrawnPlate], fault: Fault, read: Callable[..., Any]) -> Score:
    """Return how many plates are read right, folded, with this fault."""
    rng, hits = np.random.default_rng(SEED), 0
    for plate in plates:
        picture = look(rng, plate.luma, fault)
        hits += fold(read(picture.luma, corners(picture.quad)).text) == fold(plate.text)
    return Score(hits, len(plates))


def sweep(read: Callable[..., Any]) -> dict[str, list[dict[str, Any]]]:
    """Return, per fault, the folded score at each level."""
    plates = draw_plates(PLATES)
    faults = {
        "width_px": [(w, Fault(width_px=w)) for w in WIDTHS_PX],
        "motion_blur_px": [(b, Fault(blur_px=b)) for b in BLURS_PX],
        "yaw_deg": [(a, Fault(yaw_deg=a)) for a in YAWS_DEG],
        "corner_error_of_height": [(e, Fault(corner_error=e)) for e in CORNER_ERRORS],
    }
    return {
        name: [{"at": at, **score(plates, fault, read).table()} for at, fault in levels]
        for name, levels in faults.items()
    }


def panels(measured: dict[str, list[dict[str, Any]]]) -> list[Panel]:
    """Return the charts of a sweep."""
    speed = 3.6 * 10 / motion_blur_px(1.0, 1 / 1000, USUAL_WIDTH_PX, 90)
    told = {
        "width_px": ("Plate width", "px in the picture, seen from the front"),
        "motion_blur_px": ("Motion blur", f"px on a plate of 120 px; 10 px: {speed:.0f} km/h across at 1/1000 s"),
        "yaw_deg": ("Viewing angle", "degrees off the front; 120 px wide from the front"),
        "corner_error_of_height": ("Wrong corners", "error of each corner, share of the plate's height (sd)"),
    }
    made = []
    for name, rows in measured.items():
        shares = [r["share"] for r in rows]
        ends = [r["interval95"] for r in rows]
        line = Line("reader", [r["at"] for r in rows], shares, [e[0] for e in ends], [e[1] for e in ends])
        made.append(Panel(f"{told[name][0]}: share read right", told[name][1], [line]))
    return made


def drawn_crops(count: int) -> list[tuple[NDArray[np.uint8], str]]:
    """Return rectified crops (48 x 160) of drawn plates at the usual width, and their texts."""
    rng = np.random.default_rng(SEED + 1)
    seen = [(look(rng, plate.luma, Fault()), plate.text) for plate in draw_plates(count, SEED + 1)]
    return [(rectify(picture.luma, corners(picture.quad)), text) for picture, text in seen]
