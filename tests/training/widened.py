"""A narrow reader made wide with channels that bring nothing: what narrowing takes out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.reader.net import INSIDE, WIDE, Widths
from models.reader.slim import NEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATISTICS = {"weight": 0.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}


def widened(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights of a net of the widths WIDE that says the same."""
    out = dict(weights)
    for name, layer in INSIDE.items():
        more = getattr(WIDE, name) - getattr(Widths.of(weights), name)
        norm = layer.rsplit(".", 1)[0] + ".1"
        fillings = {f"{layer}.weight": 0.0} | {f"{norm}.{part}": value for part, value in _STATISTICS.items()}
        for key, filling in fillings.items():
            out[key] = torch.cat([out[key], torch.full((more, *out[key].shape[1:]), filling)])
        after = f"{NEXT[name]}.weight"
        shape = out[after].shape
        out[after] = torch.cat([out[after], torch.zeros(shape[0], more, *shape[2:])], 1)
    return out
