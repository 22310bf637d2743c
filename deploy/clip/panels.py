"""Paint the panels of a vehicle: front, bonnet, windscreen, roof, side and side windows, each a flat BGRA picture."""

# ruff: noqa: INP001 - run beside draw.py; numbers of a drawing are literals
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Colour = tuple[float, float, float]
_PX: Final = 420  # pixels of a panel's picture per metre


@dataclass(frozen=True, slots=True)
class Shape:
    """Proportions of a kind of vehicle, metres."""

    width: float = 1.80
    nose: float = 0.80  # height of the front edge of the bonnet
    bonnet: float = 1.15  # its length
    cowl: float = 0.98  # height where the windscreen begins
    screen: float = 0.85  # how far the windscreen leans back
    roof: float = 1.46
    cabin: float = 1.9  # length of the roof
    taper: float = 0.20  # how much narrower the roof is at each side
    length: float = 4.35
    plate_height: float = 0.46


HATCHBACK: Final = Shape(length=3.95, cabin=1.7)
SALOON: Final = Shape(width=1.84, nose=0.76, bonnet=1.30, roof=1.43, cabin=1.5, length=4.7)
SUV: Final = Shape(width=1.90, nose=0.98, bonnet=1.15, cowl=1.14, roof=1.70, cabin=2.3, length=4.6, plate_height=0.58)
VAN: Final = Shape(
    width=1.98,
    nose=1.08,
    bonnet=0.62,
    cowl=1.28,
    screen=0.72,
    roof=2.25,
    cabin=3.3,
    taper=0.10,
    length=5.2,
    plate_height=0.50,
)


@dataclass(frozen=True, slots=True, eq=False)
class Vehicle:
    """Painted panels of one vehicle, and its plate."""

    shape: Shape
    front: NDArray[np.uint8]
    bonnet: NDArray[np.uint8]
    screen: NDArray[np.uint8]
    roof: NDArray[np.uint8]
    side: NDArray[np.uint8]
    glasshouse: NDArray[np.uint8]
    plate: NDArray[np.uint8]
    plate_size_m: tuple[float, float]


def paint_vehicle(
    shape: Shape,
    colour: Colour,
    plate: NDArray[np.uint8],
    plate_size_m: tuple[float, float],
    *,
    style: int,
    driver: bool,
) -> Vehicle:
    """Paint the panels of a vehicle; `style` changes lamps and grille, a parked one has no driver."""
    return Vehicle(
        shape,
        _paint_front(shape, colour, style),
        _paint_bonnet(shape, colour),
        _paint_screen(shape, colour, driver=driver),
        _panel(shape.width - 2 * shape.taper, shape.cabin, _scaled(colour, 1.10), (1.12, 0.92)),
        _paint_side(shape, colour),
        _paint_glasshouse(shape, colour),
        cv2.cvtColor(plate, cv2.COLOR_BGR2BGRA).astype(np.uint8),
        plate_size_m,
    )


def _scaled(colour: Colour, factor: float) -> Colour:
    return (min(colour[0] * factor, 255), min(colour[1] * factor, 255), min(colour[2] * factor, 255))


def _panel(width: float, height: float, colour: Colour, shade: tuple[float, float]) -> NDArray[np.uint8]:
    """Return a plain panel, shaded from top to bottom."""
    wide, high = max(round(width * _PX), 8), max(round(height * _PX), 8)
    ramp = np.linspace(shade[0], shade[1], high, dtype=np.float32)[:, None, None]
    picture = np.full((high, wide, 4), 255, np.uint8)
    picture[..., :3] = np.clip(np.asarray(colour, np.float32) * ramp, 0, 255)
    return picture


def _round_off(picture: NDArray[np.uint8], points: list[tuple[float, float]]) -> None:
    """Cut the outline out: points in shares of width and height."""
    high, wide = picture.shape[:2]
    mask = np.zeros((high, wide), np.uint8)
    outline = np.asarray([(x * wide * 16, y * high * 16) for x, y in points], np.int32)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), wide * 0.012)
    picture[..., 3] = np.clip((soft.astype(np.float32) - 96) * 4, 0, 255).astype(np.uint8)


def _mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return points + [(1 - x, y) for x, y in reversed(points)]


def _polygon(picture: NDArray[np.uint8], points: list[tuple[float, float]], colour: Colour) -> None:
    high, wide = picture.shape[:2]
    outline = np.asarray([(x * wide * 16, y * high * 16) for x, y in points], np.int32)
    cv2.fillPoly(picture, [outline], (*colour, 255), cv2.LINE_AA, 4)


def _paint_front(shape: Shape, colour: Colour, style: int) -> NDArray[np.uint8]:
    picture = _panel(shape.width, shape.nose - 0.17, colour, (1.02, 0.66))
    high, wide = picture.shape[:2]
    dark: Colour = (26, 25, 25)
    grille_low = (0.34, 0.40, 0.30)[style % 3]
    _polygon(picture, _mirrored([(0.27, 0.10), (0.31, grille_low)]), dark)
    for i in range(4):
        level = round(high * (0.13 + (grille_low - 0.15) * i / 3))
        cv2.line(picture, (round(wide * 0.30), level), (round(wide * 0.70), level), (92, 92, 94, 255), 3, cv2.LINE_AA)
    cv2.circle(
        picture,
        (wide // 2, round(high * (0.06 + grille_low / 2))),
        round(high * 0.075),
        (206, 206, 208, 255),
        -1,
        cv2.LINE_AA,
    )
    cv2.circle(
        picture,
        (wide // 2, round(high * (0.06 + grille_low / 2))),
        round(high * 0.05),
        (70, 66, 64, 255),
        -1,
        cv2.LINE_AA,
    )
    _polygon(picture, _mirrored([(0.13, 0.86), (0.16, 0.68), (0.30, 0.66)]), dark)  # lower intake, behind the plate
    _polygon(picture, _mirrored([(0.04, 0.93), (0.05, 0.99), (0.3, 1.0)]), (38, 38, 38))
    seam = [(0.0, 0.47), (0.2, 0.49), (0.5, 0.495), (0.8, 0.49), (1.0, 0.47)]
    line = np.asarray([(x * wide, y * high) for x, y in seam], np.int32)
    cv2.polylines(picture, [line], False, (*_scaled(colour, 0.45), 255), 2, cv2.LINE_AA)
    for side in (0, 1):
        _paint_lamp(picture, side, style)
        spot = (round(wide * abs(side - 0.095)), round(high * 0.76))
        cv2.circle(picture, spot, round(high * 0.06), (60, 58, 56, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, spot, round(high * 0.042), (196, 200, 204, 255), -1, cv2.LINE_AA)
    _round_off(picture, _mirrored([(0.012, 0.0), (0.0, 0.06), (0.0, 0.80), (0.03, 0.97), (0.10, 1.0)]))
    return picture


def _paint_lamp(picture: NDArray[np.uint8], side: int, style: int) -> None:
    outline = [
        [(0.03, 0.14), (0.24, 0.11), (0.255, 0.30), (0.10, 0.36), (0.025, 0.31)],
        [(0.025, 0.10), (0.22, 0.16), (0.25, 0.28), (0.06, 0.30)],
        [(0.04, 0.10), (0.20, 0.08), (0.235, 0.20), (0.20, 0.36), (0.06, 0.37)],
    ][style % 3]
    points = [(abs(side - x), y) for x, y in outline]
    high, wide = picture.shape[:2]
    _polygon(picture, points, (88, 84, 80))
    middle = np.mean(points, axis=0)
    _polygon(picture, [tuple((np.asarray(p) - middle) * 0.86 + middle) for p in points], (214, 210, 204))
    spot = (round(middle[0] * wide), round(middle[1] * high))
    cv2.circle(picture, spot, round(high * 0.085), (150, 146, 140, 255), -1, cv2.LINE_AA)
    cv2.circle(picture, spot, round(high * 0.060), (246, 246, 244, 255), -1, cv2.LINE_AA)


def _paint_bonnet(shape: Shape, colour: Colour) -> NDArray[np.uint8]:
    picture = _panel(shape.width, shape.bonnet, _scaled(colour, 1.12), (0.90, 1.10))
    high, wide = picture.shape[:2]
    gloss = (
        np.exp(-(((np.linspace(0, 1, wide) - 0.38) / 0.16) ** 2))[None, :, None]
        * np.linspace(44, 14, high)[:, None, None]
    )
    picture[..., :3] = np.clip(picture[..., :3] + gloss, 0, 255).astype(np.uint8)
    for x0, x1 in ((0.20, 0.27), (0.80, 0.73)):
        cv2.line(
            picture, (round(wide * x0), 0), (round(wide * x1), high), (*_scaled(colour, 0.78), 255), 3, cv2.LINE_AA
        )
    cv2.line(picture, (0, high - 5), (wide, high - 5), (*_scaled(colour, 0.5), 255), 4, cv2.LINE_AA)
    picture[: round(high * 0.07), :, :3] = (30, 30, 30)  # the gap with the wipers
    return picture


def _paint_screen(shape: Shape, colour: Colour, *, driver: bool) -> NDArray[np.uint8]:
    picture = _panel(
        shape.width, float(np.hypot(shape.screen, shape.roof - shape.cowl)), _scaled(colour, 0.92), (1.1, 0.9)
    )
    high, wide = picture.shape[:2]
    glass = _mirrored([(0.055, 0.08), (0.035, 0.97)])
    _polygon(picture, glass, (46, 40, 36))
    for x in (0.30, 0.70):  # seats and head rests
        _polygon(picture, [(x - 0.11, 0.98), (x - 0.09, 0.55), (x + 0.09, 0.55), (x + 0.11, 0.98)], (34, 30, 28))
        cv2.ellipse(
            picture,
            (round(wide * x), round(high * 0.44)),
            (round(wide * 0.05), round(high * 0.10)),
            0,
            0,
            360,
            (34, 30, 28, 255),
            -1,
            cv2.LINE_AA,
        )
    if driver:
        cv2.ellipse(
            picture,
            (round(wide * 0.70), round(high * 0.50)),
            (round(wide * 0.048), round(high * 0.15)),
            0,
            0,
            360,
            (62, 78, 104, 255),
            -1,
            cv2.LINE_AA,
        )
    cv2.ellipse(
        picture,
        (round(wide * 0.70), round(high * 0.98)),
        (round(wide * 0.12), round(high * 0.22)),
        0,
        180,
        360,
        (20, 20, 20, 255),
        7,
        cv2.LINE_AA,
    )
    reflection = np.zeros((high, wide), np.float32)
    cv2.fillPoly(reflection, [np.asarray([(0, 0), (wide * 0.62, 0), (wide * 0.30, high), (0, high)], np.int32)], 1.0)
    mask = np.zeros((high, wide), np.uint8)
    cv2.fillPoly(mask, [np.asarray([(x * wide, y * high) for x, y in glass], np.int32)], 255)
    shine = (cv2.GaussianBlur(reflection, (0, 0), wide * 0.02) * 30 + np.linspace(74, 12, high)[:, None]) * (mask / 255)
    picture[..., :3] = np.clip(picture[..., :3] + shine[..., None] * np.asarray([1.04, 1.0, 0.95]), 0, 255).astype(
        np.uint8
    )
    _polygon(picture, [(0.465, 0.08), (0.535, 0.08), (0.53, 0.19), (0.47, 0.19)], (20, 20, 20))
    for x0, x1 in ((0.22, 0.50), (0.60, 0.86)):
        cv2.line(
            picture,
            (round(wide * x0), round(high * 0.965)),
            (round(wide * x1), round(high * 0.90)),
            (18, 18, 18, 255),
            4,
            cv2.LINE_AA,
        )
    return picture


def _paint_side(shape: Shape, colour: Colour) -> NDArray[np.uint8]:
    picture = _panel(shape.length, shape.cowl, _scaled(colour, 0.80), (1.0, 0.62))
    high, wide = picture.shape[:2]
    for share in ((shape.bonnet + 0.25) / shape.length, (shape.bonnet + 1.35) / shape.length):
        cv2.line(
            picture, (round(share * wide), 0), (round(share * wide), round(high * 0.8)), (*_scaled(colour, 0.4), 255), 2
        )
    picture[round(high * (1 - 0.20 / shape.cowl)) :, :, 3] = 0  # daylight under the sills
    for middle in (0.78, shape.length - 0.80):
        spot, radius = (round(middle * _PX), round(high - 0.32 * _PX)), round(0.32 * _PX)
        cv2.circle(picture, spot, round(radius * 1.14), (20, 20, 20, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, spot, radius, (32, 32, 32, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, spot, round(radius * 0.64), (168, 168, 170, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, spot, round(radius * 0.20), (70, 70, 70, 255), -1, cv2.LINE_AA)
    slope = round((1 - shape.nose / shape.cowl) * high)
    outline = np.asarray([(0, 0), (shape.bonnet * _PX, 0), (0, slope)], np.int32)
    cv2.fillPoly(picture, [outline], (0, 0, 0, 0))  # above the bonnet's edge there is nothing
    return picture


def _paint_glasshouse(shape: Shape, colour: Colour) -> NDArray[np.uint8]:
    picture = _panel(shape.length - shape.bonnet, shape.roof - shape.cowl, _scaled(colour, 0.84), (1.0, 0.9))
    _polygon(picture, [(0.05, 0.14), (0.36, 0.14), (0.36, 0.92), (0.10, 0.92)], (58, 50, 46))
    _polygon(picture, [(0.40, 0.14), (0.82, 0.14), (0.88, 0.92), (0.40, 0.92)], (58, 50, 46))
    return picture
