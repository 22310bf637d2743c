"""What became of every simulated event, and how long each step took."""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECENT = 500  # of how many latencies the running figure is


class Step(StrEnum):
    """How far an event came."""

    TAKEN = "broker answered"
    HEARD = "subscriber has it"
    SIGNED = "collector's receipt is back"


@dataclass(frozen=True, slots=True)
class Latency:
    """Times from a vehicle's passing to one step, in milliseconds; nearest rank."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Latency | None:
        """Return the figures of some times, None where there are none."""
        ordered = sorted(seconds)
        if not ordered:
            return None
        p50, p95, p99 = (round(1000 * nearest_rank(ordered, share), 2) for share in (0.5, 0.95, 0.99))
        return cls(len(ordered), p50, p95, p99, round(1000 * ordered[-1], 2))


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all are not above."""
    return ordered[max(-(-len(ordered) * round(share * 100) // 100), 1) - 1]


@dataclass(slots=True)
class Tally:
    """Counts while a simulation runs. Times are in seconds, of one monotonic clock.

    Attributes:
        steps: those that can be seen in this run; the last of them decides what is lost.
    """

    steps: tuple[Step, ...]
    sent: dict[str, float] = field(default_factory=dict)
    unexpected: int = 0
    twice: int = 0
    """How often the subscriber had an event again: harmless by its id, and told."""
    _reached: dict[Step, set[str]] = field(default_factory=lambda: {step: set() for step in Step})
    _seconds: dict[Step, array[float]] = field(default_factory=lambda: {step: array("d") for step in Step})
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def passed(self, id_: str, at_s: float) -> None:
        """Take down a vehicle that passed."""
        self.sent[id_] = at_s

    def reached(self, step: Step, id_: str, at_s: float) -> None:
        """Take down that an event came as far as this."""
        begun_s = self.sent.get(id_)
        if begun_s is None:
            self.unexpected += 1
        elif id_ not in self._reached[step]:
            self._reached[step].add(id_)
            self._seconds[step].append(at_s - begun_s)
            if step is self.steps[-1]:
                self._recent.append(at_s - begun_s)
        elif step is Step.HEARD:
            self.twice += 1

    def count(self, step: Step) -> int:
        """Return how many events came as far as this."""
        return len(self._reached[step])

    @property
    def missing(self) -> int:
        """Return how many have not come as far as can be seen: at the very end they are lost.

        A subscriber without a session misses what comes while it is away; a collector's receipt is the later word.
        """
        return len(self.sent) - self.count(self.steps[-1])

    def recent(self) -> Latency | None:
        """Return the figures of the newest events."""
        return Latency.of(self._recent)

    def latencies(self) -> dict[Step, Latency]:
        """Return the figures of every step that was seen."""
        found = ((step, Latency.of(self._seconds[step])) for step in self.steps)
        return {step: latency for step, latency in found if latency is not None}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a simulation came to.

    Attributes:
        devices: asked for.
        connected: of them, at the end.
        reconnections: how often a connection was begun again.
        seconds: how long events were made.
        asked_per_s: events.
        sent: events made.
        sent_per_s: the same each second.
        missing: events that did not come as far as could be seen.
        unexpected: that came and were never sent.
        twice: how often an event came again to the subscriber.
        health_sent: health events made beside them.
        latency: by step.
        memory_per_1000_devices_mib: of this process, for their connections and outboxes; None where it is not told.
        cpu_share: of one core, of this process.
        finished: whether it ran to its end.
    """

    devices: int
    connected: int
    reconnections: int
    seconds: float
    asked_per_s: float
    sent: int
    sent_per_s: float
    missing: int
    unexpected: int
    twice: int
    health_sent: int
    latency: dict[Step, Latency]
    memory_per_1000_devices_mib: float | None
    cpu_share: float
    finished: bool

    @property
    def good(self) -> bool:
        """Return whether everybody was connected and every event came once."""
        return self.finished and self.connected == self.devices and self.missing == self.unexpected == 0

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self) | {"latency": {step.name.lower(): asdict(one) for step, one in self.latency.items()}}
