"""Time networks side by side: what else runs on the machine then slows all of them, and the ratios stand."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def session(path: Path) -> Any:
    """Open a file with one thread that does not spin, as the device does."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort  # noqa: PLC0415 - the variable above must be set first

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def milliseconds(files: dict[str, tuple[Path, NDArray[Any]]], rounds: int = 120) -> dict[str, dict[str, float]]:
    """Return each network's median and 10th percentile in ms, one after the other in each of `rounds` rounds.

    Args:
        files: a name, and its file with an input.
        rounds: how often each runs; the first five are not counted.
    """
    opened = {name: (session(path), values) for name, (path, values) in files.items()}

    def run(net: Any, values: NDArray[Any]) -> Callable[[], object]:
        feed = {net.get_inputs()[0].name: values}
        return lambda: net.run(None, feed)

    return take_turns({name: run(net, values) for name, (net, values) in opened.items()}, rounds)


def take_turns(calls: dict[str, Callable[[], object]], rounds: int = 120) -> dict[str, dict[str, float]]:
    """Return each call's median and 10th percentile in ms, one after the other in each of `rounds` rounds.

    Args:
        calls: a name, and what to time.
        rounds: how often each runs; the first five are not counted.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 5):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            taken[name].append(1000 * (time.perf_counter() - began))
    return {
        name: {"median": round(float(np.median(each[5:])), 3), "p10": round(float(np.percentile(each[5:], 10)), 3)}
        for name, each in taken.items()
    }
