"""One image and when it was taken: the only type that holds pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame:
    """The luma plane of one image with its sensor timestamp and number.

    Colour is dropped at the camera: nothing behind it can name the colour of a car.

    Attributes:
        luma: H x W, uint8, brightness; rows may be a view into the camera's own buffer.
        number: counts up by one for each frame that the camera delivered, dropped ones included.
        wall_ns: when the exposure ended, nanoseconds since the Unix epoch.
        monotonic_ns: the same instant on the monotonic clock; intervals are measured on this one.
    """

    luma: NDArray[np.uint8]
    number: int
    wall_ns: int
    monotonic_ns: int

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return int(self.luma.shape[0])

    def __repr__(self) -> str:
        return f"Frame({self.width}x{self.height}, number={self.number})"
