"""What single frames said, held against the vote of all: what voting over a passage brings."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.geometry import Detection
    from platesieve.domain.plate import PlateRead, PlateText
    from platesieve.domain.sighting import Sighting
    from platesieve.ports import PlateReader
    from platesieve.vision.frame import Frame


@dataclass(frozen=True, slots=True)
class SingleRead:
    """One read of one frame: when, what, and how sure of its weakest character."""

    monotonic_ns: int
    text: PlateText
    confidence: float


class SingleFrames:
    """A PlateReader that hands on what another one reads and keeps it, for an evaluation only.

    Args:
        reader: that reads.
    """

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader
        self.reads: list[SingleRead] = []

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read; see ports.PlateReader."""
        read = self._reader.read(frame, detection)
        if read is not None:
            self.reads.append(SingleRead(frame.monotonic_ns, read.text, read.confidence))
        return read


def best_of_each(sightings: Sequence[Sighting], reads: Sequence[SingleRead]) -> list[PlateText | None]:
    """Return, for each Sighting, its most confident single read; None where no read is its own.

    A read belongs to the Sighting during which it was made; where vehicles pass side by side, to the one whose voted
    text it resembles most.
    """
    best: list[SingleRead | None] = [None] * len(sightings)
    for read in reads:
        during = [
            i
            for i, seen in enumerate(sightings)
            if seen.first_seen.monotonic_ns <= read.monotonic_ns <= seen.last_seen.monotonic_ns
        ]
        if not during:
            continue
        own = max(during, key=lambda i: _likeness(sightings[i].text, read.text))
        kept = best[own]
        if kept is None or read.confidence > kept.confidence:
            best[own] = read
    return [read.text if read else None for read in best]


def _likeness(text: PlateText, other: PlateText) -> float:
    return SequenceMatcher(None, text.reveal(), other.reveal()).ratio()
