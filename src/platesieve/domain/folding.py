"""Fold glyphs that readers confuse, so that 0/O and 1/I do not split one vehicle into two.

Which glyphs is a choice between two faults: every group saves misread vehicles from being missed, and makes plates of
strangers look alike. `CLASSES` is what readers of this project mix up, measured (`confusion.folding_groups`); a policy
may write groups of its own. The UK journey-time scheme folded more, which merges more vehicles; `merged_share` says
what the groups cost, and `policy explain` repeats it.

Changing a group splits every pseudonym that is in use, so a new reader changes the groups only where its measurement is
clear: from `FOLDED_SHARE` on glyphs must be in one group, below `UNFOLDED_SHARE` they must not, and in between what
stands stays (policy/DECISIONS.md).
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.domain.plate import PlateText

CLASSES: tuple[str, ...] = ("0OQ", "1I", "5S", "8B")
FOLDED_SHARE = 0.05
UNFOLDED_SHARE = 0.025  # about here groups of letters alone begin (M and W), which merge twice as many strangers


@dataclass(frozen=True, slots=True)
class Folding:
    """Groups of glyphs of which each becomes the first.

    Attributes:
        groups: two or more capitals and digits each, none in two groups; empty folds nothing.
    """

    groups: tuple[str, ...] = CLASSES
    _table: dict[int, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = str.maketrans({glyph: group[0] for group in self.groups for glyph in group})
        object.__setattr__(self, "_table", table)

    def characters(self, characters: str) -> str:
        """Return characters with every glyph of a group replaced by its first."""
        return characters.translate(self._table)

    def fold(self, text: PlateText) -> str:
        """Return the folded characters of a plate. The result is as private as the plate."""
        return self.characters(text.reveal())

    def sort_key(self, text: PlateText) -> tuple[bytes, bytes]:
        """Return a plate folded and as it is, ASCII, both as private as the plate: what a hot list is ordered by."""
        characters = text.reveal()
        return self.characters(characters).encode("ascii"), characters.encode("ascii")

    def merged_share(self, letters: int, digits: int) -> float:
        """Return which share of all plates of a series has the folded form of another, 0..1.

        A glyph merges with another in its own kind of place only: O, D and Q among letters, none among digits.
        """
        unmerged = 1.0
        for kind, places in ((string.ascii_uppercase, letters), (string.digits, digits)):
            folded = [self.characters(glyph) for glyph in kind]
            unmerged *= (sum(folded.count(one) == 1 for one in folded) / len(kind)) ** places
        return 1 - unmerged


STANDARD = Folding()


def fold_characters(characters: str) -> str:
    """Return characters folded by the standard groups."""
    return STANDARD.characters(characters)


def fold(text: PlateText) -> str:
    """Return a plate folded by the standard groups. The result is as private as the plate."""
    return STANDARD.fold(text)
