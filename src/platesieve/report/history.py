"""What was so from when to when: reading, policies, hot lists, pseudonym keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from platesieve.audit import entry as e
from platesieve.report.document import NS_PER_DAY, NS_PER_S, Source, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from platesieve.audit.entry import Entry

_E = TypeVar("_E", e.PolicyLoaded, e.HotListLoaded)

STILL = "still so"
CUT_OFF = "cut off without a shutdown"


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which something was so, and why it ended."""

    start_ns: int
    end_ns: int
    ended: str

    @property
    def seconds(self) -> int:
        """Return its length; a clock that was set back makes none negative."""
        return max(0, self.end_ns - self.start_ns) // NS_PER_S


@dataclass(frozen=True, slots=True)
class Active:
    """Plates were read: the log's own spells, cut to the period of a report."""

    spells: tuple[Spell, ...]

    @property
    def seconds(self) -> int:
        """Return how long plates were read."""
        return sum(spell.seconds for spell in self.spells)

    def seconds_by_day(self) -> dict[str, int]:
        """Return for how long plates were read on each day, UTC."""
        days: defaultdict[str, int] = defaultdict(int)
        for spell in self.spells:
            at = spell.start_ns
            while at < spell.end_ns:
                midnight = (at // NS_PER_DAY + 1) * NS_PER_DAY
                days[day_of(at)] += (min(midnight, spell.end_ns) - at) // NS_PER_S
                at = midnight
        return dict(days)


def relevant(entries: Iterable[Entry], source: Source) -> list[Entry]:
    """Return what a report on a period needs.

    That is its entries, what was in force when it began, and what left earlier but had to be gone in it.
    """
    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry, e.Batch | e.Publish):
            if source.covers(started(entry)) or falls_due(entry, source):
                kept.append(entry)
        elif source.until_ns is None or entry.time_ns < source.until_ns:
            kept.append(entry)
    return kept


def started(entry: Entry) -> int:
    """Return when what an entry tells of began; a batch belongs to the day of its beginning."""
    return entry.start_ns if isinstance(entry, e.Batch) else entry.time_ns


def falls_due(entry: Entry, source: Source) -> bool:
    """Return whether a record had to be gone by a moment of the period, whenever it left."""
    return isinstance(entry, e.Publish) and entry.expires_ns is not None and source.covers(entry.expires_ns)


def active(entries: Sequence[Entry], source: Source) -> Active:
    """Return when plates were read.

    What ended without an entry (a power cut) ended with the last entry before the next start; what has not ended
    goes on to the last entry there is, or to the end of the period.
    """
    spells: list[Spell] = []
    since: int | None = None
    latest = 0
    for entry in entries:
        at = entry.time_ns
        if isinstance(entry, e.ReadingStarted) and since is None:
            since = at
        elif since is not None and isinstance(entry, e.ReadingStopped | e.Shutdown | e.Boot):
            ended = CUT_OFF if isinstance(entry, e.Boot) else _reason(entry)
            spells.append(Spell(since, latest if isinstance(entry, e.Boot) else at, ended))
            since = None
        if not isinstance(entry, e.Publish):
            latest = at
    if since is not None:
        spells.append(Spell(since, latest, STILL))
    return Active(tuple(clipped for spell in spells if (clipped := _clipped(spell, source)) is not None))


def in_force(entries: Sequence[Entry], kind: type[_E], source: Source) -> list[tuple[_E, Spell]]:
    """Return what was loaded and for how long it was in force: until another took its place, at most to the end.

    The same one loaded again, by a restart or because nobody had a newer one, goes on being in force.
    """
    loads: list[_E] = []
    for entry in entries:
        if isinstance(entry, kind) and not (loads and loads[-1].sha256 == entry.sha256):
            loads.append(entry)
    end = end_of(entries, source)
    pairs = []
    for number, load in enumerate(loads):
        following = loads[number + 1].time_ns if number + 1 < len(loads) else end
        spell = Spell(load.time_ns, following, "replaced" if number + 1 < len(loads) else STILL)
        if (clipped := _clipped(spell, source)) is not None:
            pairs.append((load, clipped))
    return pairs


def end_of(entries: Sequence[Entry], source: Source) -> int:
    """Return the end of the period, or the time of the last entry where the period has none."""
    if source.until_ns is not None:
        return source.until_ns
    return next((entry.time_ns for entry in reversed(entries) if not isinstance(entry, e.Publish)), 0)


def _reason(entry: e.ReadingStopped | e.Shutdown) -> str:
    return entry.reason.value if isinstance(entry, e.ReadingStopped) else "shutdown"


def _clipped(spell: Spell, source: Source) -> Spell | None:
    """Cut a spell to the period; None where nothing of it is in there."""
    start = max(spell.start_ns, source.since_ns or 0)
    end = spell.end_ns if source.until_ns is None else min(spell.end_ns, source.until_ns)
    before = source.since_ns is not None and spell.end_ns <= source.since_ns
    return None if before or not source.covers(start) else Spell(start, max(start, end), spell.ended)
