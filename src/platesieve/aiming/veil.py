"""The one picture that leaves: small, and every plate in it pixelated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2

from platesieve.domain.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from platesieve.domain.geometry import Detection
    from platesieve.vision.frame import Frame

WIDTH_PX: Final = 320  # what the detector missed is a quarter as wide as in the frame, or less
_SHOWN_PX: Final = 960
_MARGIN: Final = 0.35  # of the plate's width and height, on every side
_BLOCKS: Final = (3, 1)  # what is left of a plate: three grey blocks
_QUALITY: Final = 60


def veiled(frame: Frame, plates: Iterable[Detection]) -> bytes:
    """Return a JPEG of the frame in which no plate can be read.

    Twice: plates that were found are pixelated to three blocks, and the whole picture has a quarter of the resolution
    that reading needs, for those that were not found.
    """
    luma = frame.luma.copy()
    for plate in plates:
        _pixelate(luma, plate)
    height = max(round(frame.height * WIDTH_PX / frame.width), 1)
    small = cv2.resize(luma, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    shown = cv2.resize(small, (_SHOWN_PX, height * _SHOWN_PX // WIDTH_PX), interpolation=cv2.INTER_LINEAR)
    good, data = cv2.imencode(".jpg", shown, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    if not good:
        raise CameraError("the preview could not be encoded", "install opencv-python-headless with JPEG support")
    return data.tobytes()


def _pixelate(luma: NDArray[np.uint8], plate: Detection) -> None:
    box = plate.box
    across, down = _MARGIN * box.width, _MARGIN * box.height
    left, top = max(int(box.x - across), 0), max(int(box.y - down), 0)
    right, bottom = int(box.x + box.width + across) + 1, int(box.y + box.height + down) + 1
    part = luma[top:bottom, left:right]
    if part.size:
        blocks = cv2.resize(part, _BLOCKS, interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(blocks, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST)
