"""A clip whose plates are known: which Sightings were right, through the very code that the product runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from platesieve.evaluation.metrics import fold
from platesieve.evaluation.single_frames import SingleRead, best_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from platesieve.domain.plate import PlateText
    from platesieve.domain.sighting import Sighting
    from platesieve.flow.sight import Sight
    from platesieve.ports import Camera

AGREEING_FRAMES = 2
SURE_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class SingleFrameScores:
    """How single frames would have answered in the place of the vote.

    Attributes:
        reads: of single frames.
        right: how many of them name an expected plate.
        best_right: expected plates named by the most confident frame of a Sighting.
        best_wrong: Sightings whose most confident frame names no expected plate.
    """

    reads: int
    right: int
    best_right: int
    best_wrong: int

    def as_json(self) -> dict[str, int]:
        """Return the counts."""
        return {"reads": self.reads, "right": self.right, "best_right": self.best_right, "best_wrong": self.best_wrong}


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
        single_frames: the same clip without the vote, where its reads were kept.
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
    single_frames: SingleFrameScores | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the counts, the frames per second from file to Sighting, and what single frames would have said."""
        answer: dict[str, Any] = {
            "expected": self.expected,
            "right": self.right,
            "wrong": self.wrong,
            "missed": self.missed,
            "duplicates": self.duplicates,
            "unsure": self.unsure,
            "frames": self.frames,
            "fps": round(self.frames / self.seconds, 2) if self.seconds > 0 else 0.0,
        }
        if self.single_frames is not None:
            answer["single_frames"] = self.single_frames.as_json()
        return answer


def evaluate_clip(
    camera: Camera,
    sight: Sight,
    expected: Sequence[PlateText],
    progress: Callable[[], object] = lambda: None,
    reads: Sequence[SingleRead] | None = None,
) -> ClipScores:
    """Watch a clip to its end and count.

    Args:
        camera: the clip, replayed as fast as it can be read.
        sight: the product's own way from frames to Sightings.
        expected: every plate that can be read in it.
        progress: called after each frame.
        reads: of single frames, which fill up while the clip is watched.
    """
    sightings: list[Sighting] = []
    frames = 0
    began = time.perf_counter()
    while (frame := camera.read()) is not None:
        sightings += sight.look(frame).sightings
        frames += 1
        progress()
    sightings += sight.finish()
    scores = count_sightings(sightings, expected, frames, time.perf_counter() - began)
    return scores if reads is None else replace(scores, single_frames=count_singles(sightings, reads, expected))


def count_singles(
    sightings: Sequence[Sighting], reads: Sequence[SingleRead], expected: Sequence[PlateText]
) -> SingleFrameScores:
    """Hold single frames against the plates that a clip shows."""
    wanted = {fold(text.reveal()) for text in expected}
    best = [fold(text.reveal()) for text in best_of_each(sightings, reads) if text is not None]
    right = sum(fold(read.text.reveal()) in wanted for read in reads)
    return SingleFrameScores(len(reads), right, len(wanted & set(best)), sum(text not in wanted for text in best))


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
