"""What serials look like: the formats of the authorities as a soft prior over a text that was read.

An O and a 0 differ by nothing in many pictures; where a letter stands, the format tells them apart. The prior is a
mixture: a serial comes from a country, there from one of its patterns with every glyph of a place equally likely, or
(by FREE) from no pattern at all, as plates that their owners chose do. It judges between confusable glyphs only,
neither adds nor removes a character, and is never worth more than MOST_ODDS: the tables of formats are not complete.

`patterns.json` is written by `python -m models.reader.patterns` out of models/datasets/formats.toml.
"""

from __future__ import annotations

import functools
import json
import re
import string
from collections import defaultdict
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Places = tuple[str, ...]
    """The glyphs that may stand at each place."""

CONFUSABLE: Final = ("0DOQ", "1I", "2Z", "37", "4A", "5S", "6G", "7T", "8B")
"""Glyphs that a format may change into one another. Each pair lowers the log loss of drawn plates or held-out crops; 1
with J or L changes next to nothing."""
FREE: Final = 0.1
"""Share of serials without a pattern. From 0.01 to 0.4 drawn plates and held-out crops hardly differ."""
MOST_ODDS: Final = 8.0
"""A glyph that the picture alone makes eight times likelier stays. Held-out crops have the least log loss at 8, drawn
plates at 5 (and are right most often from 20 on, where held-out crops in formats that no table has begin to lose)."""
SAME_SHAPE: Final = "0O"
SAME_SHAPE_ODDS: Final = 50.0
"""For the two that most plates write with one shape: what a reader claims to see there is its own guess of the format.
From 8 to 50 two of 2,700 drawn plates are read right that were not and one of 1,900 held-out ones no more, for .001 of
log loss; beyond 50 no text changes. I and 1 differ more often than not, and stay at MOST_ODDS."""
TRUST: Final = 0.9
"""Share that a told country has; the rest goes to all countries by how often they are drawn."""
ELSEWHERE: Final = ""
"""The name of all countries that are not told apart."""

_NOTHING: Final = 1e-300
_PLACE = re.compile(r"\[[A-Z0-9]+\]|[A-Z0-9@#]")


@dataclass(frozen=True, slots=True, eq=False)
class _OfLength:
    """The p patterns of one length.

    Attributes:
        glyphs: (p, length, 36) how often each glyph of ALPHABET stands at each place.
        share: (p, countries) the share of a country's serials that have this pattern.
    """

    glyphs: NDArray[np.float64]
    share: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the formats make of a text.

    Attributes:
        shares: length x 36, float64: the probability of each glyph at each place; each row sums to what it did before.
        best: the index in ALPHABET of the glyph to read at each place: the likeliest of those confusable with the old.
        fit: natural log of how much likelier the text is as a serial of some format than as random glyphs.
    """

    shares: NDArray[np.float64]
    best: tuple[int, ...]
    fit: float


class Formats:
    """The serials of all countries we know formats of.

    Args:
        entries: those of patterns.json.
    """

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.countries = tuple(sorted({entry["country"] or ELSEWHERE for entry in entries}))
        weight: dict[str, float] = defaultdict(float)
        series: dict[Places, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for entry in entries:
            country = entry["country"] or ELSEWHERE
            weight[country] += entry["weight"]
            for written, share in entry["series"].items():
                series[places(written, entry["skip"])][country] += entry["weight"] * share
        of_country = np.asarray([weight[country] for country in self.countries])
        self._often: NDArray[np.float64] = of_country / of_country.sum()
        self._of_length: dict[int, _OfLength] = {}
        for length in {len(pattern) for pattern in series}:
            chosen = [pattern for pattern in series if len(pattern) == length]
            glyphs = np.asarray([[[(g in p) / len(p) for g in ALPHABET] for p in pattern] for pattern in chosen])
            share = np.asarray([[series[pattern][country] for country in self.countries] for pattern in chosen])
            self._of_length[length] = _OfLength(glyphs, share / of_country)
        self._group = np.eye(len(ALPHABET), dtype=bool)
        for group in CONFUSABLE:
            indices = [ALPHABET.index(glyph) for glyph in group]
            self._group[np.ix_(indices, indices)] = True
        self._least = np.full(self._group.shape, 1 / MOST_ODDS)
        same = [ALPHABET.index(glyph) for glyph in SAME_SHAPE]
        self._least[np.ix_(same, same)] = 1 / SAME_SHAPE_ODDS

    def judge(
        self, shares: NDArray[np.float64], read: tuple[int, ...], countries: Mapping[str, float] | None = None
    ) -> Judged:
        """Return what the formats make of a text.

        Places are taken as independent given the pattern, so that the sum over all texts that swaps of confusable
        glyphs can make is one product for each pattern.

        Args:
            shares: length x 36, float64: what the picture says of each place; a row sums to at most 1.
            read: the glyph that was read at each place, as its index in ALPHABET.
            countries: how probable each is where the plate may be from; the rest is ELSEWHERE. None: as often as drawn.
        """
        among = self._group[list(read)]
        seen = np.where(among, shares, 0.0)
        whole = seen.sum(axis=1, keepdims=True)
        seen /= np.maximum(whole, _NOTHING)
        known = self._of_length.get(len(read))
        random = len(ALPHABET) ** -len(read)
        if known is None:
            return Judged(shares, _likeliest(seen), float(np.log(_NOTHING) - np.log(random)))
        weight = known.share @ self._told(countries)
        likely = np.einsum("pnc,nc->pn", known.glyphs, seen)  # of each place in each pattern
        joint = weight * likely.prod(axis=1)
        fit = float(np.log(max(joint.sum(), _NOTHING)) - np.log(random))
        others = np.divide(joint[:, None], likely, out=np.zeros_like(likely), where=likely > 0)
        free = FREE / (1 - FREE) * max(weight.sum(), _NOTHING) * random
        worth = np.einsum("pn,pnc->nc", others, known.glyphs) + free
        worth = np.where(seen > 0, worth, 0.0)
        # Bounded against the glyph that would be read, not against one that fits as well and is not to be seen.
        read_instead = (seen * worth).argmax(axis=1)
        worth = np.maximum(worth / worth.max(axis=1, keepdims=True), self._least[read_instead])
        after = seen * worth
        after /= after.sum(axis=1, keepdims=True)
        return Judged(np.where(among, after * whole, shares), _likeliest(after), fit)

    def _told(self, countries: Mapping[str, float] | None) -> NDArray[np.float64]:
        """Return the probability of each country."""
        if countries is None:
            return self._often
        told = np.asarray([countries.get(country, 0.0) for country in self.countries])
        told[self.countries.index(ELSEWHERE)] += max(1.0 - told.sum(), 0.0)
        return np.asarray(TRUST * told + (1 - TRUST) * self._often)


@functools.cache
def load_formats() -> Formats:
    """Return the formats that ship with the package."""
    return Formats(json.loads((resources.files(__package__) / "patterns.json").read_text("utf-8"))["entries"])


def places(written: str, skip: str = "") -> Places:
    """Return the glyphs of each place of a written pattern: `@` a letter but for `skip`, `#` a digit, `[BC]` either."""
    letters = "".join(letter for letter in string.ascii_uppercase if letter not in skip)
    kinds = {"@": letters, "#": string.digits}
    return tuple(kinds.get(place, place.strip("[]")) for place in _PLACE.findall(written))


def _likeliest(shares: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(int(index) for index in shares.argmax(axis=1))
