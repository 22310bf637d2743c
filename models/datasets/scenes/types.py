"""What scenes and crops of them are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One plate of a picture: corners (4, 2) in pixels; `exact` is False where only the upright box is known."""

    corners: NDArray[np.float32]
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One labelled picture in three sizes (full, half, quarter), so that shrinking it does not alias.

    Attributes:
        levels: luma planes, H x W uint8, each half as wide as the one before.
        plates: labelled plates, pixels of the full picture.
        ignore: regions (n, 4) as x, y, width, height that may hold an unlabelled plate.
        source: folder of the data set; name: its picture.
        held_out: True for the share that chooses thresholds and is never trained on.
    """

    levels: tuple[NDArray[np.uint8], ...]
    plates: tuple[Target, ...]
    ignore: NDArray[np.float32]
    source: str
    name: str
    held_out: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A training crop: luma H x W uint8, its plates, and masked boxes (n, 4) as x, y, width, height."""

    luma: NDArray[np.uint8]
    plates: tuple[Target, ...]
    ignore: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A place in a training scene that an earlier model took for a plate: x, y, width, height and its score."""

    source: str
    name: str
    box: tuple[float, float, float, float]
    score: float


class Drawn(Protocol):
    """A drawn plate: luma H x W uint8, seen from the front."""

    @property
    def luma(self) -> NDArray[np.uint8]:
        """Return the picture of the plate."""
        ...
