"""Collect what a first model wrongly takes for plates in its own training scenes: `python -m models.detector.mine`.

The second stage of training looks at these places again and again. Plates that the labels miss are among them; those
that a person found are in datasets/unlabelled.json and are masked instead.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import cv2

from models.datasets.scenes import Mistake, load_scenes
from models.detector.evaluate import finder
from models.detector.judging import judge

LEAST_SCORE = 0.4
LEAST_WIDTH_PX = 20.0  # narrower ones are plates far away more often than not
MOST_IN_A_SCENE = 4


def mine(model: Path) -> list[Mistake]:
    """Return false plates of the training scenes at 480 x 288, most certain first."""
    find = finder(model, 480, 288, LEAST_SCORE)
    found: list[Mistake] = []
    for scene in load_scenes():
        if scene.held_out:
            continue
        detections = find(scene.levels[0])
        false = [
            d
            for d, f in zip(detections, judge(scene, detections).found, strict=True)
            if f.false and d.box.width >= LEAST_WIDTH_PX
        ]
        for each in false[:MOST_IN_A_SCENE]:
            box = (each.box.x, each.box.y, each.box.width, each.box.height)
            found.append(Mistake(scene.source, scene.name, box, each.score))
    return sorted(found, key=lambda m: -m.score)


def read_mistakes(path: Path | None) -> tuple[Mistake, ...]:
    """Read what `main` wrote; no path, no mistakes."""
    if path is None:
        return ()
    return tuple(Mistake(**(each | {"box": tuple(each["box"])})) for each in json.loads(path.read_text()))


def main() -> None:
    """Read the command line, mine and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=Path("models/work/detector/mistakes.json"))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    found = mine(given.model)
    given.to.write_text(json.dumps([asdict(each) for each in found]))
    print(f"{len(found)} mistakes")


if __name__ == "__main__":
    main()
