"""How blurred a picture is, without another one to compare it with.

Crete, Dolmiere, Ladret, Nicolas: The Blur Effect: Perception and Estimation with a New No-Reference Perceptual Blur
Metric, SPIE 6492 (2007): a picture that is sharp loses much of its variation when it is blurred, a blurred one little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WINDOW_PX: Final = 9  # length of the blur that the picture is compared with


def blur(luma: NDArray[np.uint8]) -> float:
    """Return 0 for a sharp picture to 1 for one without any edge, the worse of the two directions.

    Args:
        luma: H x W, uint8, larger than 10 x 10 pixels.
    """
    picture = luma.astype(np.float32)
    return max(_along(picture), _along(picture.T))


def _along(picture: NDArray[np.float32]) -> float:
    total = np.cumsum(picture, axis=1, dtype=np.float64)
    blurred = ((total[:, _WINDOW_PX:] - total[:, :-_WINDOW_PX]) / _WINDOW_PX).astype(np.float32)
    start = _WINDOW_PX // 2 + 1
    kept = picture[:, start : start + blurred.shape[1]]
    variation, after = np.abs(np.diff(kept, axis=1)), np.abs(np.diff(blurred, axis=1))
    whole = float(variation.sum())
    return 1.0 if whole == 0 else 1.0 - float(np.maximum(variation - after, 0).sum()) / whole
