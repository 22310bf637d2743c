"""Release a checkpoint: `python -m models.detector.export --checkpoint models/work/detector/last.pt --version 0.2`.

One ONNX file, opset 17, any input size in multiples of 32, checked against torch; its int8 form, released only where it
loses at most half a point of the held-out scenes (models.common.forms has the rule) and is half as fast again.
Everything is made and checked in a folder of its own; what is released is replaced at the end. `--scratch` puts it into
another folder and leaves what is released alone.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
import torch

from models.common.checkpoints import existing, samples_before, samples_behind
from models.common.forms import Paired, choose
from models.common.quantise import quantise
from models.common.release import publish, sha256, version_of
from models.common.speed import milliseconds, session
from models.datasets.plates import draw_plate
from models.datasets.scenes import Composer, load_scenes
from models.detector.data import degrade
from models.detector.evaluate import SETS, measure, score_table
from models.detector.net import Exported, PlateNet
from platesieve.vision.letterbox import letterbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from models.common.forms import Choice
    from models.detector.evaluate import Measured

FILES = {"float": "detector.onnx", "int8": "detector-int8.onnx"}
OPSET = 17
TOLERANCE = 1e-4
SIZES = ((320, 192), (480, 288))
SHIPPED = (480, 288)
KEEP_FLOAT = ("stem.0/", "/heat/", "/corners/")
"""Layers that stay float in the int8 form: the first convolution, and what answers."""
CALIBRATION_SCENES = 40  # of each set
CALIBRATION_CROPS = 240  # composed ones, where there are no scenes
LEAST_GAIN = 1.5  # a second form of so small a network must pay


def load_average(checkpoint: Path) -> tuple[PlateNet, dict[str, Any]]:
    """Return the network with the running average of its weights, and what else its checkpoint tells."""
    kept, net = existing(checkpoint, "train first (models/runs/detector.sh)"), PlateNet()
    net.load_state_dict(kept["average"]["weights"])
    return net.eval(), kept


def export(net: PlateNet, target: Path) -> None:
    """Write the network as ONNX, heat as a probability and corners in input pixels."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the exporter that writes plain opset 17 is called legacy
        torch.onnx.export(
            Exported(net).eval(),
            (torch.zeros(1, 1, 288, 480),),
            str(target),
            opset_version=OPSET,
            dynamo=False,
            input_names=["luma"],
            output_names=["heat", "corners"],
            dynamic_axes={
                "luma": {2: "height", 3: "width"},
                "heat": {2: "rows", 3: "columns"},
                "corners": {2: "rows", 3: "columns"},
            },
        )
    onnx.checker.check_model(onnx.load(str(target)), full_check=True)


def largest_difference(net: PlateNet, target: Path) -> float:
    """Return the largest difference between torch and the file over two sizes; corners count in units of 16 px."""
    opened = session(target)
    worst = 0.0
    for width, height in SIZES:
        pixels = np.random.default_rng(width).normal(0, 1, (1, 1, height, width)).astype(np.float32)
        heat, corners = opened.run(["heat", "corners"], {"luma": pixels})
        with torch.no_grad():
            raw = net(torch.from_numpy(pixels)).numpy()
        with np.errstate(over="ignore"):
            expected = 1 / (1 + np.exp(-raw[:, :1]))
        worst = max(worst, float(np.abs(heat - expected).max()), float(np.abs(corners / 16 - raw[:, 1:]).max()))
    return worst


def calibration_pictures() -> Iterator[NDArray[np.uint8]]:
    """Yield training scenes; where there are no photographs, crops composed of drawings as in training."""
    scenes = [s for s in load_scenes(limit=CALIBRATION_SCENES) if not s.held_out]
    if scenes:
        yield from (s.levels[0] for s in scenes)
        return
    print("no photographs: int8 is calibrated on composed crops")
    composer = Composer([], draw_plate, seed=4_713, pool=60)
    for _ in range(CALIBRATION_CROPS):
        yield degrade(composer.rng, composer.sample(*SHIPPED).luma)


def to_int8(float_file: Path, target: Path) -> None:
    """Write the int8 form, calibrated on what the net was trained on."""
    quantise(float_file, target, (letterbox(p, *SHIPPED)[0] for p in calibration_pictures()), KEEP_FLOAT)


def paired(ours: Measured, int8: Measured) -> dict[str, Paired]:
    """Return which held-out plates the two forms find, and which pictures they leave without a false plate."""
    found = [[hit for j in form.held_out for hit in j.hits(form.threshold)] for form in (ours, int8)]
    clean = [
        [not any(f.false and f.score >= form.threshold for f in j.found) for j in form.held_out]
        for form in (ours, int8)
    ]
    return {"plates found": Paired.of(*found), "pictures without a false plate": Paired.of(*clean)}


def tell_evaluation_sets(ours: Measured, int8: Measured) -> None:
    """Print what int8 loses on each evaluation set, which decides nothing."""
    for name in (n for n in SETS if n in ours.rows):
        exact, small = ours.rows[name], int8.rows[name]
        lost = exact.recall.share - small.recall.share, exact.average_precision - small.average_precision
        print(f"int8 on {name}, told only: recall {100 * lost[0]:+.2f}, AP {100 * lost[1]:+.2f} points lost")


def build(net: PlateNet, version: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """Write both forms, measure and time them, and return the table of the better one."""
    make_float(net, files["float"])
    shipped = f"{SHIPPED[0]}x{SHIPPED[1]}"
    measured = measure(files["float"])
    to_int8(files["float"], files["int8"])
    print("int8:")
    small = measure(files["int8"], (SHIPPED,), thresholds={shipped: measured[shipped].threshold})
    pixels = np.zeros((1, 1, SHIPPED[1], SHIPPED[0]), np.float32)
    speed = milliseconds({form: (path, pixels) for form, path in files.items()})
    tell_evaluation_sets(measured[shipped], small[shipped])
    pairs = paired(measured[shipped], small[shipped])
    choice = choose(pairs, speed["float"]["median"], speed["int8"]["median"], LEAST_GAIN)
    print(f"ms: {speed}\n{choice.reason}", flush=True)
    if choice.form == "int8":
        measured = measure(files["int8"])  # at every size, with thresholds of its own
    ms = {f"{form} {shipped}": times["median"] for form, times in speed.items()}
    return entry(files, version, choice, measured, ms) | {
        "scores_int8": {f"{name} {shipped}": row.table() for name, row in small[shipped].rows.items()}
    }


def entry(
    files: Mapping[str, Path],
    version: str,
    choice: Choice,
    measured: Mapping[str, Measured],
    ms: Mapping[str, float],
) -> dict[str, Any]:
    """Return the table of released.toml."""
    shipped = f"{SHIPPED[0]}x{SHIPPED[1]}"
    return {
        "name": "platesieve-detector",
        "version": version,
        "file": files[choice.form].name,
        "sha256": sha256(files[choice.form]),
        "form": choice.form,
        "form_reason": choice.reason,
        "float_file": files["float"].name,
        "float_sha256": sha256(files["float"]),
        "licence": "Apache-2.0",
        "input": "luma: float32 1 x 1 x h x w, multiples of 32, (luma - 114) / 64, see vision/letterbox.py",
        "output": "heat: float32 1 x 1 x h/8 x w/8, 0..1; corners: float32 1 x 8 x h/8 x w/8, pixels from cell centres",
        "size": shipped,
        "threshold": measured[shipped].threshold,
        "run": "models/runs/detector.sh",
        "thresholds": {size: m.threshold for size, m in measured.items()},
        "ms": dict(ms),
        "scores": score_table(measured),
    }


def make_float(net: PlateNet, target: Path) -> None:
    """Write the float file and hold it against torch.

    Raises:
        SystemExit: the two differ by more than TOLERANCE.
    """
    export(net, target)
    difference = largest_difference(net, target)
    print(f"torch and ONNX differ by {difference:.1e}", flush=True)
    if difference > TOLERANCE:
        raise SystemExit(f"more than {TOLERANCE}: not released")


def main() -> None:
    """Parse the command line, export, and put files and table in the place of the released ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("models/work/detector/last.pt"))
    parser.add_argument(
        "--version", help="what released.toml shall say; the released version and `+rebuilt` unless given"
    )
    parser.add_argument("--scratch", type=Path, help="write everything into this folder instead of models/released")
    parser.add_argument("--draft", type=Path, help="only write the float file here, for models.detector.mine")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    net, kept = load_average(given.checkpoint)
    if given.draft:
        make_float(net, given.draft)
        return
    with tempfile.TemporaryDirectory() as folder:
        files = {form: Path(folder) / name for form, name in FILES.items()}
        table = build(net, version_of("detector", given.version), files)
        table |= {"samples": samples_behind(kept), "samples_before": samples_before(kept)}
        manifest = publish("detector", table, files, given.scratch)
    print(f"{manifest} names {table['file']}, version {table['version']}")


if __name__ == "__main__":
    main()
