"""Whether a place lies in a polygon."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.settings import Polygon

_ON_THE_LINE_DEG2 = 1e-12  # twice the area of the triangle that a place forms with an edge it lies on, square degrees


def inside(polygon: Polygon, latitude_deg: float, longitude_deg: float) -> bool:
    """Return whether a place lies in a polygon or on its edge.

    Even-odd rule along the parallel of the place. Edges are straight in degrees, which over the size of a block or a
    park differs from a line on the ground by less than a centimetre; a polygon may not cross the date line.

    Args:
        polygon: corners as (latitude, longitude), in either direction, closed or not.
        latitude_deg: of the place, WGS 84.
        longitude_deg: of the place, WGS 84.
    """
    crossings = 0
    for (y1, x1), (y2, x2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        across = (x2 - x1) * (latitude_deg - y1) - (longitude_deg - x1) * (y2 - y1)
        in_box = min(x1, x2) <= longitude_deg <= max(x1, x2) and min(y1, y2) <= latitude_deg <= max(y1, y2)
        if in_box and abs(across) <= _ON_THE_LINE_DEG2:
            return True
        if (y1 > latitude_deg) != (y2 > latitude_deg):
            crossings += longitude_deg < x1 + (latitude_deg - y1) / (y2 - y1) * (x2 - x1)
    return crossings % 2 == 1
