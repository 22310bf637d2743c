"""What a device says of itself now, for the outbox: the newest word of each lasting kind, in RAM.

Health is said every half minute and a checkpoint with every append. Either is true only until the next one, and after a
start the camera process says both anew. On a card they would be most of what is written in a day, and worth nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.disclosure import Disclosure, Kind


@dataclass(slots=True)
class _Word:
    disclosure: Disclosure
    sent: bool = False
    not_before_wall_ns: int = 0


class StandingWords:
    """At most one Disclosure of each lasting kind. Ids that are not of one of them change nothing."""

    def __init__(self) -> None:
        self._words: dict[Kind, _Word] = {}

    def say(self, disclosure: Disclosure) -> None:
        """Put a word in the place of its predecessor; the same word again changes nothing."""
        before = self._words.get(disclosure.kind)
        if before is None or before.disclosure.id != disclosure.id:
            self._words[disclosure.kind] = _Word(disclosure)

    def due(self, now_wall_ns: int, farthest_wall_ns: int) -> list[Disclosure]:
        """Return what was not sent and may go now; see the outbox for both times."""
        return [
            word.disclosure
            for word in self._words.values()
            if not word.sent and not now_wall_ns < word.not_before_wall_ns <= farthest_wall_ns
        ]

    def sent(self, ids: Sequence[str]) -> None:
        """Record that the broker has these."""
        for word in self._of(ids):
            word.sent = True

    def postpone(self, ids: Sequence[str], until_wall_ns: int) -> None:
        """Do not offer these before `until_wall_ns`."""
        for word in self._of(ids):
            word.not_before_wall_ns = until_wall_ns

    def forget(self, kind: Kind) -> None:
        """Drop a word that is no longer true."""
        self._words.pop(kind, None)

    def renew(self) -> None:
        """Offer all of them again."""
        for word in self._words.values():
            word.sent, word.not_before_wall_ns = False, 0

    def unsent(self) -> int:
        """Return how many the broker does not have."""
        return sum(not word.sent for word in self._words.values())

    def _of(self, ids: Sequence[str]) -> list[_Word]:
        return [word for word in self._words.values() if word.disclosure.id in ids]
