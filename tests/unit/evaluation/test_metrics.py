"""Shares, intervals, percentiles and the matching of boxes, against figures worked out elsewhere."""

from __future__ import annotations

import pytest

from platesieve.domain.geometry import Box, Detection
from platesieve.evaluation.metrics import Matched, fold, match, per_unit, percentile, share


def found(box: Box, score: float = 0.9) -> Detection:
    """Return a detection with that box."""
    right, bottom = box.x + box.width, box.y + box.height
    return Detection(((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)), score)


PLATE = Box(100, 100, 100, 20)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (107, 108, 0.9494, 0.9984)],
)
def test_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    """Published values of the score interval."""
    rate = share(hits, n)

    assert rate.value == hits / n
    assert rate.low == pytest.approx(low, abs=1e-4)
    assert rate.high == pytest.approx(high, abs=1e-4)


def test_nothing_measured_is_no_number() -> None:
    """Zero of zero is not 0 %."""
    assert share(0, 0).as_json() == {"value": None, "n": 0, "low": None, "high": None}


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.69), (1, 0.03, 5.57), (10, 4.80, 18.39)])
def test_interval_of_a_count(count: int, low: float, high: float) -> None:
    """Close to the exact Poisson limits (0: 3.69, 1: 0.03 to 5.57, 10: 4.80 to 18.39)."""
    rate = per_unit(count, 1)

    assert rate.low == pytest.approx(low, abs=0.05)
    assert rate.high == pytest.approx(high, abs=0.15)


def test_percentiles_are_values_that_occurred() -> None:
    """Nearest rank."""
    assert percentile([3, 1, 2], 50) == 2
    assert percentile(list(range(1, 101)), 95) == 95
    assert percentile([7], 95) == 7
    assert percentile([], 50) is None


def test_folding_takes_o_as_zero_and_i_as_one_only() -> None:
    """No other glyph is forgiven in a score."""
    assert fold("OIQB85S") == "01QB85S"


def test_a_label_is_found_once() -> None:
    """The second detection on it is neither a hit nor false."""
    assert match([found(PLATE), found(Box(104, 100, 100, 20), 0.8)], [PLATE], []) == Matched(1, 1, 0)


def test_a_poor_box_on_a_plate_is_a_miss_but_not_false() -> None:
    """It touches the label."""
    assert match([found(Box(150, 100, 100, 20))], [PLATE], []) == Matched(1, 0, 0)


def test_a_detection_elsewhere_is_false_unless_ignored() -> None:
    """Regions that may hold unlabelled plates count against nobody."""
    elsewhere = Box(500, 500, 100, 20)

    assert match([found(elsewhere)], [PLATE], []) == Matched(1, 0, 1)
    assert match([found(elsewhere)], [PLATE], [Box(450, 450, 300, 300)]) == Matched(1, 0, 0)


def test_the_most_confident_detection_takes_the_label() -> None:
    """Order of the finder does not matter."""
    far, near = found(Box(130, 100, 100, 20), 0.5), found(PLATE, 0.9)

    assert match([far, near], [PLATE], []) == match([near, far], [PLATE], []) == Matched(1, 1, 0)
