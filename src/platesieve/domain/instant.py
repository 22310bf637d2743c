"""A point in time on both clocks, because intervals and retention need different ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NS_PER_S = 1_000_000_000


class TimeQuality(StrEnum):
    """Whether the wall clock could be trusted when something happened."""

    SYNCHRONISED = "synchronised"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment: `wall_ns` since the Unix epoch (UTC), `monotonic_ns` since some fixed start."""

    wall_ns: int
    monotonic_ns: int

    def seconds_since(self, earlier: Instant) -> float:
        """Return elapsed seconds by the monotonic clock, which no time server can set back."""
        return (self.monotonic_ns - earlier.monotonic_ns) / NS_PER_S
