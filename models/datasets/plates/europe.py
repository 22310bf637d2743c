"""The looks of the European Union and of Great Britain: bands, stars, country marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.plates.fittings import put_bolts, put_border, put_frame
from models.datasets.plates.sheet import new_sheet, stamp
from models.datasets.plates.writing import set_serial, set_word, shelf

if TYPE_CHECKING:
    from models.datasets.plates.sheet import Sheet

SECOND_BAND = ("F", "I")
"""Marks of countries whose plates have a band at the right as well, with the number of a department or a year."""
PLAIN_MARKS = ("D", "PL", "RO", "NL", "F")
MAKERS = ("MOTORS LTD 01234", "www.garage.co.uk", "BS AU 145d", "Halls", "ZU ZW")


def draw_eu(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw a long European plate: blue band with stars and country mark, sometimes a second band."""
    sheet = new_sheet(rng, float(rng.uniform(4.4, 4.9)), dark_ground=0.06, busy=0.04)
    width, height = sheet.size
    mark = region.get("mark")
    band = _blue_band(rng, sheet, str(mark or rng.choice(PLAIN_MARKS))) if rng.random() < 0.75 else 0.0
    right = _second_band(rng, sheet) if mark in SECOND_BAND and rng.random() < 0.7 else 0.0
    high = height * float(rng.uniform(0.62, 0.78))
    top = (height - high) / 2 + float(rng.normal(0, 1.5))
    area = (band + width * 0.02, top, width - band - right - width * 0.04, high)
    font = shelf().pick(rng, 0.35, region.get("face"))
    set_serial(rng, sheet, font, serial, area, fill=(0.85, 1.0), squeeze=(0.85, 1.35))
    put_border(rng, sheet, 0.6)
    if rng.random() < 0.25:
        put_bolts(rng, sheet, [(0.25, 0.5), (0.8, 0.5)] if rng.random() < 0.3 else [(0.12, 0.1), (0.88, 0.1)])
    return put_frame(rng, sheet) if rng.random() < 0.45 else sheet


def _blue_band(rng: np.random.Generator, sheet: Sheet, mark: str) -> float:
    """Paint the band at the left, stars above the country's mark (Regulation (EC) 2411/98); return its width in px."""
    width, height = sheet.size
    band = width * float(rng.uniform(0.075, 0.11))
    stamp(sheet, np.full((height, round(band)), 255, np.uint8), 0, 0, float(rng.uniform(15, 150)))
    light = float(rng.uniform(150, 255))
    if rng.random() < 0.8:
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            spot = (round(band / 2 + np.cos(angle) * band * 0.3), round(height * 0.3 + np.sin(angle) * band * 0.3))
            cv2.circle(sheet.luma, spot, 1, light, -1)
    set_word(rng, sheet, mark, (band * 0.15, height * 0.6, band * 0.7, height * 0.3), light)
    return band


def _second_band(rng: np.random.Generator, sheet: Sheet) -> float:
    """Paint the band at the right with its number; return its width in px."""
    width, height = sheet.size
    band = width * 0.08
    stamp(sheet, np.full((height, round(band)), 255, np.uint8), width - band, 0, float(rng.uniform(15, 150)))
    box = (width - band * 0.8, height * 0.6, band * 0.6, height * 0.3)
    set_word(rng, sheet, f"{rng.integers(1, 96):02d}", box, 240.0)
    return band


def draw_uk(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw a British plate, front or rear, with the maker's name below the serial."""
    sheet = new_sheet(rng, float(rng.uniform(4.3, 4.8)), dark_ground=0.12, busy=0.03)
    width, height = sheet.size
    band = 0.0
    if region.get("mark") and rng.random() < 0.35:
        band = width * 0.09
        stamp(sheet, np.full((height, round(band)), 255, np.uint8), 0, 0, float(rng.uniform(20, 130)))
        mark = str(rng.choice(["GB", "UK", "ENG", "SCO", "CYM"]))
        set_word(rng, sheet, mark, (band * 0.15, height * 0.6, band * 0.7, height * 0.25), 230.0)
    high = height * float(rng.uniform(0.66, 0.82))
    area = (band + width * 0.02, (height - high) / 2 - 2, width * 0.96 - band, high)
    font = shelf().pick(rng, 0.4, region.get("face"))
    set_serial(rng, sheet, font, serial, area, fill=(0.8, 1.0), squeeze=(0.85, 1.25))
    if rng.random() < 0.4:
        maker = str(rng.choice(MAKERS))
        set_word(rng, sheet, maker, (width * 0.3, height * 0.9, width * 0.4, height * 0.09), sheet.ink)
    put_border(rng, sheet, 0.35)
    return put_frame(rng, sheet) if rng.random() < 0.2 else sheet
