"""The counts of one period, for the audit log: what happened, nothing about one vehicle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from platesieve.audit.entry import Batch
from platesieve.domain.decision import Suppress, Tally
from platesieve.domain.match import Disposition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.domain.decision import Reason
    from platesieve.domain.instant import Instant
    from platesieve.flow.judge import Judgement


class Accounts:
    """Counters that start at zero with each period."""

    def __init__(self, start: Instant) -> None:
        self.start = start
        self.frames = 0
        self.plates_found = 0
        self.reads = 0
        self.dispositions: Counter[Disposition] = Counter()
        self.hits: Counter[str] = Counter()
        self.suppressed: Counter[Reason] = Counter()
        self.tallied = 0
        self.disclosed = 0

    def looked(self, plates_found: int, reads: int) -> None:
        """Count one frame that was looked at."""
        self.frames += 1
        self.plates_found += plates_found
        self.reads += reads

    def suppress(self, reason: Reason, count: int = 1) -> None:
        """Count what was not read or did not leave, and why."""
        if count:
            self.suppressed[reason] += count

    def judged(self, judgements: Iterable[Judgement]) -> None:
        """Count what was decided."""
        for judgement in judgements:
            self.dispositions[judgement.disposition] += 1
            if judgement.disposition is Disposition.HIT:
                self.hits.update({f"{match.list_id}/{match.category}" for match in judgement.matches})
            match judgement.decision:
                case Suppress(reason):
                    self.suppressed[reason] += 1
                case Tally():
                    self.tallied += 1
                case _:
                    self.disclosed += 1

    def batch(self, end: Instant, dropped_frames: int) -> Batch:
        """Return the period's entry."""
        return Batch(
            start_ns=self.start.wall_ns,
            end_ns=max(end.wall_ns, self.start.wall_ns),  # a clock that was set back has an entry of its own
            frames=self.frames,
            plates_found=self.plates_found,
            hits=dict(self.hits),
            misses=self.dispositions[Disposition.MISS],
            unsure=self.dispositions[Disposition.UNSURE],
            suppressed={reason.value: count for reason, count in self.suppressed.items()},
            tallied=self.tallied,
            disclosed=self.disclosed,
            dropped_frames=dropped_frames,
            reads=self.reads,
            sightings=self.dispositions.total(),
        )
