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
    from platesieve.judge import Judgement


class Accounts:
    """Counters that start at zero with each period."""

    def __init__(self, start: Instant) -> None:
        self.start = start
        self.frames = 0
        self.dropped_frames = 0
        self.plates_found = 0
        self.dispositions: Counter[Disposition] = Counter()
        self.hits: Counter[tuple[str, str]] = Counter()
        self.suppressed: Counter[Reason] = Counter()
        self.tallied = 0
        self.disclosed = 0

    def frame(self, plates_found: int) -> None:
        """Count one frame that was looked at."""
        self.frames += 1
        self.plates_found += plates_found

    def unread(self, reason: Reason) -> None:
        """Count one frame that was not looked at, and why."""
        self.suppressed[reason] += 1

    def judged(self, judgements: Iterable[Judgement]) -> None:
        """Count what was decided."""
        for judgement in judgements:
            self.dispositions[judgement.disposition] += 1
            if judgement.disposition is Disposition.HIT:
                self.hits.update({(match.list_id, match.category) for match in judgement.matches})
            match judgement.decision:
                case Suppress(reason):
                    self.suppressed[reason] += 1
                case Tally():
                    self.tallied += 1
                case _:
                    self.disclosed += 1

    def batch(self, end: Instant) -> Batch:
        """Return the period's entry."""
        return Batch(
            start_ns=self.start.wall_ns,
            end_ns=end.wall_ns,
            frames=self.frames,
            plates_found=self.plates_found,
            hits={f"{list_id}/{category}": count for (list_id, category), count in sorted(self.hits.items())},
            misses=self.dispositions[Disposition.MISS],
            unsure=self.dispositions[Disposition.UNSURE],
            suppressed={reason.value: count for reason, count in sorted(self.suppressed.items())},
            tallied=self.tallied,
            disclosed=self.disclosed,
        )
