"""Turn a released float file back into a checkpoint that training can go on from.

`python -m models.reader.restore --model models/released/reader.onnx --out models/work/reader/restored.pt`

Checkpoints are not kept in the repository, the float file is. Export merges each batch normalisation into its
convolution (models.common.unmerge) and multiplies out what stands between the grid and the attention (net.py); both are
undone here. The answers of both are compared and must agree within TOLERANCE.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.common.checkpoints import of_weights, save
from models.common.recipes import load_config
from models.common.release import RELEASED, released_table
from models.common.unmerge import constants, rebuild, undo_normalisation
from models.reader.data import Sources, make_batch
from models.reader.export import difference
from models.reader.net import Reader, Widths
from models.reader.train import WORK, normalised

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

PICTURES = 2048
TOGETHER = 128


def undo_look(net: Reader, found: dict[str, Tensor]) -> None:
    """Find weights of the attention block whose products are those in the file.

    The products of the grid fill as many columns of the token space as the grid has channels; what the places of cells
    add lies in the columns that are left. What is the same for all cells moves no attention between them, and adds to
    every value alike: it goes into the bias of the values. What the normalisation multiplied and added stays in the
    maps behind it.
    """
    look, channels = net.look, net.look.out.in_features
    scale = look.depth**-0.5
    undo = torch.cat([torch.full((channels, 1), 1 / scale), torch.ones(channels, 1)])  # keys, then values
    products, places = found["look.grid"][:, :, 0] * undo, found["look.grid_place"][0] * undo
    common = places.mean(1, keepdim=True)
    basis = torch.linalg.qr(products.double())[0]
    rest = (places - common).double()
    rest = rest - basis @ (basis.T @ rest)
    columns = torch.linalg.svd(rest)[0][:, : channels - look.cells]
    both = torch.cat([products.double(), columns], 1)
    with torch.no_grad():
        look.bring.weight.copy_(torch.eye(channels, look.cells))
        look.bring.bias.zero_()
        look.keys.weight.copy_(both[:channels])
        look.values.weight.copy_(both[channels:])
        look.values.bias.copy_(common[channels:, 0])
        look.cells_place.copy_(torch.linalg.lstsq(both, (places - common).double())[0].T[None])
        look.asks.weight.copy_(found["look.asks"].T)
        look.asks.bias.zero_()
        asks_place = torch.linalg.lstsq(found["look.asks"].T.double(), found["look.asks_place"][0].T.double())[0]
        look.asks_place.copy_(asks_place.T[None])


def restored(path: Path, crops: NDArray[np.uint8]) -> Reader:
    """Return the net of a float file.

    Args:
        path: written by models.reader.export.
        crops: n x 48 x 160, uint8, like those that training will bring.

    Raises:
        ValueError: the file is not of this net: a weight is missing, or the answers differ.
    """
    found = constants(path)
    try:
        net = Reader(widths=Widths.of(found))
    except KeyError as error:
        raise ValueError(f"{path.name} is not of this net: {error} is missing") from error

    def undo() -> None:
        undo_look(net, found)
        undo_normalisation(net, found, torch.split(normalised(crops), TOGETHER))

    rebuild(net, path, found, undo, difference)
    return net


def checkpoint(weights: dict[str, Tensor], table: dict[str, Any]) -> dict[str, Any]:
    """Return what a training or an export goes on from: weights, and what their table of released.toml tells."""
    return of_weights(weights, table["samples"], table.get("training_crops"))


def main() -> None:
    """Parse the command line, restore, and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    table = released_table("reader")
    parser.add_argument("--model", type=Path, default=RELEASED / table["float_file"])
    parser.add_argument("--out", type=Path, default=WORK / "restored.pt")
    given = parser.parse_args()
    config = load_config(Path(__file__).with_name("config.toml"), [])
    rng = np.random.default_rng(1)
    batch = make_batch(rng, Sources.load(config, rng), config["mix"], PICTURES)
    weights = restored(given.model, batch.crops).state_dict()
    save(given.out, checkpoint(weights, table))
    print(f"{given.out}: {table['samples']} samples seen")


if __name__ == "__main__":
    main()
