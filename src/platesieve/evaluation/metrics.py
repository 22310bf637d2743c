"""Scores with their uncertainty. Pure functions on counts, texts and boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platesieve.domain.geometry import Box, Detection

HIT_IOU = 0.5
TOUCH_IOU = 0.1
"""A detection that touches a labelled plate this much is a poor find of that plate, not a false one."""

IGNORED_COVER = 0.5
"""A detection with this share of itself in a region that may hold unlabelled plates is not held against anyone."""

Z95 = 1.959964
_FOLDED = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of `n`, with its 95 % interval."""

    value: float | None
    n: int
    low: float | None
    high: float | None

    def as_json(self) -> dict[str, float | int | None]:
        """Return it with four digits; null where there was nothing to measure."""
        value, low, high = (None if x is None else round(x, 4) for x in (self.value, self.low, self.high))
        return {"value": value, "n": self.n, "low": low, "high": high}


def told(rates: Mapping[str, Mapping[str, Rate]]) -> dict[str, Any]:
    """Return groups of rates as JSON: plain values where a reader looks first, and beside them how sure they are.

    `interval95` and `of` have the same groups and names, with [low, high] and n.
    """
    rounded = {group: {name: rate.as_json() for name, rate in named.items()} for group, named in rates.items()}

    def pick(*keys: str) -> dict[str, dict[str, Any]]:
        return {
            group: {
                name: rate[keys[0]] if len(keys) == 1 else [rate[key] for key in keys] for name, rate in named.items()
            }
            for group, named in rounded.items()
        }

    return {**pick("value"), "interval95": pick("low", "high"), "of": pick("n")}


def share(hits: int, n: int) -> Rate:
    """Return hits of n with the Wilson score interval (Wilson, JASA 22, 1927)."""
    if n == 0:
        return Rate(None, 0, None, None)
    p, z2 = hits / n, Z95 * Z95
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Rate(p, n, max(0.0, middle - half), min(1.0, middle + half))


def per_unit(count: int, n: int, units: int = 1) -> Rate:
    """Return a count per so many of n units; it may exceed 1.

    The interval is Byar's for a Poisson count (Breslow and Day 1987).
    """
    if n == 0:
        return Rate(None, 0, None, None)
    low = count * (1 - 1 / (9 * count) - Z95 / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + Z95 / (3 * math.sqrt(more))) ** 3
    return Rate(units * count / n, n, units * max(low, 0.0) / n, units * high / n)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the nearest-rank percentile, or None of nothing."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(percent / 100 * len(values)) - 1, 0)]


def fold(text: str) -> str:
    """Return the text with O as 0 and I as 1, which many authorities draw the same and some labels never tell apart."""
    return text.translate(_FOLDED)


@dataclass(frozen=True, slots=True)
class Matched:
    """Detections of one picture held against its labels.

    Attributes:
        plates: how many are labelled.
        hits: how many of them were found at IoU 0.5, each once.
        false: detections that touch no label and lie in no ignored region.
    """

    plates: int
    hits: int
    false: int


def match(detections: Sequence[Detection], plates: Sequence[Box], ignored: Sequence[Box]) -> Matched:
    """Hold detections against labels, the most confident first; each label is found at most once."""
    free = set(range(len(plates)))
    hits = false = 0
    for detection in sorted(detections, key=lambda d: -d.score):
        overlaps = [detection.box.iou(plate) for plate in plates]
        best = max(free, key=lambda i: overlaps[i], default=None)
        if best is not None and overlaps[best] >= HIT_IOU:
            free.remove(best)
            hits += 1
        elif all(overlap <= TOUCH_IOU for overlap in overlaps):
            false += all(cover(detection.box, region) <= IGNORED_COVER for region in ignored)
    return Matched(len(plates), hits, false)


def cover(box: Box, region: Box) -> float:
    """Return the share of a box that lies in a region."""
    wide = min(box.x + box.width, region.x + region.width) - max(box.x, region.x)
    high = min(box.y + box.height, region.y + region.height) - max(box.y, region.y)
    return max(wide, 0.0) * max(high, 0.0) / box.area if box.area else 0.0
