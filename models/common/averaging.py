"""The mean of nets: of their weights, with normalisations that fit what it will see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)


def mean_of(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of nets' weights, each with the same say; counts are taken from the last.

    M. Wortsman et al., "Model soups", ICML 2022.
    """
    last = weights[-1]
    means = {k: torch.stack([each[k] for each in weights]).mean(0) for k, v in last.items() if v.is_floating_point()}
    return last | means


@torch.no_grad()
def settle(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give each normalisation the mean and deviation that its layer has on these pictures, as the mean of nets needs.

    P. Izmailov et al., "Averaging Weights Leads to Wider Optima", UAI 2018.
    """
    net.eval()
    for module in net.modules():
        if isinstance(module, NORMALISATIONS):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
            module.train()
    for batch in batches:
        net(batch)
    net.eval()
