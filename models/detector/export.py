"""Release a checkpoint: `python -m models.detector.export --checkpoint models/work/detector/last.pt --version 0.2`.

One ONNX file, opset 17, any input size in multiples of 32, checked against torch; its int8 form, released only where it
loses at most half a point and is half as fast again; then the entry in released.toml. `--scratch` does all of it in
another folder and leaves what is released alone.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch

from models.common.forms import choose
from models.common.quantise import quantise
from models.common.release import MANIFEST, RELEASED, sha256, write_table
from models.common.speed import milliseconds, session
from models.datasets.scenes import load_scenes
from models.detector.evaluate import Measured, measure
from models.detector.net import Exported, PlateNet
from platesieve.vision.letterbox import letterbox

OPSET = 17
TOLERANCE = 1e-4
SIZES = ((320, 192), (480, 288))
SHIPPED = (480, 288)
KEEP_FLOAT = ("stem.0/", "/heat/", "/corners/")
"""Layers that stay float in the int8 form: the first convolution, and what answers."""
CALIBRATION_SCENES = 40  # of each set
LEAST_GAIN = 1.5  # a second form of so small a network must pay


def load_average(checkpoint: Path) -> tuple[PlateNet, int]:
    """Return the network with the running average of its weights, and how many crops it saw."""
    net, kept = PlateNet(), torch.load(checkpoint, weights_only=True)
    net.load_state_dict(kept["average"]["weights"])
    return net.eval(), int(kept["seen"])


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


def to_int8(float_file: Path, target: Path) -> None:
    """Write the int8 form, calibrated on training scenes; raises SystemExit where there are none."""
    scenes = [s for s in load_scenes(limit=CALIBRATION_SCENES) if not s.held_out]
    if not scenes:
        raise SystemExit("no training scenes: int8 is not calibrated")
    quantise(float_file, target, (letterbox(s.levels[0], *SHIPPED)[0] for s in scenes), KEEP_FLOAT)


def lost_points(ours: Measured, int8: Measured) -> dict[str, float]:
    """Return the points that int8 loses, per set and figure, at the threshold of the float form."""
    return {
        f"{figure}, {name}": 100 * (getattr(row, figure).share - getattr(int8.rows[name], figure).share)
        if figure == "recall"
        else 100 * (row.average_precision - int8.rows[name].average_precision)
        for name, row in ours.rows.items()
        for figure in ("recall", "average_precision")
    }


def main() -> None:
    """Export, check, measure, choose the form, and write the entry of released.toml."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("models/work/detector/last.pt"))
    parser.add_argument("--version", default="0.1")
    parser.add_argument("--scratch", type=Path, help="write everything into this folder instead of models/released")
    parser.add_argument("--draft", type=Path, help="only write the float file here, for models.detector.mine")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    folder = given.scratch or RELEASED
    net, seen = load_average(given.checkpoint)
    target = given.draft or folder / "detector.onnx"
    export(net, target)
    difference = largest_difference(net, target)
    print(f"after {seen} crops; torch and ONNX differ by {difference:.1e}", flush=True)
    if difference > TOLERANCE:
        raise SystemExit(f"more than {TOLERANCE}: not released")
    if not given.draft:
        manifest = given.scratch / "released.toml" if given.scratch else MANIFEST
        write_table("detector", entry(target, given.version, seen), manifest)
        print(f"{manifest} names {target.name}")


def entry(target: Path, version: str, seen: int) -> dict[str, Any]:
    """Measure both forms, keep the better one, and return its table for released.toml."""
    shipped = f"{SHIPPED[0]}x{SHIPPED[1]}"
    measured = measure(target)
    files = {"float": target, "int8": target.with_name("detector-int8.onnx")}
    to_int8(target, files["int8"])
    print("int8:")
    small = measure(files["int8"], (SHIPPED,), thresholds={shipped: measured[shipped].threshold})
    pixels = np.zeros((1, 1, SHIPPED[1], SHIPPED[0]), np.float32)
    speed = milliseconds({form: (path, pixels) for form, path in files.items()})
    lost = lost_points(measured[shipped], small[shipped])
    choice = choose(lost, speed["float"]["median"], speed["int8"]["median"], LEAST_GAIN)
    print(f"ms: {speed}\n{choice.reason}", flush=True)
    if choice.form == "int8":
        measured |= small
    else:
        files["int8"].unlink()
    return {
        "name": "platesieve-detector",
        "version": version,
        "file": files[choice.form].name,
        "sha256": sha256(files[choice.form]),
        "form": choice.form,
        "form_reason": choice.reason,
        "float_file": target.name,
        "float_sha256": sha256(target),
        "licence": "Apache-2.0",
        "input": "luma: float32 1 x 1 x h x w, multiples of 32, (luma - 114) / 64, see vision/letterbox.py",
        "output": "heat: float32 1 x 1 x h/8 x w/8, 0..1; corners: float32 1 x 8 x h/8 x w/8, pixels from cell centres",
        "size": shipped,
        "threshold": measured[shipped].threshold,
        "run": "models/runs/detector.sh",
        "samples": seen,
        "thresholds": {size: m.threshold for size, m in measured.items()},
        "ms": {f"{form} {shipped}": times["median"] for form, times in speed.items()},
        "scores": {f"{name} {size}": row.table() for size, m in measured.items() for name, row in m.rows.items()},
        "scores_int8": {f"{name} {shipped}": row.table() for name, row in small[shipped].rows.items()},
    }


if __name__ == "__main__":
    main()
