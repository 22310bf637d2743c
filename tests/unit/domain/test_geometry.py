"""Boxes and corners."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.domain.geometry import Box, Detection

sizes = st.floats(0.1, 1000)
boxes = st.builds(Box, st.floats(-500, 500), st.floats(-500, 500), sizes, sizes)


@given(boxes, boxes)
def test_iou_is_a_symmetric_share(one: Box, other: Box) -> None:
    """Intersection over union lies in 0..1 and does not depend on the order."""
    assert 0.0 <= one.iou(other) <= 1.0 + 1e-9
    assert one.iou(other) == pytest.approx(other.iou(one))


@given(boxes)
def test_a_box_covers_itself(box: Box) -> None:
    """The IoU of a box with itself is one."""
    assert box.iou(box) == pytest.approx(1.0)


def test_boxes_that_touch_share_nothing() -> None:
    """An edge has no area."""
    assert Box(0, 0, 10, 10).iou(Box(10, 0, 10, 10)) == 0.0
    assert Box(0, 0, 0, 10).iou(Box(0, 0, 0, 10)) == 0.0


def test_the_box_of_corners_is_the_smallest_upright_one() -> None:
    """A tilted plate lies inside its box and touches all four sides."""
    detection = Detection(((2.0, 1.0), (10.0, 3.0), (9.0, 6.0), (1.0, 4.0)), 0.5)

    assert Box(1.0, 1.0, 9.0, 5.0) == detection.box
