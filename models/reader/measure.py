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

from models.common.charts import save
from models.common.metrics import Score, fold
from models.common.release import MANIFEST, RELEASED, sha256
from models.common.speed import milliseconds
from models.datasets.labels import data_folder
from models.datasets.plates import draw_lettering
from models.datasets.shared_data import count_crops
from models.reader import bias, clips, gallery, sweeps
from models.reader.evaluate import EVALUATION_SETS, PEER, Case, answers, device_reader, evaluation_set
from models.reader.evaluate import held_out_sets as load_held_out
from platesieve.evaluation.confidence import Answer as Judged
from platesieve.evaluation.confidence import calibration_error, precision_of_most_confident, reliability
from platesieve.evaluation.diagram import reliability_svg
from platesieve.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.reader.evaluate import Answer

HERE = Path(__file__).parent
TWO_ROW_PLATES = 80
LETTERINGS = 200
SURE = 0.9


def judged(cases: Sequence[Case], found: Sequence[Answer]) -> list[Judged]:
    """Return how sure each text was, and whether it was right; what was read as nothing promised nothing."""
    pairs = zip(found, cases, strict=True)
    return [Judged(a.confidence, fold(a.text) == fold(c.corrected)) for a, c in pairs if a.text]


def honesty(named: dict[str, list[Judged]]) -> dict[str, Any]:
    """Return calibration error, the diagram's rows, and precision of the 90 % most confident, by set."""
    return {
        name: {
            "error": round(calibration_error(each) or 0.0, 4),
            "precision_of_most_confident_90": precision_of_most_confident(each, 0.9).as_json(),
            "reliability": reliability(each),
        }
        for name, each in named.items()
        if each
    }


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
    file = folder / table["file"]
    read = device_reader(file, float(table["temperature"]), table)
    held = {k: v for k, v in load_held_out().items() if v}
    pooled = [c for cases in held.values() for c in cases]
    cases = {"held-out": pooled} if pooled else {}
    cases |= {name: found for name in EVALUATION_SETS if (found := evaluation_set(name))}
    found = {name: answers(each, read) for name, each in cases.items()}
    honest = honesty({name: judged(cases[name], found[name]) for name in cases})
    drawn, head = bias.by_region(file, read)
    head |= {name: bias.called_us(file, cases[name]) for name in EVALUATION_SETS if name in cases}
    every, all_found = [c for e in cases.values() for c in e], [a for e in found.values() for a in e]
    measured = {
        "file": table["file"],
        "sha256": sha256(file),
        "version": table["version"],
        "temperature": table["temperature"],
        "training_crops": count_crops(validation=False),
        "held_out_crops": {name: len(each) for name, each in held.items()},
        "calibration": honest,
        "light": bias.by_light(every, all_found) if every else {},
        "drawn_by_region": drawn,
        "region_head": head,
        "sweeps": sweeps.sweep(read),
        "two_rows": two_rows(read),
        "lettering": empties(read),
        "ms": speed(table, folder, folder / whole["detector"]["file"]),
    }
    measured["failures_drawn_from"] = gallery.failures(given.out / "failures.png", read)
    save(given.out / "sweeps.png", sweeps.panels(measured["sweeps"]))
    if "held-out" in honest:
        title = f"Held-out crops, n = {len(judged(pooled, found['held-out']))}"
        svg = reliability_svg(title, honest["held-out"]["reliability"], honest["held-out"]["error"])
        (given.out / "reliability.svg").write_text(svg)
    if expected is not None:
        measured["clips"] = clips.measure(Settings(), expected)
    (given.out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(f"{given.out / 'measured.json'}: calibration error {[(k, v['error']) for k, v in honest.items()]}")


if __name__ == "__main__":
    main()
