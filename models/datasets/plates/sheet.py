"""A plate under the brush: its ground, ink that is stamped on it, and the finished picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


HEIGHT_PX = 96


@dataclass(frozen=True, slots=True)
class DrawnPlate:
    """A clean plate: luma (about 96 px high, true aspect), its serial in A-Z0-9 (empty: no plate), region and rows."""

    luma: NDArray[np.uint8]
    text: str
    region: str
    rows: int = 1


@dataclass(slots=True)
class Sheet:
    """A plate under the brush: float luma 0..255, ink and ground levels."""

    luma: NDArray[np.float32]
    ink: float
    ground: float

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        return self.luma.shape[1], self.luma.shape[0]


def new_sheet(rng: np.random.Generator, aspect: float, dark_ground: float = 0.15, busy: float = 0.2) -> Sheet:
    """Return an empty plate, HEIGHT_PX high, with a random contrast; some of them light on dark or with a picture."""
    width = round(HEIGHT_PX * aspect * float(rng.uniform(0.95, 1.05)))
    contrast = float(rng.uniform(70, 225)) if rng.random() < 0.9 else float(rng.uniform(40, 80))
    if rng.random() < dark_ground:
        ground = float(rng.uniform(5, 110))
        ink = min(255.0, ground + contrast)
    else:
        ground = float(rng.uniform(120, 250))
        ink = max(0.0, ground - contrast)
    luma = np.full((HEIGHT_PX, width), ground, np.float32)
    if rng.random() < 0.35:
        luma += np.linspace(-1, 1, HEIGHT_PX, dtype=np.float32)[:, None] * float(rng.normal(0, 22))
    sheet = Sheet(luma, ink, ground)
    if rng.random() < busy:
        picture(rng, sheet, (0, 0, width, HEIGHT_PX), float(rng.uniform(0.1, 0.4)))
    return sheet


def stamp(sheet: Sheet, mask: NDArray[np.uint8], x: float, y: float, level: float, strength: float = 1.0) -> None:
    """Blend a mask onto the sheet with its top left at x, y; what falls outside is cut."""
    x0, y0 = round(x), round(y)
    width, height = sheet.size
    left, top = max(0, -x0), max(0, -y0)
    part = mask[top : max(top, min(mask.shape[0], height - y0)), left : max(left, min(mask.shape[1], width - x0))]
    if part.size == 0:
        return
    view = sheet.luma[y0 + top : y0 + top + part.shape[0], x0 + left : x0 + left + part.shape[1]]
    view += (level - view) * (part.astype(np.float32) * (strength / 255))


def picture(rng: np.random.Generator, sheet: Sheet, box: tuple[float, float, float, float], strength: float) -> None:
    """Draw a landscape, a seal or an animal: blobs that no serial is made of."""
    x, y, width, height = (round(v) for v in box)
    layer = np.zeros((max(4, height), max(4, width)), np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        level = int(rng.integers(60, 256))
        kind = int(rng.integers(4))
        centre = (int(rng.integers(layer.shape[1])), int(rng.integers(layer.shape[0])))
        if kind == 0:
            axes = (
                int(rng.integers(2, max(3, layer.shape[1] // 2))),
                int(rng.integers(2, max(3, layer.shape[0] // 2))),
            )
            cv2.ellipse(layer, centre, axes, float(rng.uniform(0, 180)), 0, 360, level, -1, cv2.LINE_AA)
        elif kind == 1:
            xs = np.linspace(0, layer.shape[1], int(rng.integers(3, 9)))
            ys = rng.uniform(0.3, 1.0, len(xs)) * layer.shape[0]
            shape = np.stack([np.append(xs, [layer.shape[1], 0]), np.append(ys, [layer.shape[0]] * 2)], 1)
            cv2.fillPoly(layer, [shape.astype(np.int32)], level, cv2.LINE_AA)
        elif kind == 2:
            points = rng.uniform(0, 1, (int(rng.integers(3, 8)), 2)) * [layer.shape[1], layer.shape[0]]
            cv2.fillPoly(layer, [points.astype(np.int32)], level, cv2.LINE_AA)
        else:
            end = (int(rng.integers(layer.shape[1])), int(rng.integers(layer.shape[0])))
            cv2.line(layer, centre, end, level, int(rng.integers(1, 8)), cv2.LINE_AA)
    level = float(rng.uniform(0, 255)) if strength > 0.5 else sheet.ink
    stamp(sheet, layer, x, y, level, strength)


def finish(rng: np.random.Generator, sheet: Sheet) -> NDArray[np.uint8]:
    """Return the finished plate as bytes, some of them with a grain in the paint."""
    if rng.random() < 0.12:
        grain = rng.normal(0, 1, (12, 24)).astype(np.float32)
        sheet.luma += cv2.resize(grain, sheet.size, interpolation=cv2.INTER_CUBIC) * float(rng.uniform(4, 28))
    return np.clip(sheet.luma, 0, 255).astype(np.uint8)
