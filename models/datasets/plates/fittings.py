"""What is on plates beside their serial: stickers, bolts, borders, dealers' frames, scripts nobody reads here."""

from __future__ import annotations

import cv2
import numpy as np

from models.datasets.plates.sheet import Sheet, stamp
from models.datasets.plates.writing import set_word


def put_sticker(rng: np.random.Generator, sheet: Sheet, x: float, y: float, width: float, height: float) -> None:
    """Stick a month, a year or a test mark on the plate."""
    w, h = max(4, round(width)), max(4, round(height))
    ground = float(rng.uniform(20, 250))
    stamp(sheet, np.full((h, w), 255, np.uint8), x, y, ground)
    if rng.random() < 0.8:
        word = str(
            rng.choice(["JAN", "MAY", "OCT", "12", "08", "17", "2014", "19", "3", "SEP", "DEC 09", "TX", "PERM"])
        )
        set_word(
            rng,
            sheet,
            word,
            (x + 1, y + 1, w - 2, h - 2),
            255 - ground if rng.random() < 0.7 else float(rng.uniform(0, 255)),
        )


def put_bolts(rng: np.random.Generator, sheet: Sheet, spots: list[tuple[float, float]]) -> None:
    """Draw bolts at these spots, given as shares of width and height."""
    width, height = sheet.size
    radius, level = float(rng.uniform(1.5, 4.5)), float(rng.uniform(0, 255))
    wide = rng.random() < 0.3
    for fx, fy in spots:
        centre = (round(fx * width), round(fy * height))
        axes = (round(radius * (2 if wide else 1)), round(radius))
        cv2.ellipse(sheet.luma, centre, axes, 0, 0, 360, level, -1, cv2.LINE_AA)
        if rng.random() < 0.4:
            cv2.circle(sheet.luma, centre, max(1, round(radius / 2)), float(rng.uniform(0, 255)), -1, cv2.LINE_AA)


def put_border(rng: np.random.Generator, sheet: Sheet, share: float) -> None:
    """Draw a border with this probability."""
    if rng.random() < share:
        inset = int(rng.integers(0, 4))
        width, height = sheet.size
        level = sheet.ink if rng.random() < 0.7 else float(rng.uniform(0, 255))
        cv2.rectangle(
            sheet.luma,
            (inset, inset),
            (width - 1 - inset, height - 1 - inset),
            level,
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )


def put_frame(rng: np.random.Generator, sheet: Sheet) -> Sheet:
    """Put the dealer's frame round the plate; it may cover small print, never the serial."""
    width, height = sheet.size
    top, bottom, side = (round(float(v)) for v in rng.uniform([2, 2, 1], [14, 18, 8]))
    cover_top, cover_bottom = (round(float(v)) for v in rng.uniform(0, 8, 2))
    level = float(rng.choice([rng.uniform(0, 50), rng.uniform(120, 230)]))
    inner = sheet.luma[cover_top : height - cover_bottom, 2 : width - 2]
    luma = cv2.copyMakeBorder(inner, top, bottom, side, side, cv2.BORDER_CONSTANT, value=level)
    framed = Sheet(np.ascontiguousarray(luma), sheet.ink, sheet.ground)
    if rng.random() < 0.6:
        word = str(
            rng.choice(
                [
                    "TOYOTA",
                    "HONDA OF LAKESIDE",
                    "Autohaus",
                    "CHEVROLET",
                    "www.cars.com",
                    "Ford",
                    "Mercedes-Benz",
                    "ALUMNI",
                    "AUTOMARKET",
                    "Happiness is being a grandparent",
                    "0800 555 0199",
                    "SUBARU",
                ]
            )
        )
        y = framed.size[1] - bottom + 1 if rng.random() < 0.6 else 1
        room = bottom - 2 if y > 1 else top - 2
        set_word(rng, framed, word, (framed.size[0] * 0.15, y, framed.size[0] * 0.7, max(3, room)), 255 - level)
    return framed


def put_squiggle(rng: np.random.Generator, sheet: Sheet, box: tuple[float, float, float, float]) -> None:
    """Draw strokes that stand for a script the reader does not read."""
    x, y, width, height = box
    for _ in range(int(rng.integers(2, 6))):
        points = rng.uniform(0, 1, (int(rng.integers(3, 6)), 2)) * [width * 0.4, height] + [
            x + float(rng.uniform(0, 0.6)) * width,
            y,
        ]
        cv2.polylines(sheet.luma, [points.astype(np.int32)], False, sheet.ink, int(rng.integers(1, 5)), cv2.LINE_AA)
