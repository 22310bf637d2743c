"""Fold glyphs that readers confuse, so that 0/O and 1/I do not split one vehicle into two.

The classes follow what plate readers mix up in practice (position-free): the UK journey-time scheme folded
more, which merges more vehicles; see the collision cost in `policy explain`.
"""

from __future__ import annotations

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
