"""Where cameras stand, and a map of it without anybody's tiles: a graticule, a scale bar and dots.

Positions come from a table of the agency (device, latitude, longitude), or from the newest hit whose policy let the
place through. They are shown to 0.001 degrees, about 100 m: enough to find a camera in a list of streets.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from platesieve.collector.records import Stored

WIDTH_PX, HEIGHT_PX = 960.0, 560.0
MARGIN_PX = 90.0
METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km
DECIMALS = 3
_LEAST_SPAN_DEG = 0.01
_STEPS = (1, 2, 5)
_MAX_LINES = 7
_BAR_PX = 160.0


@dataclass(frozen=True, slots=True)
class Place:
    """WGS 84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Dot:
    """One camera on the map, in pixels of the drawing."""

    device: str
    x: float
    y: float
    tone: str
    state: str
    left: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the graticule: where it is, and what is written at its end."""

    at_px: float
    label: str


@dataclass(frozen=True, slots=True)
class Map:
    """A drawing; equirectangular about its own middle, so that a kilometre is as long either way."""

    dots: tuple[Dot, ...]
    meridians: tuple[Line, ...]
    parallels: tuple[Line, ...]
    bar_px: float
    bar_label: str
    width_px: float = WIDTH_PX
    height_px: float = HEIGHT_PX


def read_places(text: str) -> dict[str, Place]:
    """Return the places of a table `device,latitude,longitude`, where a device is `agency/site/device`.

    Raises:
        ConfigError: rows are wrong; each is named by its line.
    """
    places, problems = {}, []
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        if not row or row[0].startswith("#") or row == ["device", "latitude", "longitude"]:
            continue
        place = _place(row[1:])
        if place is None or row[0].count("/") != 2:  # noqa: PLR2004 - agency, site, device
            problems.append(f"line {number} is not device,latitude,longitude")
        else:
            places[row[0].strip()] = place
    if problems:
        raise ConfigError(
            "the table of places is wrong", "write for example: metro-pd/bridge-7/cam-1,44.978,-93.265", tuple(problems)
        )
    return places


def places_told(hits: Iterable[Stored]) -> dict[str, Place]:
    """Return where the newest hit of each camera says that it was, where its policy let the place through in clear."""
    told: dict[str, Place] = {}
    for stored in hits:
        match stored.event.data.get("location"):
            case {"latitude": int() | float() as latitude, "longitude": int() | float() as longitude}:
                place = _place([str(latitude), str(longitude)])
                if place is not None:
                    told.setdefault(stored.event.device, place)
            case _:
                pass
    return told


def draw(places: Mapping[str, Place], tones: Mapping[str, tuple[str, str]]) -> Map | None:
    """Return the map of some cameras, or None where there is nothing to draw.

    Args:
        places: by device.
        tones: by device its colour class and its state in a word.
    """
    if not places:
        return None
    latitudes = [place.latitude for place in places.values()]
    longitudes = [place.longitude for place in places.values()]
    middle = Place(_middle(latitudes), _middle(longitudes))
    shrink = max(math.cos(math.radians(middle.latitude)), 0.01)
    span = max(_span(longitudes) * shrink / (WIDTH_PX - 2 * MARGIN_PX), _span(latitudes) / (HEIGHT_PX - 2 * MARGIN_PX))
    degrees_per_px = max(span, _LEAST_SPAN_DEG / (HEIGHT_PX - 2 * MARGIN_PX))

    def x_of(longitude: float) -> float:
        return WIDTH_PX / 2 + (longitude - middle.longitude) * shrink / degrees_per_px

    def y_of(latitude: float) -> float:
        return HEIGHT_PX / 2 - (latitude - middle.latitude) / degrees_per_px

    dots = [
        Dot(
            device,
            round(x_of(place.longitude), 1),
            round(y_of(place.latitude), 1),
            *tones.get(device, ("", "unknown")),
            left=x_of(place.longitude) > WIDTH_PX * 0.7,
        )
        for device, place in sorted(places.items())
    ]
    half_x, half_y = WIDTH_PX / 2 * degrees_per_px / shrink, HEIGHT_PX / 2 * degrees_per_px
    meridians = [
        Line(round(x_of(at), 1), f"{abs(at):.{d}f}° {'E' if at >= 0 else 'W'}")
        for at, d in _ticks(middle.longitude - half_x, middle.longitude + half_x)
    ]
    parallels = [
        Line(round(y_of(at), 1), f"{abs(at):.{d}f}° {'N' if at >= 0 else 'S'}")
        for at, d in _ticks(middle.latitude - half_y, middle.latitude + half_y)
    ]
    bar_m = _round_down(_BAR_PX * degrees_per_px * METRES_PER_DEGREE)
    label = f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"  # noqa: PLR2004 - metres in a kilometre
    bar_px = bar_m / METRES_PER_DEGREE / degrees_per_px
    return Map(tuple(dots), tuple(meridians), tuple(parallels), round(bar_px, 1), label)


def _place(cells: Sequence[str]) -> Place | None:
    try:
        latitude, longitude = (round(float(cell), DECIMALS) for cell in cells)
    except ValueError:
        return None
    inside = abs(latitude) <= 90 and abs(longitude) <= 180  # noqa: PLR2004 - the globe
    return Place(latitude, longitude) if inside else None


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2


def _span(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _ticks(low: float, high: float) -> list[tuple[float, int]]:
    """Return round values between two, at most seven, each with its number of decimals."""
    exponent = math.floor(math.log10(high - low)) - 1
    step = next(
        factor * 10.0**power
        for power in range(exponent, exponent + 3)
        for factor in _STEPS
        if (high - low) / (factor * 10.0**power) <= _MAX_LINES
    )
    decimals = max(-math.floor(math.log10(step)), 0)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [(number * step, decimals) for number in range(first, last + 1)]


def _round_down(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(factor * power for factor in _STEPS if factor * power <= value)
