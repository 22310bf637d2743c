"""Turn the released file back into a checkpoint that training can go on from: `python -m models.detector.restore`.

`models.detector.train --warm-start models/work/detector/restored.pt` starts from it. The answers of the net and of the
file are compared and must agree within TOLERANCE (models.common.unmerge).
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from models.common.checkpoints import of_weights, save
from models.common.release import RELEASED, released_table
from models.common.unmerge import constants, rebuild, undo_normalisation
from models.datasets.plates import draw_plate
from models.datasets.scenes import load_scenes
from models.detector.data import Crops
from models.detector.export import largest_difference
from models.detector.net import PlateNet
from models.detector.train import HERE, WORK, read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

BATCHES = 40


def restored(path: Path, pictures: Iterable[Tensor]) -> PlateNet:
    """Return the net of a float file.

    Args:
        path: written by models.detector.export.
        pictures: batches of normalised luma (n, 1, h, w), like those that training will bring.

    Raises:
        ValueError: the file is not of this net: a weight is missing, or the answers differ.
    """
    found = {name.removeprefix("net."): value for name, value in constants(path).items()}
    net = PlateNet()
    rebuild(net, path, found, lambda: undo_normalisation(net, found, pictures), largest_difference)
    return net


def main() -> None:
    """Parse the command line, restore, and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    table = released_table("detector")
    parser.add_argument("--model", type=Path, default=RELEASED / table["float_file"])
    parser.add_argument("--out", type=Path, default=WORK / "restored.pt")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = read_recipe(HERE / "config.toml")
    size = (recipe.late_width_px, recipe.late_height_px)
    crops = Crops(load_scenes(), draw_plate, seed=recipe.seed, batch=recipe.batch, size=size)
    weights = restored(given.model, (batch["luma"] for batch in islice(crops, BATCHES))).state_dict()
    save(given.out, of_weights(weights, table["samples"]))
    print(f"{given.out}: {table['samples']} crops seen")


if __name__ == "__main__":
    main()
