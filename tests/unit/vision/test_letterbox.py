"""Letterboxing: what goes in comes back, whatever the shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.vision.letterbox import LUMA_PER_UNIT, PADDING_LUMA, letterbox, normalise


def frame(width: int, height: int, luma: int = 200) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return an even picture."""
    return np.full((height, width), luma, np.uint8)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (480, 288), (100, 60), (3, 2000)])
def test_the_input_has_the_asked_size(width: int, height: int) -> None:
    """Every frame fits, and nothing is cut off."""
    pixels, placement = letterbox(frame(width, height), 480, 288)
    assert pixels.shape == (1, 1, 288, 480)
    assert pixels.dtype == np.float32
    assert placement.left >= 0
    assert placement.top >= 0


def test_bars_are_zero_and_the_picture_is_not() -> None:
    """The bars look to the network like nothing at all."""
    pixels, placement = letterbox(frame(1280, 720), 480, 288)
    assert placement.top == 9
    assert np.all(pixels[0, 0, :9] == 0)
    assert np.allclose(pixels[0, 0, 9:279], (200 - PADDING_LUMA) / LUMA_PER_UNIT)
    assert np.all(pixels[0, 0, 279:] == 0)


def test_normalising_is_a_fixed_map() -> None:
    """The same luma gives the same number whatever surrounds it."""
    assert normalise(np.array([[0, 255]], np.uint8))[0, 0] == normalise(np.array([[0, 0]], np.uint8))[0, 1]


@given(
    width=st.integers(16, 700),
    height=st.integers(16, 700),
    across=st.floats(0, 1),
    down=st.floats(0, 1),
)
def test_a_point_comes_back(width: int, height: int, across: float, down: float) -> None:
    """To the input and back is the same point of the frame."""
    _, placement = letterbox(np.zeros((height, width), np.uint8), 320, 192)
    x, y = placement.to_frame(*placement.to_input(across * width, down * height))
    assert x == pytest.approx(across * width, abs=1e-6 * width)
    assert y == pytest.approx(down * height, abs=1e-6 * height)


def test_points_in_the_bars_are_clipped_to_the_frame() -> None:
    """A corner that the network puts beside the picture comes back on its edge."""
    _, placement = letterbox(frame(1280, 720), 480, 288)
    assert placement.to_frame(-50.0, 0.0) == (0.0, 0.0)
    assert placement.to_frame(600.0, 300.0) == (1280.0, 720.0)


def test_shrinking_averages() -> None:
    """A fine grid becomes even grey instead of a moire."""
    grid = np.zeros((720, 1280), np.uint8)
    grid[:, ::2] = 255
    pixels, _ = letterbox(grid, 320, 192)
    picture = pixels[0, 0, 6:186]
    assert float(picture.std()) < 0.02
