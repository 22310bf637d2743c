"""How long the agency keeps an event: as long as the event says, unless a hold keeps it for a case; log first.

The entry about a deletion is durable before anything is erased, and names no event: a root over their random ids
(RFC 6962), which the receipts in the store lead to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.audit import entry as log
from platesieve.audit.tree import leaf_hash, root_of
from platesieve.collector.records import Deletion, Hold
from platesieve.collector.reveal import RevealRefusedError
from platesieve.domain.access import DeletionReason
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.collector.records import Stored
    from platesieve.collector.store import CollectorStore
    from platesieve.ports import AuditLog, Clock

BATCH = 1000
MAX_HOLD_S = 366 * 86_400  # a case that needs longer renews its hold


class RetentionDesk:
    """Erases what is over, and keeps what a case needs.

    Args:
        store: where the events are.
        log: the collector's own transparency log.
        clock: now.
    """

    def __init__(self, store: CollectorStore, log: AuditLog, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._clock = clock

    def expire(self) -> int:
        """Erase every event whose time is over and that nothing holds; return how many.

        Raises:
            AuditError, StorageError: nothing was erased, or less than is due; the next call goes on.
        """
        gone = 0
        while over := self._store.expired(self._clock.now().wall_ns, BATCH):
            erased = self._erase(over, DeletionReason.EXPIRED)
            gone += erased
            if not erased:
                break
        return gone

    def erase(self, event_id: str) -> bool:
        """Erase one event before its time; False where it is not here or a hold keeps it."""
        stored = self._store.event(event_id)
        if stored is None or stored.held:
            return False
        return self._erase([stored], DeletionReason.ORDERED) == 1

    def hold(self, event_id: str, user: str, case: str, days: int) -> Hold:
        """Keep an event for a case, for that many days from now.

        Raises:
            RevealRefusedError: the event is not here, or user, case or days are missing.
            AuditError: the log cannot be written; nothing is held.
        """
        now_ns = self._clock.now().wall_ns
        until_ns = now_ns + days * 86_400 * NS_PER_S
        if self._store.event(event_id) is None:
            raise RevealRefusedError("this event is not here", "it may have expired; nothing of it is left to keep")
        if not user or not case.strip() or not 0 < days * 86_400 <= MAX_HOLD_S:
            raise RevealRefusedError(
                "a hold needs a user, a case number and a number of days", "give from 1 to 366 days, and renew it"
            )
        self._log.append([log.Hold(now_ns, until_ns)])
        hold = Hold(event_id, now_ns, user, case.strip(), until_ns)
        self._store.hold(hold)
        return hold

    def lift(self, event_id: str) -> int:
        """End every hold on an event, which then goes when its own time is over; return how many there were."""
        now_ns = self._clock.now().wall_ns
        if not any(hold.lifted_ns is None for hold in self._store.holds(event_id)):
            return 0
        self._log.append([log.HoldLifted(now_ns)])
        return self._store.lift(event_id, now_ns)

    def _erase(self, over: Sequence[Stored], reason: DeletionReason) -> int:
        now_ns = self._clock.now().wall_ns
        ordered = sorted(over, key=lambda stored: stored.event.id)
        root = root_of([leaf_hash(stored.event.id.encode()) for stored in ordered]).hex()
        note = self._log.append([log.Deletion(now_ns, reason, len(ordered), root)])
        index = int(note.split("\n")[1]) - 1
        return self._store.delete([_receipt(stored, now_ns, reason, index) for stored in ordered])


def _receipt(stored: Stored, now_ns: int, reason: DeletionReason, log_index: int) -> Deletion:
    event = stored.event
    return Deletion(event.id, event.kind, event.device, event.expires_ns or now_ns, now_ns, reason, log_index)
