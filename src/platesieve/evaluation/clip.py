"""A clip whose plates are known: which Sightings were right, through the very code that the product runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.evaluation.metrics import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from platesieve.domain.plate import PlateText
    from platesieve.domain.sighting import Sighting
    from platesieve.flow.sight import Sight
    from platesieve.ports import Camera

AGREEING_FRAMES = 2
SURE_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class ClipScores:
    """What became of the plates that a clip shows.

    Attributes:
        expected: how many different plates it shows.
        right: how many of them were reported (O = 0, I = 1).
        wrong: Sightings of none of them.
        missed: expected plates that were not reported.
        duplicates: Sightings of a plate that had been reported before.
        unsure: how many of the wrong ones have under 2 agreeing frames or a confidence under 0.9, which policies
            commonly treat as unsure.
        frames: in the clip.
        seconds: it took.
        wrong_texts: of the wrong Sightings; they hide themselves until they are revealed.
    """

    expected: int
    right: int
    wrong: int
    missed: int
    duplicates: int
    unsure: int
    frames: int
    seconds: float
    wrong_texts: tuple[PlateText, ...] = ()

    def as_json(self) -> dict[str, float | int]:
        """Return the counts, and the frames per second from file to Sighting."""
        return {
            "expected": self.expected,
            "right": self.right,
            "wrong": self.wrong,
            "missed": self.missed,
            "duplicates": self.duplicates,
            "unsure": self.unsure,
            "frames": self.frames,
            "fps": round(self.frames / self.seconds, 2) if self.seconds > 0 else 0.0,
        }


def evaluate_clip(
    camera: Camera, sight: Sight, expected: Sequence[PlateText], progress: Callable[[], object] = lambda: None
) -> ClipScores:
    """Watch a clip to its end and count.

    Args:
        camera: the clip, replayed as fast as it can be read.
        sight: the product's own way from frames to Sightings.
        expected: every plate that can be read in it.
        progress: called after each frame.
    """
    sightings: list[Sighting] = []
    frames = 0
    began = time.perf_counter()
    while (frame := camera.read()) is not None:
        sightings += sight.look(frame).sightings
        frames += 1
        progress()
    sightings += sight.finish()
    return count_sightings(sightings, expected, frames, time.perf_counter() - began)


def count_sightings(
    sightings: Iterable[Sighting], expected: Sequence[PlateText], frames: int, seconds: float
) -> ClipScores:
    """Hold Sightings against the plates that a clip shows."""
    wanted = {fold(text.reveal()) for text in expected}
    seen: set[str] = set()
    wrong: list[PlateText] = []
    duplicates = unsure = 0
    for sighting in sightings:
        text = fold(sighting.text.reveal())
        if text not in wanted:
            wrong.append(sighting.text)
            unsure += sighting.agreeing_frames < AGREEING_FRAMES or sighting.confidence < SURE_CONFIDENCE
        elif text in seen:
            duplicates += 1
        seen.add(text)
    right = len(wanted & seen)
    missed = len(wanted) - right
    return ClipScores(len(wanted), right, len(wrong), missed, duplicates, unsure, frames, seconds, tuple(wrong))
