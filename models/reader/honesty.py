"""Are the reader's confidences worth their numbers, on crops that did not choose the temperature."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from models.common.metrics import fold
from models.reader.evaluate import answers, calibrate, device_reader
from platesieve.evaluation.confidence import Answer as Judged
from platesieve.evaluation.confidence import calibration_error, precision_of_most_confident, reliability

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.reader.evaluate import Answer, Case


def judged(cases: Sequence[Case], found: Sequence[Answer]) -> list[Judged]:
    """Return how sure each text was, and whether it was right; what was read as nothing promised nothing."""
    pairs = zip(found, cases, strict=True)
    return [Judged(a.confidence, fold(a.text) == fold(c.corrected)) for a, c in pairs if a.text]


def halves(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Part crops in two by plate, so that no plate is in both; the same on every machine."""
    parts: tuple[list[Case], list[Case]] = ([], [])
    for case in cases:
        parts[hashlib.sha256(case.text.encode()).digest()[0] % 2].append(case)
    return parts


def cross_fitted(file: Path, table: dict[str, Any], cases: Sequence[Case]) -> tuple[list[Judged], list[float]]:
    """Judge each half of the held-out crops with the temperature that the other half chooses.

    Args:
        file: of the reader.
        table: its table of released.toml; the temperature in it is not used.
        cases: crops that chose the released temperature.

    Returns:
        All of them judged, and the temperatures that the first and the second half were read with.
    """
    first, second = halves(cases)
    found: list[Judged] = []
    temperatures = []
    for mine, other in ((first, second), (second, first)):
        temperature = calibrate(file, other)
        read = device_reader(file, temperature, table | {"temperature": temperature})
        found += judged(mine, answers(mine, read))
        temperatures.append(temperature)
    return found, temperatures


def honesty(named: dict[str, list[Judged]]) -> dict[str, Any]:
    """Return calibration error, the diagram's rows, and precision of the 90 % most confident, by set."""
    return {
        name: {
            "error": round(calibration_error(each) or 0.0, 4),
            "precision_of_most_confident_90": precision_of_most_confident(each, 0.9).as_json(),
            "reliability": reliability(each),
        }
        for name, each in named.items()
        if each
    }
