"""What a hot list said about a plate, and the disposition that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MatchKind(StrEnum):
    """How a plate met an entry: letter by letter, or only after confusable glyphs are folded."""

    EXACT = "exact"
    LOOKALIKE = "lookalike"


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
