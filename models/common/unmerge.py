"""Undo what export does to a net's layers, so that training can go on from a released file.

Export merges each batch normalisation into the convolution before it. Taken apart again, each normalisation gets the
mean and deviation that its layer has on training pictures, so that the net answers the same whether it learns or not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.common.averaging import NORMALISATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TOLERANCE = 1e-3
"""How far the answers of a net may be from those of the file that its weights come from."""


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


@torch.no_grad()
def undo_normalisation(net: nn.Module, found: dict[str, Tensor], batches: Iterable[Tensor]) -> None:
    """Take each batch normalisation out of its convolution, with the statistics that these pictures give it.

    Args:
        net: whose weights stand apart; left in evaluation mode.
        found: weight and bias of each merged layer, by the convolution's name.
        batches: normalised pictures as the net takes them.

    Raises:
        KeyError: a layer is not in `found`.
        ValueError: there are no pictures.
    """
    parts = {name: module for name, module in net.named_modules() if not list(module.children())}
    norms = {}
    for before, name in pairwise(parts):
        norm, layer = parts[name], parts[before]
        if isinstance(norm, NORMALISATIONS):
            layer.weight.copy_(found[f"{before}.weight"])
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
            norm.weight.fill_(1.0)
            norm.bias.copy_(found[f"{before}.bias"])
            norms[name] = norm
    net.eval()
    seen: dict[str, list[Tensor]] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].transpose(0, 1).flatten(1)
            seen.setdefault(name, []).append(torch.stack([values.mean(1), values.square().mean(1)]))

        return hook

    handles = [module.register_forward_pre_hook(keep(name)) for name, module in norms.items()]
    for batch in batches:
        net(batch)
    for handle in handles:
        handle.remove()
    if not seen:
        raise ValueError("normalisations need pictures to get their means from: there are none")
    for name, norm in norms.items():
        mean, square = torch.stack(seen[name]).mean(0)
        variance = (square - mean.square()).clamp(min=0)  # rounding may put a channel that never changes below 0
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.add_(mean)


def rebuild(
    net: nn.Module,
    path: Path,
    found: dict[str, Tensor],
    undo: Callable[[], None],
    difference: Callable[[Any, Path], float],
) -> None:
    """Give a net the weights of a file, in evaluation mode.

    Args:
        net: as it is before anything is taught.
        path: of the file.
        found: the file's `constants`, by their names in the net.
        undo: takes apart what export put together, from `found`.
        difference: returns how far the answers of a net and of the file are apart.

    Raises:
        ValueError: the file is not of this net: a weight is missing, or the answers differ.
    """
    own = net.state_dict()
    plain = {name: value for name, value in found.items() if name in own and value.shape == own[name].shape}
    net.load_state_dict(plain, strict=False)
    try:
        undo()
    except KeyError as error:
        raise ValueError(f"{path.name} is not of this net: {error} is missing") from error
    worst = difference(net.eval(), path)
    if worst > TOLERANCE:
        raise ValueError(f"{path.name} is not of this net: answers differ by {worst:.2e}, more than {TOLERANCE}")
