"""Choose from which plateness a read counts: drawn lettering that still gives a text, against plates that are lost.

`python -m models.reader.plateness`, after each release of a reader; the cut that loses at most one right read in five
hundred becomes LEAST_PLATENESS of platesieve/adapters/networks/onnx_models.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.common.release import RELEASED, released_table
from models.datasets.crops import plate_free_pieces
from models.datasets.degrade import Photograph, noisy_crop, photograph, spoil
from models.datasets.plates import draw_lettering
from models.reader.confusion import SCENES, crop_reader, drawn, held_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CUTS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)


def lettering(count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield crops of drawn badges, signs and telephone numbers, photographed like plates."""
    rng = np.random.default_rng(seed)
    pieces = plate_free_pieces(rng, scenes=SCENES)
    for _ in range(count):
        ground = pieces[int(rng.integers(len(pieces)))] if pieces else None
        picture = photograph(rng, draw_lettering(rng).luma, ground)
        yield noisy_crop(rng, Photograph(spoil(rng, picture.luma, float(rng.uniform(0.25, 1.0))), picture.quad))


def main() -> None:
    """Parse the command line, read everything once, and print a line for each cut."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="default: the released one")
    parser.add_argument("--plates", type=int, default=2000, help="how many to draw; half as much lettering")
    parser.add_argument("--seed", type=int, default=21)
    given = parser.parse_args()
    released = released_table("reader")
    read = crop_reader(given.model or RELEASED / released["file"], float(released["temperature"]))
    right: dict[str, list[float]] = {"drawn": [], "held-out": []}
    for name, samples in (("drawn", drawn(given.plates, given.seed)), ("held-out", held_out())):
        for luma, truth, _ in samples:
            found = read(luma)
            if found and found.text.reveal() == truth:
                right[name].append(found.plateness)
    said = [read(luma) for luma in lettering(given.plates // 2, given.seed)]
    words = [found.plateness if found else -np.inf for found in said]
    print("plateness   right reads lost: drawn, held-out   lettering that gives a text")
    for cut in CUTS:
        lost = [f"{np.mean(np.asarray(values) < cut):.4f} of {len(values)}" for values in right.values()]
        left = float(np.mean(np.asarray(words) >= cut))
        print(f"{cut:9.1f}   {lost[0]:>15s}  {lost[1]:>15s}   {left:.4f} of {len(words)}")


if __name__ == "__main__":
    main()
