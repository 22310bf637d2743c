"""Write the released file: `python -m models.detector.export --checkpoint models/work/detector/last.pt`.

One ONNX file, opset 17, any input size in multiples of 32, checked against torch; then its entry in released.toml.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch

from models.common.release import RELEASED, sha256, write_table
from models.detector.evaluate import measure
from models.detector.net import Exported, PlateNet

OPSET = 17
TOLERANCE = 1e-4
SIZES = ((320, 192), (480, 288))


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
    session = ort.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    worst = 0.0
    for width, height in SIZES:
        pixels = np.random.default_rng(width).normal(0, 1, (1, 1, height, width)).astype(np.float32)
        heat, corners = session.run(["heat", "corners"], {"luma": pixels})
        with torch.no_grad():
            raw = net(torch.from_numpy(pixels)).numpy()
        with np.errstate(over="ignore"):
            expected = 1 / (1 + np.exp(-raw[:, :1]))
        worst = max(worst, float(np.abs(heat - expected).max()), float(np.abs(corners / 16 - raw[:, 1:]).max()))
    return worst


def entry(target: Path, version: str, seen: int) -> dict[str, Any]:
    """Measure the file and return its table for released.toml."""
    measured = measure(target)
    return {
        "name": "platesieve-detector",
        "version": version,
        "file": target.name,
        "sha256": sha256(target),
        "licence": "Apache-2.0",
        "input": "luma: float32 1 x 1 x h x w, multiples of 32, (luma - 114) / 64, see vision/letterbox.py",
        "output": "heat: float32 1 x 1 x h/8 x w/8, 0..1; corners: float32 1 x 8 x h/8 x w/8, pixels from cell centres",
        "size": "480x288",
        "threshold": measured["480x288"].threshold,
        "run": "models/runs/detector.sh",
        "samples": seen,
        "thresholds": {size: m.threshold for size, m in measured.items()},
        "scores": {f"{name} {size}": row.table() for size, m in measured.items() for name, row in m.rows.items()},
    }


def main() -> None:
    """Export, check, and write the entry of released.toml."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("models/work/detector/last.pt"))
    parser.add_argument("--target", type=Path, default=RELEASED / "detector.onnx")
    parser.add_argument("--version", default="0.1")
    parser.add_argument("--draft", action="store_true", help="write the file, leave released.toml alone")
    given = parser.parse_args()
    net, seen = load_average(given.checkpoint)
    export(net, given.target)
    difference = largest_difference(net, given.target)
    print(f"after {seen} crops; torch and ONNX differ by {difference:.1e}")
    if difference > TOLERANCE:
        raise SystemExit(f"more than {TOLERANCE}: not released")
    if not given.draft:
        write_table("detector", entry(given.target, given.version, seen))


if __name__ == "__main__":
    main()
