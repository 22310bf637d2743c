"""Release a checkpoint: its averaged weights as float ONNX and as int8, the better form of the two, and its scores.

`python -m models.reader.export --checkpoint models/work/reader/run2.pt --version 2.0`

int8 is released where it loses at most half a point, on the held-out crops together and on the evaluation sets
together, and is faster; else float is. Both files are written and both forms' scores go into released.toml. `--scratch`
does all of it in another folder and leaves what is released alone.
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

from models.common.checkpoints import load
from models.common.forms import MOST_LOST_POINTS, choose
from models.common.quantise import quantise
from models.common.release import MANIFEST, RELEASED, sha256, write_table
from models.common.speed import milliseconds, session
from models.datasets.labels import data_folder
from models.datasets.shared_data import load_crops
from models.reader.evaluate import (
    EVALUATION_SETS,
    PEER,
    calibrate,
    compare,
    corners_of,
    device_reader,
    evaluation_set,
    held_out_sets,
    peer_reader,
)
from models.reader.net import Reader
from models.reader.regions import REGIONS
from models.reader.train import samples_behind
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, normalise, rectify

if TYPE_CHECKING:
    from models.common.forms import Choice
    from models.common.metrics import Score

    Scores = dict[str, dict[str, dict[str, Score]]]

TOLERANCE = 1e-4
OPSET = 17
OUTPUTS = ("logits", "region")
KEEP_FLOAT = ("middle.0/middle.0.0", "/head/", "/region/", "/rows/gate", "/look/MatMul", "/look/mix", "/look/out")
"""Layers that stay float in the int8 form: the first convolution, what answers, the gate, and the attention but for its
keys and values. They are a tenth of the work; LOG.md has what each costs in points and in time."""
MORE_FLOAT = (*KEEP_FLOAT, "/look/", "/rows/")
"""Tried where the first choice loses too much: attention and the branch of two rows stay float as well, 8 % slower."""
CALIBRATION_CROPS = 200  # of each set
LEAST_GAIN = 1.2


def load_average(checkpoint: Path) -> tuple[Reader, int]:
    """Return the net with the running average of its weights, and how many samples it saw."""
    state = load(checkpoint)
    if state is None:
        raise SystemExit(f"{checkpoint} does not exist: train first (models/runs/reader.sh)")
    net = Reader()
    net.load_state_dict(state["average"]["weights"])
    return net.eval(), samples_behind(state)


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
                net.for_device(), (example,), str(draft), opset_version=OPSET, dynamo=False, input_names=["crop"],
                output_names=list(OUTPUTS), dynamic_axes={name: {0: "n"} for name in ("crop", *OUTPUTS)},
            )  # fmt: skip
        onnx.checker.check_model(str(draft), full_check=True)
        worst = difference(net, draft)
        if worst > TOLERANCE:
            raise SystemExit(f"torch and ONNX differ by {worst:.2e}, more than {TOLERANCE}")
        path.write_bytes(draft.read_bytes())
    return worst


@torch.no_grad()
def difference(net: Reader, path: Path) -> float:
    """Return the largest absolute difference between torch's answers and ONNX Runtime's, over both outputs."""
    opened, rng, worst = session(path), np.random.default_rng(1), 0.0
    for count in (1, 7):
        x = rng.normal(0, 1, (count, 1, HEIGHT_PX, WIDTH_PX)).astype(np.float32)
        pairs = zip(net(torch.from_numpy(x)), opened.run(list(OUTPUTS), {"crop": x}), strict=True)
        worst = max(worst, *(float(np.abs(ours.numpy() - theirs).max()) for ours, theirs in pairs))
    return worst


def to_int8(float_file: Path, path: Path, keep_float: tuple[str, ...] = KEEP_FLOAT) -> None:
    """Write the int8 form, calibrated on training crops; on drawn plates where no photographs are."""
    crops = [
        normalise(rectify(c.luma, corners_of(c.box)))
        for group in load_crops(validation=False, most=CALIBRATION_CROPS).values()
        for c in group
    ]
    if not crops:
        print("no photographs: int8 is calibrated on drawn plates")
        from models.reader.sweeps import drawn_crops  # noqa: PLC0415 - needs fonts, which a plain export does not

        crops = [normalise(crop) for crop, _ in drawn_crops(300)]
    quantise(float_file, path, crops, keep_float)


def lost_points(scores: Scores) -> dict[str, float]:
    """Return the points that int8 loses, strict and folded, over the held-out crops and over the evaluation sets."""
    lost = {}
    for kind, names in (
        ("held out", [n for n in scores if n.startswith("crops-")]),
        ("evaluation sets", [n for n in scores if not n.startswith("crops-")]),
    ):
        for figure in ("strict", "folded"):
            hits = {who: sum(scores[n][who][figure].hits for n in names) for who in ("float", "int8")}
            count = sum(scores[n]["float"][figure].count for n in names)
            if count:
                lost[f"{figure}, {kind}"] = 100 * (hits["float"] - hits["int8"]) / count
    return lost


def entry(
    files: dict[str, Path],
    version: str,
    seen: int,
    choice: Choice,
    temperature: float,
    scores: Scores,
    speed: dict[str, Any],
) -> dict[str, Any]:
    """Return the table of released.toml."""

    def rows(who: str) -> dict[str, Any]:
        return {name: {k: v.table() for k, v in row[who].items()} for name, row in scores.items() if who in row}

    chosen, other = files[choice.form], files["float" if choice.form == "int8" else "int8"]
    table: dict[str, Any] = {
        "name": "platesieve-reader",
        "version": version,
        "file": chosen.name,
        "sha256": sha256(chosen),
        "form": choice.form,
        "form_reason": choice.reason,
        "float_file": files["float"].name,
        "float_sha256": sha256(files["float"]),
        "licence": "Apache-2.0",
        "input": "crop: float32 n x 1 x 48 x 160, rectified luma, (x - mean) / (std + 4)",
        "output": "logits: float32 n x 40 x 37, class 0 blank, then 0-9 A-Z; region: float32 n x R logits of `regions`",
        "regions": list(REGIONS),
        "temperature": temperature,
        "run": "models/runs/reader.sh",
        "samples": seen,
        "bytes": {form: path.stat().st_size for form, path in files.items()},
        "ms": {name: times["median"] for name, times in speed.items()},
        "scores": rows(choice.form),
        "scores_" + ("float" if choice.form == "int8" else "int8"): rows("float" if choice.form == "int8" else "int8"),
    }
    if choice.form == "float":  # what is not released is not shipped
        other.unlink()
    if any("peer" in row for row in scores.values()):
        table["scores_peer"], table["scores_peer_margin"] = rows("peer"), rows("peer, margin 5 %")
    return table


def main() -> None:
    """Parse the command line, export, and write the manifest's table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--version", default="1")
    parser.add_argument("--peer", type=Path, default=data_folder() / PEER, help="reader to time and score beside ours")
    parser.add_argument("--scratch", type=Path, help="write everything into this folder instead of models/released")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    folder = given.scratch or RELEASED
    files = {"float": folder / "reader.onnx", "int8": folder / "reader-int8.onnx"}
    net, seen = load_average(given.checkpoint)
    worst = to_onnx(net, files["float"])
    to_int8(files["float"], files["int8"])
    sizes = ", ".join(f"{form} {path.stat().st_size / 1e6:.2f} MB" for form, path in files.items())
    print(f"{seen} samples; torch == ONNX within {worst:.1e}; {sizes}", flush=True)
    sets = held_out_sets() | {name: cases for name in EVALUATION_SETS if (cases := evaluation_set(name))}
    temperature = calibrate(files["float"]) if any(n.startswith("crops-") for n in sets) else 1.0
    readers = {form: device_reader(path, temperature) for form, path in files.items()}
    timed = {form: (path, np.zeros((1, 1, HEIGHT_PX, WIDTH_PX), np.float32)) for form, path in files.items()}
    if given.peer.is_file():
        readers |= {"peer": peer_reader(given.peer), "peer, margin 5 %": peer_reader(given.peer, 0.05)}
        timed |= {"peer": (given.peer, np.zeros((1, 64, 128, 3), np.uint8))}
    scores = compare(sets, readers)
    if max(lost_points(scores).values(), default=0.0) > MOST_LOST_POINTS:
        print("int8 loses too much: once more with attention and the branch of two rows in float", flush=True)
        to_int8(files["float"], files["int8"], MORE_FLOAT)
        again = compare(sets, {"int8": device_reader(files["int8"], temperature)})
        scores = {name: row | again[name] for name, row in scores.items()}
    lost = lost_points(scores) or {"nothing to compare on": 100.0}
    speed = milliseconds(timed)
    choice = choose(lost, speed["float"]["median"], speed["int8"]["median"], LEAST_GAIN)
    print(f"ms: {speed}\n{choice.reason}", flush=True)
    table = entry(files, given.version, seen, choice, temperature, scores, speed)
    manifest = given.scratch / "released.toml" if given.scratch else MANIFEST
    write_table("reader", table, manifest)
    print(f"{manifest} names {table['file']}")


if __name__ == "__main__":
    main()
