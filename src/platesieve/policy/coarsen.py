"""Coarser values: what the finer one was can no longer be told from them.

Spans are counted from 1970-01-01 UTC and cells from latitude and longitude zero, so that all devices share them
and two coarse values never overlap partly.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from platesieve.domain.instant import NS_PER_S
from platesieve.domain.plate import is_region

if TYPE_CHECKING:
    from platesieve.policy.actions import ToCell

METRES_PER_DEGREE = 111_320.0  # of latitude; of longitude at the equator (WGS 84, rounded)
_MIN_COSINE = 0.01  # at the poles a cell would wrap around the globe
_LAST_S = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second with four digits for the year


def timestamp(wall_ns: int) -> str:
    """Return RFC 3339, UTC, milliseconds; what no clock should say is held within the years 1970 to 9999."""
    seconds = min(max(wall_ns // NS_PER_S, 0), _LAST_S)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{wall_ns % NS_PER_S // 1_000_000:03d}Z"


def whole_second(wall_ns: int) -> str:
    """Return RFC 3339, UTC, whole seconds rounded down."""
    return timestamp(wall_ns)[:19] + "Z"


def floor_to(wall_ns: int, period_s: int) -> int:
    """Return the beginning of the period that a moment lies in."""
    return wall_ns - wall_ns % (period_s * NS_PER_S)


def cell_centre(latitude_deg: float, longitude_deg: float, cell: ToCell) -> tuple[float, float]:
    """Return latitude and longitude of the centre of the cell that a place lies in, degrees.

    A cell in metres is as high as it says; its width in degrees follows from the latitude of its own centre, not
    of the place, so that the grid gives nothing away.
    """
    high = cell.size if cell.unit == "deg" else cell.size / METRES_PER_DEGREE
    latitude = _centre(latitude_deg, high, 90.0)
    cosine = max(math.cos(math.radians(latitude)), _MIN_COSINE)
    wide = cell.size if cell.unit == "deg" else high / cosine
    return round(latitude, 6), round(_centre(longitude_deg, wide, 180.0), 6)


def round_down(number: float, step: float) -> float:
    """Return the largest multiple of a step that is not above a number."""
    # The tiny share keeps 0.3 / 0.1 = 2.999... from losing a step; 9 digits take away what binary adds.
    return round(math.floor(number / step + 1e-9) * step, 9)


def country_of(region: str) -> str | None:
    """Return the country of a region such as US-MN, or of a country such as US; None for text of any other form."""
    return region[:2].upper() if region.isascii() and is_region(region.upper()) else None


def _centre(degrees: float, size: float, bound: float) -> float:
    return max(-bound, min(bound, (math.floor(degrees / size) + 0.5) * size))
