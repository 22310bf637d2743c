"""Sums over batches: exact, by day, by list and by reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.audit import entry as e
from platesieve.report.document import Figure, Table, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.audit.entry import Entry
    from platesieve.report.history import Active

UNKNOWN = "not recorded"


@dataclass(slots=True)
class Counts:
    """Sums of batches; `sightings` and `reads` are None as soon as one batch did not record them."""

    frames: int = 0
    plates_found: int = 0
    reads: int | None = 0
    sightings: int | None = 0
    misses: int = 0
    unsure: int = 0
    tallied: int = 0
    disclosed: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)

    def add(self, batch: e.Batch) -> None:
        """Add one period."""
        self.frames += batch.frames
        self.plates_found += batch.plates_found
        self.reads = _sum(self.reads, batch.reads)
        self.sightings = _sum(self.sightings, batch.sightings)
        self.misses += batch.misses
        self.unsure += batch.unsure
        self.tallied += batch.tallied
        self.disclosed += batch.disclosed
        self.hits.update(batch.hits)
        self.suppressed.update(batch.suppressed)

    @property
    def wanted(self) -> int | None:
        """Return how many vehicles met a list: each once, whatever number of lists it met."""
        return None if self.sightings is None else self.sightings - self.misses - self.unsure

    @property
    def by_category(self) -> Counter[str]:
        """Return hits by category, over all lists."""
        summed: Counter[str] = Counter()
        for name, count in self.hits.items():
            summed[name.partition("/")[2]] += count
        return summed


def totals(entries: Iterable[Entry]) -> Counts:
    """Return the sum of all batches."""
    counts = Counts()
    for entry in entries:
        if isinstance(entry, e.Batch):
            counts.add(entry)
    return counts


def by_day(entries: Iterable[Entry]) -> dict[str, Counts]:
    """Return the sums of each day, UTC; a batch belongs to the day on which it began."""
    days: defaultdict[str, Counts] = defaultdict(Counts)
    for entry in entries:
        if isinstance(entry, e.Batch):
            days[day_of(entry.start_ns)].add(entry)
    return dict(days)


def figures(counts: Counts, active: Active) -> tuple[Figure, ...]:
    """Return the sums that every report on use begins with."""
    return (
        Figure("active_s", "Time in which plates were read", spoken_s(active.seconds)),
        Figure("vehicles", "Vehicles", known(counts.sightings)),
        Figure("wanted", "Vehicles that met a list", known(counts.wanted)),
        Figure("misses", "Vehicles that met none", counts.misses),
        Figure("unsure", "Read with too little certainty", counts.unsure),
        Figure("disclosed", "Vehicles of which a record left", counts.disclosed),
    )


def days_table(days: dict[str, Counts], active: Active) -> Table:
    """Return one row for each day with a batch or with time in which plates were read."""
    seconds = active.seconds_by_day()
    rows = tuple(
        (day, seconds.get(day, 0) // 60, c.sightings, c.wanted, c.misses, c.unsure, c.disclosed)
        for day in sorted(days.keys() | seconds.keys())
        for c in [days.get(day, Counts())]
    )
    columns = (
        ("day", "Day (UTC)"),
        ("active_min", "Active, min"),
        ("vehicles", "Vehicles"),
        ("wanted", "Met a list"),
        ("misses", "Met none"),
        ("unsure", "Unsure"),
        ("disclosed", "Left"),
    )
    return Table("days", "Each day", columns, rows, charted="vehicles", labelled="day", empty="No day of use.")


def table_of(key: str, title: str, what: tuple[str, str], counts: Counter[str], note: str = "") -> Table:
    """Return names with their counts, the largest first."""
    rows = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Table(key, title, (what, ("count", "Count")), rows, charted="count", labelled=what[0], note=note)


def known(count: int | None) -> int | str:
    """Return a count, or that nobody recorded it."""
    return UNKNOWN if count is None else count


def spoken_s(seconds: int) -> str:
    """Return a length of time in hours and minutes."""
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def _sum(before: int | None, more: int | None) -> int | None:
    return None if before is None or more is None else before + more
