"""An outbox in memory with the behaviour of the real one, and a disk that can be made to refuse.

Usage::

    outbox = FakeOutbox(quota_bytes=10_000)
    outbox.disk_full = True     # every call raises StorageError
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from platesieve.domain.disclosure import Disclosure, Stretch

_ORDER = {Kind.HIT: 0, Kind.HEALTH: 1, Kind.CHECKPOINT: 1, Kind.COUNT: 2, Kind.READ: 3}


@dataclass
class _Row:
    disclosure: Disclosure
    sent: bool = False
    not_before_wall_ns: int = 0

    @property
    def size(self) -> int:
        return len(json.dumps(self.disclosure.body, separators=(",", ":"))) + 256


class FakeOutbox:
    """The Outbox port in a dictionary."""

    def __init__(self, quota_bytes: int = 1 << 20) -> None:
        self.quota_bytes = quota_bytes
        self.disk_full = False
        self.closed = False
        self.rows: dict[str, _Row] = {}

    def store(self, disclosures: Sequence[Disclosure]) -> int:
        """Keep them; return how many the quota pushed out."""
        self._check()
        for disclosure in disclosures:
            if disclosure.kind.lasting:
                self._drop(
                    [i for i, r in self.rows.items() if r.disclosure.kind is disclosure.kind and i != disclosure.id]
                )
            self.rows.setdefault(disclosure.id, _Row(disclosure))
        dropped = 0
        for kind in (Kind.READ, Kind.COUNT, Kind.HIT):
            while sum(row.size for row in self.rows.values()) > self.quota_bytes:
                of_kind = [id_ for id_, row in self.rows.items() if row.disclosure.kind is kind]
                if not of_kind:
                    break
                self._drop(of_kind[:1])
                dropped += 1
        return dropped

    def due(self, now_wall_ns: int, limit: int, excluding: AbstractSet[str] = frozenset()) -> Sequence[Disclosure]:
        """Return what is to be sent now."""
        self._check()
        ready = [row for id_, row in self.rows.items() if id_ not in excluding and self._may_go(row, now_wall_ns)]
        ready.sort(key=lambda row: (row.sent, _ORDER[row.disclosure.kind]))
        return [row.disclosure for row in ready[:limit]]

    def delivered(self, ids: Sequence[str], now_wall_ns: int) -> None:
        """Let them go, or mark them as sent."""
        self._check()
        for id_ in ids:
            row = self.rows.get(id_)
            if row is None:
                continue
            if row.disclosure.kind.lasting or row.disclosure.receipt_from is not None:
                row.sent, row.not_before_wall_ns = True, now_wall_ns + 600 * NS_PER_S
            else:
                del self.rows[id_]

    def receipted(self, ids: Sequence[str], collector: str) -> int:
        """Let go of what awaits this receipt."""
        self._check()
        gone = [id_ for id_ in ids if id_ in self.rows and self.rows[id_].disclosure.receipt_from == collector]
        self._drop(gone)
        return len(gone)

    def postpone(self, ids: Sequence[str], until_wall_ns: int) -> None:
        """Do not offer these before then."""
        self._check()
        for id_ in ids:
            if id_ in self.rows:
                self.rows[id_].not_before_wall_ns = until_wall_ns

    def stretch(self, asked: Stretch) -> int:
        """Keep rows for longer."""
        self._check()
        kept = [row for row in self.rows.values() if _is_meant(row.disclosure, asked)]
        for row in kept:
            row.disclosure = replace(row.disclosure, expires_wall_ns=asked.until_ns)
        return len(kept)

    def purge_expired(self, now_wall_ns: int) -> int:
        """Erase what has expired."""
        self._check()
        expired = [id_ for id_, row in self.rows.items() if _expires(row.disclosure) <= now_wall_ns]
        self._drop(expired)
        return len(expired)

    def forget(self, kind: Kind) -> None:
        """Erase the Disclosure of a lasting kind."""
        self._check()
        self._drop([id_ for id_, row in self.rows.items() if row.disclosure.kind is kind])

    def renew_lasting(self) -> None:
        """Offer the lasting kinds again."""
        self._check()
        for row in self.rows.values():
            if row.disclosure.kind.lasting:
                row.sent, row.not_before_wall_ns = False, 0

    def unsent(self) -> int:
        """Return how many were never taken."""
        self._check()
        return sum(not row.sent for row in self.rows.values())

    def close(self) -> None:
        """Close."""
        self.closed = True

    def _may_go(self, row: _Row, now_wall_ns: int) -> bool:
        if row.sent and row.disclosure.receipt_from is None:
            return False
        if now_wall_ns < row.not_before_wall_ns <= now_wall_ns + 24 * 3600 * NS_PER_S:
            return False
        return _expires(row.disclosure) > now_wall_ns + NS_PER_S

    def _drop(self, ids: list[str]) -> None:
        for id_ in ids:
            del self.rows[id_]

    def _check(self) -> None:
        if self.disk_full:
            raise StorageError("the disk is full", "free some space")


def _expires(disclosure: Disclosure) -> float:
    return float("inf") if disclosure.expires_wall_ns is None else disclosure.expires_wall_ns


def _is_meant(disclosure: Disclosure, asked: Stretch) -> bool:
    expires_ns = disclosure.expires_wall_ns
    in_span = expires_ns is not None and asked.from_ns <= expires_ns < min(asked.to_ns, asked.until_ns)
    return disclosure.kind is asked.kind and in_span
