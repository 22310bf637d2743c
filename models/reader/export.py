"""Release a checkpoint: its averaged weights as float ONNX and as int8, the better form of the two, and its scores.

`python -m models.reader.export --checkpoint models/work/reader/run2.pt --version 2.0`

int8 is released where it loses at most half a point of the held-out crops (models.common.forms has the rule) and is
faster; else float is. Both forms' scores go into released.toml. Everything is made and checked in a folder of its own;
what is released is replaced at the end. `--scratch` puts it into another folder and leaves what is released alone.
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
from models.common.forms import Paired, choose, loses_too_much
from models.common.metrics import fold
from models.common.quantise import quantise
from models.common.release import publish, sha256, version_of
from models.common.speed import milliseconds, session
from models.datasets.crops import load_crops
from models.datasets.labels import data_folder
from models.reader.evaluate import (
    EVALUATION_SETS,
    PEER,
    answers,
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
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, normalise, rectify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.common.forms import Choice
    from models.common.metrics import Score
    from models.reader.evaluate import Answer, Case

    Scores = dict[str, dict[str, dict[str, Score]]]

FILES = {"float": "reader.onnx", "int8": "reader-int8.onnx"}
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


def load_average(checkpoint: Path) -> tuple[Reader, dict[str, Any]]:
    """Return the net with the running average of its weights, and what else its checkpoint tells."""
    state = existing(checkpoint, "train first (models/runs/reader.sh)")
    return Reader.holding(state["average"]["weights"]).eval(), state


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


def paired(cases: Sequence[Case], exact: Sequence[Answer], int8: Sequence[Answer]) -> dict[str, Paired]:
    """Return which plates the two forms read right, counted strictly and folded."""
    strict = [[a.text == c.text for a, c in zip(form, cases, strict=True)] for form in (exact, int8)]
    folded = [[fold(a.text) == fold(c.text) for a, c in zip(form, cases, strict=True)] for form in (exact, int8)]
    return {"strict": Paired.of(*strict), "folded": Paired.of(*folded)}


def make_int8(files: Mapping[str, Path], temperature: float, held: Sequence[Case]) -> dict[str, Paired]:
    """Write the int8 form and hold it against the float one; with more layers in float where it loses too much."""
    exact = answers(held, device_reader(files["float"], temperature))
    for keep_float in (KEEP_FLOAT, MORE_FLOAT):
        to_int8(files["float"], files["int8"], keep_float)
        pairs = paired(held, exact, answers(held, device_reader(files["int8"], temperature)))
        print("int8:", "; ".join(f"{name} {pair}" for name, pair in pairs.items()), flush=True)
        if not held or not loses_too_much(pairs):
            break
        if keep_float is KEEP_FLOAT:
            print("too much: once more with attention and the branch of two rows in float", flush=True)
    return pairs


def tell_evaluation_sets(scores: Scores) -> None:
    """Print what int8 loses on each evaluation set, which decides nothing."""
    for name in (n for n in EVALUATION_SETS if n in scores):
        lost = {k: 100 * (v.share - scores[name]["int8"][k].share) for k, v in scores[name]["float"].items()}
        print(f"int8 on {name}, told only:", ", ".join(f"{k} {v:+.2f} points lost" for k, v in lost.items()))


def entry(
    files: dict[str, Path],
    version: str,
    choice: Choice,
    temperature: float,
    scores: Scores,
    speed: dict[str, Any],
) -> dict[str, Any]:
    """Return the table of released.toml."""

    def rows(who: str) -> dict[str, Any]:
        return {name: {k: v.table() for k, v in row[who].items()} for name, row in scores.items() if who in row}

    chosen = files[choice.form]
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
        "bytes": {form: path.stat().st_size for form, path in files.items()},
        "ms": {name: times["median"] for name, times in speed.items()},
        "scores": rows(choice.form),
        "scores_" + ("float" if choice.form == "int8" else "int8"): rows("float" if choice.form == "int8" else "int8"),
    }
    if any("peer" in row for row in scores.values()):
        table["scores_peer"], table["scores_peer_margin"] = rows("peer"), rows("peer, margin 5 %")
    return table


def build(checkpoint: Path, version: str, peer: Path, files: Mapping[str, Path]) -> dict[str, Any]:
    """Write both forms, score and time them beside the peer, and return the table of the better one."""
    net, state = load_average(checkpoint)
    worst = to_onnx(net, files["float"])
    held_out = held_out_sets()
    held = [case for cases in held_out.values() for case in cases]
    temperature = calibrate(files["float"]) if held else 1.0
    pairs = make_int8(files, temperature, held)
    sizes = ", ".join(f"{form} {path.stat().st_size / 1e6:.2f} MB" for form, path in files.items())
    print(f"{samples_behind(state)} samples; torch == ONNX within {worst:.1e}; {sizes}", flush=True)
    readers = {form: device_reader(path, temperature) for form, path in files.items()}
    timed = {form: (path, np.zeros((1, 1, HEIGHT_PX, WIDTH_PX), np.float32)) for form, path in files.items()}
    if peer.is_file():
        readers |= {"peer": peer_reader(peer), "peer, margin 5 %": peer_reader(peer, 0.05)}
        timed |= {"peer": (peer, np.zeros((1, 64, 128, 3), np.uint8))}
    scores = compare(held_out | {name: found for name in EVALUATION_SETS if (found := evaluation_set(name))}, readers)
    tell_evaluation_sets(scores)
    speed = milliseconds(timed)
    choice = choose(pairs, speed["float"]["median"], speed["int8"]["median"], LEAST_GAIN)
    print(f"ms: {speed}\n{choice.reason}", flush=True)
    table = entry(files, version, choice, temperature, scores, speed)
    return table | {
        "samples": samples_behind(state),
        "samples_before": samples_before(state),
        "training_crops": state.get("crops", {}),
    }


def main() -> None:
    """Parse the command line, export, and put files and table in the place of the released ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument(
        "--version", help="what released.toml shall say; the released version and `+rebuilt` unless given"
    )
    parser.add_argument("--peer", type=Path, default=data_folder() / PEER, help="reader to time and score beside ours")
    parser.add_argument("--scratch", type=Path, help="write everything into this folder instead of models/released")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = {form: Path(folder) / name for form, name in FILES.items()}
        table = build(given.checkpoint, version_of("reader", given.version), given.peer, files)
        manifest = publish("reader", table, files, given.scratch)
    print(f"{manifest} names {table['file']}, version {table['version']}")


if __name__ == "__main__":
    main()
