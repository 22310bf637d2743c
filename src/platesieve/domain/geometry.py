"""Where a plate is: corners and boxes, in pixels of the frame, x to the right and y down."""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle: left, top, width and height in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Return the area in square pixels; an empty box has 0."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def centre(self) -> Point:
        """Return the middle of the box."""
        return self.x + self.width / 2, self.y + self.height / 2

    def iou(self, other: Box) -> float:
        """Return intersection over union with another box, 0..1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(wide, 0.0) * max(high, 0.0)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that looks like a plate.

    Attributes:
        corners: clockwise from the plate's own top left.
        score: of the detector, 0..1.
        faint: the score alone is too low to count: it is a plate only if a plate can be read in it.
    """

    corners: Corners
    score: float
    faint: bool = False

    @property
    def box(self) -> Box:
        """Return the upright box around the corners."""
        xs = [x for x, _ in self.corners]
        ys = [y for _, y in self.corners]
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
