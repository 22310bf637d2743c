"""What an agency has ordered of this device for a time, as part of the rules: wanted plates by hand, and holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from platesieve.audit import entry as log
from platesieve.hotlist.by_hand import ByHand, HandEntry
from platesieve.policy import orders as terms_of
from platesieve.policy.command import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platesieve.audit.entry import Entry
    from platesieve.domain.instant import Instant
    from platesieve.policy.holds import Preservation
    from platesieve.policy.language import Policy

MOST_HOLDS = 100


@dataclass(frozen=True, slots=True)
class Orders:
    """All of them. `Orders()` is nothing ordered.

    Those that name a plate live in RAM alone and end with the power; a held period is written down and comes back.
    """

    by_hand: ByHand = field(default_factory=ByHand)
    holds: tuple[Preservation, ...] = ()

    def add(self, terms: Mapping[str, str], id_: str, policy: Policy, now: Instant) -> tuple[Orders, Entry]:
        """Return the orders with a wanted plate more, and what the log says of it.

        Raises:
            CommandError: the terms or the policy do not allow it.
        """
        wanted = terms_of.wanted(terms, policy, now)
        if self.by_hand.full:
            raise CommandError("too many plates were added by hand already", "send them as a signed hot list")
        entry = HandEntry(id_, wanted.plate, wanted.category, wanted.until_ns)
        added = log.ManualEntryAdded(now.wall_ns, id_, wanted.reason, wanted.until_ns)
        return replace(self, by_hand=self.by_hand.with_entry(entry)), added

    def hold(
        self, terms: Mapping[str, str], id_: str, commitment: str, policy: Policy, now: Instant
    ) -> tuple[Orders, Entry]:
        """Return the orders with a hold more, and what the log says of it.

        Raises:
            CommandError: the terms or the policy do not allow it.
        """
        hold = terms_of.preservation(terms, id_, policy, now)
        if len(self.holds) >= MOST_HOLDS:
            raise CommandError("too many holds are in force already", "end some of them first")
        scope = log.HoldScope.PERIOD if hold.plate is None else log.HoldScope.RECORD
        placed = log.Hold(now.wall_ns, hold.until_ns, id_, scope, commitment=commitment)
        return replace(self, holds=(*self.holds, hold)), placed

    def end(self, id_: str, now: Instant) -> tuple[Orders, Entry]:
        """Return the orders without one, and what the log says of it.

        Raises:
            CommandError: there is no such order.
        """
        if any(entry.id == id_ for entry in self.by_hand.entries):
            removed = log.ManualEntryRemoved(now.wall_ns, id_, log.ManualEnd.WITHDRAWN)
            return replace(self, by_hand=self.by_hand.without(id_)), removed
        left = tuple(hold for hold in self.holds if hold.id != id_)
        if len(left) == len(self.holds):
            raise CommandError("a command ends what is not in force", "give the id that was printed when it was signed")
        return replace(self, holds=left), log.HoldLifted(now.wall_ns, id_, log.HoldEnd.RELEASED)

    def without_over(self, now: Instant) -> tuple[Orders, Sequence[Entry]]:
        """Return the orders without those that are over, and what the log says of it; themselves where none are."""
        entries = self.by_hand.over(now)
        lifted = tuple(hold for hold in self.holds if hold.over(now))
        if not entries and not lifted:
            return self, ()
        by_hand = self.by_hand
        for entry in entries:
            by_hand = by_hand.without(entry.id)
        told: list[Entry] = [
            *(log.ManualEntryRemoved(now.wall_ns, entry.id, log.ManualEnd.EXPIRED) for entry in entries),
            *(log.HoldLifted(now.wall_ns, hold.id, log.HoldEnd.EXPIRED) for hold in lifted),
        ]
        return Orders(by_hand, tuple(hold for hold in self.holds if hold not in lifted)), told
