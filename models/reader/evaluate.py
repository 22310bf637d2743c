"""Score the reader on true boxes and on held-out crops, beside a peer on the same pictures.

`python -m models.reader.evaluate --model models/released/reader.onnx --set openalpr-eu --set openalpr-us-a`

A plate counts when its whole text is right. Three figures a set, each with n and the 95 % Wilson interval: strict;
folded (O=0, I=1); folded against `text_corrected` where a label is known to be wrong.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.metrics import Score, fold
from models.datasets.shared_data import CATALOGUE, CROP_SETS, data_folder, load_crops, rows
from platesieve.vision.decode_text import decode
from platesieve.vision.rectify import MARGIN, normalise, rectify

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Reads = Callable[[NDArray[np.uint8], tuple[float, float, float, float]], str]

_PEER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"


@dataclass(frozen=True, slots=True)
class Case:
    """One plate to read: the picture in colour (BGR), its box, what the label says, and what it should say."""

    image: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    text: str
    corrected: str


def evaluation_set(name: str) -> list[Case]:
    """Load an evaluation set by its true boxes."""
    folder = data_folder() / "eval" / name
    cases = []
    for row in rows(folder):
        image = np.asarray(cv2.imread(str(folder / row["image"])), np.uint8)
        cases += [
            Case(image, tuple(p["box"]), p["text"], p.get("text_corrected") or p["text"])
            for p in row["plates"]
            if p.get("text")
        ]
    return cases


def validation_set(name: str) -> list[Case]:
    """Load the held-out crops of a training set."""
    crops = load_crops(validation=True).get(name, [])
    return [Case(np.asarray(cv2.cvtColor(c.luma, cv2.COLOR_GRAY2BGR), np.uint8), c.box, c.text, c.text) for c in crops]


def _session(path: Path) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort  # noqa: PLC0415 - the variable above must be set first

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def our_reader(path: Path, margin: tuple[float, float] = MARGIN) -> Reads:
    """Return the device's own path: rectify, normalise, net, decode."""
    session = _session(path)
    name = session.get_inputs()[0].name

    def read(image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> str:
        luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        x, y, w, h = box
        crop = rectify(luma, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)), margin)
        found = decode(session.run(None, {name: normalise(crop)})[0][0])
        return found[0].reveal() if found else ""

    return read


def peer_reader(path: Path, margin: float = 0.0) -> Reads:
    """Return fast-plate-ocr's CCT-XS: 64 x 128 RGB, plain resize, 9 slots of 37 characters."""
    session = _session(path)
    name = session.get_inputs()[0].name

    def read(image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> str:
        x, y, w, h = box
        x0, y0 = max(0, round(x - w * margin)), max(0, round(y - h * margin))
        crop = image[y0 : round(y + h * (1 + margin)), x0 : round(x + w * (1 + margin))]
        rgb = cv2.cvtColor(cv2.resize(crop, (128, 64)), cv2.COLOR_BGR2RGB)
        slots = session.run(None, {name: rgb[None]})[0].reshape(9, 37)
        return "".join(_PEER_ALPHABET[i] for i in slots.argmax(1)).replace("_", "")

    return read


def score(cases: list[Case], read: Reads) -> dict[str, Score]:
    """Return the three figures of a set."""
    found = [read(c.image, c.box) for c in cases]
    pairs = list(zip(found, cases, strict=True))
    return {
        "strict": Score(sum(f == c.text for f, c in pairs), len(cases)),
        "folded": Score(sum(fold(f) == fold(c.text) for f, c in pairs), len(cases)),
        "corrected": Score(sum(fold(f) == fold(c.corrected) for f, c in pairs), len(cases)),
    }


def calibrate(path: Path) -> float:
    """Return the temperature that makes confidences on held-out crops most honest (least log loss of `text is right`).

    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; here for the weakest character of a plate.
    """
    session = _session(path)
    name = session.get_inputs()[0].name
    known: list[tuple[NDArray[np.float32], str]] = []
    for group in load_crops(validation=True).values():
        for c in group:
            x, y, w, h = c.box
            crop = rectify(c.luma, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)))
            known.append((session.run(None, {name: normalise(crop)})[0][0], c.text))
    losses = {}
    for temperature in (0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.3, 2.6, 3.0):
        loss = []
        for logits, text in known:
            found = decode(logits, temperature)
            if found:
                sure = min(g.probability for g in found[1])
                right = fold(found[0].reveal()) == fold(text)
                loss.append(-np.log(max(sure if right else 1 - sure, 1e-4)))
        losses[temperature] = float(np.mean(loss))
        print(f"temperature {temperature}: log loss {losses[temperature]:.4f}")
    return min(losses, key=lambda t: losses[t])


def choose_margin(path: Path) -> tuple[float, float]:
    """Return the margin that reads most held-out crops, of the sets whose pictures reach beyond the plate."""
    hits: dict[tuple[float, float], int] = {}
    names = [n for n in CROP_SETS if n != CATALOGUE]
    cases = [c for n in names for c in validation_set(n)]
    for margin in ((0.0, 0.0), (0.0, 0.05), (0.02, 0.05), (0.03, 0.08), (0.04, 0.08), (0.05, 0.1), (0.08, 0.15)):
        folded = score(cases, our_reader(path, margin))["folded"]
        hits[margin] = folded.hits
        print(f"margin {margin}: {folded}")
    return max(hits, key=lambda m: hits[m])


def main() -> None:
    """Parse the command line, print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "released" / "reader.onnx")
    parser.add_argument("--peer", type=Path, help="fast-plate-ocr cct_xs_v1_global.onnx, read beside ours")
    parser.add_argument("--set", action="append", default=[], help="evaluation set, or crops-* for its held-out share")
    parser.add_argument("--margin", type=float, nargs=2, default=MARGIN, metavar=("X", "Y"))
    parser.add_argument("--json", type=Path, help="write the scores here")
    parser.add_argument("--calibrate", action="store_true", help="find the temperature on held-out crops, and stop")
    parser.add_argument("--choose-margin", action="store_true", help="compare margins on held-out crops, and stop")
    given = parser.parse_args()
    if given.choose_margin:
        print(f"best margin: {choose_margin(given.model)}")
        return
    if given.calibrate:
        print(f"best temperature: {calibrate(given.model)}")
        return
    readers = {"ours": our_reader(given.model, tuple(given.margin))}
    if given.peer:
        readers |= {"peer": peer_reader(given.peer), "peer, margin 5 %": peer_reader(given.peer, 0.05)}
    table: dict[str, dict[str, Any]] = {}
    for name in given.set or ["openalpr-eu", "openalpr-us-a"]:
        cases = validation_set(name) if name.startswith("crops-") else evaluation_set(name)
        for who, read in readers.items():
            scores = score(cases, read)
            table.setdefault(name, {})[who] = {k: s.table() for k, s in scores.items()}
            print(f"{name:22s} {who:18s} " + "  ".join(f"{k} {s}" for k, s in scores.items()), flush=True)
    if given.json:
        given.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
