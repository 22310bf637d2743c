"""What this machine trains on."""

from __future__ import annotations

import os

import torch


def device() -> torch.device:
    """Return the GPU where there is one that works, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def workers(where: torch.device) -> int:
    """Return how many processes draw: $WORKERS, else one beside a CPU and all cores but two beside a GPU.

    A GPU takes tens of thousands of crops a second and a core draws about a thousand: drawing is what takes the time.
    """
    if "WORKERS" in os.environ:
        return max(1, int(os.environ["WORKERS"]))
    return max(1, (os.cpu_count() or 3) - 2) if where.type == "cuda" else 1
