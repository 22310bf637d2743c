"""From composed crops to training batches: the camera's faults, and the targets of heat map and corners."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from models.datasets.codec import as_jpeg, as_video
from models.datasets.scenes import SMALLEST_PLATE_PX, Composer, Sample, split_by_edge
from models.detector.net import OFFSET_UNIT_PX, STRIDE_PX
from platesieve.vision.letterbox import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from models.datasets.scenes import Drawn, Mistake, Scene

CORNERS_FROM_HEAT = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What one crop should give, on the stride-8 grid of h x w cells.

    Attributes:
        heat: (1, h, w), 1 at a plate's centre, falling off as a Gaussian.
        weight: (1, h, w), 0 where a plate may be that nobody labelled.
        offsets: (8, h, w), corners relative to the cell's centre, units of 16 px.
        share: (1, h, w), weight of the corner loss; it sums to 1 over each plate.
        size: (2, h, w), what errors in x and in y are relative to, units of 16 px: mostly width and mostly height.
        exact: (1, h, w), 1 where each corner is known and 0 where only the upright box is.
    """

    heat: NDArray[np.float32]
    weight: NDArray[np.float32]
    offsets: NDArray[np.float32]
    share: NDArray[np.float32]
    size: NDArray[np.float32]
    exact: NDArray[np.float32]


def degrade(rng: np.random.Generator, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the crop as a camera might have seen it: light, lens, motion, sensor, compression."""
    picture = luma.astype(np.float32)
    high, wide = luma.shape
    if rng.random() < 0.2:  # uneven light
        ramp = np.asarray(cv2.resize(rng.uniform(0.35, 1.3, (2, 3)).astype(np.float32), (wide, high)), np.float32)
        picture *= ramp
    if rng.random() < 0.06:  # headlamps and their glare
        for _ in range(int(rng.integers(1, 4))):
            glare = np.zeros((high, wide), np.float32)
            cv2.circle(glare, (int(rng.integers(wide)), int(rng.integers(high))), int(rng.integers(2, 12)), 1.0, -1)
            spread = cv2.GaussianBlur(glare, (0, 0), float(rng.uniform(2, 12)))
            picture += rng.uniform(150, 500) * spread
    mode = rng.random()
    if mode < 0.07:  # night: little light, lifted again
        gain = rng.uniform(0.08, 0.5)
        lift = rng.uniform(0.5, 1.0) / gain
        picture = np.asarray(rng.poisson(np.clip(picture * gain, 0, 255)) * lift, np.float32)
    elif mode < 0.45:
        contrast, bright = rng.uniform(0.45, 1.5), rng.normal(0, 22)
        middle = float(picture.mean())
        picture = (picture - middle) * np.float32(contrast) + np.float32(middle + bright)
    picture = np.asarray(np.clip(picture, 0, 255), np.float32)
    if rng.random() < 0.4:
        picture = np.asarray(255 * (picture / 255) ** math.exp(rng.normal(0, 0.45)), np.float32)
    picture = soften(rng, picture)
    if rng.random() < 0.4:
        picture = picture + rng.normal(0, rng.uniform(1, 10), picture.shape).astype(np.float32)
    seen = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.03:
        seen = 255 - seen
    if rng.random() < 0.08:
        seen = as_video(rng, seen)
    return as_jpeg(rng, seen) if rng.random() < 0.35 else seen


def soften(rng: np.random.Generator, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture out of focus, moved, enlarged from fewer pixels, sharpened, or as it is."""
    kind = rng.random()
    if kind < 0.15:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.6))), np.float32)
    if kind < 0.25:
        length, angle = int(rng.integers(3, 9)), rng.uniform(0, math.pi)
        kernel = np.zeros((length, length), np.float32)
        middle = (length - 1) / 2
        step = np.array([math.cos(angle), math.sin(angle)]) * middle
        start, end = (np.round(middle + step * s).astype(int) for s in (-1, 1))
        cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
        return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)
    if kind < 0.35:
        high, wide = picture.shape
        less = rng.uniform(0.45, 0.9)
        small = cv2.resize(picture, (int(wide * less), int(high * less)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32)
    if kind < 0.5:
        blurred = cv2.GaussianBlur(picture, (0, 0), 1.0)
        return np.asarray(picture + rng.uniform(0.3, 1.2) * (picture - blurred), np.float32)
    return picture


def encode(sample: Sample) -> Targets:
    """Return the targets of a crop whose sides are multiples of 8."""
    high, wide = sample.luma.shape[0] // STRIDE_PX, sample.luma.shape[1] // STRIDE_PX
    made = Targets(
        np.zeros((1, high, wide), np.float32),
        np.ones((1, high, wide), np.float32),
        np.zeros((8, high, wide), np.float32),
        np.zeros((1, high, wide), np.float32),
        np.ones((2, high, wide), np.float32),
        np.zeros((1, high, wide), np.float32),
    )
    plates, cut = split_by_edge(list(sample.plates), sample.luma.shape[1], sample.luma.shape[0])
    for x, y, w, h in np.concatenate([sample.ignore, cut]):
        mask_box(made.weight, float(x), float(y), float(x + w), float(y + h))
    column = (np.arange(wide, dtype=np.float32) + 0.5) * STRIDE_PX
    row = (np.arange(high, dtype=np.float32) + 0.5) * STRIDE_PX
    for plate in sorted(plates, key=lambda p: -float(np.ptp(p.corners[:, 0]))):
        low, far = plate.corners.min(axis=0), plate.corners.max(axis=0)
        centre, size = (low + far) / 2, far - low
        if size[0] < SMALLEST_PLATE_PX:
            mask_box(made.weight, float(low[0]), float(low[1]), float(far[0]), float(far[1]))
            continue
        sigma_x, sigma_y = max(0.09 * float(size[0]), 4.8), max(0.15 * float(size[1]), 4.8)
        bell = np.exp(-((column - centre[0]) ** 2) / (2 * sigma_x**2))[None]
        bell = bell * np.exp(-((row - centre[1]) ** 2) / (2 * sigma_y**2))[:, None]
        cell = (int(centre[1] // STRIDE_PX), int(centre[0] // STRIDE_PX))
        bell[cell] = 1.0
        near = bell >= np.maximum(made.heat[0], CORNERS_FROM_HEAT)
        made.heat[0] = np.maximum(made.heat[0], bell)
        made.weight[0][bell > CORNERS_FROM_HEAT] = 1.0
        for corner, (x, y) in enumerate(plate.corners):
            made.offsets[2 * corner][near] = np.broadcast_to((x - column)[None], (high, wide))[near] / OFFSET_UNIT_PX
            made.offsets[2 * corner + 1][near] = (
                np.broadcast_to((y - row)[:, None], (high, wide))[near] / OFFSET_UNIT_PX
            )
        made.share[0][near] = bell[near] / float(bell[near].sum())
        made.size[:, near] = (size**0.75 * size[::-1] ** 0.25 / OFFSET_UNIT_PX)[:, None]
        made.exact[0][near] = float(plate.exact)
    return made


def mask_box(weight: NDArray[np.float32], left: float, top: float, right: float, bottom: float) -> None:
    """Set the weight of every cell that the box touches to 0, in place."""
    rows = slice(max(math.floor(top / STRIDE_PX), 0), max(math.ceil(bottom / STRIDE_PX), 0))
    columns = slice(max(math.floor(left / STRIDE_PX), 0), max(math.ceil(right / STRIDE_PX), 0))
    weight[0, rows, columns] = 0.0


def collate(crops: list[tuple[NDArray[np.uint8], Targets]]) -> dict[str, Tensor]:
    """Return one batch; luma is normalised exactly as on the device."""
    names = ("heat", "weight", "offsets", "share", "size", "exact")
    batch = {name: torch.from_numpy(np.stack([getattr(t, name) for _, t in crops])) for name in names}
    batch["luma"] = torch.from_numpy(np.stack([normalise(luma)[None] for luma, _ in crops]))
    return batch


class Crops(IterableDataset[dict[str, "Tensor"]]):
    """An endless stream of batches; the same seed and worker give the same stream."""

    def __init__(
        self,
        scenes: list[Scene],
        draw: Callable[[np.random.Generator], Drawn],
        *,
        seed: int,
        batch: int,
        size: tuple[int, int],
        pool: int = 400,
        mistakes: tuple[Mistake, ...] = (),
    ) -> None:
        super().__init__()
        self.scenes, self.draw, self.seed, self.batch = scenes, draw, seed, batch
        self.size, self.pool, self.mistakes = size, pool, mistakes

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        info = get_worker_info()
        composer = Composer(self.scenes, self.draw, self.seed * 64 + (info.id if info else 0), self.pool, self.mistakes)
        while True:
            samples = [composer.sample(*self.size) for _ in range(self.batch)]
            yield collate([(degrade(composer.rng, s.luma), encode(s)) for s in samples])
