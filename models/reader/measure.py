"""Measure everything that the reader's card says: `python -m models.reader.measure`.

Writes `measured.json`, `sweeps.png`, `failures.png` and `reliability.svg` beside this file. The scores on sets are in
released.toml, where `models.reader.export` put them; here come confidences, light, regions, faults, speed, clips.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.binding import measured_with
from models.common.charts import save
from models.common.metrics import Score
from models.common.release import MANIFEST, RELEASED, draft, sha256
from models.common.size import size
from models.common.speed import milliseconds
from models.datasets.crops import BY_EYE, PIECES_FROM, count_crops
from models.datasets.labels import data_folder, is_scene_kept_back, labels
from models.datasets.plates import draw_lettering
from models.reader import bias, clips, gallery, sweeps, timing
from models.reader.evaluate import EVALUATION_SETS, PEER, answers, device_reader, evaluation_set
from models.reader.evaluate import held_out_sets as load_held_out
from models.reader.honesty import cross_fitted, honesty
from platesieve.adapters.networks.onnx_models import OnnxPlateReader
from platesieve.evaluation.diagram import reliability_svg
from platesieve.settings import Settings, Vision
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.reader.evaluate import Answer, Case

HERE = Path(__file__).parent
TWO_ROW_PLATES = 80
LETTERINGS = 200
SURE = 0.9


def two_rows(read: Callable[..., Answer]) -> dict[str, Any]:
    """Return the folded score on drawn plates of two rows."""
    plates = sweeps.draw_plates(TWO_ROW_PLATES, 55_000, rows=2)
    return sweeps.score(plates, bias.USUAL, read).table()


def empties(read: Callable[..., Answer]) -> dict[str, Any]:
    """Return how many drawn badges, times and telephone numbers gave a text, and how many a sure one."""
    rng, texts = np.random.default_rng(77), []
    for _ in range(LETTERINGS):
        picture = sweeps.look(rng, draw_lettering(rng).luma, bias.USUAL)
        texts.append(read(picture.luma, sweeps.corners(picture.quad)))
    given = Score(sum(bool(t.text) for t in texts), LETTERINGS)
    sure = Score(sum(bool(t.text) and t.confidence >= SURE for t in texts), LETTERINGS)
    return {"read": given.table(), "read_surely": sure.table()}


def speed(table: dict[str, Any], folder: Path, detector: Path) -> dict[str, Any]:
    """Time detector, both forms of the reader and the peer, in turn."""
    crop, peer = np.zeros((1, 1, 48, 160), np.float32), data_folder() / PEER
    files = {"detector 480x288": (detector, np.zeros((1, 1, 288, 480), np.float32))}
    files["detector 320x192"] = (detector, np.zeros((1, 1, 192, 320), np.float32))
    files["reader, float"] = (folder / table["float_file"], crop)
    if table["form"] == "int8":
        files["reader, int8 (released)"] = (folder / table["file"], crop)
    if peer.is_file():
        files["peer reader CCT-XS"] = (peer, np.zeros((1, 64, 128, 3), np.uint8))
    return milliseconds(files)


def plate_free_scenes() -> dict[str, int]:
    """Return from how many training scenes of each set pieces without a plate may be cut."""
    folder = data_folder() / "train"
    counts = {name: [is_scene_kept_back(name, label) for label in labels(folder / name)] for name in PIECES_FROM}
    return {name: kept_back.count(False) for name, kept_back in counts.items() if kept_back}


def confidences(
    file: Path, table: dict[str, Any], cases: Mapping[str, Sequence[Case]], found: Mapping[str, Sequence[Answer]]
) -> dict[str, Any]:
    """Return how honest the confidences are by set; held-out crops, which choose temperatures, are cross-fitted."""
    each = {name: (cases[name], found[name]) for name in cases}
    temperatures: list[float] = []
    if "held-out" in each:
        ordered, read, temperatures = cross_fitted(file, table, cases["held-out"])
        each["held-out"] = (ordered, read)
    rows = honesty(each)
    if temperatures and "held-out" in rows:
        rows["held-out"]["temperatures"] = temperatures
    return rows


def measure(whole: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return all figures of a manifest's reader but those of clips."""
    table = whole["reader"]
    file = folder / table["file"]
    read = device_reader(file, float(table["temperature"]), table)
    reader = OnnxPlateReader(Vision(), draft("reader", file, table))
    held = {k: v for k, v in load_held_out().items() if v}
    pooled = [c for cases in held.values() for c in cases]
    cases = {"held-out": pooled} if pooled else {}
    cases |= {name: found for name in EVALUATION_SETS if (found := evaluation_set(name))}
    found = {name: answers(each, read) for name, each in cases.items()}
    hard = {f"held-out, {BY_EYE} alone": held[BY_EYE]} if BY_EYE in held else {}
    every, all_found = [c for e in cases.values() for c in e], [a for e in found.values() for a in e]
    drawn, head = bias.by_region(reader)
    peer = data_folder() / PEER
    return {
        "file": table["file"],
        "sha256": sha256(file),
        "measured_with": measured_with(whole, folder),
        "version": table["version"],
        "size": size(folder / table["float_file"], (1, 1, HEIGHT_PX, WIDTH_PX)),
        "temperature": table["temperature"],
        "training_crops": table.get("training_crops", {}),
        "held_out_crops": count_crops(validation=True),
        "plate_free_scenes": plate_free_scenes(),
        "calibration": confidences(file, table, cases | hard, found | {k: answers(v, read) for k, v in hard.items()}),
        "light": bias.by_light(every, all_found) if every else {},
        "drawn_by_region": drawn,
        "region_head": head | {"photographs": bias.of_photographs(reader, {**held, **cases})},
        "sweeps": sweeps.sweep(read),
        "two_rows": two_rows(read),
        "lettering": empties(read),
        "ms": speed(table, folder, folder / whole["detector"]["file"]),
        "ms_of_a_plate": timing.of_a_plate(reader, peer if peer.is_file() else None),
    }


def main() -> None:
    """Measure the released reader, or another one, and write the figures and pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, default=MANIFEST, help="another released.toml, its files beside it")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--clip", type=Path, action="append", default=[], help="a filmed clip to watch as well")
    parser.add_argument("--expect", action="append", default=[], metavar="TEXT,TEXT", help="the plates that it shows")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    expected = None  # clips are seen by the released pair only
    if given.manifest == MANIFEST:
        expected = clips.expected_clips(given.clip, given.expect, clips.clips_folder())
    whole = tomllib.loads(given.manifest.read_text())
    table, folder = whole["reader"], RELEASED if given.manifest == MANIFEST else given.manifest.parent
    read = device_reader(folder / table["file"], float(table["temperature"]), table)
    measured = measure(whole, folder)
    measured["failures_drawn_from"] = gallery.failures(given.out / "failures.png", read)
    save(given.out / "sweeps.png", sweeps.panels(measured["sweeps"]))
    if honest := measured["calibration"].get("held-out"):
        title = f"Held-out crops, n = {sum(row['kept']['n'] for row in honest['reliability'])}"
        (given.out / "reliability.svg").write_text(reliability_svg(title, honest["reliability"], honest["error"]))
    if expected is not None:
        measured["clips"] = clips.measure(Settings(), expected)
    (given.out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
    errors = [(name, row["error"]) for name, row in measured["calibration"].items()]
    print(f"{given.out / 'measured.json'}: calibration error {errors}")


if __name__ == "__main__":
    main()
