"""Is a confidence worth its number: calibration, and how right the most confident answers are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.evaluation.metrics import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.evaluation.metrics import Rate

BINS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: how sure it was, 0..1, and whether it was right."""

    confidence: float
    right: bool


def calibration_error(answers: Sequence[Answer]) -> float | None:
    """Return the expected calibration error over ten equal bins (Guo et al., ICML 2017), or None of nothing."""
    if not answers:
        return None
    gaps = (abs(sum(a.right for a in bin_) - sum(a.confidence for a in bin_)) for bin_ in binned(answers))
    return sum(gaps) / len(answers)


def binned(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Return the answers in ten equal bins of confidence, the least confident first."""
    bins: list[list[Answer]] = [[] for _ in range(BINS)]
    for answer in answers:
        bins[min(int(answer.confidence * BINS), BINS - 1)].append(answer)
    return bins


def reliability(answers: Sequence[Answer]) -> list[dict[str, object]]:
    """Return the rows of a reliability diagram: per bin what was promised and what was kept, with its interval."""
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "promised": round(sum(a.confidence for a in bin_) / len(bin_), 4),
            "kept": share(sum(a.right for a in bin_), len(bin_)).as_json(),
        }
        for number, bin_ in enumerate(binned(answers))
        if bin_
    ]


def precision_of_most_confident(answers: Sequence[Answer], coverage: float) -> Rate:
    """Return what share of the most confident answers is right.

    Args:
        answers: of all pictures.
        coverage: which share of them to look at, 0..1; at least one.
    """
    kept = sorted(answers, key=lambda answer: -answer.confidence)[: math.ceil(coverage * len(answers))]
    return share(sum(answer.right for answer in kept), len(kept))
