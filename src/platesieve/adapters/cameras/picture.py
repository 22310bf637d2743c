"""Pictures as bytes to brightness: checked first, then decoded straight to luma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from platesieve.adapters.cameras.opencv_quiet import quieten
from platesieve.adapters.cameras.picture_header import PictureFault, parse_header
from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decode_luma(data: bytes) -> NDArray[np.uint8]:
    """Return the brightness of a picture, H x W, turned upright where its EXIF data says so.

    Raises:
        InputError: it is empty, of another kind, cut short, too large or too small, or the decoder refused it.
    """
    try:
        parse_header(data)
    except PictureFault as fault:
        raise InputError(
            f"the picture {fault}", "use JPEG, PNG, WebP, BMP or TIFF pictures as a camera writes them"
        ) from fault
    quieten()
    try:
        luma = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise InputError("the picture is damaged", "copy or take it again") from error
    if luma is None:
        raise InputError("the picture is damaged", "copy or take it again")
    return np.asarray(luma, np.uint8)
