"""Score the reader on true boxes and on held-out crops, beside a peer on the same pictures.

`python -m models.reader.evaluate --set openalpr-eu --set openalpr-us-a --peer .../cct_xs_v1_global.onnx`

A plate counts when its whole text is right. Three figures a set, each with n and the 95 % Wilson interval: strict;
folded (O=0, I=1); folded against `text_corrected` where a label is known to be wrong. The reader is the device's own
code, from the picture to the text; only the file may be one that is not released yet.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.metrics import Score, fold
from models.common.release import RELEASED, draft, released_table
from models.common.speed import session
from models.datasets.crops import load_crops
from models.datasets.labels import CATALOGUE, CROP_SETS, data_folder, labels
from models.reader.regions import REGIONS
from platesieve.adapters.networks.onnx_models import OnnxPlateReader
from platesieve.domain.geometry import Detection
from platesieve.settings import Vision
from platesieve.vision.decode_region import decode as decode_region
from platesieve.vision.decode_text import decode, read_text
from platesieve.vision.frame import Frame
from platesieve.vision.patterns import load_formats
from platesieve.vision.rectify import MARGIN, normalise, rectify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from platesieve.domain.geometry import Corners

    Box = tuple[float, float, float, float]

EVALUATION_SETS = ("openalpr-eu", "openalpr-us-a")
PEER = "peers/cct_xs_v1_global.onnx"
_PEER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"


@dataclass(frozen=True, slots=True)
class Case:
    """One plate to read: the picture in colour (BGR), its box, what the label says, and what it should say."""

    image: NDArray[np.uint8]
    box: Box
    text: str
    corrected: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader says: a text (empty: no plate), how sure it is of the weakest character, 0..1, and of each."""

    text: str
    confidence: float
    of_characters: tuple[float, ...] = ()


def evaluation_set(name: str) -> list[Case]:
    """Load an evaluation set by its true boxes; an absent one is empty and said so."""
    folder = data_folder() / "eval" / name
    if not (folder / "labels.jsonl").is_file():
        print(f"skipped {name}: not in {folder.parent}")
        return []
    cases = []
    for row in labels(folder):
        image = np.asarray(cv2.imread(str(folder / row["image"])), np.uint8)
        cases += [
            Case(image, tuple(p["box"]), p["text"], p.get("text_corrected") or p["text"])
            for p in row["plates"]
            if p.get("text")
        ]
    return cases


def held_out_sets() -> dict[str, list[Case]]:
    """Load the held-out crops of every training set."""
    return {
        name: [
            Case(np.asarray(cv2.cvtColor(c.luma, cv2.COLOR_GRAY2BGR), np.uint8), c.box, c.text, c.text) for c in group
        ]
        for name, group in load_crops(validation=True).items()
    }


def corners_of(box: Box) -> Corners:
    """Return the corners of x, y, width, height."""
    x, y, w, h = box
    return (x, y), (x + w, y), (x + w, y + h), (x, y + h)


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma of a picture in colour, or the picture if it is luma already."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def device_reader(file: Path, temperature: float = 1.0, table: dict[str, Any] | None = None) -> Callable[..., Answer]:
    """Return the device's own reader over a file: rectify, normalise, network, decode with formats and countries."""
    told = {"temperature": temperature, "regions": list(REGIONS)} | (table or {})
    reader = OnnxPlateReader(Vision(), draft("reader", file, told))

    def read(image: NDArray[np.uint8], corners: Corners) -> Answer:
        found = reader.read(Frame(grey(image), 0, 0, 0), Detection(corners, 1.0))
        if found is None:
            return Answer("", 0.0)
        return Answer(found.text.reveal(), found.confidence, tuple(glyph.probability for glyph in found.glyphs))

    return read


def peer_reader(file: Path, margin: float = 0.0) -> Callable[..., Answer]:
    """Return fast-plate-ocr's CCT-XS: upright box, 64 x 128 RGB, plain resize, 9 slots of 37 characters."""
    net = session(file)
    name = net.get_inputs()[0].name

    def read(image: NDArray[np.uint8], corners: Corners) -> Answer:
        (x0, y0), (x1, y1) = np.min(corners, axis=0), np.max(corners, axis=0)
        w, h = x1 - x0, y1 - y0
        left, top = max(0, round(x0 - w * margin)), max(0, round(y0 - h * margin))
        crop = image[top : round(y1 + h * margin), left : round(x1 + w * margin)]
        rgb = cv2.cvtColor(cv2.resize(crop, (128, 64)), cv2.COLOR_BGR2RGB)
        slots = net.run(None, {name: rgb[None]})[0].reshape(9, 37)
        used = [(_PEER_ALPHABET[i], float(slot[i])) for slot, i in zip(slots, slots.argmax(1), strict=True) if i < 36]
        return Answer("".join(c for c, _ in used), min((p for _, p in used), default=0.0))

    return read


def answers(cases: Sequence[Case], read: Callable[..., Answer]) -> list[Answer]:
    """Read every case."""
    return [read(c.image, corners_of(c.box)) for c in cases]


def score(cases: Sequence[Case], found: Sequence[Answer]) -> dict[str, Score]:
    """Return the three figures of a set."""
    pairs = [(a.text, c) for a, c in zip(found, cases, strict=True)]
    return {
        "strict": Score(sum(text == c.text for text, c in pairs), len(cases)),
        "folded": Score(sum(fold(text) == fold(c.text) for text, c in pairs), len(cases)),
        "corrected": Score(sum(fold(text) == fold(c.corrected) for text, c in pairs), len(cases)),
    }


def compare(
    sets: dict[str, list[Case]], readers: dict[str, Callable[..., Answer]]
) -> dict[str, dict[str, dict[str, Score]]]:
    """Score every reader on every set, in one run, and print the rows."""
    table: dict[str, dict[str, dict[str, Score]]] = {}
    for name, cases in sets.items():
        for who, read in readers.items():
            scores = score(cases, answers(cases, read))
            table.setdefault(name, {})[who] = scores
            print(f"{name:22s} {who:18s} " + "  ".join(f"{k} {s}" for k, s in scores.items()), flush=True)
    return table


def calibrate(file: Path, cases: Sequence[Case] | None = None) -> float:
    """Return the temperature that makes confidences on held-out crops most honest (least log loss of `text is right`).

    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; here for the weakest character of a plate.

    Args:
        file: of the reader.
        cases: the crops that choose; None: all that are held out.
    """
    net, formats = session(file), load_formats()
    known = []
    for case in [c for group in held_out_sets().values() for c in group] if cases is None else cases:
        logits, *region = net.run(None, {"crop": normalise(rectify(grey(case.image), corners_of(case.box)))})
        known.append((logits[0], decode_region(region[0][0], REGIONS) if region else None, case.text))
    losses: dict[float, float] = {}
    for temperature in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0):
        loss = []
        for logits, countries, text in known:
            found = read_text(logits, temperature, formats, countries)
            if found:
                sure = min(g.probability for g in found.glyphs)
                right = fold(found.text.reveal()) == fold(text)
                loss.append(-np.log(max(sure if right else 1 - sure, 1e-4)))
        if not loss:
            print("nothing was read that could choose a temperature: 1.0")
            return 1.0
        losses[temperature] = float(np.mean(loss))
    best = min(losses, key=lambda t: losses[t])
    print(f"temperature {best}: log loss {losses[best]:.4f}; at 1.0 {losses[1.0]:.4f}", flush=True)
    return best


def choose_margin(file: Path) -> tuple[float, float]:
    """Return the margin that reads most held-out crops, of the sets whose pictures reach beyond the plate."""
    net, hits = session(file), dict[tuple[float, float], int]()
    cases = [c for name, group in held_out_sets().items() if name in CROP_SETS and name != CATALOGUE for c in group]
    for margin in ((0.0, 0.0), (0.0, 0.05), (0.02, 0.05), (0.035, 0.075), (0.05, 0.1), (0.07, 0.13), (0.08, 0.15)):
        hits[margin] = 0
        for c in cases:
            crop = rectify(grey(c.image), corners_of(c.box), margin)
            found = decode(net.run(None, {"crop": normalise(crop)})[0][0])
            hits[margin] += found is not None and fold(found[0].reveal()) == fold(c.text)
        print(f"margin {margin}: {Score(hits[margin], len(cases))}")
    return max(hits, key=lambda m: hits[m])


def main() -> None:
    """Parse the command line, print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="ONNX file; the released one unless given")
    parser.add_argument("--peer", type=Path, help="fast-plate-ocr cct_xs_v1_global.onnx, read beside ours")
    parser.add_argument(
        "--set", action="append", default=[], help="evaluation set, or crops-* or read-by-eye for its held-out share"
    )
    parser.add_argument("--json", type=Path, help="write the scores here")
    parser.add_argument("--calibrate", action="store_true", help="find the temperature on held-out crops, and stop")
    parser.add_argument("--choose-margin", action="store_true", help="compare margins on held-out crops, and stop")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    table = released_table("reader")
    file = given.model or RELEASED / table["file"]
    if given.choose_margin:
        print(f"best margin: {choose_margin(file)}; the device uses {MARGIN}")
        return
    if given.calibrate:
        print(f"best temperature: {calibrate(file)}")
        return
    readers = {"ours": device_reader(file, float(table["temperature"]))}
    if given.peer:
        readers |= {"peer": peer_reader(given.peer), "peer, margin 5 %": peer_reader(given.peer, 0.05)}
    held = held_out_sets()
    sets = {n: held[n] if n in held else evaluation_set(n) for n in given.set or EVALUATION_SETS}
    if empty := [n for n, cases in sets.items() if given.set and not cases]:
        raise SystemExit(f"nothing to read in {', '.join(empty)}; held out are {', '.join(held)}")
    scores = compare(sets, readers)
    if given.json:
        plain = {s: {who: {k: v.table() for k, v in row.items()} for who, row in t.items()} for s, t in scores.items()}
        given.json.write_text(json.dumps(plain, indent=1))


if __name__ == "__main__":
    main()
