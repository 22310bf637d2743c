"""The look of the United States, and of Canada and Mexico: pictures, slogans, stickers, stacked small letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.plates.fittings import put_bolts, put_border, put_frame, put_sticker
from models.datasets.plates.sheet import new_sheet, picture, stamp
from models.datasets.plates.writing import set_line, set_serial, set_word, shelf, write_serial

if TYPE_CHECKING:
    from models.datasets.plates.sheet import Sheet

DARK_SHARE = 0.18
STACKED_SHARE = 0.12
BAND_SHARE = 0.25

Span = tuple[float, float]
"""Left edge and width of what is left for the serial, in pixels."""


def draw_us(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw a plate of a state or province: name, slogan, artwork, stickers, stacked letters that are no serial."""
    dark = float(region.get("dark", DARK_SHARE))
    sheet = new_sheet(rng, float(rng.uniform(1.9, 2.1)), dark_ground=dark, busy=0.4)
    width, height = sheet.size
    high = height * float(rng.uniform(0.4, 0.58))
    rows = (height * float(rng.uniform(0.5, 0.56)) - high / 2, high)
    _ground(rng, sheet, region.get("art"))
    left, room = _beside(rng, sheet, rows, region)
    font = shelf().pick(rng, 0.3, region.get("face"))
    set_serial(rng, sheet, font, serial, (left, rows[0], room, high), fill=(0.8, 1.0), squeeze=(0.85, 1.15))
    _small_print(rng, sheet, region)
    for fx, fy in ((0.03, 0.03), (0.8, 0.03), (0.03, 0.8), (0.8, 0.8)):
        if rng.random() < 0.25:
            size = width * float(rng.uniform(0.1, 0.17)), height * float(rng.uniform(0.12, 0.18))
            put_sticker(rng, sheet, width * fx, height * fy, *size)
    put_bolts(rng, sheet, [(0.2, 0.08), (0.8, 0.08)] + ([(0.2, 0.92), (0.8, 0.92)] if rng.random() < 0.6 else []))
    put_border(rng, sheet, 0.3)
    return put_frame(rng, sheet) if rng.random() < 0.35 else sheet


def _ground(rng: np.random.Generator, sheet: Sheet, art: str | None) -> None:
    """Paint what lies behind the serial: hills or a skyline, bars at the edges, or one bar now and then."""
    width, height = sheet.size
    if art == "horizon" and rng.random() < 0.8:
        _hills(rng, sheet)
    elif art == "bands" or rng.random() < BAND_SHARE:
        both = art == "bands" and rng.random() < 0.5
        places = ("top", "bottom") if both else ("top",) if rng.random() < 0.6 else ("bottom",)
        for place in places:
            band = np.full((round(height * float(rng.uniform(0.1, 0.25))), width), 255, np.uint8)
            y = 0 if place == "top" else height - band.shape[0]
            stamp(sheet, band, 0, y, float(rng.uniform(0, 255)), float(rng.uniform(0.3, 1)))


def _hills(rng: np.random.Generator, sheet: Sheet) -> None:
    """Paint one to three ridges across the plate, the lower the nearer and stronger, and all far from ink."""
    width, height = sheet.size
    contrast = sheet.ink - sheet.ground
    for ridge, crest in enumerate(np.sort(rng.uniform(0.15, 0.75, int(rng.integers(1, 4))))):
        xs = np.linspace(-2, width + 2, int(rng.integers(4, 14)))
        ys = height * (float(crest) + rng.normal(0, 0.1, len(xs)))
        outline = np.stack([np.append(xs, [width + 2, -2]), np.append(ys, [height + 2] * 2)], 1)
        layer = np.zeros((height, width), np.uint8)
        cv2.fillPoly(layer, [outline.astype(np.int32)], 255, cv2.LINE_AA)
        stamp(sheet, layer, 0, 0, sheet.ground + contrast * float(rng.uniform(-0.15, 0.3)), 0.4 + 0.2 * ridge)


def _beside(rng: np.random.Generator, sheet: Sheet, rows: tuple[float, float], region: dict[str, Any]) -> Span:
    """Put a picture or stacked letters beside the serial; return what is left for it."""
    width, _ = sheet.size
    top, high = rows
    art, kind = region.get("art"), rng.random()
    if kind < STACKED_SHARE:
        return _stack(rng, sheet, rows, region.get("face"))
    left_share, right_share = (0.75 if art == "left" else 0.1, 0.04)
    side = rng.random()
    if side < left_share:
        picture(rng, sheet, (width * 0.02, top - 4, width * 0.24, high + 8), float(rng.uniform(0.5, 1.0)))
        return width * 0.27, width * 0.7
    if side < left_share + right_share:
        picture(rng, sheet, (width * 0.76, top - 4, width * 0.2, high + 8), float(rng.uniform(0.5, 1.0)))
        return width * 0.03, width * 0.72
    return width * 0.03, width * 0.94


def _stack(rng: np.random.Generator, sheet: Sheet, rows: tuple[float, float], face: str | None) -> Span:
    """Set small letters one above the other, left or right of the serial: they name a series and are no part of it."""
    width, _ = sheet.size
    top, high = rows
    at_left = rng.random() < 0.5
    stack = write_serial(rng, str(rng.choice(["@@", "@@@", "@#", "##"])))
    font = shelf().pick(rng, 0.3, face)
    step = high / len(stack)
    for k, c in enumerate(stack):
        mask = set_line(rng, font, c, step * 0.8, float(rng.uniform(0.9, 1.3)), 0.1)
        stamp(sheet, mask, width * 0.04 if at_left else width * 0.88, top + k * step, sheet.ink)
    return (width * 0.15 if at_left else width * 0.03), width * 0.82


def _small_print(rng: np.random.Generator, sheet: Sheet, region: dict[str, Any]) -> None:
    """Set the name above and the slogan below the serial."""
    width, height = sheet.size
    level = sheet.ink if rng.random() < 0.7 else float(rng.uniform(0, 255))
    if rng.random() < 0.88:
        name = str(rng.choice(region.get("names", ["STATE"])))
        high = height * float(rng.uniform(0.1, 0.2))
        set_word(rng, sheet, name, (width * 0.22, height * 0.03, width * 0.56, high), level)
    if rng.random() < 0.7:
        slogan = str(rng.choice(region.get("slogans", [""])))
        high = height * float(rng.uniform(0.07, 0.12))
        set_word(rng, sheet, slogan, (width * 0.2, height * 0.86, width * 0.6, high), level)
