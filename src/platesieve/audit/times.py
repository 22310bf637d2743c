"""Whether the times of a log can be true: forwards, and not before a witness saw the log without them (6.6, 6.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.audit import words
from platesieve.audit.entry import ClockStep, Publish
from platesieve.audit.verdict import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.audit.anchor import Anchor
    from platesieve.audit.entry import Entry
    from platesieve.audit.verdict import Findings

BACKDATED_S = 3600  # entries wait at most this long in a device whose log cannot be written


class Times:
    """Is shown every entry in order. A publish is left out: its time is coarse on purpose.

    Times are RFC 3339 of one form, so that their bytes are in the order of time.
    """

    def __init__(self, found: Findings, anchors: Iterable[Anchor] = ()) -> None:
        self._found = found
        self._latest = b""
        self._floors = sorted((a.size, _floor(a.time_ns), a.by) for a in anchors if a.time_ns is not None)
        self._floor, self._by = b"", ""
        self._behind: tuple[int, bytes, str] | None = None  # the first entry that is too early, until excused

    def see(self, number: int, kind: type[Entry], time: bytes) -> None:
        """Take the next entry."""
        while self._floors and self._floors[0][0] <= number:
            _, floor, by = self._floors.pop(0)
            if floor > self._floor:
                self._floor, self._by = floor, by
        if kind is Publish:
            return
        if time < self._latest and kind is not ClockStep:
            text = f"entry {number} is earlier than the one before it, without a clock-step"
            self._found.add("6.6", Fault.TIME, text)
        self._latest = time
        if time < self._floor:
            self._behind = self._behind or (number, time, self._by)
        elif self._behind is not None and kind is ClockStep:
            self._tell(excused=True)

    def finish(self) -> None:
        """Say what no clock-step excused."""
        if self._behind is not None:
            self._tell(excused=False)

    def _tell(self, *, excused: bool) -> None:
        assert self._behind is not None  # noqa: S101 - both callers looked; this is for the type checker
        number, time, by = self._behind
        after = ", until its clock was set" if excused else ""
        text = f"entry {number} says {time.decode()}, but {by} had seen the log without it by then{after}"
        self._found.add("6.8", Fault.BACKDATED, text, excused=excused)
        self._behind = None


def _floor(time_ns: int) -> bytes:
    return words.MOMENT.write(max(0, time_ns - BACKDATED_S * words.NS_PER_S)).encode()
