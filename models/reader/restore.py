"""Turn a released float file back into a checkpoint that training can go on from.

`python -m models.reader.restore --model models/released/reader.onnx --out models/work/reader/restored.pt`

Checkpoints are not kept in the repository, the float file is. Export merges each batch normalisation into its
convolution and multiplies out what stands between the grid and the attention (net.py); both are undone here. The
normalisations get the mean and deviation that their layers have on training pictures, so that the net answers the same
whether it learns or not; the answers of both are compared and must agree within TOLERANCE.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.common.checkpoints import save
from models.common.release import RELEASED, released_table
from models.reader.data import Sources, make_batch
from models.reader.export import difference
from models.reader.net import Reader
from models.reader.train import WORK, load_config, normalised

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-3
PICTURES = 2048


def constants(path: Path) -> dict[str, Tensor]:
    """Return the file's weights by their names in the net: those that export named, and those of merged layers."""
    graph = onnx.load(str(path)).graph
    held = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    found = {name: value for name, value in held.items() if "::" not in name}
    for node in graph.node:
        layer = _layer(node.name)
        for place, name in enumerate(node.input):
            if "::" in name and name in held:
                weight = held[name].T if node.op_type == "MatMul" else held[name]
                found[f"{layer}.{('weight', 'bias')[max(0, place - 1)]}"] = weight
    return found


def _layer(node: str) -> str:
    """Return the name in the net of a node such as /grid/grid.0/grid.0.0/Conv: its parts name one another again."""
    parts = node.strip("/").split("/")[:-1]
    kept = [part for i, part in enumerate(parts) if i + 1 == len(parts) or not parts[i + 1].startswith(f"{part}.")]
    return ".".join(kept)


def undo_look(net: Reader, found: dict[str, Tensor]) -> None:
    """Find weights of the attention block whose products are those in the file.

    The products of the grid fill as many columns of the token space as the grid has channels; what the places of cells
    add lies in the columns that are left. What is the same for all cells moves no attention between them, and adds to
    every value alike: it goes into the bias of the values.
    """
    look, channels = net.look, net.look.out.in_features
    scale = look.depth**-0.5
    products = torch.cat([found["look.keys"][:, :, 0] / scale, found["look.values"][:, :, 0]])
    places = torch.cat([found["look.keys_place"][0] / scale, found["look.values_place"][0]])
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


@torch.no_grad()
def undo_normalisation(net: Reader, found: dict[str, Tensor], crops: NDArray[np.uint8]) -> None:
    """Take each batch normalisation out of its convolution, with the statistics that these crops give it."""
    parts = {name: module for name, module in net.named_modules() if not list(module.children())}
    for before, name in pairwise(parts):
        norm, layer = parts[name], parts[before]
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.weight.copy_(found[f"{before}.weight"])
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
            norm.weight.fill_(1.0)
            norm.bias.copy_(found[f"{before}.bias"])
    net.eval()
    seen: dict[str, list[Tensor]] = {}
    norms = {n: m for n, m in parts.items() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].transpose(0, 1).flatten(1)
            seen.setdefault(name, []).append(torch.stack([values.mean(1), values.square().mean(1)]))

        return hook

    handles = [module.register_forward_pre_hook(keep(name)) for name, module in norms.items()]
    for batch in torch.split(normalised(crops), 128):
        net(batch)
    for handle in handles:
        handle.remove()
    for name, norm in norms.items():
        mean, square = torch.stack(seen[name]).mean(0)
        variance = square - mean.square()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.add_(mean)


def restored(path: Path, crops: NDArray[np.uint8]) -> Reader:
    """Return the net of a float file.

    Args:
        path: written by models.reader.export.
        crops: n x 48 x 160, uint8, like those that training will bring.

    Raises:
        ValueError: the file is not of this net: a weight is missing, or the answers differ.
    """
    found, net = constants(path), Reader()
    own = net.state_dict()
    plain = {name: value for name, value in found.items() if name in own and value.shape == own[name].shape}
    net.load_state_dict(plain, strict=False)
    try:
        undo_look(net, found)
        undo_normalisation(net, found, crops)
    except KeyError as error:
        raise ValueError(f"{path.name} is not of this net: {error} is missing") from error
    worst = difference(net.eval(), path)
    if worst > TOLERANCE:
        raise ValueError(f"{path.name} is not of this net: answers differ by {worst:.2e}, more than {TOLERANCE}")
    return net


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
    save(given.out, {"net": weights, "average": {"steps": 0, "weights": weights}, "seen": table["samples"]})
    print(f"{given.out}: {table['samples']} samples seen")


if __name__ == "__main__":
    main()
