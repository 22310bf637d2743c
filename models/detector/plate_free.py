"""Count false plates where there are none: `python -m models.detector.plate_free`.

The device's detector at its shipped threshold, then its reader, on drawn grounds with lookalikes (badges, signs, lamps,
timestamps) and on the plate-free parts of held-out scenes. A detection that the reader reads as nothing harms nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.plates import draw_plate
from models.datasets.scenes import Composer, load_scenes, upright
from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
from platesieve.evaluation.metrics import per_unit
from platesieve.flow.search import Search, is_plate
from platesieve.settings import Vision
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.datasets.scenes import Scene
    from platesieve.adapters.networks.released_models import ReleasedModel
    from platesieve.ports import PlateFinder

DRAWN = 400
LEAST_SIDE_PX = 120
LEAST_SHARE = 0.3
SURE = 0.9


def plate_free_part(scene: Scene) -> NDArray[np.uint8] | None:
    """Return the largest strip of a scene beside, above or below everything that is or may be a plate."""
    luma = scene.levels[0]
    high, wide = luma.shape
    boxes = [upright(p.corners) for p in scene.plates] + [list(map(float, b)) for b in scene.ignore]
    if not boxes:
        return luma
    found = np.asarray(boxes)
    grow = 0.25 * float(found[:, 2].max())
    left, top = (found[:, :2].min(axis=0) - grow).astype(int)
    right, bottom = ((found[:, :2] + found[:, 2:]).max(axis=0) + grow).astype(int)
    strips = [luma[:, : max(left, 0)], luma[:, right:], luma[: max(top, 0)], luma[bottom:]]
    best = max(strips, key=lambda s: s.size)
    fits = min(best.shape) >= LEAST_SIDE_PX and best.size >= LEAST_SHARE * high * wide
    return np.ascontiguousarray(best) if fits else None


def count(frames: Sequence[NDArray[np.uint8]], finder: PlateFinder, reader: OnnxPlateReader) -> dict[str, Any]:
    """Return detections, reads and sure reads per 1,000 frames, with Byar's intervals."""
    found = read = sure = 0
    for luma in frames:
        frame = Frame(luma, 0, 0, 0)
        for detection in finder.find(frame):
            text = reader.read(frame, detection)
            found += is_plate(detection, text)
            read += text is not None
            sure += text is not None and text.confidence >= SURE
    return {"frames": len(frames)} | {
        name: {
            k: v if k == "n" or v is None else round(v, 1) for k, v in per_unit(n, len(frames), 1000).as_json().items()
        }
        for name, n in (("found", found), ("read", read), ("read_surely", sure))
    }


def measure(
    detector: ReleasedModel | None = None, reader: ReleasedModel | None = None, scenes: Sequence[Scene] | None = None
) -> dict[str, Any]:
    """Count on drawn and on photographed frames; None takes the released models and the held-out scenes."""
    finder, reads = Search(OnnxPlateFinder(Vision(), detector), Vision()), OnnxPlateReader(Vision(), reader)
    composer = Composer([], draw_plate, seed=4_711, pool=40)
    drawn = []
    for _ in range(DRAWN):
        drawn.append(composer.plate_free(480, 288))
        composer.renew()
    held = load_scenes(held_out_only=True) if scenes is None else scenes
    parts = [part for scene in held if (part := plate_free_part(scene)) is not None]
    return {
        "per_1000_frames": {
            name: count(frames, finder, reads)
            for name, frames in (("drawn grounds with lookalikes", drawn), ("parts of held-out scenes", parts))
            if frames
        }
    }


def main() -> None:
    """Print the counts."""
    cv2.setNumThreads(1)
    for name, row in measure()["per_1000_frames"].items():
        print(name, row)


if __name__ == "__main__":
    main()
