"""The looks of Australia, India and the Gulf, and the square plates of motorcycles and lorries anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.datasets.plates.fittings import put_border, put_frame, put_squiggle
from models.datasets.plates.sheet import new_sheet, stamp
from models.datasets.plates.writing import set_rows, set_serial, set_word, shelf

if TYPE_CHECKING:
    from models.datasets.plates.sheet import Sheet


def draw_au(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw an Australian or New Zealand plate: the state above or below the serial."""
    sheet = new_sheet(rng, float(rng.uniform(2.65, 2.9)) if rng.random() < 0.7 else 3.7, dark_ground=0.2, busy=0.1)
    width, height = sheet.size
    at_top = rng.random() < 0.3
    high = height * float(rng.uniform(0.5, 0.66))
    set_serial(
        rng,
        sheet,
        shelf().pick(rng, 0.3, region.get("face")),
        serial,
        (width * 0.04, height * (0.28 if at_top else 0.1), width * 0.92, high),
        fill=(0.85, 1.0),
        squeeze=(0.9, 1.2),
    )
    set_word(
        rng,
        sheet,
        str(rng.choice(region.get("names", ["NSW"]))),
        (width * 0.15, height * (0.04 if at_top else 0.8), width * 0.7, height * 0.15),
        sheet.ink,
    )
    put_border(rng, sheet, 0.6)
    return put_frame(rng, sheet) if rng.random() < 0.2 else sheet


def draw_in(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> Sheet:
    """Draw an Indian or Pakistani plate, of one row or two, mostly in faces from files."""
    two = "/" in serial
    sheet = new_sheet(
        rng, float(rng.uniform(1.3, 2.4)) if two else float(rng.uniform(2.8, 4.6)), dark_ground=0.12, busy=0.05
    )
    width, height = sheet.size
    band = 0.0
    if rng.random() < 0.35:
        band = width * 0.08
        if rng.random() < 0.5:
            stamp(sheet, np.full((height, round(band)), 255, np.uint8), 0, 0, float(rng.uniform(20, 160)))
        set_word(
            rng,
            sheet,
            str(rng.choice(["IND", "PK", "IND", "VN"])),
            (band * 0.1, height * 0.6, band * 0.8, height * 0.25),
            sheet.ink,
        )
    low = 0.0
    if rng.random() < 0.25:
        low = height * 0.15
        set_word(
            rng,
            sheet,
            str(rng.choice(["ISLAMABAD", "SINDH", "PUNJAB", "KARNATAKA", "GOVT OF", "12.19"])),
            (width * 0.25, height * 0.84, width * 0.5, low * 0.8),
            sheet.ink,
        )
    share = 0.9 if two else float(rng.uniform(0.55, 0.8))
    high = (height - low) * share
    set_rows(
        rng, sheet, serial, (band + width * 0.03, (height - low - high) / 2, width - band - width * 0.06, high), 0.65
    )
    put_border(rng, sheet, 0.5)
    return put_frame(rng, sheet) if rng.random() < 0.15 else sheet


def draw_square(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw a nearly square plate of two rows, as on motorcycles, lorries and imported cars."""
    sheet = new_sheet(rng, float(rng.uniform(1.0, 1.9)), dark_ground=0.15, busy=0.1)
    width, height = sheet.size
    band = 0.0
    if rng.random() < 0.35:
        band = width * 0.12
        stamp(
            sheet,
            np.full((round(height * float(rng.choice([0.5, 1.0]))), round(band)), 255, np.uint8),
            0,
            0,
            float(rng.uniform(20, 150)),
        )
    elif rng.random() < 0.3:
        set_word(
            rng,
            sheet,
            str(rng.choice(["CALIFORNIA", "TEXAS", "SP-SAO PAULO", "BRASIL", "VICTORIA"])),
            (width * 0.2, 2, width * 0.6, height * 0.1),
            sheet.ink,
        )
    area = (band + width * 0.03, height * 0.1, width - band - width * 0.06, height * 0.84)
    set_rows(rng, sheet, serial, area, 0.35, region.get("face"))
    put_border(rng, sheet, 0.5)
    return put_frame(rng, sheet) if rng.random() < 0.2 else sheet


def draw_gulf(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> Sheet:
    """Draw a Gulf plate: Latin serial beside or below a script the reader does not read."""
    if "/" in serial:
        return draw_square(rng, serial, _region)
    wide = rng.random() < 0.6
    sheet = new_sheet(
        rng, float(rng.uniform(4.0, 4.8)) if wide else float(rng.uniform(1.9, 2.3)), dark_ground=0.08, busy=0.05
    )
    width, height = sheet.size
    if wide:
        left = width * float(rng.choice([0.02, 0.25]))
        put_squiggle(
            rng, sheet, (width * (0.03 if left > width * 0.1 else 0.78), height * 0.2, width * 0.18, height * 0.6)
        )
        set_rows(rng, sheet, serial, (left, height * 0.16, width * 0.73, height * 0.7), 0.4)
    else:
        put_squiggle(rng, sheet, (width * 0.2, height * 0.06, width * 0.6, height * 0.3))
        set_rows(rng, sheet, serial, (width * 0.05, height * 0.42, width * 0.9, height * 0.5), 0.4)
    put_border(rng, sheet, 0.6)
    return sheet
