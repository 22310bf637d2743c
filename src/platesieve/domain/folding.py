"""Fold glyphs that readers confuse, so that 0/O and 1/I do not split one vehicle into two.

The classes follow what plate readers mix up in practice (position-free). The UK journey-time scheme folded more, which
merges more vehicles; `merged_share` says what these classes cost, and `policy explain` repeats it.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.domain.plate import PlateText

CLASSES: tuple[str, ...] = ("0ODQ", "1I", "8B", "5S", "2Z")
_FOLD = str.maketrans({glyph: group[0] for group in CLASSES for glyph in group})


def fold_characters(characters: str) -> str:
    """Return characters with every confusable glyph replaced by the first of its class."""
    return characters.translate(_FOLD)


def fold(text: PlateText) -> str:
    """Return the folded characters of a plate. The result is as private as the plate."""
    return fold_characters(text.reveal())


def sort_key(text: PlateText) -> tuple[bytes, bytes]:
    """Return a plate folded and as it is, ASCII, both as private as the plate: what a hot list is ordered by."""
    characters = text.reveal()
    return fold_characters(characters).encode("ascii"), characters.encode("ascii")


def merged_share(letters: int, digits: int) -> float:
    """Return which share of all plates of a series has the folded form of another, 0..1.

    A glyph merges with another in its own kind of place only: O, D and Q among letters, none among digits.
    """
    unmerged = 1.0
    for kind, places in ((string.ascii_uppercase, letters), (string.digits, digits)):
        folded = [fold_characters(glyph) for glyph in kind]
        unmerged *= (sum(folded.count(one) == 1 for one in folded) / len(kind)) ** places
    return 1 - unmerged
