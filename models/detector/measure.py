"""Measure what the detector's card says beside the scores: `python -m models.detector.measure`.

Writes `measured.json` and `failures.png` beside this file: recall by width of the plate and by light on held-out
scenes, corners, false plates where there are none, drawn scenes that fail, tiles. The scores on sets are in
released.toml, where `models.detector.export` put them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.binding import measured_with
from models.common.metrics import Score
from models.common.release import MANIFEST, RELEASED, draft, sha256
from models.common.size import size
from models.datasets.labels import data_folder
from models.datasets.scenes import SOURCE_SHARES, load_scenes
from models.detector import gallery, plate_free
from models.detector.evaluate import SETS, finder
from models.detector.judging import input_scale, judge
from platesieve.adapters.cameras.labelled_pictures import load_picture, read_labels
from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
from platesieve.evaluation.pictures import evaluate_pictures
from platesieve.flow.search import Search
from platesieve.flow.several_looks import SeveralLooks
from platesieve.settings import Vision

if TYPE_CHECKING:
    from models.datasets.scenes import Scene
    from platesieve.adapters.networks.released_models import ReleasedModel

HERE = Path(__file__).parent
WIDTH, HEIGHT = 480, 288
WIDTHS_PX = (10, 16, 24, 36, 56, 90, 150, 480)
GRIDS = ("1x1", "2x1", "2x2")


def held_out(file: Path, threshold: float, scenes: list[Scene]) -> dict[str, Any]:
    """Return recall by width of the plate at the input, by brightness of the scene, by set, and errors of corners."""
    find = finder(file, WIDTH, HEIGHT, threshold)
    plates, errors = [], []
    for scene in scenes:
        detections = find(scene.levels[0])
        hits = {
            f.plate: d for f, d in zip(judge(scene, detections).found, detections, strict=True) if f.plate is not None
        }
        light = float(scene.levels[-1].mean())
        for number, plate in enumerate(scene.plates):
            wide = float(np.ptp(plate.corners[:, 0])) * input_scale(scene, WIDTH, HEIGHT)
            plates.append((wide, light, scene.source, number in hits))
            if plate.exact and number in hits:
                off = np.abs(np.asarray(hits[number].corners) - plate.corners).mean(axis=0)
                errors.append(off / np.ptp(plate.corners, axis=0))
    readable = [p for p in plates if p[0] >= WIDTHS_PX[1]]
    low, high = np.quantile([p[1] for p in readable], (1 / 3, 2 / 3)) if readable else (0.0, 0.0)

    def share(chosen: list[tuple[float, float, str, bool]]) -> dict[str, Any]:
        return Score(sum(hit for *_, hit in chosen), len(chosen)).table()

    pairs = itertools.pairwise(WIDTHS_PX)
    found: dict[str, Any] = {
        "by_width_px": {f"{a} to {b}": share([p for p in plates if a <= p[0] < b]) for a, b in pairs},
        "by_light": {
            "dark": share([p for p in readable if p[1] < low]),
            "middle": share([p for p in readable if low <= p[1] < high]),
            "bright": share([p for p in readable if p[1] >= high]),
        },
        "by_set": {s: share(r) for s in SOURCE_SHARES if (r := [p for p in readable if p[2] == s])},
    }
    if errors:
        across, down = np.median(np.asarray(errors), axis=0)
        found["corner_error"] = {
            "of_width": round(float(across), 4),
            "of_height": round(float(down), 4),
            "n": len(errors),
        }
    return found


def count_scenes() -> dict[str, dict[str, list[int]]]:
    """Return pictures and plates of each set, in training and held out, as training and measuring load them."""
    counts: dict[str, dict[str, list[int]]] = {}
    for scene in load_scenes():
        of_set = counts.setdefault(scene.source, {"training": [0, 0], "held_out": [0, 0]})
        cell = of_set["held_out" if scene.held_out else "training"]
        cell[0], cell[1] = cell[0] + 1, cell[1] + len(scene.plates)
    return counts


def tiles(detector: ReleasedModel, reader: ReleasedModel) -> dict[str, Any]:
    """Return recall, false plates, end-to-end score and time of each grid on the evaluation sets."""
    rows: dict[str, Any] = {}
    for name in SETS:
        folder = data_folder() / "eval" / name
        if not (folder / "labels.jsonl").is_file():
            continue
        pictures, load = read_labels(folder / "labels.jsonl"), partial(load_picture, folder)
        for grid in GRIDS:
            vision = Vision(detector_tiles=grid, snapshots=True)  # type: ignore[arg-type]
            search = Search(OnnxPlateFinder(vision, detector), vision)
            reads = SeveralLooks(OnnxPlateReader(vision, reader))
            scores = evaluate_pictures(pictures, load, search, reads).as_json(name)
            rows[f"{name} {grid}"] = {
                **{k: [v, *scores["interval95"]["detection"][k]] for k, v in scores["detection"].items()},
                "end_to_end": [scores["end_to_end"]["folded_corrected"],
                               *scores["interval95"]["end_to_end"]["folded_corrected"]],
                "detect_ms": scores["ms"]["detect"]["p50"],
            }  # fmt: skip
            print(name, grid, rows[f"{name} {grid}"], flush=True)
    return rows


def main() -> None:
    """Measure the released detector, or another one, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, default=MANIFEST, help="another released.toml, its files beside it")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    whole = tomllib.loads(given.manifest.read_text())
    folder = RELEASED if given.manifest == MANIFEST else given.manifest.parent
    table = whole["detector"]
    file = folder / table["file"]
    models = draft("detector", file, table), draft("reader", folder / whole["reader"]["file"], whole["reader"])
    scenes = load_scenes(held_out_only=True)
    measured: dict[str, Any] = {
        "file": table["file"],
        "sha256": sha256(file),
        "measured_with": measured_with(whole, folder),
        "version": table["version"],
        "size": size(folder / table["float_file"], (1, 1, HEIGHT, WIDTH)),
        "scenes": count_scenes(),
    }
    if scenes:
        measured["held_out"] = held_out(file, float(table["thresholds"][f"{WIDTH}x{HEIGHT}"]), scenes)
    measured |= plate_free.measure(*models, scenes=scenes)
    find = finder(file, WIDTH, HEIGHT, float(table["thresholds"][f"{WIDTH}x{HEIGHT}"]))
    measured["drawn_failures"] = gallery.failures(given.out / "failures.png", find)
    measured["tiles"] = tiles(*models)
    (given.out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(f"{given.out / 'measured.json'}: {measured['per_1000_frames']}")


if __name__ == "__main__":
    main()
