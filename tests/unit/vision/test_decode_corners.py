"""Decoding the heat map: peaks become plates in the frame's pixels, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.vision.decode_corners import MOST_PLATES, STRIDE_PX, decode
from platesieve.vision.letterbox import Placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME = Placement(1.0, 1.0, 0, 0, 480, 288)
FLAT = np.array([[-20, -5], [20, -5], [20, 5], [-20, 5]], np.float32)


def maps(rows: int = 36, columns: int = 60) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return an empty heat map and offsets."""
    return np.zeros((1, 1, rows, columns), np.float32), np.zeros((1, 8, rows, columns), np.float32)


def put(
    heat: NDArray[np.float32],
    offsets: NDArray[np.float32],
    cell: tuple[int, int],
    score: float,
    corners: NDArray[np.float32] = FLAT,
) -> None:
    """Set one peak with its corners."""
    heat[0, 0, cell[0], cell[1]] = score
    offsets[0, :, cell[0], cell[1]] = corners.ravel()


def test_a_peak_becomes_a_plate() -> None:
    """Corners are the cell's centre plus the offsets."""
    heat, offsets = maps()
    put(heat, offsets, (10, 20), 0.8)
    (plate,) = decode(heat, offsets, SAME, 0.5)
    assert plate.score == pytest.approx(0.8)
    assert plate.corners[0] == pytest.approx((20.5 * STRIDE_PX - 20, 10.5 * STRIDE_PX - 5))
    assert plate.corners[2] == pytest.approx((20.5 * STRIDE_PX + 20, 10.5 * STRIDE_PX + 5))


def test_the_placement_leads_back_to_the_frame() -> None:
    """Bars and scale are taken out again."""
    heat, offsets = maps()
    put(heat, offsets, (10, 20), 0.8)
    (plate,) = decode(heat, offsets, Placement(0.375, 0.375, 0, 9, 1280, 720), 0.5)
    assert plate.corners[0] == pytest.approx(((164 - 20) / 0.375, (84 - 5 - 9) / 0.375))


def test_nothing_below_the_threshold() -> None:
    """A cold map is an empty road."""
    heat, offsets = maps()
    put(heat, offsets, (10, 20), 0.49)
    assert decode(heat, offsets, SAME, 0.5) == ()


def test_best_first() -> None:
    """The most certain plate leads."""
    heat, offsets = maps()
    put(heat, offsets, (5, 10), 0.6)
    put(heat, offsets, (25, 40), 0.9)
    assert [round(p.score, 3) for p in decode(heat, offsets, SAME, 0.5)] == [0.9, 0.6]


def test_of_two_in_one_place_the_better_stays() -> None:
    """Two peaks on one plate are one plate."""
    heat, offsets = maps()
    put(heat, offsets, (10, 20), 0.8)
    put(heat, offsets, (10, 22), 0.9, FLAT - np.array([16, 0], np.float32))
    (plate,) = decode(heat, offsets, SAME, 0.5)
    assert plate.score == pytest.approx(0.9)


def test_neighbours_steady_the_corners() -> None:
    """A warm neighbour that disagrees by 4 px moves the corners by its share."""
    heat, offsets = maps()
    put(heat, offsets, (10, 20), 0.8)
    put(heat, offsets, (10, 21), 0.4, FLAT - np.array([STRIDE_PX - 3, 0], np.float32))
    (plate,) = decode(heat, offsets, SAME, 0.5)
    assert plate.corners[0][0] == pytest.approx(20.5 * STRIDE_PX - 20 + 1)


@pytest.mark.parametrize(
    "corners",
    [
        FLAT[::-1],  # anticlockwise: seen in a mirror
        FLAT[[0, 2, 1, 3]],  # a bow tie
        FLAT * 0.1,  # 4 px wide
        FLAT * np.nan,
    ],
)
def test_what_cannot_be_a_plate_is_left_out(corners: NDArray[np.float32]) -> None:
    """Corners must turn clockwise around an area worth reading."""
    heat, offsets = maps()
    put(heat, offsets, (10, 20), 0.8, corners)
    assert decode(heat, offsets, SAME, 0.5) == ()


def test_corners_are_clipped_to_the_frame() -> None:
    """A plate that leaves the picture ends at its edge."""
    heat, offsets = maps()
    put(heat, offsets, (0, 1), 0.8)
    (plate,) = decode(heat, offsets, SAME, 0.5)
    assert min(x for x, _ in plate.corners) == 0.0


def test_a_flood_of_peaks_is_bounded() -> None:
    """Noise cannot make one frame cost more than a crowded one."""
    heat, offsets = maps()
    for row in range(0, 36, 2):
        for column in range(0, 60, 3):
            put(heat, offsets, (row, column), 0.9, FLAT * 0.3)
    assert len(decode(heat, offsets, SAME, 0.5)) == MOST_PLATES


@given(seed=st.integers(0, 2**32 - 1))
def test_any_output_of_a_network_decodes(seed: int) -> None:
    """Whatever the maps hold, plates lie in the frame, in order, and never twice in one place."""
    rng = np.random.default_rng(seed)
    heat = rng.random((1, 1, 9, 12)).astype(np.float32)
    offsets = rng.normal(0, 30, (1, 8, 9, 12)).astype(np.float32)
    offsets[rng.random(offsets.shape) < 0.01] = np.inf
    plates = decode(heat, offsets, Placement(1.0, 1.0, 0, 0, 96, 72), 0.3)
    scores = [p.score for p in plates]
    assert scores == sorted(scores, reverse=True)
    for plate in plates:
        assert all(0 <= x <= 96 and 0 <= y <= 72 for x, y in plate.corners)
