"""One random plate of a random region: its serial from formats.toml, its look from the family of its country."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.datasets.fonts import CHARACTERS
from models.datasets.plates.elsewhere import draw_au, draw_gulf, draw_in, draw_square
from models.datasets.plates.europe import draw_eu, draw_uk
from models.datasets.plates.north_america import draw_us
from models.datasets.plates.sheet import DrawnPlate, finish
from models.datasets.plates.south_america import draw_ar, draw_br, draw_mercosul
from models.datasets.plates.writing import write_serial

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


@functools.cache
def _regions() -> tuple[list[str], list[dict[str, Any]], NDArray[np.float64]]:
    table = tomllib.loads((Path(__file__).parents[1] / "formats.toml").read_text())
    weights = np.asarray([float(r["weight"]) for r in table.values()])
    return list(table), list(table.values()), weights / weights.sum()


def region_weights() -> dict[str, float]:
    """Return how often each table of formats.toml is drawn; the shares sum to 1."""
    names, _, weights = _regions()
    return dict(zip(names, weights.tolist(), strict=True))


def draw_plate(rng: np.random.Generator, region_name: str | None = None) -> DrawnPlate:
    """Draw one random plate of a random region, or of the table `region_name` of formats.toml."""
    names, regions, weights = _regions()
    i = names.index(region_name) if region_name else int(rng.choice(len(names), p=weights))
    region = regions[i]
    serial = write_serial(rng, str(rng.choice(region["formats"])), region.get("skip", ""))
    look = region["look"]
    if look == "any":
        look = str(rng.choice(["us", "eu", "uk", "br", "au", "in", "ar", "mercosul"]))
    if "/" in serial and look not in {"in", "gulf"}:
        look = "square"
    elif look in ("eu", "uk") and " " in serial and rng.random() < 0.05:
        serial, look = serial.replace(" ", "/", 1), "square"
    sheet = LOOKS[look](rng, serial, region)
    text = "".join(c for c in serial if c in CHARACTERS)
    return DrawnPlate(finish(rng, sheet), text, names[i], 2 if "/" in serial else 1)
