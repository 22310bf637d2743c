"""The look of the United States, and of Canada and Mexico: pictures, slogans, stickers, stacked small letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.datasets.plates.fittings import put_bolts, put_border, put_frame, put_sticker
from models.datasets.plates.sheet import new_sheet, picture, stamp
from models.datasets.plates.writing import set_line, set_serial, set_word, shelf, write_serial

if TYPE_CHECKING:
    from models.datasets.plates.sheet import Sheet


def draw_us(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw a plate of a state or province: name, slogan, artwork, stickers, stacked letters that are no serial."""
    sheet = new_sheet(rng, float(rng.uniform(1.9, 2.1)), dark_ground=0.18, busy=0.4)
    width, height = sheet.size
    high = height * float(rng.uniform(0.4, 0.58))
    top = height * float(rng.uniform(0.5, 0.56)) - high / 2
    left, room = width * 0.03, width * 0.94
    side = rng.random()
    if side < 0.14:
        picture(rng, sheet, (width * 0.02, top - 4, width * 0.24, high + 8), float(rng.uniform(0.5, 1.0)))
        left, room = width * 0.27, width * 0.7
    elif side < 0.18:
        picture(rng, sheet, (width * 0.76, top - 4, width * 0.2, high + 8), float(rng.uniform(0.5, 1.0)))
        room = width * 0.72
    elif side < 0.28:
        room = width * 0.82
        at_left = rng.random() < 0.5
        stack = write_serial(rng, str(rng.choice(["@@", "@@@", "@#", "##"])))
        font = shelf().pick(rng, 0.3)
        step = high / len(stack)
        for k, c in enumerate(stack):
            mask = set_line(rng, font, c, step * 0.8, float(rng.uniform(0.9, 1.3)), 0.1)
            stamp(sheet, mask, width * 0.04 if at_left else width * 0.88, top + k * step, sheet.ink)
        left = width * 0.15 if at_left else width * 0.03
    if rng.random() < 0.3:
        band = np.full((round(height * float(rng.uniform(0.1, 0.25))), width), 255, np.uint8)
        stamp(
            sheet,
            band,
            0,
            0 if rng.random() < 0.6 else height - band.shape[0],
            float(rng.uniform(0, 255)),
            float(rng.uniform(0.3, 1)),
        )
    font = shelf().pick(rng, 0.3)
    set_serial(rng, sheet, font, serial, (left, top, room, high), fill=(0.8, 1.0), squeeze=(0.85, 1.15))
    small = sheet.ink if rng.random() < 0.7 else float(rng.uniform(0, 255))
    if rng.random() < 0.88:
        set_word(
            rng,
            sheet,
            str(rng.choice(region.get("names", ["STATE"]))),
            (width * 0.22, height * 0.03, width * 0.56, height * float(rng.uniform(0.1, 0.2))),
            small,
        )
    if rng.random() < 0.7:
        set_word(
            rng,
            sheet,
            str(rng.choice(region.get("slogans", [""]))),
            (width * 0.2, height * 0.86, width * 0.6, height * float(rng.uniform(0.07, 0.12))),
            small,
        )
    for fx, fy in ((0.03, 0.03), (0.8, 0.03), (0.03, 0.8), (0.8, 0.8)):
        if rng.random() < 0.25:
            put_sticker(
                rng,
                sheet,
                width * fx,
                height * fy,
                width * float(rng.uniform(0.1, 0.17)),
                height * float(rng.uniform(0.12, 0.18)),
            )
    put_bolts(rng, sheet, [(0.2, 0.08), (0.8, 0.08)] + ([(0.2, 0.92), (0.8, 0.92)] if rng.random() < 0.6 else []))
    put_border(rng, sheet, 0.3)
    return put_frame(rng, sheet) if rng.random() < 0.35 else sheet
