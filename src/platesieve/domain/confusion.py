"""What a reader takes for what: measured, by region, and what follows for glyphs that count as alike."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANYWHERE: Final = "any"
"""The name of the confusions over all regions together; every matrix has them."""
LOOKALIKE_SHARE: Final = 0.02
"""From this share of misreads on two glyphs count as alike: a plate of seven characters then holds one such misread in
about eight reads of an unlucky glyph, often enough to miss a wanted vehicle; rarer ones are noise of the measurement.
"""

_KINDS: Final = {"@": string.ascii_uppercase, "#": string.digits, "?": ALPHABET}


@dataclass(frozen=True, slots=True)
class Confusions:
    """How often a reader takes each glyph for each other, on plates of one region or group of regions.

    Attributes:
        region: its name: ISO 3166-1 alpha-2, or the name of a group.
        plates: how many plates were read.
        seen: how often each true glyph stood there.
        taken_for: per true glyph, the shares of what it was read as, itself among them. They sum to at most 1: the rest
            was left out, or rounds to nothing.
        missed: share of true glyphs that the reader left out.
        invented: characters that the reader added, per true glyph.
    """

    region: str
    plates: int
    seen: Mapping[str, int]
    taken_for: Mapping[str, Mapping[str, float]]
    missed: float
    invented: float

    def share(self, true: str, read: str) -> float:
        """Return the share of `true` glyphs that were read as `read`, 0..1."""
        return self.taken_for.get(true, {}).get(read, 0.0)

    def alike(self, one: str, other: str) -> float:
        """Return how readily one is taken for the other, whichever of the two directions is worse, 0..1."""
        return max(self.share(one, other), self.share(other, one))

    def pairs(self, least: float = LOOKALIKE_SHARE) -> tuple[tuple[str, str, float], ...]:
        """Return the pairs of glyphs that are alike by at least this share, worst first."""
        found = [(one, other, self.alike(one, other)) for one, other in combinations(ALPHABET, 2)]
        return tuple(sorted((p for p in found if p[2] >= least), key=lambda p: (-p[2], p[0], p[1])))


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """A reader's confusions by region.

    Attributes:
        reader_sha256: of the reader that was measured, lower-case hex.
        of_region: by name of the region or group; `ANYWHERE` is always there.
        group_of: which group a region belongs to that has no confusions of its own.
    """

    reader_sha256: str
    of_region: Mapping[str, Confusions]
    group_of: Mapping[str, str]

    def of(self, region: str | None) -> Confusions:
        """Return the confusions that tell most about a region: its own, its group's, else those over all."""
        name = region if region in self.of_region else self.group_of.get(region or "", ANYWHERE)
        return self.of_region.get(name or ANYWHERE, self.of_region[ANYWHERE])


def folding_groups(confusions: Confusions, least: float = LOOKALIKE_SHARE) -> tuple[str, ...]:
    """Propose which glyphs to fold into one, from what a reader mixes up.

    Pairs are joined worst first, and two groups become one only where their glyphs are alike on average over all pairs
    (average linkage; R. Sokal and C. Michener 1958): chains such as B-8-0-O would else end as one group.

    Args:
        confusions: measured.
        least: share of misreads from which two glyphs, or two groups on average, count as alike.

    Returns:
        Groups of two or more glyphs in the order of ALPHABET, the groups too; a digit leads where there is one.
    """
    groups = [{glyph} for glyph in ALPHABET]
    while True:
        links = [
            (sum(confusions.alike(a, b) for a in one for b in other) / (len(one) * len(other)), i, j)
            for (i, one), (j, other) in combinations(enumerate(groups), 2)
        ]
        link, i, j = max(links, key=lambda found: (found[0], -found[1], -found[2]))
        if link < least:
            return tuple("".join(sorted(group)) for group in groups if len(group) > 1)
        groups[i] |= groups.pop(j)
        groups.sort(key=min)


def collision_share(groups: Iterable[str], series: str) -> float:
    """Return which share of all pairs of different plates of a series folds to the same text, 0..1.

    Args:
        groups: glyphs folded into one; a glyph is in one group at most.
        series: a serial pattern: `@` any letter, `#` any digit, `?` any of both; other characters stand for themselves.
    """
    groups = tuple(groups)
    equal = alike = 1.0
    for place in series:
        glyphs = _KINDS.get(place, place)
        merged = [sum(glyph in group for glyph in glyphs) for group in groups]
        alone = len(glyphs) - sum(merged)
        equal /= len(glyphs)
        alike *= (alone + sum(n * n for n in merged)) / len(glyphs) ** 2
    return 0.0 if math.isclose(equal, 1.0) else (alike - equal) / (1.0 - equal)
