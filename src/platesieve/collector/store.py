"""The port to what a collector keeps (ports.py has those of the device)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from platesieve.collector.records import (
        Access,
        Camera,
        Deletion,
        Event,
        Hold,
        ListFreshness,
        Outcome,
        Quarantined,
        Rejection,
        Stored,
    )
    from platesieve.collector.witness import Witnessed
    from platesieve.domain.access import OutcomeCode
    from platesieve.domain.disclosure import Kind

READS = ("hit", "read", "count")  # the kinds that are kept until they expire


class CollectorStore(Protocol):
    """What is kept; durable when a call returns. Every method raises StorageError where the database refuses.

    May be used from several threads; several processes may use one database.
    """

    def keep(self, events: Sequence[Event]) -> Mapping[str, Rejection | None]:
        """Keep hits, reads and counts under one commit; return by id what became of each.

        None: it is here now, or was already, word for word. REPLAYED: it was erased here, or its id is taken by
        another. Nothing is kept that a receipt may not be given for.
        """

    def take_watch(self, agency: str, member: str, now_ns: int, until_ns: int) -> str | None:
        """Take or renew the watch over an agency's cameras; return who has it instead, or None where it is ours now."""

    def report_health(self, event: Event) -> None:
        """Take in the newest health of a device."""

    def report_checkpoint(self, device: str, witnessed: Witnessed, at_ns: int) -> None:
        """Take in what the witness said of a checkpoint. FORKED stays until somebody clears it by hand."""

    def quarantine(self, *messages: Quarantined) -> None:
        """Keep hash, size and reason of messages that were not believed; the oldest beyond a bound are forgotten."""

    def events(self, since: int = 0, limit: int = 100, kinds: Collection[Kind] = ()) -> Sequence[Stored]:
        """Return events with a cursor above `since`, oldest first; of all kinds unless some are named."""

    def newest(self, limit: int = 100, kinds: Collection[Kind] = ()) -> Sequence[Stored]:
        """Return the newest events, newest first."""

    def event(self, event_id: str) -> Stored | None:
        """Return one event, or None where it is not or no longer here."""

    def expired(self, now_ns: int, limit: int = 1000) -> Sequence[Stored]:
        """Return events whose time is over and that nothing holds."""

    def delete(self, deletions: Sequence[Deletion]) -> int:
        """Erase events and keep these receipts, under one commit; return how many went."""

    def deletions(self, limit: int = 100) -> Sequence[Deletion]:
        """Return the newest deletion receipts, newest first."""

    def hold(self, hold: Hold) -> None:
        """Keep an event beyond its expiry."""

    def lift(self, event_id: str, now_ns: int) -> int:
        """End every hold on an event; return how many there were."""

    def holds(self, event_id: str | None = None) -> Sequence[Hold]:
        """Return holds, newest first; those that were lifted too."""

    def record_outcome(self, outcome: Outcome) -> None:
        """Add what a person found; the newest counts."""

    def outcomes(self, event_id: str) -> Sequence[Outcome]:
        """Return what was found about an event, newest first."""

    def outcome_counts(self, since_ns: int = 0) -> Mapping[OutcomeCode, int]:
        """Return how often each outcome was the newest of its event."""

    def record_access(self, access: Access) -> None:
        """Keep who opened what; the entry in the transparency log is durable already."""

    def accesses(self, limit: int = 100, event_id: str | None = None) -> Sequence[Access]:
        """Return the newest accesses, newest first."""

    def cameras(self, now_ns: int) -> Sequence[Camera]:
        """Return every device that ever spoke, by name."""

    def hotlists(self, now_ns: int) -> Sequence[ListFreshness]:
        """Return the hot list of each device that named one."""

    def quarantined(self, limit: int = 100) -> Sequence[Quarantined]:
        """Return what was not believed, newest first."""

    def quarantine_counts(self) -> Mapping[Rejection, int]:
        """Return how much was not believed, by reason, since the beginning."""

    def counts(self) -> Mapping[str, int]:
        """Return how many events are kept, by kind, and how many are held."""

    def close(self) -> None:
        """Close the database. Safe to call twice."""
