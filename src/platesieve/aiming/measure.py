"""What an installer wants to know of a picture, as numbers. Pure.

A pinhole camera of focal length f (pixels) sees a plate of real width W (metres) at distance Z as w = f W / Z pixels,
so one plate tells how far away it is, and two sightings of it how far it went (Hartley, Zisserman: Multiple View
Geometry, 2004, ch. 6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from platesieve.domain.geometry import Corners, Detection

EU_PLATE_M: Final = 0.520  # Vienna Convention states: 520 x 110 mm
US_PLATE_M: Final = 0.305  # North America: 12 x 6 inches
READS_WANTED: Final = 3  # a vote of two that agree, and one to spare
NS_PER_S: Final = 1_000_000_000
_BETWEEN_SHAPES: Final = 3.2  # EU plates are 4.7 times as wide as high, US ones twice
_QUIET_S: Final = 1.0
_FARTHEST_WIDTHS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A plate in one frame, without its text: when, where (centre), how wide, of which real width."""

    at_ns: int
    x_px: float
    y_px: float
    width_px: float
    real_m: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Pass:
    """One plate followed through the picture."""

    first: Seen
    last: Seen
    frames: int = 1

    @property
    def dwell_s(self) -> float:
        """Return how long it was in view."""
        return (self.last.at_ns - self.first.at_ns) / NS_PER_S

    @property
    def speed_px_s(self) -> float:
        """Return how fast it moved on the picture; 0 where it was seen once."""
        moved = math.dist((self.first.x_px, self.first.y_px), (self.last.x_px, self.last.y_px))
        return moved / self.dwell_s if self.dwell_s > 0 else 0.0


def seen(detection: Detection, at_ns: int) -> Seen:
    """Return what a Detection tells."""
    wide, high = _sides(detection.corners)
    xs, ys = zip(*detection.corners, strict=True)
    real_m = EU_PLATE_M if wide > _BETWEEN_SHAPES * high else US_PLATE_M
    return Seen(at_ns, sum(xs) / 4, sum(ys) / 4, wide, real_m, angle_deg(detection.corners))


def angle_deg(corners: Corners) -> float:
    """Return by how much the plate's upper and lower edge lean, degrees, clockwise positive."""
    top_left, top_right, bottom_right, bottom_left = corners
    run = top_right[0] - top_left[0] + bottom_right[0] - bottom_left[0]
    rise = top_right[1] - top_left[1] + bottom_right[1] - bottom_left[1]
    return math.degrees(math.atan2(rise, run))


def follow(passes: Sequence[Pass], found: Iterable[Seen], now_ns: int) -> tuple[tuple[Pass, ...], tuple[Pass, ...]]:
    """Return the passes that go on and those that are over.

    Each plate goes on the nearest pass within two plate widths; a pass that was not seen for a second is over.
    """
    open_passes = list(passes)
    going: list[Pass] = []
    for one in found:
        near = [each for each in open_passes if _distance(each.last, one) <= _FARTHEST_WIDTHS * one.width_px]
        if near:
            old = min(near, key=lambda each: _distance(each.last, one))
            open_passes.remove(old)
            going.append(replace(old, last=one, frames=old.frames + 1))
        else:
            going.append(Pass(one, one))
    quiet = [each for each in open_passes if now_ns - each.last.at_ns <= _QUIET_S * NS_PER_S]
    over = [each for each in open_passes if now_ns - each.last.at_ns > _QUIET_S * NS_PER_S]
    return (*going, *quiet), tuple(over)


def blur_px(exposure_s: float, speed_px_s: float) -> float:
    """Return over how many pixels a point is smeared: exposure time x speed on the picture."""
    return exposure_s * speed_px_s


def focal_px(width_px: int, field_of_view_deg: float) -> float:
    """Return the focal length of a lens in pixels, from the horizontal angle that it sees."""
    return width_px / (2 * math.tan(math.radians(field_of_view_deg) / 2))


def path_m(one: Pass, frame_px: tuple[int, int], f_px: float) -> float:
    """Return how far the plate went between its first and its last frame, straight, in metres.

    (X, Y, Z) = W / w * (x - cx, y - cy, f): from the width of the plate alone, whatever its direction.
    """
    cx, cy = frame_px[0] / 2, frame_px[1] / 2

    def place(at: Seen) -> tuple[float, float, float]:
        metres_per_px = at.real_m / at.width_px
        return (at.x_px - cx) * metres_per_px, (at.y_px - cy) * metres_per_px, f_px * metres_per_px

    return math.dist(place(one.first), place(one.last))


def good_for_km_h(length_m: float, frames_per_s: float, reads: int = READS_WANTED) -> float:
    """Return the speed up to which a plate is looked at often enough.

    On a readable stretch of L metres a plate at v m/s is in view for L / v seconds, thus in at least
    floor(F L / v) of F frames a second. So at least n reads need v <= F L / n; in km/h that is 3.6 F L / n.

    Args:
        length_m: the stretch on which plates were found, as measured by `path_m`.
        frames_per_s: how often this device looks, as measured.
        reads: how many looks are wanted.
    """
    return 3.6 * frames_per_s * length_m / reads


def _sides(corners: Corners) -> tuple[float, float]:
    """Return mean width and height of the four-sided plate."""
    top_left, top_right, bottom_right, bottom_left = corners
    wide = (math.dist(top_left, top_right) + math.dist(bottom_left, bottom_right)) / 2
    return wide, (math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)) / 2


def _distance(one: Seen, other: Seen) -> float:
    return math.dist((one.x_px, one.y_px), (other.x_px, other.y_px))
