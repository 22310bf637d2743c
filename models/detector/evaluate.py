"""Measure a detector: `python -m models.detector.evaluate --model models/released/detector.onnx`.

Recall and false plates at the threshold that the held-out share of the training sets chooses; evaluation sets are
only measured. Runs the released file with the device's own pre- and post-processing.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from models.common.release import RELEASED, released_table, update_table
from models.common.speed import session
from models.datasets.labels import data_folder
from models.datasets.scenes import load_scenes, read_scene
from models.detector.judging import LEAST_SCORE, choose_threshold, judge_all, judge_readable, score
from platesieve.vision.decode_corners import decode
from platesieve.vision.letterbox import letterbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from models.datasets.scenes import Scene
    from models.detector.judging import Finder, Judged, Scores
    from platesieve.domain.geometry import Detection

SIZES = ((320, 192), (480, 288), (640, 384))
SETS = ("openalpr-eu", "openalpr-us-a")


def finder(model: Path, width: int, height: int, threshold: float = LEAST_SCORE) -> Finder:
    """Return a function from luma to detections that runs the released file with one thread."""
    net = session(model)

    def find(luma: NDArray[np.uint8]) -> tuple[Detection, ...]:
        pixels, placement = letterbox(luma, width, height)
        heat, offsets = net.run(["heat", "corners"], {"luma": pixels})
        return decode(heat, offsets, placement, threshold)

    return find


def load_set(name: str) -> list[Scene]:
    """Read one evaluation set; an absent one is empty and said so."""
    folder = data_folder() / "eval" / name
    if not (folder / "labels.jsonl").is_file():
        print(f"skipped: {name} is not there")
        return []
    lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return [read_scene(folder, json.loads(line)) for line in lines]


@dataclass(frozen=True, slots=True)
class Measured:
    """One input size: the threshold that the held-out share chose, the rows by set, and what was held out."""

    threshold: float
    rows: dict[str, Scores]
    held_out: list[Judged]


def measure(
    model: Path,
    sizes: tuple[tuple[int, int], ...] = SIZES,
    *,
    held_out_only: bool = False,
    thresholds: dict[str, float] | None = None,
) -> dict[str, Measured]:
    """Measure all sets at all sizes and print the rows; `thresholds` by size are taken where given.

    Without held-out scenes nothing can be chosen, and the thresholds of the released detector are kept.
    """
    held = load_scenes(held_out_only=True)
    if not held and thresholds is None:
        thresholds = released_table("detector")["thresholds"]
        print(f"no scenes are held out: the released thresholds are kept, {thresholds}")
    sets = {} if held_out_only else {name: load_set(name) for name in SETS}
    report: dict[str, Measured] = {}
    for width, height in sizes:
        size, find = f"{width}x{height}", finder(model, width, height)
        judged = judge_readable(find, held, width, height)
        threshold = (thresholds or {}).get(size) or choose_threshold(judged)
        rows = {"held-out": score(judged, threshold)} if held else {}
        rows |= {name: score(judge_all(find, scenes), threshold) for name, scenes in sets.items() if scenes}
        report[size] = Measured(threshold, rows, judged)
        print(f"{size}: threshold {threshold:.2f}")
        for name, scores in rows.items():
            print(f"  {name:14} {scores}", flush=True)
    return report


def score_table(report: Mapping[str, Measured]) -> dict[str, Any]:
    """Return the scores as released.toml holds them, by set and size."""
    return {f"{name} {size}": row.table() for size, each in report.items() for name, row in each.rows.items()}


def recorded(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the new scores to keep in place of the old ones.

    Raises:
        SystemExit: a set that was scored is not at hand, and its old scores would pass for new ones.
    """
    absent = sorted(set(old) - set(new))
    if absent:
        raise SystemExit(f"not recorded, no pictures for {', '.join(absent)}: bring the sets that were scored")
    return new


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="ONNX file; the released one unless given")
    parser.add_argument("--held-out-only", action="store_true", help="leave the evaluation sets alone")
    told = "write the scores of the released file at its thresholds into released.toml, after a change of labels"
    parser.add_argument("--record", action="store_true", help=told)
    given = parser.parse_args()
    if given.record and (given.model or given.held_out_only):
        parser.error("--record is for the released file and all sets")
    cv2.setNumThreads(1)
    entry = released_table("detector")
    thresholds = entry["thresholds"] if given.record else None
    model = given.model or RELEASED / entry["file"]
    report = measure(model, held_out_only=given.held_out_only, thresholds=thresholds)
    if given.record:
        update_table("detector", {"scores": recorded(entry["scores"], score_table(report))})


if __name__ == "__main__":
    main()
