"""Are the reader's confidences worth their numbers, on crops that did not choose the temperature."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from models.common.metrics import fold
from models.reader.confusion import align
from models.reader.evaluate import answers, calibrate, device_reader
from platesieve.evaluation.confidence import Answer as Judged
from platesieve.evaluation.confidence import calibration_error, precision_of_most_confident, reliability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from models.reader.evaluate import Answer, Case


def judged(cases: Sequence[Case], found: Sequence[Answer]) -> list[Judged]:
    """Return how sure each text was, and whether it was right; what was read as nothing promised nothing."""
    pairs = zip(found, cases, strict=True)
    return [Judged(a.confidence, fold(a.text) == fold(c.corrected)) for a, c in pairs if a.text]


def judged_characters(cases: Sequence[Case], found: Sequence[Answer]) -> list[Judged]:
    """Return how sure each character that was read was, and whether it stands there (O=0, I=1); lost ones say nothing.

    What stands where a text has too many characters or too few is found by the fewest edits.
    """
    out: list[Judged] = []
    for answer, case in zip(found, cases, strict=True):
        sure = iter(answer.of_characters)
        edits = align(fold(case.corrected), fold(answer.text))
        out += [Judged(next(sure), true == read) for true, read in edits if read]
    return out


def halves(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Part crops in two by plate, so that no plate is in both; the same on every machine."""
    parts: tuple[list[Case], list[Case]] = ([], [])
    for case in cases:
        parts[hashlib.sha256(case.text.encode()).digest()[0] % 2].append(case)
    return parts


def cross_fitted(
    file: Path, table: dict[str, Any], cases: Sequence[Case]
) -> tuple[list[Case], list[Answer], list[float]]:
    """Read each half of the held-out crops with the temperature that the other half chooses.

    Args:
        file: of the reader.
        table: its table of released.toml; the temperature in it is not used.
        cases: crops that chose the released temperature.

    Returns:
        All of them in another order, what was read, and the temperatures of the first and of the second half.
    """
    first, second = halves(cases)
    found: list[Answer] = []
    temperatures = []
    for mine, other in ((first, second), (second, first)):
        temperature = calibrate(file, other)
        read = device_reader(file, temperature, table | {"temperature": temperature})
        found += answers(mine, read)
        temperatures.append(temperature)
    return first + second, found, temperatures


def honesty(named: Mapping[str, tuple[Sequence[Case], Sequence[Answer]]]) -> dict[str, Any]:
    """Return calibration error of texts and of characters, the diagram's rows, precision of the 90 % surest, by set."""
    rows = {}
    for name, (cases, found) in named.items():
        each, characters = judged(cases, found), judged_characters(cases, found)
        if each:
            rows[name] = {
                "error": round(calibration_error(each) or 0.0, 4),
                "error_of_characters": round(calibration_error(characters) or 0.0, 4),
                "characters": len(characters),
                "precision_of_most_confident_90": precision_of_most_confident(each, 0.9).as_json(),
                "reliability": reliability(each),
            }
    return rows
