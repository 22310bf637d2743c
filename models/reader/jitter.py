"""Read held-out crops as the device does, by their boxes and by boxes as wrong as a detector's: one look and several.

`python -m models.reader.jitter --model models/work/draft.onnx --temperature 1.0 --plateness 3.5`

True boxes flatter a reader: the device cuts out what its detector found. What a reader is worth, and what margin, looks
and averages of weights are worth, was chosen by this table (LOG.md).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.common.metrics import fold
from models.common.release import RELEASED, draft, released_table
from models.datasets.crops import BY_EYE, load_crops
from models.datasets.labels import CATALOGUE
from models.reader.evaluate import corners_of
from platesieve.adapters.networks.onnx_models import OnnxPlateReader
from platesieve.domain.geometry import Detection
from platesieve.evaluation.confidence import Answer, precision_of_most_confident
from platesieve.flow.several_looks import LOOKS, SeveralLooks
from platesieve.settings import Vision
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from platesieve.domain.geometry import Corners
    from platesieve.domain.plate import PlateRead
    from platesieve.ports import PlateReader

    Box = tuple[float, float, float, float]

BOXES = 3  # wrong ones of each crop
EACH_CORNER = (0.015, 0.05)
WHOLE_BOX = (0.01, 0.04)
"""Standard deviations as shares of width and height. Together corners are off by about 9 % of the height, as those of
the released detector are (LOG.md)."""
SCORE = 0.7  # of a detection that does not answer for its plate (SURE_OF_PLATE)
SUREST = 0.9


@dataclass(slots=True)
class Row:
    """What became of the reads of one group: each, right or not when folded; and how many are right strictly."""

    reads: list[Answer] = field(default_factory=list)
    strict: int = 0

    def add(self, found: PlateRead | None, truth: str) -> None:
        """Note one read; None counts as a wrong one without confidence."""
        text, sure = (found.text.reveal(), found.confidence) if found else ("", 0.0)
        self.reads.append(Answer(sure, fold(text) == fold(truth)))
        self.strict += text == truth

    def __str__(self) -> str:
        folded, surest = sum(read.right for read in self.reads), precision_of_most_confident(self.reads, SUREST)
        return f"{len(self.reads):5d} {folded:7d} {self.strict:7d}   {surest.value or 0.0:.3f}"


def wrong_box(rng: np.random.Generator, box: Box) -> Corners:
    """Return the corners of a box as wrong as a detector's: moved as a whole, and each corner by itself."""
    size = np.asarray(box[2:])
    moved = np.asarray(corners_of(box)) + rng.normal(0, 1, 2) * WHOLE_BOX * size
    (a, b), (c, d), (e, f), (g, h) = (moved + rng.normal(0, 1, (4, 2)) * EACH_CORNER * size).tolist()
    return (a, b), (c, d), (e, f), (g, h)


def group_of(source: str) -> str:
    """Return how a set of held-out crops is told: other readers were sure of all but those read by eye."""
    return {BY_EYE: "read by eye", CATALOGUE: "catalogue"}.get(source, "photographs")


def measure(readers: dict[str, PlateReader], seed: int) -> dict[tuple[str, str, str], Row]:
    """Return a row for each group of crops, kind of boxes and reader."""
    rng, rows = np.random.default_rng(seed), dict[tuple[str, str, str], Row]()
    for source, crops in load_crops(validation=True).items():
        for crop in crops:
            frame = Frame(crop.luma, 0, 0, 0)
            boxes = [("true", corners_of(crop.box))] + [("wrong", wrong_box(rng, crop.box)) for _ in range(BOXES)]
            for kind, corners in boxes:
                for name, reader in readers.items():
                    row = rows.setdefault((group_of(source), kind, name), Row())
                    row.add(reader.read(frame, Detection(corners, SCORE)), crop.text)
    return rows


def main() -> None:
    """Parse the command line, read everything, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="ONNX file; the released one unless given")
    parser.add_argument("--temperature", type=float, help="the released one unless given")
    parser.add_argument("--plateness", type=float, help="least plateness; the released one unless given")
    parser.add_argument("--seed", type=int, default=5, help="of the wrong boxes: the same for readers to be compared")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    table = released_table("reader")
    told = {"temperature": given.temperature, "least_plateness": given.plateness}
    table |= {key: value for key, value in told.items() if value is not None}
    reader = OnnxPlateReader(Vision(), draft("reader", given.model or RELEASED / table["file"], table))
    readers = {"1": reader, str(1 + len(LOOKS)): SeveralLooks(reader)}
    print(f"{'held-out crops':14s}  {'boxes':6s} {'looks':6s}     n  folded  strict   surest {SUREST:.0%}")
    for (group, kind, name), row in sorted(measure(readers, given.seed).items()):
        print(f"{group:14s}  {kind:6s} {name:6s} {row}")


if __name__ == "__main__":
    main()
