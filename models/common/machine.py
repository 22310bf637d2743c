"""What this machine trains on."""

from __future__ import annotations

import os
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")
_MULTIPLY_BFLOAT16 = frozenset(("avx512_bf16", "amx_bf16"))
"""Flags of x86 CPUs that multiply bfloat16 in one instruction. Elsewhere it is float32 with conversions around it, and
slower than plain float32."""


def device() -> torch.device:
    """Return the GPU where there is one that works, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def multiplies_bfloat16(where: torch.device, cpu_info: Path = CPU_INFO) -> bool:
    """Return True where bfloat16 is faster than float32: the hardware multiplies it.

    Args:
        where: what trains.
        cpu_info: the kernel's description of the CPU; where there is none, the answer is no.
    """
    if where.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    named = (line.partition(":") for line in lines)
    flags = {flag for name, _, told in named if name.strip() == "flags" for flag in told.split()}
    return bool(flags & _MULTIPLY_BFLOAT16)


def workers(where: torch.device) -> int:
    """Return how many processes draw: $WORKERS, else one beside a CPU and all cores but two beside a GPU.

    A core draws a few hundred crops a second (models/datasets/COVERAGE.md), less than a GPU learns from: drawing is
    what takes the time there. No GPU was measured.
    """
    if "WORKERS" in os.environ:
        return max(1, int(os.environ["WORKERS"]))
    return max(1, (os.cpu_count() or 3) - 2) if where.type == "cuda" else 1
