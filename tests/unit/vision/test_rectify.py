"""The crop the reader sees: upright, one size, and the same from any frame that shows the same plate."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, normalise, rectify

Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


def _upright(x: float, y: float, w: float, h: float) -> Quad:
    return (x, y), (x + w, y), (x + w, y + h), (x, y + h)


def _pattern(width: int = WIDTH_PX, height: int = HEIGHT_PX) -> np.ndarray:
    ys, xs = np.mgrid[0:height, 0:width]
    return np.asarray(40 + 120 * xs / width + 60 * ys / height, np.uint8)


def test_a_plate_of_the_crops_own_size_comes_out_unchanged() -> None:
    """With no margin, a 160 x 48 box is copied pixel by pixel: no half-pixel shift anywhere."""
    frame = np.full((100, 300), 9, np.uint8)
    frame[20:68, 50:210] = _pattern()
    crop = rectify(frame, _upright(50, 20, 160, 48), (0.0, 0.0))
    assert np.array_equal(crop, _pattern())


def test_the_plates_own_top_left_lands_top_left_however_the_plate_is_turned() -> None:
    """A plate that hangs upside down is read upright, because its corners say so."""
    frame = np.zeros((100, 300), np.uint8)
    frame[20:68, 50:210] = _pattern()[::-1, ::-1]
    (a, b, c, d) = _upright(50, 20, 160, 48)
    assert np.array_equal(rectify(frame, (c, d, a, b), (0.0, 0.0)), _pattern())
    assert not np.array_equal(rectify(frame, (a, b, c, d), (0.0, 0.0)), _pattern())


def test_the_margin_is_added_outside_the_plate() -> None:
    """A quarter of margin at each side leaves the plate two thirds of the crop."""
    frame = np.zeros((200, 400), np.uint8)
    frame[60:120, 100:300] = 255
    crop = rectify(frame, _upright(100, 60, 200, 60), (0.25, 0.25))
    inside = crop > 127
    assert inside[HEIGHT_PX // 2].sum() == pytest.approx(WIDTH_PX / 1.5, abs=1)
    assert inside[:, WIDTH_PX // 2].sum() == pytest.approx(HEIGHT_PX / 1.5, abs=1)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0, 5.0])
def test_near_and_far_plates_give_the_same_crop(scale: float) -> None:
    """The size of a plate in the frame changes its sharpness, not its place or brightness."""
    w, h = round(WIDTH_PX * scale), round(HEIGHT_PX * scale)
    frame = cv2.copyMakeBorder(_pattern(w, h), h, h, w, w, cv2.BORDER_REPLICATE)
    crop = rectify(np.asarray(frame, np.uint8), _upright(w, h, w, h), (0.0, 0.0))
    assert np.abs(crop.astype(int) - _pattern().astype(int)).max() <= 6


def test_a_perspective_view_is_straightened() -> None:
    """A pattern warped onto a slanted quadrilateral comes back."""
    quad: Quad = ((60.0, 40.0), (230.0, 70.0), (225.0, 130.0), (65.0, 95.0))
    flat = np.asarray([(0, 0), (160, 0), (160, 48), (0, 48)], np.float32) - np.float32(0.5)
    onto = cv2.getPerspectiveTransform(flat, np.asarray(quad, np.float32) - np.float32(0.5))
    frame = cv2.warpPerspective(_pattern(), onto, (300, 200), borderMode=cv2.BORDER_REPLICATE)
    crop = rectify(np.asarray(frame, np.uint8), quad, (0.0, 0.0))
    assert np.abs(crop[4:-4, 4:-4].astype(int) - _pattern()[4:-4, 4:-4].astype(int)).max() <= 6


@pytest.mark.parametrize(
    "quad",
    [
        _upright(-30, -20, 80, 40),
        _upright(280, 180, 80, 40),
        _upright(-500, -500, 40, 20),
        _upright(-50, -50, 900, 700),
    ],
    ids=["over_top_left", "over_bottom_right", "outside", "larger_than_the_frame"],
)
def test_corners_outside_the_frame_still_give_a_crop(quad: Quad) -> None:
    """A plate that leaves the picture is cut from what there is."""
    assert rectify(_pattern(300, 200), quad).shape == (HEIGHT_PX, WIDTH_PX)


@pytest.mark.parametrize(
    "quad",
    [_upright(10, 10, 0, 0), _upright(10, 10, 50, 0), _upright(float("nan"), 10, 50, 20)],
    ids=["point", "line", "not_a_number"],
)
def test_corners_without_area_give_a_flat_crop(quad: Quad) -> None:
    """Nothing to read is a flat crop, not an error in the middle of a frame."""
    assert rectify(_pattern(300, 200), quad).std() == 0


def test_a_view_into_a_larger_buffer_is_accepted() -> None:
    """The camera's rows may be padded: the frame is then a view that is not contiguous."""
    buffer = np.zeros((100, 512), np.uint8)
    buffer[20:68, 50:210] = _pattern()
    assert np.array_equal(rectify(buffer[:, :300], _upright(50, 20, 160, 48), (0.0, 0.0)), _pattern())


def test_normalising_removes_exposure() -> None:
    """A brighter and more contrasted copy of a crop becomes nearly the same input."""
    crop = np.asarray(_pattern() // 2, np.uint8)
    dark, bright = normalise(crop), normalise(np.asarray(crop * 2 + 20, np.uint8))
    assert dark.shape == (1, 1, HEIGHT_PX, WIDTH_PX)
    assert dark.dtype == np.float32
    assert abs(float(dark.mean())) < 1e-5
    assert float(np.abs(dark - bright).max()) < 0.35


def test_normalising_keeps_a_flat_crop_flat() -> None:
    """Darkness is not blown up to full contrast: one grey level of noise stays small."""
    rng = np.random.default_rng(1)
    flat = np.asarray(20 + rng.integers(0, 2, (HEIGHT_PX, WIDTH_PX)), np.uint8)
    assert float(np.abs(normalise(flat)).max()) < 0.2
