"""Write the averaged weights of a checkpoint as one ONNX file, checked against torch, and its table in released.toml.

`python -m models.reader.export --checkpoint models/work/reader/run2.pt --scores models/work/reader/scores.json`
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import tomllib
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from models.common.checkpoints import load
from models.common.release import RELEASED, sha256, write_table
from models.reader.net import Reader
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX

TOLERANCE = 1e-4
OPSET = 17


def to_onnx(net: Reader, path: Path) -> float:
    """Export, check and write; return the largest difference from torch on random crops, batches of 1 and 7.

    Raises:
        SystemExit: the two differ by more than TOLERANCE.
    """
    net.eval()
    example = torch.zeros(2, 1, HEIGHT_PX, WIDTH_PX)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "reader.onnx"
        with warnings.catch_warnings():
            # The exporter that follows the graph knows opset 17 best; torch announces its successor on each call.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                net, (example,), str(draft), opset_version=OPSET, dynamo=False, input_names=["crop"],
                output_names=["logits"], dynamic_axes={"crop": {0: "n"}, "logits": {0: "n"}},
            )  # fmt: skip
        onnx.checker.check_model(str(draft), full_check=True)
        worst = difference(net, draft)
        if worst > TOLERANCE:
            raise SystemExit(f"torch and ONNX differ by {worst:.2e}, more than {TOLERANCE}")
        path.write_bytes(draft.read_bytes())
    return worst


@torch.no_grad()
def difference(net: Reader, path: Path) -> float:
    """Return the largest absolute difference between torch's logits and ONNX Runtime's."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort  # noqa: PLC0415 - the variable above must be set first

    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    worst = 0.0
    for count in (1, 7):
        x = rng.normal(0, 1, (count, 1, HEIGHT_PX, WIDTH_PX)).astype(np.float32)
        theirs = session.run(None, {"crop": x})[0]
        worst = max(worst, float(np.abs(net(torch.from_numpy(x)).numpy() - theirs).max()))
    return worst


def main() -> None:
    """Parse the command line, export, and write the manifest's table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RELEASED / "reader.onnx")
    parser.add_argument("--version", default="1")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.toml"))
    parser.add_argument("--scores", type=Path, help="JSON of evaluate.py; without it only the file is written")
    given = parser.parse_args()
    state = load(given.checkpoint)
    if state is None:
        raise SystemExit(f"{given.checkpoint} does not exist: train first (models/runs/reader.sh)")
    net = Reader()
    net.load_state_dict(state["average"]["weights"])
    worst = to_onnx(net, given.out)
    size = given.out.stat().st_size / 1e6
    print(f"{given.out}: {size:.2f} MB, torch == ONNX within {worst:.1e}, {state['seen']} samples")
    if given.scores:
        measured = json.loads(given.scores.read_text())
        write_table(
            "reader",
            {
                "name": "platesieve-reader",
                "version": given.version,
                "file": given.out.name,
                "sha256": sha256(given.out),
                "licence": "Apache-2.0",
                "input": "crop: float32 n x 1 x 48 x 160, rectified luma, (x - mean) / (std + 4)",
                "output": "logits: float32 n x 40 x 37, class 0 blank, then 0-9 A-Z",
                "temperature": tomllib.loads(given.config.read_text())["release"]["temperature"],
                "run": "models/runs/reader.sh",
                "samples": int(state["seen"]),
                "scores": {s: table["ours"] for s, table in measured.items()},
            },
        )


if __name__ == "__main__":
    main()
