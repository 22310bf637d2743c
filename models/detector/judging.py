"""Hold detections against the labels of their pictures, sum them up, and choose a threshold.

The rule of the threshold: the lowest one, so the highest recall, at which held-out pictures have at most FALSE_BUDGET
false plates each. Plates under SPECK_PX wide at the input count in neither direction there: 16 px of 480 are 43 px of a
camera's 1280, where the reader begins to read; the labels of pictures far smaller than a camera's have many of them,
and miss as many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.common.metrics import Score
from models.datasets.scenes import upright
from platesieve.domain.geometry import Box
from platesieve.evaluation.metrics import HIT_IOU, IGNORED_COVER, TOUCH_IOU, cover

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.datasets.scenes import Scene
    from platesieve.domain.geometry import Detection

    Finder = Callable[[NDArray[np.uint8]], tuple[Detection, ...]]

LEAST_SCORE = 0.05
SPECK_PX = 16.0  # of the input, see above
FALSE_BUDGET = 0.02  # a picture; fixed before this net was scored, with the bars of 0.03 and 0.08 in mind


@dataclass(frozen=True, slots=True)
class Found:
    """One detection held against the labels of its picture: `plate` is the index of the label it hits, or None."""

    score: float
    plate: int | None
    false: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture: how many plates it has, and its detections, best first."""

    plates: int
    found: tuple[Found, ...]

    def hits(self, threshold: float) -> list[bool]:
        """Return for each plate whether it is found at a threshold."""
        hit = {f.plate for f in self.found if f.score >= threshold}
        return [number in hit for number in range(self.plates)]


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of one set at one size: `recall` and `top1` count plates and pictures found at IoU 0.5."""

    pictures: int
    recall: Score
    top1: Score
    false_per_picture: float
    average_precision: float
    reachable: Score

    def __str__(self) -> str:
        return (
            f"recall {self.recall}  top-1 {self.top1}  false/picture {self.false_per_picture:.3f}"
            f"  AP {self.average_precision:.3f}  recall at score {LEAST_SCORE} {self.reachable.share:.3f}"
        )

    def table(self) -> dict[str, object]:
        """Return the figures as released.toml holds them."""
        return {
            "recall": self.recall.table(),
            "top1": self.top1.table(),
            "false_per_picture": round(self.false_per_picture, 4),
            "average_precision": round(self.average_precision, 4),
        }


def judge(scene: Scene, detections: tuple[Detection, ...]) -> Judged:
    """Hold detections, best first, against labels as `platesieve.evaluation.metrics.match` does, and keep each score.

    Each label is hit once; what touches a label or lies in a masked region is not false.
    """
    plates = [Box(*upright(p.corners)) for p in scene.plates]
    masked = [Box(*(float(v) for v in box)) for box in scene.ignore]
    free = set(range(len(plates)))
    found = []
    for each in detections:
        overlap = [each.box.iou(plate) for plate in plates]
        best = max(free, key=overlap.__getitem__, default=None)
        if best is not None and overlap[best] >= HIT_IOU:
            free.remove(best)
            found.append(Found(each.score, best, false=False))
            continue
        near = any(v > TOUCH_IOU for v in overlap) or any(cover(each.box, m) > IGNORED_COVER for m in masked)
        found.append(Found(each.score, None, not near))
    return Judged(len(plates), tuple(found))


def average_precision(judged: list[Judged]) -> float:
    """Return the area under precision over recall, all points, precision made monotone."""
    flat = sorted(
        ((f.score, f.plate is not None) for j in judged for f in j.found if f.plate is not None or f.false),
        reverse=True,
    )
    total = sum(j.plates for j in judged)
    hits = np.cumsum([hit for _, hit in flat]) if flat else np.zeros(0)
    precision = hits / np.arange(1, len(flat) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(sum(p for p, (_, hit) in zip(precision, flat, strict=True) if hit) / max(total, 1))


def score(judged: list[Judged], threshold: float) -> Scores:
    """Sum up one set at a threshold."""
    plates = sum(j.plates for j in judged)
    hits = sum(f.plate is not None and f.score >= threshold for j in judged for f in j.found)
    reachable = sum(f.plate is not None for j in judged for f in j.found)
    false = sum(f.false and f.score >= threshold for j in judged for f in j.found)
    with_plate = [j for j in judged if j.plates]
    top = sum(bool(j.found) and j.found[0].plate is not None for j in with_plate)
    return Scores(
        pictures=len(judged),
        recall=Score(hits, plates),
        top1=Score(top, len(with_plate)),
        false_per_picture=false / max(len(judged), 1),
        average_precision=average_precision(judged),
        reachable=Score(reachable, plates),
    )


def choose_threshold(judged: list[Judged], budget: float = FALSE_BUDGET) -> float:
    """Return the lowest threshold, in steps of 0.01, from which on false plates stay within the budget a picture.

    Raises:
        ValueError: there are no pictures to choose it on.
    """
    if not judged:
        raise ValueError("no pictures are held out: a threshold cannot be chosen")
    most = budget * len(judged)
    scores = sorted((f.score for j in judged for f in j.found if f.false), reverse=True)
    allowed = int(most)
    if len(scores) <= allowed:
        return LEAST_SCORE
    return min(math.floor(scores[allowed] * 100 + 1) / 100, 0.99)


def readable(detections: tuple[Detection, ...], scale: float) -> tuple[Detection, ...]:
    """Return the detections that are at least SPECK_PX wide at the input."""
    return tuple(d for d in detections if d.box.width * scale >= SPECK_PX)


def judge_readable(find: Finder, scenes: list[Scene], width: int, height: int) -> list[Judged]:
    """Run and judge every picture, leaving out what is too narrow to read at this input size."""
    judged = []
    for scene in scenes:
        found = readable(find(scene.levels[0]), input_scale(scene, width, height))
        judged.append(judge(without_specks(scene, width, height), found))
    return judged


def input_scale(scene: Scene, width: int, height: int) -> float:
    """Return input pixels per pixel of the picture."""
    return min(width / scene.levels[0].shape[1], height / scene.levels[0].shape[0])


def judge_all(find: Finder, scenes: list[Scene]) -> list[Judged]:
    """Run and judge every picture."""
    return [judge(scene, find(scene.levels[0])) for scene in scenes]


def without_specks(scene: Scene, width: int, height: int) -> Scene:
    """Return the scene with plates too narrow to read at this input size masked instead of wanted."""
    scale = input_scale(scene, width, height)
    large = [float(np.ptp(p.corners[:, 0])) * scale >= SPECK_PX for p in scene.plates]
    specks = [upright(p.corners) for p, keep in zip(scene.plates, large, strict=True) if not keep]
    return replace(
        scene,
        plates=tuple(p for p, keep in zip(scene.plates, large, strict=True) if keep),
        ignore=np.concatenate([scene.ignore, np.array(specks, np.float32).reshape(-1, 4)]),
    )
