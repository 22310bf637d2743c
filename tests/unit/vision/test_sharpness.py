"""Blur rises with the blur that was put in, and tells a sharp street from one that no plate survives."""

from __future__ import annotations

import cv2
import numpy as np

from platesieve.bootstrap.look import demo_files
from platesieve.checkup.camera import BLURRED
from platesieve.vision.sharpness import blur


def street() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the brightness of one frame of the shipped clip."""
    clip = cv2.VideoCapture(str(demo_files()[0]))
    _, picture = clip.read()
    clip.release()
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def test_blur_rises_with_the_blur_that_was_put_in() -> None:
    """A sharp street is below the limit, one blurred by two pixels above it."""
    sharp = street()
    found = [blur(sharp), *(blur(np.asarray(cv2.GaussianBlur(sharp, (0, 0), px), np.uint8)) for px in (1, 2, 3))]

    assert found == sorted(found)
    assert found[0] < BLURRED - 0.2
    assert found[2] > BLURRED


def test_a_picture_without_an_edge_is_blurred() -> None:
    """A lens cap is no sharp picture."""
    assert blur(np.full((40, 60), 9, np.uint8)) == 1.0
