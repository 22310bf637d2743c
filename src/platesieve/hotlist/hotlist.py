"""A hot list: plates, why each is wanted, on whose list, until when. In RAM only, and no print shows a plate.

A million entries have to fit beside a camera. They are one block of bytes, a record of 36 bytes each, in the order of
their folded plates; a match is found by bisection, in about twenty steps whatever the plate.
"""

from __future__ import annotations

import heapq
import struct
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Self

from platesieve.domain.folding import STANDARD, Folding
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.match import Match, MatchKind, comes_from
from platesieve.hotlist.table import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateText
    from platesieve.hotlist.table import Row

# Folded plate, plate (both padded with zeros), which category, list and jurisdiction, and until when: seconds since
# the Unix epoch, the first at which it is no longer wanted, or 0.
_RECORD = struct.Struct(">12s12sIQ")
_FOLDED_BYTES = 12
_PROGRESS_EVERY = 100_000
_RUN = 65_536


@dataclass(frozen=True, slots=True)
class Source:
    """A table, what to call it in problems, and the wall time from which nothing in it is wanted, or None."""

    table: bytes = field(repr=False)
    name: str
    until_ns: int | None = None


class HotList:
    """Wanted plates, for the question whether a plate is one of them.

    Args:
        rows: those that are wanted.
        digest: SHA-256 of the file they came from, hex.
        loaded: when the file was known to be current, or None for a list that has no age.
        expired: how many rows of the file were over already.
        folding: glyphs that count as alike; the groups of the policy.
    """

    def __init__(
        self, rows: Iterable[Row], digest: str, loaded: Instant | None, expired: int = 0, folding: Folding = STANDARD
    ) -> None:
        self._folding = folding
        kinds: dict[tuple[str, str, str | None], int] = {}
        records = (
            _RECORD.pack(
                *folding.sort_key(row.plate),
                kinds.setdefault((row.category, row.list_id, row.jurisdiction), len(kinds)),
                0 if row.until_ns is None else max(row.until_ns // NS_PER_S, 1),
            )
            for row in rows
        )
        self._records = _in_order(records)
        self._kinds = tuple(kinds)
        self._list_ids = tuple(sorted({list_id for _, list_id, _ in kinds}))
        self._count = len(self._records) // _RECORD.size
        self._loaded = loaded
        self._sha256 = digest
        self._expired = expired

    @classmethod
    def empty(cls) -> Self:
        """Return a list that wants nothing."""
        return cls((), sha256(b"").hexdigest(), None)

    @classmethod
    def from_csv(
        cls,
        text: str | bytes,
        name: str,
        now: Instant,
        progress: Callable[[int], None] | None = None,
        folding: Folding = STANDARD,
    ) -> Self:
        """Return the list that a table holds (see `table.read_table` for its form).

        Args:
            text: the table.
            name: what to call it in problems.
            now: when it was fetched; its age is counted from here, and what is over by then is skipped.
            progress: told how many rows were read, every hundred thousand of them.
            folding: glyphs that count as alike; the groups of the policy.

        Raises:
            ConfigError: `problems` names every bad row by its line, none by its plate.
        """
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        return cls.from_tables([Source(raw, name)], now, progress=progress, folding=folding)

    @classmethod
    def from_tables(
        cls,
        sources: Sequence[Source],
        now: Instant,
        loaded: Instant | None = None,
        progress: Callable[[int], None] | None = None,
        folding: Folding = STANDARD,
    ) -> Self:
        """Return one list of several tables; a row ends with its table at the latest.

        Args:
            sources: the tables; none gives a list that wants nothing.
            now: what is over by then is skipped.
            loaded: when the tables were known to be current; now unless given.
            progress: told how many rows were read, every hundred thousand of them.
            folding: glyphs that count as alike; the groups of the policy.

        Raises:
            ConfigError: of the first table with bad rows; `problems` names every one of them by its line.
        """
        expired = 0

        def wanted() -> Iterator[Row]:
            nonlocal expired
            rows = ((source, row) for source in sources for row in read_table(source.table, source.name))
            for number, (source, row) in enumerate(rows, start=1):
                if progress is not None and number % _PROGRESS_EVERY == 0:
                    progress(number)
                until_ns = min((end for end in (row.until_ns, source.until_ns) if end is not None), default=None)
                if until_ns is None or now.wall_ns < until_ns:
                    yield row if until_ns == row.until_ns else replace(row, until_ns=until_ns)
                else:
                    expired += 1

        digests = [sha256(source.table).digest() for source in sources]
        digest = digests[0] if len(digests) == 1 else sha256(b"".join(sorted(digests))).digest()
        hotlist = cls(wanted(), digest.hex(), loaded or now, folding=folding)
        hotlist._expired = expired
        return hotlist

    def confirmed(self, now: Instant) -> Self:
        """Return the same list, known to be current now. The entries are shared, not copied."""
        again = type(self).__new__(type(self))
        vars(again).update(vars(self), _loaded=now)
        return again

    def match(self, text: PlateText, now: Instant, region: str | None = None) -> tuple[Match, ...]:
        """Return what the list says about a plate, best matches first.

        Args:
            text: the plate.
            now: entries that are over are passed by.
            region: where the reader takes it to be from. An entry of another country is passed by too.
        """
        found = set()
        for same, kind, until_s in self._near(text):
            category, list_id, jurisdiction = self._kinds[kind]
            here = comes_from(region, jurisdiction)
            if here is False or (until_s and now.wall_ns >= until_s * NS_PER_S):
                continue
            sort = MatchKind.LOOKALIKE if not same else MatchKind.EXACT if here else MatchKind.PARTIAL
            found.add(Match(sort, category, list_id))
        return tuple(sorted(found, key=lambda match: (match.kind.rank, match.list_id, match.category)))

    def _near(self, text: PlateText) -> Iterator[tuple[bool, int, int]]:
        """Yield the records whose plate folds to the same: whether it is the very plate, which kind, until when."""
        folded, plate = (characters.ljust(_FOLDED_BYTES, b"\0") for characters in self._folding.sort_key(text))
        size = _RECORD.size
        at = bisect_left(range(self._count), folded, key=lambda n: self._records[n * size : n * size + _FOLDED_BYTES])
        for number in range(at, self._count):
            near, other, kind, until_s = _RECORD.unpack_from(self._records, number * size)
            if near != folded:
                return
            yield other == plate, kind, until_s

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


def _in_order(records: Iterator[bytes]) -> bytes:
    """Return records in order as one block.

    Sorted in runs that are merged: a million of them as objects in one list would take twice the memory of the block.
    """
    runs: list[bytes] = []
    while run := sorted(islice(records, _RUN)):
        runs.append(b"".join(run))
    block = bytearray()
    for record in heapq.merge(*(_cut(run) for run in runs)):
        block += record
    runs.clear()
    return bytes(block)


def _cut(run: bytes) -> Iterator[bytes]:
    """Yield the records of a block."""
    return (run[at : at + _RECORD.size] for at in range(0, len(run), _RECORD.size))
