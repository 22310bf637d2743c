"""Measure a detector: `python -m models.detector.evaluate --model models/released/detector.onnx`.

Recall and false plates at the threshold that the held-out share of the training sets chooses; evaluation sets are
only measured. Runs the released file with the device's own pre- and post-processing.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime as ort

from models.common.metrics import Score
from models.datasets.scenes import data_root, load_scenes, read_scene, upright
from platesieve.domain.geometry import Box
from platesieve.vision.decode_corners import decode
from platesieve.vision.letterbox import letterbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.datasets.scenes import Scene
    from platesieve.domain.geometry import Detection

    Finder = Callable[[NDArray[np.uint8]], tuple[Detection, ...]]

SIZES = ((320, 192), (480, 288), (640, 384))
SETS = ("openalpr-eu", "openalpr-us-a")
HIT_IOU = 0.5
TOUCH_IOU = 0.1
LEAST_SCORE = 0.05
IGNORED_COVER = 0.5
SPECK_PX = 16.0  # of the input: no reader reads narrower plates, and the labels have many of them


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


def finder(model: Path, width: int, height: int, threshold: float = LEAST_SCORE) -> Finder:
    """Return a function from luma to detections that runs the released file with one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def find(luma: NDArray[np.uint8]) -> tuple[Detection, ...]:
        pixels, placement = letterbox(luma, width, height)
        heat, offsets = session.run(["heat", "corners"], {"luma": pixels})
        return decode(heat, offsets, placement, threshold)

    return find


def cover(box: Box, other: Box) -> float:
    """Return the share of `box` that lies in `other`."""
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return max(wide, 0.0) * max(high, 0.0) / max(box.area, 1e-9)


def judge(scene: Scene, detections: tuple[Detection, ...]) -> Judged:
    """Hold detections against labels: each label is hit once; what touches a label or a masked region is not false."""
    plates = [Box(*upright(p.corners)) for p in scene.plates]
    masked = [Box(*(float(v) for v in box)) for box in scene.ignore]
    taken: set[int] = set()
    found = []
    for each in detections:
        overlap = [each.box.iou(plate) for plate in plates]
        best = int(np.argmax(overlap)) if overlap else -1
        hit = best >= 0 and overlap[best] >= HIT_IOU and best not in taken
        if hit:
            taken.add(best)
        near = any(v > TOUCH_IOU for v in overlap) or any(cover(each.box, m) > IGNORED_COVER for m in masked)
        found.append(Found(each.score, best if hit else None, not hit and not near))
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


def choose_threshold(judged: list[Judged]) -> float:
    """Return the threshold with the best F1 on the held-out share, in steps of 0.01."""

    def f1(threshold: float) -> float:
        hits = sum(f.plate is not None and f.score >= threshold for j in judged for f in j.found)
        false = sum(f.false and f.score >= threshold for j in judged for f in j.found)
        plates = sum(j.plates for j in judged)
        return 2 * hits / max(hits + false + plates, 1)

    return float(max((t / 100 for t in range(10, 80)), key=f1))


def load_set(name: str) -> list[Scene]:
    """Read one evaluation set; an absent one is empty and said so."""
    folder = data_root() / "eval" / name
    if not (folder / "labels.jsonl").is_file():
        print(f"skipped: {name} is not there")
        return []
    lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return [read_scene(folder, json.loads(line)) for line in lines]


def judge_all(find: Finder, scenes: list[Scene]) -> list[Judged]:
    """Run and judge every picture."""
    return [judge(scene, find(scene.levels[0])) for scene in scenes]


def milliseconds(model: Path, width: int, height: int, runs: int = 60) -> float:
    """Return the median time of the network alone, one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).normal(0, 1, (1, 1, height, width)).astype(np.float32)
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        session.run(None, {"luma": pixels})
        taken.append(1000 * (time.perf_counter() - began))
    return float(np.median(taken))


def without_specks(scene: Scene, width: int, height: int) -> Scene:
    """Return the scene with plates too narrow to read at this input size masked instead of wanted."""
    scale = min(width / scene.levels[0].shape[1], height / scene.levels[0].shape[0])
    large = [float(np.ptp(p.corners[:, 0])) * scale >= SPECK_PX for p in scene.plates]
    specks = [upright(p.corners) for p, keep in zip(scene.plates, large, strict=True) if not keep]
    return replace(
        scene,
        plates=tuple(p for p, keep in zip(scene.plates, large, strict=True) if keep),
        ignore=np.concatenate([scene.ignore, np.array(specks, np.float32).reshape(-1, 4)]),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """One input size: the threshold that the held-out share chose, the network's time, and the rows by set."""

    threshold: float
    milliseconds: float
    rows: dict[str, Scores]


def measure(model: Path, *, held_out_only: bool = False) -> dict[str, Measured]:
    """Measure all sets at all sizes and print the rows."""
    held = load_scenes(held_out_only=True)
    sets = {} if held_out_only else {name: load_set(name) for name in SETS}
    report: dict[str, Measured] = {}
    for width, height in SIZES:
        size, find = f"{width}x{height}", finder(model, width, height)
        judged = judge_all(find, [without_specks(scene, width, height) for scene in held])
        threshold = choose_threshold(judged)
        rows = {"held-out": score(judged, threshold)}
        rows |= {name: score(judge_all(find, scenes), threshold) for name, scenes in sets.items() if scenes}
        report[size] = Measured(threshold, milliseconds(model, width, height), rows)
        print(f"{size}: threshold {threshold:.2f}, network {report[size].milliseconds:.2f} ms")
        for name, scores in rows.items():
            print(f"  {name:14} {scores}", flush=True)
    return report


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/released/detector.onnx"))
    parser.add_argument("--held-out-only", action="store_true", help="leave the evaluation sets alone")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    measure(given.model, held_out_only=given.held_out_only)


if __name__ == "__main__":
    main()
