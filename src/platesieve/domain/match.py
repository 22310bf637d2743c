"""What a hot list said about a plate, and the disposition that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MatchKind(StrEnum):
    """How a plate met an entry, best first.

    EXACT: letter by letter, and from where the entry says, if it says so.
    PARTIAL: letter by letter, but where the plate is from is not known as finely as the entry says it.
    LOOKALIKE: only after confusable glyphs are folded.
    """

    EXACT = "exact"
    PARTIAL = "partial-jurisdiction"
    LOOKALIKE = "lookalike"

    @property
    def rank(self) -> int:
        """Return 0 for the best kind, more for a worse one."""
        return list(MatchKind).index(self)


class Disposition(StrEnum):
    """The three cases a policy speaks about; it has one section for each."""

    HIT = "hit"
    MISS = "miss"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Match:
    """One entry of a hot list that a plate met."""

    kind: MatchKind
    category: str
    list_id: str


def comes_from(region: str | None, jurisdiction: str | None) -> bool | None:
    """Return whether a plate is from where an entry says; None where that is not known as finely as it is said.

    Args:
        region: what the reader takes it for: ISO 3166-1 alpha-2, or with a part after a dash ISO 3166-2; or None.
        jurisdiction: of the entry, likewise; None for an entry that names none.
    """
    if jurisdiction is None:
        return True
    if region is None:
        return None
    (country, _, part), (wanted, _, wanted_part) = region.partition("-"), jurisdiction.partition("-")
    if country != wanted:
        return False
    if not wanted_part:
        return True
    return None if not part else part == wanted_part
