"""Wanted plates that a person entered by a signed command: few, in RAM only, each with an end of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.domain.match import Match, MatchKind

if TYPE_CHECKING:
    from platesieve.domain.folding import Folding
    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateText

LIST_ID = "by-hand"
MOST = 100  # a hand-made list of more is a list, and has to come signed as one


@dataclass(frozen=True, slots=True)
class HandEntry:
    """One entry: the nonce of its command, the plate, why it is wanted, and until when (nanoseconds, Unix epoch)."""

    id: str
    plate: PlateText
    category: str
    until_ns: int


@dataclass(frozen=True, slots=True)
class ByHand:
    """All of them. `ByHand()` wants nothing."""

    entries: tuple[HandEntry, ...] = ()

    @property
    def full(self) -> bool:
        """Return whether no more fit."""
        return len(self.entries) >= MOST

    def with_entry(self, entry: HandEntry) -> ByHand:
        """Return them with one more."""
        return replace(self, entries=(*self.entries, entry))

    def without(self, id_: str) -> ByHand:
        """Return them without one."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.id != id_))

    def over(self, now: Instant) -> tuple[HandEntry, ...]:
        """Return those whose shift has ended."""
        return tuple(entry for entry in self.entries if now.wall_ns >= entry.until_ns)

    def match(self, text: PlateText, folding: Folding, now: Instant) -> tuple[Match, ...]:
        """Return what they say about a plate, exact matches first."""
        folded = folding.fold(text)
        found = {
            Match(MatchKind.EXACT if entry.plate == text else MatchKind.LOOKALIKE, entry.category, LIST_ID)
            for entry in self.entries
            if now.wall_ns < entry.until_ns and folding.fold(entry.plate) == folded
        }
        return tuple(sorted(found, key=lambda match: (match.kind.rank, match.category)))
