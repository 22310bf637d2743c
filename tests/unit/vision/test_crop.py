"""Pictures of a read: the plate whole, the vehicle without the street, no other plate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from platesieve.domain.geometry import Box, Detection
from platesieve.vision.crop import HIDDEN_LUMA, LARGEST_SHARE, LONGEST_SIDE_PX, crops_of, vehicle_box
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from platesieve.domain.crop import Crop


def detection(x: float, y: float, width: float, height: float) -> Detection:
    """Return an upright plate."""
    return Detection(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), 0.9)


def pixels(crop: Crop) -> NDArray[Any]:
    """Decode a picture."""
    return np.asarray(cv2.imdecode(np.frombuffer(crop.reveal(), np.uint8), cv2.IMREAD_UNCHANGED))


def frame(width: int = 1280, height: int = 720) -> Frame:
    """Return a dark frame with a white plate at (600, 400), 100 x 20, and another at (760, 400)."""
    luma = np.full((height, width), 30, np.uint8)
    luma[400:420, 600:700] = 250
    luma[400:420, 760:860] = 250
    return Frame(luma, 0, 0, 0)


def test_the_plate_is_shown_whole_with_a_margin() -> None:
    """Bright inside, dark at the rim."""
    plate = pixels(crops_of(frame(), detection(600, 400, 100, 20)).plate)

    assert plate.shape == (26, 130)
    assert plate[13, 65] > 240
    assert plate[0, 0] < 50


def test_the_scene_shows_the_vehicle_and_no_colour() -> None:
    """A plane of luma, with the plate in its lower half."""
    scene = pixels(crops_of(frame(), detection(600, 400, 100, 20)).scene)

    assert scene.ndim == 2
    assert scene.shape[1] == 540
    assert max(scene.shape) <= LONGEST_SIDE_PX


def test_other_plates_are_greyed_out() -> None:
    """A picture disclosed for one vehicle shows no other's plate; the control shows it."""
    mine, other = detection(600, 400, 100, 20), detection(760, 400, 100, 20)
    shown = pixels(crops_of(frame(), mine).scene)
    hidden = pixels(crops_of(frame(), mine, [mine, other]).scene)

    assert (shown > 200).sum() > 1.5 * (hidden > 200).sum()
    assert (hidden > 200).sum() > 1500
    assert (abs(hidden.astype(int) - HIDDEN_LUMA) < 8).sum() > 1500


@pytest.mark.parametrize(
    "plate", [Box(0, 0, 640, 480), Box(-50, -20, 100, 30), Box(600, 470, 200, 90), Box(320, 240, 0.1, 0.1)]
)
def test_a_scene_is_never_the_whole_frame_nor_empty(plate: Box) -> None:
    """However large the plate is and wherever it lies."""
    left, top, right, bottom = vehicle_box(plate, 640, 480)

    assert 0 <= left < right <= 640
    assert 0 <= top < bottom <= 480
    assert right - left <= LARGEST_SHARE * 640 + 2
    assert bottom - top <= LARGEST_SHARE * 480 + 2


def test_a_plate_at_the_edge_gives_pictures_too() -> None:
    """Corners may lie outside the frame."""
    crops = crops_of(frame(), detection(1260, 710, 100, 20))

    assert pixels(crops.plate).size > 0
    assert pixels(crops.scene).size > 0
