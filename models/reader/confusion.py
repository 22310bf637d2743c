"""Measure what a reader takes for what, by region: drawn plates, photographed badly, and held-out crops.

`python -m models.reader.confusion`, after each release of a reader

The read is the device's own: rectified, decoded with the formats and with what the reader says of the country. Read and
truth are aligned by the fewest edits (V. Levenshtein 1966); reads that are half wrong tell nothing about single
glyphs and are left out, their share is printed. The result is released/confusion.json and its table in released.toml.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.release import RELEASED, publish_beside, released_table, sha256
from models.common.speed import session
from models.datasets.crops import load_crops, plate_free_pieces
from models.datasets.degrade import spoil
from models.datasets.photographs import Photograph, noisy_crop, photograph
from models.datasets.plates import draw_plate
from models.reader.evaluate import corners_of
from models.reader.regions import REGIONS, class_of_drawing, class_of_set
from platesieve.domain.confusion import ANYWHERE
from platesieve.domain.plate import ALPHABET
from platesieve.vision.decode_region import decode as decode_region
from platesieve.vision.decode_text import read_text
from platesieve.vision.patterns import load_formats
from platesieve.vision.rectify import normalise, rectify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from platesieve.vision.decode_text import Reading

GROUPS = {
    "north-america": ["US", "CA", "MX"],
    "europe": ["DE", "AT", "FR", "IT", "ES", "NL", "BE", "PL", "CZ", "SK", "RO", "HU"],
    "britain": ["GB"],
    "latin-america": ["BR", "AR"],
    "oceania": ["AU", "NZ"],
    "south-asia": ["IN", "PK"],
}
"""Regions whose plates have letters of one kind; a country alone would need tens of thousands of plates."""
SCENES = 200  # photographs whose plate-free pieces are the grounds of the drawn plates
LEAST_SHARE = 0.0005
BORROWED = 50
"""As many glyphs of all regions are added to each glyph of one: two misreads among twelve Q are no sixth of all."""
MOST_WRONG = 0.5

Edits = list[tuple[str, str]]
Sample = tuple["NDArray[np.uint8]", str, int]
"""Crop, text, and class of the region (models.reader.regions)."""


@dataclass(slots=True)
class Tally:
    """Counts of one group of regions."""

    plates: int = 0
    hopeless: int = 0
    glyphs: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, truth: str, read: str) -> None:
        """Count one plate."""
        edits = align(truth, read)
        if sum(a != b for a, b in edits) > MOST_WRONG * len(truth):
            self.hopeless += 1
            return
        self.plates += 1
        self.glyphs.update(edits)

    @property
    def seen(self) -> Counter[str]:
        """Return how often each true glyph stood there; under "" what was invented."""
        seen = Counter[str]()
        for (true, _), n in self.glyphs.items():
            seen[true] += n
        return seen

    def table(self, whole_world: Tally) -> dict[str, Any]:
        """Return what stands in the file: shares pulled towards those of all regions, as BORROWED more glyphs would."""
        seen, all_seen = self.seen, whole_world.seen
        whole = sum(seen[g] for g in ALPHABET)
        taken: dict[str, dict[str, float]] = {}
        for true in ALPHABET:
            for read in ALPHABET:
                lent = BORROWED * whole_world.glyphs[true, read] / max(1, all_seen[true])
                share = (self.glyphs[true, read] + lent) / (seen[true] + BORROWED)
                if share >= LEAST_SHARE:
                    taken.setdefault(true, {})[read] = round(share, 4)
        return {
            "plates": self.plates,
            "missed": round(sum(self.glyphs[g, ""] for g in ALPHABET) / whole, 5),
            "invented": round(seen[""] / whole, 5),
            "seen": {g: seen[g] for g in ALPHABET},
            "taken_for": taken,
        }


def align(truth: str, read: str) -> Edits:
    """Return pairs (true, read) of an alignment with the fewest edits; "" where one of them has nothing."""
    cost = np.zeros((len(truth) + 1, len(read) + 1), np.int64)
    cost[:, 0], cost[0] = np.arange(len(truth) + 1), np.arange(len(read) + 1)
    for i, a in enumerate(truth, 1):
        for j, b in enumerate(read, 1):
            cost[i, j] = min(cost[i - 1, j - 1] + (a != b), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    i, j = len(truth), len(read)
    edits: Edits = []
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (truth[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            edits.append((truth[i], read[j]))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            edits.append((truth[i], ""))
        else:
            j -= 1
            edits.append(("", read[j]))
    return edits[::-1]


def group_of(region: int) -> str | None:
    """Return the group of a class of the region head, or None."""
    return next((name for name, members in GROUPS.items() if region > 0 and REGIONS[region] in members), None)


def drawn(count: int, seed: int) -> Iterator[Sample]:
    """Yield crops of drawn plates, photographed as badly as in training."""
    rng = np.random.default_rng(seed)
    pieces = plate_free_pieces(rng, scenes=SCENES)
    for _ in range(count):
        plate = draw_plate(rng)
        ground = pieces[int(rng.integers(len(pieces)))] if pieces else None
        picture = photograph(rng, plate.luma, ground)
        spoiled = Photograph(spoil(rng, picture.luma, float(rng.uniform(0.25, 1.0))), picture.quad)
        yield noisy_crop(rng, spoiled), plate.text, class_of_drawing(plate.region)


def held_out() -> Iterator[Sample]:
    """Yield the held-out crops; most of their texts were read by machines, so that they are a tenth of the whole."""
    for name, crops in load_crops(validation=True).items():
        for crop in crops:
            yield rectify(crop.luma, corners_of(crop.box)), crop.text, class_of_set(name)


def crop_reader(path: Path, temperature: float) -> Callable[[NDArray[np.uint8]], Reading | None]:
    """Return what reads rectified crops (48 x 160) as the device does, but for the bar of plateness."""
    net, formats = session(path), load_formats()
    name = net.get_inputs()[0].name

    def read(luma: NDArray[np.uint8]) -> Reading | None:
        logits, *region = net.run(None, {name: normalise(luma)})
        return read_text(logits[0], temperature, formats, decode_region(region[0][0], REGIONS) if region else None)

    return read


def measure(path: Path, plates: int, seed: int, temperature: float) -> dict[str, Tally]:
    """Read drawn plates and held-out crops; return counts by group, all of them together under `any`."""
    read_crop = crop_reader(path, temperature)
    tallies = {ANYWHERE: Tally(), **{group: Tally() for group in GROUPS}}
    everywhere = tallies[ANYWHERE]
    for done, (luma, truth, region) in enumerate(chain(held_out(), drawn(plates, seed)), 1):
        found = read_crop(luma)
        read = found.text.reveal() if found else ""
        for tally in (everywhere, tallies.get(group_of(region) or "")):
            if tally is not None:
                tally.add(truth, read)
        if done % 100 == 0:
            _progress(done, everywhere)
    print(file=sys.stderr)
    return tallies


def _progress(done: int, tally: Tally) -> None:
    right = sum(n for (true, read), n in tally.glyphs.items() if true == read) / max(1, tally.glyphs.total())
    print(
        f"\r{done} plates  glyphs right {right:.4f}  half wrong {tally.hopeless / done:.4f}",
        end="", file=sys.stderr, flush=True,
    )  # fmt: skip


def main() -> None:
    """Parse the command line, measure, write the file and its table, print the worst pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="default: the released one")
    parser.add_argument("--plates", type=int, default=6000, help="how many to draw")
    parser.add_argument("--seed", type=int, default=20, help="of the drawings; training has others")
    parser.add_argument("--out", type=Path, help="default: beside the released reader; needed with --model")
    given = parser.parse_args()
    if given.model and not given.out:
        parser.error("say with --out where the table of another model goes")
    out = given.out or RELEASED / "confusion.json"
    cv2.setNumThreads(1)
    released = released_table("reader")
    model = given.model or RELEASED / released["file"]
    tallies = measure(model, given.plates, given.seed, float(released["temperature"]))
    whole = {
        "format": 1,
        "reader_sha256": sha256(model),
        "groups": GROUPS,
        "regions": {name: tally.table(tallies[ANYWHERE]) for name, tally in tallies.items() if tally.plates},
    }
    data = (json.dumps(whole, separators=(",", ":")) + "\n").encode()
    if given.model is None and out.resolve().parent == RELEASED:
        publish_beside("confusion", out, data, {"reader": whole["reader_sha256"]})
    else:
        out.write_bytes(data)
    for name, tally in tallies.items():
        worst = [(k, n) for k, n in tally.glyphs.most_common() if k[0] != k[1]][:12]
        print(f"{name}: {tally.plates} plates, {tally.hopeless} half wrong; {worst}")


if __name__ == "__main__":
    main()
