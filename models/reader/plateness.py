"""Choose from which plateness a read counts: drawn lettering that still gives a text, against plates that are lost.

`python -m models.reader.plateness`, after each release of a reader, writes `least_plateness` into released.toml: the
highest cut that loses at most one right read in two hundred, of drawn plates and of held-out photographs alike.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.common.release import RELEASED, released_table, update_table
from models.datasets.crops import plate_free_pieces
from models.datasets.degrade import spoil
from models.datasets.photographs import Photograph, noisy_crop, photograph
from models.datasets.plates import draw_lettering
from models.reader.confusion import SCENES, crop_reader, drawn, held_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

CUTS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
LOST = 0.005
"""Share of the right reads that a cut may lose. Chosen before a table of these cuts was drawn for reader 2.4."""


def lettering(count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield crops of drawn badges, signs and telephone numbers, photographed like plates."""
    rng = np.random.default_rng(seed)
    pieces = plate_free_pieces(rng, scenes=SCENES)
    for _ in range(count):
        ground = pieces[int(rng.integers(len(pieces)))] if pieces else None
        picture = photograph(rng, draw_lettering(rng).luma, ground)
        yield noisy_crop(rng, Photograph(spoil(rng, picture.luma, float(rng.uniform(0.25, 1.0))), picture.quad))


def choose(right: Mapping[str, Sequence[float]]) -> float:
    """Return the highest cut that loses at most one right read in two hundred of each kind.

    Args:
        right: plateness of what was read right, by kind; a kind without any has no say.
    """
    known = [np.asarray(values) for values in right.values() if len(values)]
    return max(cut for cut in CUTS if cut == CUTS[0] or all(np.mean(v < cut) <= LOST for v in known))


def show(right: Mapping[str, Sequence[float]], words: Sequence[float], chosen: float) -> None:
    """Print a line for each cut."""
    print(f"plateness   right reads lost: {', '.join(right)}   lettering that gives a text")
    for cut in CUTS:
        lost = [f"{sum(v < cut for v in values)} of {len(values)}" for values in right.values()]
        left = f"{sum(v >= cut for v in words)} of {len(words)}"
        mark = "  <- chosen" if cut == chosen else ""
        print(f"{cut:9.1f}   {'   '.join(f'{each:>12s}' for each in lost)}   {left:>12s}{mark}")


def main() -> None:
    """Parse the command line, read everything once, print a line for each cut, and release the one chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="only look at this file; default: the released one, and write")
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
    chosen = choose(right)
    show(right, [found.plateness if found else -np.inf for found in said], chosen)
    if given.model is None:
        update_table("reader", {"least_plateness": chosen})


if __name__ == "__main__":
    main()
