"""Whom the reader serves worse: scores by light of the crop and by region, and what the device says of countries.

The device names a country from a probability on (SURE_OF_REGION), and that is what counts here: not what the region
head likes best.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from models.common.metrics import Score, fold
from models.datasets.formats import region_weights
from models.datasets.labels import CATALOGUE
from models.reader.evaluate import corners_of, grey
from models.reader.regions import REGIONS, UNTAUGHT, class_of_drawing
from models.reader.sweeps import Fault, corners, draw_plates, look
from platesieve.domain.geometry import Detection
from platesieve.vision.frame import Frame
from platesieve.vision.rectify import rectify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.datasets.plates import DrawnPlate
    from models.reader.evaluate import Answer, Case
    from platesieve.domain.geometry import Corners
    from platesieve.domain.plate import PlateRead
    from platesieve.ports import PlateReader

PLATES_OF_A_REGION = 24
EUROPE = ("AT", "BE", "CZ", "DE", "ES", "FR", "GB", "HU", "IT", "NL", "PL", "RO", "SK")
COUNTRIES = {
    CATALOGUE: ("US",), "crops-romanian": ("RO",), "crops-darkplate": ("CA",), "openalpr-us-a": ("US",),
    "openalpr-eu": EUROPE,
}  # fmt: skip
"""Where the photographs of a set are from, as its labels say of the whole set. DarkPlate was filmed in British Columbia
and a visitor counts as CA; of openalpr-eu only Europe is known, and any of these names counts as right."""
USUAL = Fault(width_px=90.0, blur_px=1.5, corner_error=0.03)
"""What a region's plates are seen with: a usual distance, a little motion, the detector's usual error."""


def by_light(cases: Sequence[Case], found: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """Return the folded score of each third of the crops: by mean luma, and by contrast (standard deviation)."""
    crops = [rectify(grey(c.image), corners_of(c.box)).astype(np.float32) for c in cases]
    right = np.asarray([fold(a.text) == fold(c.corrected) for a, c in zip(found, cases, strict=True)])
    scores: dict[str, dict[str, Any]] = {}
    for names, values in (
        (("dark", "middle", "bright"), np.asarray([c.mean() for c in crops])),
        (("low contrast", "middle contrast", "high contrast"), np.asarray([c.std() for c in crops])),
    ):
        low, high = np.quantile(values, (1 / 3, 2 / 3))
        thirds = (values < low, (values >= low) & (values < high), values >= high)
        for name, third in zip(names, thirds, strict=True):
            if not third.any():  # of a handful of crops, or of equal ones
                continue
            inside = {"from": round(float(values[third].min()), 1), "to": round(float(values[third].max()), 1)}
            scores[name] = inside | Score(int(right[third].sum()), int(third.sum())).table()
    return scores


def pictures(plates: Sequence[DrawnPlate]) -> list[tuple[NDArray[np.uint8], Corners]]:
    """Return each plate as it is usually seen, and where the detector says it is."""
    rng = np.random.default_rng(5)
    seen = [look(rng, plate.luma, USUAL) for plate in plates]
    return [(picture.luma, corners(picture.quad)) for picture in seen]


def by_region(reader: PlateReader) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw plates of each table of formats; return the folded scores, and what the device says of their country."""
    scores, named, wrong = {}, {}, Counter[str]()
    for number, name in enumerate(region_weights()):
        plates = draw_plates(PLATES_OF_A_REGION, 9_000 + number, rows=None, region=name)
        found = [_read(reader, *each) for each in pictures(plates)]
        hits = [r is not None and fold(r.text.reveal()) == fold(d.text) for r, d in zip(found, plates, strict=True)]
        scores[name] = Score(sum(hits), len(hits)).table()
        wanted = class_of_drawing(name)
        expected = () if wanted in (0, UNTAUGHT) else (REGIONS[wanted],)
        named[name] = naming(expected, found)
        wrong.update(f"{name} as {r.region}" for r in found if r is not None and r.region not in (None, *expected))
    return scores, {"drawn": named, "commonest_mistakes": dict(wrong.most_common(8))}


def of_photographs(reader: PlateReader, sets: Mapping[str, Sequence[Case]]) -> dict[str, Any]:
    """Return what the device says of the country of photographs whose country is known."""
    return {
        name: naming(COUNTRIES[name], [_read(reader, grey(c.image), corners_of(c.box)) for c in cases])
        for name, cases in sets.items()
        if name in COUNTRIES and cases
    }


def naming(expected: Sequence[str], found: Sequence[PlateRead | None]) -> dict[str, Any]:
    """Return how many plates the device names a country of, and how many of these names are right.

    Args:
        expected: the countries that count as right; none where the plates are taught as unknown.
        found: a read for each plate; what is not read has no country either.
    """
    said = [read.region for read in found if read is not None and read.region]
    right = sum(region in expected for region in said)
    return {
        "expected": list(expected),
        "named": Score(len(said), len(found)).table(),
        "right": Score(right, len(said)).table(),
    }


def _read(reader: PlateReader, luma: NDArray[np.uint8], where: Corners) -> PlateRead | None:
    return reader.read(Frame(luma, 0, 0, 0), Detection(where, 1.0))
