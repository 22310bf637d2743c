"""Which lines of a witness file stay: a later checkpoint that continues an earlier one implies it (FORMAT 9.8).

Of checkpoints that were each proved to continue the one before, the last stands for all: a log that contradicts one
of them contradicts the last, or is shorter than it. What the others still say is when the log had grown how far, and
that gets coarser with age. A contradiction, and what it contradicts, stays for ever.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from platesieve.audit.witness import Seen
from platesieve.audit.words import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

THINNED_EVERY_DAYS = 7
"""A file is written anew once a week: more often writes more than it saves."""

_HOUR_NS, _DAY_NS = 3600 * NS_PER_S, 86_400 * NS_PER_S
_ENDS = 2  # of an hour or a day: what came before its first line, and after its last, is dated by them


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far apart the lines of a chain may be, by their age. Days are those of UTC, before that of the newest line.

    Attributes:
        every_days: so many whole days back every line stays.
        hourly_days: so many days back the first and the last line of each hour stay; before that, of each day.
    """

    every_days: int = 7
    hourly_days: int = 731  # the longest for which a collector keeps an event, unless it is told otherwise

    def lines(self, per_day: float, days: float) -> float:
        """Return how many lines a file has at most after so many days, where nothing contradicts."""
        late = 1 + THINNED_EVERY_DAYS  # today, and until the file is thinned
        every = min(days, self.every_days + late)
        hourly = max(min(days, self.hourly_days + late) - every, 0)
        daily = days - every - hourly
        return every * per_day + hourly * min(per_day, 24 * _ENDS) + daily * min(per_day, _ENDS)


class Line(NamedTuple):
    """One line of a witness file, as far as it matters here; `number` counts from 0."""

    number: int
    seen: Seen
    seen_ns: int
    size: int

    @property
    def accepted(self) -> bool:
        """Return whether it continued what was known."""
        return self.seen in {Seen.FIRST, Seen.GREW}


def lasting(lines: Iterable[Line], spacing: Spacing) -> frozenset[int]:
    """Return the numbers of the lines that stay.

    Always among them: the first and the newest; every contradiction, with the accepted lines around it and those
    between whose sizes its own lies; every line that was not proved to continue the one right before it, and that one.

    Args:
        lines: of one file, oldest first.
        spacing: of the others.
    """
    all_of_them = tuple(lines)
    stays = set(_contradicted(all_of_them))
    today = all_of_them[-1].seen_ns // _DAY_NS if all_of_them else 0
    for chain in _chains(all_of_them):
        for _, together in groupby(chain, lambda line: _period(line, today, spacing)):
            ends = list(together)
            stays |= {ends[0].number, ends[-1].number}
    return frozenset(stays)


def due(name: str, since_ns: int, until_ns: int) -> bool:
    """Return whether the weekly turn of a file came between two moments; each has its own: not all at once."""
    week_ns = THINNED_EVERY_DAYS * _DAY_NS
    own_ns = crc32(name.encode()) * NS_PER_S % week_ns
    return (until_ns - own_ns) // week_ns > (since_ns - own_ns) // week_ns


def _chains(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield runs of lines in which each was proved to continue the one right before it."""
    chain: list[Line] = []
    for line in lines:
        if chain and not (line.seen is Seen.GREW and chain[-1].accepted and line.size > chain[-1].size):
            yield chain
            chain = []
        chain.append(line)
    if chain:
        yield chain


def _period(line: Line, today: int, spacing: Spacing) -> Hashable:
    """Return what a line shares with those that it may stand for; recent ones share nothing."""
    day = line.seen_ns // _DAY_NS
    if today - day <= spacing.every_days:
        return "line", line.number
    if today - day <= spacing.hourly_days:
        return "hour", line.seen_ns // _HOUR_NS
    return "day", day


def _contradicted(lines: Iterable[Line]) -> Iterator[int]:
    """Yield the accepted lines just below and just above the size of each contradiction that came after them.

    The one below tells a fork from an earlier state (`witness.observe`); both are what a log has to explain.
    """
    accepted: list[tuple[int, int]] = []
    for line in lines:
        if line.accepted:
            insort(accepted, (line.size, line.number))
            continue
        above = bisect_right(accepted, (line.size, line.number))
        yield from (number for _, number in accepted[max(above - 1, 0) : above + 1])
