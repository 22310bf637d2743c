"""A picture of drawn scenes where the detector fails: plates it misses, things it takes for plates.

Drawn, so that it shows nobody's car. Grounds are noise and shapes, so the sheet tells which plates and which lettering
are hard, and little of what a street is like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.common.contact import tile, write_sheet
from models.datasets.plates import draw_plate
from models.datasets.scenes import Composer, Scene, split_by_edge
from models.detector.data import degrade
from models.detector.judging import SPECK_PX, judge

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.detector.judging import Finder

SEED = 27_182
WIDTH, HEIGHT = 480, 288
COLUMNS, ROWS = 4, 6
SCENES = 600


def failures(path: Path, find: Finder) -> dict[str, int]:
    """Write the first 24 scenes with a failure: missed plates in black and white, false ones dotted.

    Args:
        path: of the PNG.
        find: the detector at its threshold.

    Returns:
        How many scenes were drawn, how many plates of at least `least_px` they had, how many of these were missed,
        and how many other things were found.
    """
    composer = Composer([], draw_plate, seed=SEED, pool=60)
    told, tiles = {"scenes": 0, "least_px": round(SPECK_PX), "plates": 0, "missed": 0, "false": 0}, []
    while len(tiles) < COLUMNS * ROWS and told["scenes"] < SCENES:
        sample = composer.sample(WIDTH, HEIGHT)
        luma = degrade(composer.rng, sample.luma)
        plates, cut = split_by_edge(list(sample.plates), WIDTH, HEIGHT)
        masked = np.concatenate([sample.ignore, cut])
        scene = Scene((luma,), tuple(plates), masked, "drawn", str(told["scenes"]), held_out=True)
        detections = find(luma)
        found = judge(scene, detections).found
        hits = {f.plate for f in found}
        wide = [n for n, plate in enumerate(plates) if float(np.ptp(plate.corners[:, 0])) >= SPECK_PX]
        missed = [plates[n].corners for n in wide if n not in hits]
        false = [np.asarray(d.corners, np.float32) for f, d in zip(found, detections, strict=True) if f.false]
        told["scenes"] += 1
        told["plates"] += len(wide)
        told["missed"] += len(missed)
        told["false"] += len(false)
        if missed or false:
            tiles.append(_marked(luma, missed, false))
    write_sheet(path, tiles, COLUMNS)
    return told


def _marked(
    luma: NDArray[np.uint8], missed: list[NDArray[np.float32]], false: list[NDArray[np.float32]]
) -> NDArray[np.uint8]:
    """Return the scene at half size with what was missed and what is false."""
    small = cv2.resize(luma, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    for corners in missed:
        outline = [np.round(corners / 2).astype(np.int32)]
        cv2.polylines(small, outline, True, 0, 3)
        cv2.polylines(small, outline, True, 255, 1)
    for corners in false:
        for start, end in zip(corners / 2, np.roll(corners / 2, -1, axis=0), strict=True):
            for share in np.linspace(0, 1, 12):
                x, y = (round(float(v)) for v in start + (end - start) * share)
                cv2.circle(small, (x, y), 1, 255 if round(share * 11) % 2 else 0, -1)
    words = [f"missed: {len(missed)}"] * bool(missed) + [f"false: {len(false)}"] * bool(false)
    return tile(np.asarray(small, np.uint8), ", ".join(words))
