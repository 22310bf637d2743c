"""The looks of Brazil before 2018, of the Mercosul plate, and of Argentina before 2016."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.plates.fittings import put_bolts, put_border, put_frame
from models.datasets.plates.sheet import new_sheet, picture, stamp
from models.datasets.plates.writing import set_serial, set_word, shelf

if TYPE_CHECKING:
    from models.datasets.plates.sheet import Sheet


def draw_br(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> Sheet:
    """Draw a grey Brazilian plate of before 2018: the town above the serial."""
    sheet = new_sheet(rng, float(rng.uniform(2.95, 3.2)), dark_ground=0.25, busy=0.05)
    width, height = sheet.size
    city = str(
        rng.choice(
            [
                "SP-SAO PAULO",
                "RJ-RIO DE JANEIRO",
                "MG-BELO HORIZONTE",
                "PR-CURITIBA",
                "RS-PORTO ALEGRE",
                "SC-FLORIANOPOLIS",
                "BA-SALVADOR",
                "PE-RECIFE",
                "CE-FORTALEZA",
                "DF-BRASILIA",
                "GO-GOIANIA",
                "SP-CAMPINAS",
            ]
        )
    )
    set_word(rng, sheet, city, (width * 0.25, height * 0.06, width * 0.5, height * 0.14), sheet.ink)
    high = height * float(rng.uniform(0.5, 0.62))
    set_serial(
        rng,
        sheet,
        shelf().pick(rng, 0.25),
        serial,
        (width * 0.04, height * float(rng.uniform(0.28, 0.34)), width * 0.92, high),
        fill=(0.88, 1.0),
        squeeze=(1.0, 1.3),
    )
    put_bolts(rng, sheet, [(0.1, 0.12), (0.9, 0.12)])
    put_border(rng, sheet, 0.4)
    return put_frame(rng, sheet) if rng.random() < 0.2 else sheet


def draw_mercosul(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> Sheet:
    """Draw a Mercosul plate: dark band with the country's name."""
    sheet = new_sheet(rng, float(rng.uniform(2.9, 3.25)), dark_ground=0.02, busy=0.1)
    width, height = sheet.size
    band = height * float(rng.uniform(0.2, 0.26))
    dark = float(rng.uniform(20, 130))
    stamp(sheet, np.full((round(band), width), 255, np.uint8), 0, 0, dark)
    set_word(
        rng,
        sheet,
        str(rng.choice(region.get("names", ["BRASIL"]))),
        (width * 0.25, band * 0.2, width * 0.5, band * 0.6),
        245.0,
    )
    picture(rng, sheet, (width * 0.88, band * 0.2, width * 0.08, band * 0.6), 0.7)
    high = height * float(rng.uniform(0.55, 0.65))
    set_serial(
        rng,
        sheet,
        shelf().pick(rng, 0.35, region.get("face")),
        serial,
        (width * 0.03, band + height * 0.04, width * 0.94, high),
        fill=(0.85, 1.0),
        squeeze=(0.95, 1.25),
    )
    put_border(rng, sheet, 0.5)
    return put_frame(rng, sheet) if rng.random() < 0.2 else sheet


def draw_ar(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> Sheet:
    """Draw an Argentine plate of before 2016: white on black in a white border."""
    sheet = new_sheet(rng, float(rng.uniform(2.15, 2.45)), dark_ground=0.95, busy=0.0)
    width, height = sheet.size
    inset = round(float(rng.uniform(2, 8)))
    cv2.rectangle(
        sheet.luma, (inset, inset), (width - inset, height - inset), sheet.ink, int(rng.integers(1, 5)), cv2.LINE_AA
    )
    if rng.random() < 0.8:
        band = round(height * float(rng.uniform(0.14, 0.22)))
        if rng.random() < 0.5:
            stamp(sheet, np.full((band, width - 2 * inset), 255, np.uint8), inset, inset, sheet.ink)
        set_word(
            rng,
            sheet,
            "ARGENTINA",
            (width * 0.3, inset + 1, width * 0.4, band - 2),
            float(rng.choice([sheet.ground, sheet.ink])),
        )
    high = height * float(rng.uniform(0.48, 0.6))
    set_serial(
        rng,
        sheet,
        shelf().pick(rng, 0.25),
        serial,
        (width * 0.05, height * float(rng.uniform(0.28, 0.34)), width * 0.9, high),
        fill=(0.86, 1.0),
        squeeze=(0.9, 1.15),
    )
    return put_frame(rng, sheet) if rng.random() < 0.15 else sheet
