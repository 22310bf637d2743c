"""Whom the reader serves worse: scores by light of the crop and by region of drawn plates, and its region head."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from models.common.metrics import Score, fold
from models.common.speed import session
from models.datasets.plates import region_weights
from models.reader.evaluate import corners_of, grey
from models.reader.regions import REGIONS, UNTAUGHT, class_of_drawing
from models.reader.sweeps import Fault, corners, draw_plates, look
from platesieve.vision.rectify import normalise, rectify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.datasets.plates import DrawnPlate
    from models.reader.evaluate import Answer, Case

PLATES_OF_A_REGION = 24
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
            inside = {"from": round(float(values[third].min()), 1), "to": round(float(values[third].max()), 1)}
            scores[name] = inside | Score(int(right[third].sum()), int(third.sum())).table()
    return scores


def _crops(plates: Sequence[DrawnPlate]) -> list[tuple[NDArray[np.uint8], Any]]:
    rng = np.random.default_rng(5)
    seen = [look(rng, plate.luma, USUAL) for plate in plates]
    return [(picture.luma, corners(picture.quad)) for picture in seen]


def by_region(file: Path, read: Callable[..., Answer]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw plates of each region; return the folded scores by region, and what the region head says of them."""
    net = session(file)
    scores, told, wrong = {}, {}, Counter[str]()
    for number, name in enumerate(region_weights()):
        plates = draw_plates(PLATES_OF_A_REGION, 9_000 + number, rows=None, region=name)
        pictures = _crops(plates)
        hits = [fold(read(*p).text) == fold(d.text) for p, d in zip(pictures, plates, strict=True)]
        scores[name] = Score(sum(hits), len(hits)).table()
        wanted = class_of_drawing(name)
        if wanted in (0, UNTAUGHT):  # groups of countries are taught as unknown
            continue
        said = [region_of(net, *picture) for picture in pictures]
        told[name] = Score(said.count(wanted), len(said)).table()
        wrong.update(f"{REGIONS[wanted]} as {REGIONS[s]}" for s in said if s not in (wanted, 0))
    counts = [(round(t["share"] * t["n"]), t["n"]) for t in told.values()]
    whole = Score(sum(h for h, _ in counts), sum(n for _, n in counts)).table()
    return scores, {"all": whole, "by_region": told, "commonest_mistakes": dict(wrong.most_common(8))}


def region_of(net: Any, luma: NDArray[np.uint8], where: Any) -> int:
    """Return the class that the region head names."""
    return int(net.run(["region"], {"crop": normalise(rectify(luma, where))})[0][0].argmax())


def called_us(file: Path, cases: Sequence[Case]) -> dict[str, Any]:
    """Return the share of a set's plates that the region head calls US, and the share it calls unknown."""
    net = session(file)
    said = [region_of(net, grey(c.image), corners_of(c.box)) for c in cases]
    us, unknown = REGIONS.index("US"), 0
    return {"US": Score(said.count(us), len(said)).table(), "unknown": Score(said.count(unknown), len(said)).table()}
