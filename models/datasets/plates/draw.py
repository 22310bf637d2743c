"""One random plate of a random region: serial and look from the table of its country or state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.datasets.fonts import CHARACTERS
from models.datasets.formats import chosen, region_weights
from models.datasets.plates.elsewhere import draw_au, draw_gulf, draw_in, draw_square
from models.datasets.plates.europe import draw_eu, draw_uk
from models.datasets.plates.north_america import draw_us
from models.datasets.plates.sheet import DrawnPlate, finish
from models.datasets.plates.south_america import draw_ar, draw_br, draw_mercosul
from models.datasets.plates.writing import write_serial

if TYPE_CHECKING:
    import numpy as np

    from models.datasets.formats import Table

EMBLEM_SHARE = 0.7
"""Of the plates of a state with an emblem show it where the format has a gap or a dash."""

LOOKS = {
    "us": draw_us,
    "eu": draw_eu,
    "uk": draw_uk,
    "br": draw_br,
    "mercosul": draw_mercosul,
    "ar": draw_ar,
    "au": draw_au,
    "in": draw_in,
    "square": draw_square,
    "gulf": draw_gulf,
}


def _pattern(rng: np.random.Generator, region: Table) -> str:
    """Return one of the table's formats, most often with the emblem that stands between its first two groups."""
    pattern = str(rng.choice(region["formats"]))
    if region.get("art") == "middle" and "*" not in pattern and rng.random() < EMBLEM_SHARE:
        return re.sub("[ -]", "*", pattern, count=1)
    return pattern


def draw_plate(rng: np.random.Generator, region_name: str | None = None) -> DrawnPlate:
    """Draw one random plate of a random region, or of the table `region_name` of formats.toml."""
    shares = region_weights()
    name = region_name or str(rng.choice(list(shares), p=list(shares.values())))
    region = chosen(rng, name)
    serial = write_serial(rng, _pattern(rng, region), region.get("skip", ""))
    look = region["look"]
    if look == "any":
        look = str(rng.choice(["us", "eu", "uk", "br", "au", "in", "ar", "mercosul"]))
    if "/" in serial and look not in {"in", "gulf"}:
        look = "square"
    elif look in ("eu", "uk") and " " in serial and rng.random() < 0.05:
        serial, look = serial.replace(" ", "/", 1), "square"
    sheet = LOOKS[look](rng, serial, region)
    text = "".join(c for c in serial if c in CHARACTERS)
    return DrawnPlate(finish(rng, sheet), text, name, 2 if "/" in serial else 1)
