"""A clock that moves only when told to.

Usage::

    clock = FakeClock()
    clock.advance(2.5)          # both clocks
    clock.step_wall(-3600)      # a time server sets the wall clock back; the monotonic clock runs on
    clock.time_quality = TimeQuality.UNKNOWN
"""

from __future__ import annotations

from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality

START_WALL_NS = 1_795_348_800_000_000_000  # 2026-11-22 12:00 UTC
START_MONOTONIC_NS = 1_000 * NS_PER_S


class FakeClock:
    """The Clock port by hand: `sleep` moves it at once, and `slept_s` remembers every wait."""

    def __init__(self, wall_ns: int = START_WALL_NS, monotonic_ns: int = START_MONOTONIC_NS) -> None:
        self.wall_ns = wall_ns
        self.monotonic_ns = monotonic_ns
        self.time_quality = TimeQuality.SYNCHRONISED
        self.slept_s: list[float] = []

    def now(self) -> Instant:
        """Return the present on both clocks."""
        return Instant(self.wall_ns, self.monotonic_ns)

    def quality(self) -> TimeQuality:
        """Return what `time_quality` was set to."""
        return self.time_quality

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.slept_s.append(seconds)
        self.advance(max(seconds, 0.0))

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.wall_ns += round(seconds * NS_PER_S)
        self.monotonic_ns += round(seconds * NS_PER_S)

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a time server does."""
        self.wall_ns += round(seconds * NS_PER_S)
