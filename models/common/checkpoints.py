"""Save and resume training, and the weights that are released: an exponential moving average."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from pathlib import Path


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that still use the global generator
    torch.manual_seed(seed)


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a killed run leaves the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint; None where there is none yet."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def samples_behind(state: dict[str, Any]) -> int:
    """Return how many samples the weights of a checkpoint were taught on, those before a warm start among them."""
    return int(state["seen"]) + samples_before(state)


def samples_before(state: dict[str, Any]) -> int:
    """Return how many samples the weights had been taught on where the run started; 0 where it began from nothing."""
    return int(state.get("before", 0))


def existing(path: Path, hint: str) -> dict[str, Any]:
    """Read a checkpoint that must be there.

    Raises:
        SystemExit: it is not; `hint` says what to do.
    """
    state = load(path)
    if state is None:
        raise SystemExit(f"{path} does not exist: {hint}")
    return state


def start_of(warm_start: Path) -> dict[str, Any]:
    """Read the checkpoint whose averaged weights a training starts from.

    Raises:
        SystemExit: there is none.
    """
    return existing(warm_start, "give a checkpoint to start from, or none")


def of_weights(weights: dict[str, torch.Tensor], before: int, crops: dict[str, int] | None = None) -> dict[str, Any]:
    """Return the checkpoint of weights that no training left: of a restored or narrowed net, or of a mean.

    Args:
        weights: of the net.
        before: samples that it has seen.
        crops: by set, that it was taught on.
    """
    average = {"steps": 0, "weights": weights}
    return {"net": weights, "average": average, "seen": 0, "before": before, "crops": crops or {}}


def cosine(seen: int, total: int, warm_up: int, floor: float = 0.01) -> float:
    """Return the factor on the learning rate after `seen` of `total` samples: linear warm-up, then half a cosine."""
    if seen < warm_up:
        return (seen + 1) / warm_up
    share = min(1.0, (seen - warm_up) / max(1, total - warm_up))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * share))


class MovingAverage:
    """Keeps an exponential moving average of a net's parameters and buffers.

    Early on the average follows faster (Polyak with a ramp), so that the random start is forgotten.
    """

    def __init__(self, net: torch.nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.weights = {k: v.detach().clone() for k, v in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: torch.nn.Module) -> None:
        """Move the average a little towards the net."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for k, v in net.state_dict().items():
            if v.dtype.is_floating_point:
                self.weights[k].lerp_(v, 1 - decay)
            else:
                self.weights[k].copy_(v)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"steps": self.steps, "weights": self.weights}

    def restore(self, state: dict[str, Any], device: torch.device | str = "cpu") -> None:
        """Continue from a checkpoint, on the device where the net is."""
        self.steps = int(state["steps"])
        self.weights = {k: v.to(device) for k, v in state["weights"].items()}
