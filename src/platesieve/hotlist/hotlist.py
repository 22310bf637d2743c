"""A hot list: plates, why each is wanted, on whose list, until when. In RAM only, and no print shows a plate.

Matching is one look-up whatever the length of the list: entries are kept by their folded plate.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from platesieve.domain.folding import fold
from platesieve.domain.match import Match, MatchKind
from platesieve.hotlist.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateText


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One wanted plate. `until_ns` is the first moment at which it is no longer wanted, or None."""

    plate: PlateText
    category: str
    list_id: str
    until_ns: int | None

    def wanted_at(self, wall_ns: int) -> bool:
        """Return whether the entry holds at a moment."""
        return self.until_ns is None or wall_ns < self.until_ns


class HotList:
    """Wanted plates, for the question whether a plate is one of them.

    Args:
        entries: those that are wanted.
        digest: SHA-256 of the file they came from, hex.
        loaded: when the file was known to be current, or None for a list that has no age.
        expired: how many entries of the file were over already.
    """

    def __init__(self, entries: Iterable[Entry], digest: str, loaded: Instant | None, expired: int = 0) -> None:
        by_folded: dict[str, list[Entry]] = {}
        lists = set()
        count = 0
        for entry in entries:
            by_folded.setdefault(fold(entry.plate), []).append(entry)
            lists.add(entry.list_id)
            count += 1
        self._by_folded = by_folded
        self._list_ids = tuple(sorted(lists))
        self._count = count
        self._loaded = loaded
        self._sha256 = digest
        self._expired = expired

    @classmethod
    def empty(cls) -> Self:
        """Return a list that wants nothing."""
        return cls((), sha256(b"").hexdigest(), None)

    @classmethod
    def from_csv(cls, text: str | bytes, name: str, now: Instant) -> Self:
        """Return the list that a table holds (see `table.read_table` for its form).

        Args:
            text: the table.
            name: what to call it in problems.
            now: when it was fetched; its age is counted from here, and what is over by then is skipped.

        Raises:
            ConfigError: `problems` names every bad row by its line, none by its plate.
        """
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        rows = read_table(raw, name)
        entries = [Entry(row.plate, row.category, row.list_id, row.until_ns) for row in rows]
        wanted = [entry for entry in entries if entry.wanted_at(now.wall_ns)]
        return cls(wanted, sha256(raw).hexdigest(), now, len(entries) - len(wanted))

    def match(self, text: PlateText, now: Instant) -> tuple[Match, ...]:
        """Return what the list says about a plate: exact matches first, then those of plates that look alike."""
        near = self._by_folded.get(fold(text))
        if near is None:
            return ()
        found = (
            Match(MatchKind.EXACT if entry.plate == text else MatchKind.LOOKALIKE, entry.category, entry.list_id)
            for entry in near
            if entry.wanted_at(now.wall_ns)
        )
        return tuple(sorted(dict.fromkeys(found), key=lambda match: (match.kind, match.list_id, match.category)))

    def stale(self, now: Instant, max_age_s: float) -> bool:
        """Return whether the list is older than a policy allows; then it gives no alerts."""
        return self.age_s(now) > max_age_s

    def age_s(self, now: Instant) -> float:
        """Return seconds since it was fetched, by the monotonic clock; 0 for a list that has no age."""
        return 0.0 if self._loaded is None else max(now.seconds_since(self._loaded), 0.0)

    @property
    def list_ids(self) -> tuple[str, ...]:
        """Return the names of the lists in it, in order."""
        return self._list_ids

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, hex."""
        return self._sha256

    @property
    def count(self) -> int:
        """Return how many entries are in it."""
        return self._count

    @property
    def expired(self) -> int:
        """Return how many entries of the file were over when it was loaded."""
        return self._expired

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"HotList({self._count} entries of {', '.join(self._list_ids) or 'no list'})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a HotList is not pickled: it never leaves the process that holds it")
