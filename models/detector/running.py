"""Running scores of a detector in training: held-out scenes through the net itself, few and small, so cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from models.detector.judging import LEAST_SCORE, average_precision, judge_readable, score
from models.detector.net import Exported, PlateNet
from platesieve.vision.decode_corners import decode
from platesieve.vision.letterbox import letterbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.common.metrics import Score
    from models.datasets.scenes import Scene
    from models.detector.judging import Finder
    from platesieve.domain.geometry import Detection

SCENES = 150
WIDTH, HEIGHT = 320, 192
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Running:
    """Share of plates found at THRESHOLD, and average precision, at IoU 0.5."""

    found: Score
    average_precision: float

    def line(self) -> str:
        """Return the line of the log, which `models.common.curves` reads."""
        told = {f"found at {THRESHOLD}": str(self.found), "AP": f"{self.average_precision:.3f} n={self.found.count}"}
        return f"held out, {WIDTH}x{HEIGHT}: {told}"

    def short(self) -> str:
        """Return what stands beside the bar."""
        return f"found {self.found.share:.2f} AP {self.average_precision:.2f}"


def some_held_out(scenes: Sequence[Scene], most: int = SCENES) -> list[Scene]:
    """Return up to `most` of the scenes that are held out, spread over all sets, the same in every run."""
    held = [scene for scene in scenes if scene.held_out]
    return held[:: max(1, -(-len(held) // most))]


def check(weights: Mapping[str, Tensor], scenes: Sequence[Scene]) -> Running:
    """Return the scores of these weights on the CPU; plates too narrow to read at this size count nowhere."""
    net = PlateNet()
    net.load_state_dict({name: value.cpu() for name, value in weights.items()})
    judged = judge_readable(finder_of(net), list(scenes), WIDTH, HEIGHT)
    return Running(score(judged, THRESHOLD).recall, average_precision(judged))


def finder_of(net: PlateNet) -> Finder:
    """Return what `models.detector.evaluate.finder` returns, of a net in training instead of a file."""
    exported = Exported(net).eval()

    @torch.no_grad()
    def find(luma: NDArray[np.uint8]) -> tuple[Detection, ...]:
        pixels, placement = letterbox(luma, WIDTH, HEIGHT)
        heat, corners = exported(torch.from_numpy(pixels))
        return decode(heat.numpy(), corners.numpy(), placement, LEAST_SCORE)

    return find
