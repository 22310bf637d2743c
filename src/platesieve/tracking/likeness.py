"""How alike two plate texts are, with the texts in hand and without them.

Readers drop, add and confuse characters. Distances are taken after folding (0/O, 1/I, ...), which costs nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from platesieve.domain.folding import fold
from platesieve.domain.plate import PlateText

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_TEXT = 5
"""From this many characters on, two faults are forgiven, one in each read; shorter texts have too little left."""

TELLING_PART = 4
"""A part of a plate is recognised from this many characters on."""


def distance(one: str, other: str) -> int:
    """Return the edit distance (Levenshtein 1966): insertions, deletions and substitutions."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before = row
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


def alike(one: PlateText, other: PlateText) -> bool:
    """Return whether one vehicle may well give both reads: at most two faults, one in a short text, or a part of it."""
    if one == other:
        return True
    short, long = sorted((fold(one), fold(other)), key=len)
    if len(short) >= TELLING_PART and short in long:
        return True  # a plate that enters the picture, or is half behind a bicycle
    limit = 2 if len(short) >= LONG_TEXT else 1
    return len(long) - len(short) <= limit and distance(short, long) <= limit


def neighbourhood(text: PlateText, fingerprint: Callable[[PlateText], bytes]) -> frozenset[bytes]:
    """Return digests that a read with one other fault shares, so that no text need be kept to see the likeness.

    The text and each text with one character left out are folded and digested (Mor and Fraenkel 1982, deletion
    neighbourhoods): whatever is one substitution, insertion or deletion away has at least one of these in common.
    """
    folded = fold(text)
    shorter = (folded[:i] + folded[i + 1 :] for i in range(len(folded))) if len(folded) > 1 else ()
    return frozenset(fingerprint(PlateText(kept)) for kept in {folded, *shorter})


def align(pivot: str, other: str) -> tuple[int | None, ...]:
    """Return for each position of `pivot` the position of `other` that stands for it, or None where it was left out."""
    table = [list(range(len(other) + 1))]
    for i, a in enumerate(pivot, 1):
        row = [i]
        for j, (b, (diagonal, above)) in enumerate(zip(other, pairwise(table[-1]), strict=True), 1):
            row.append(min(above + 1, row[j - 1] + 1, diagonal + (a != b)))
        table.append(row)
    places: list[int | None] = [None] * len(pivot)
    i, j = len(pivot), len(other)
    while i > 0 and j > 0:
        if table[i][j] == table[i - 1][j - 1] + (pivot[i - 1] != other[j - 1]):
            i, j = i - 1, j - 1
            places[i] = j
        elif table[i][j] == table[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return tuple(places)
