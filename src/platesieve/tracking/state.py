"""What the tracker keeps between frames: open tracks with their reads, and what was reported lately without any text.

Everything is bounded, so that neither a busy road nor a wall of lettering makes the process grow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot
from typing import TYPE_CHECKING

from platesieve.domain.geometry import Box
from platesieve.tracking.vote import add_read

if TYPE_CHECKING:
    from platesieve.domain.geometry import Detection
    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateRead
    from platesieve.tracking.vote import Variant

MAX_OBSERVATIONS = 32
MAX_TRACKS = 32
MAX_MEMORIES = 256
MAX_DIGESTS = 64

LONGEST_PREDICTION_S = 1.0
"""Beyond this a plate may have braked or turned: its last speed says nothing."""

LEGIBLE_CONFIDENCE = 0.5
"""Below this a read is lettering or a grille as often as a plate, and does not keep the search running."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A plate found in one frame, and what was read on it; an unreadable one still keeps its track alive."""

    detection: Detection
    read: PlateRead | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plate was seen last and how fast it moved, in pixels and pixels per second."""

    box: Box
    seen: Instant
    velocity: tuple[float, float] = (0.0, 0.0)
    steps: int = 0

    def expected(self, now: Instant) -> Box:
        """Return where the plate is by now if it kept its speed."""
        ahead_s = min(max(now.seconds_since(self.seen), 0.0), LONGEST_PREDICTION_S)
        vx, vy = self.velocity
        return Box(self.box.x + vx * ahead_s, self.box.y + vy * ahead_s, self.box.width, self.box.height)

    def moved(self, box: Box, now: Instant) -> Place:
        """Return the place with one more sight of it; speeds are averaged, because corners jitter."""
        passed_s = now.seconds_since(self.seen)
        if passed_s <= 0:
            return replace(self, box=box)
        (x, y), (was_x, was_y) = box.centre, self.box.centre
        vx, vy = (x - was_x) / passed_s, (y - was_y) / passed_s
        if self.steps:
            vx, vy = (vx + self.velocity[0]) / 2, (vy + self.velocity[1]) / 2
        return Place(box, now, (vx, vy), self.steps + 1)


@dataclass(frozen=True, slots=True)
class Track:
    """One plate in view, with everything read on it since the pass began.

    Attributes:
        place: where it is.
        start: where it was first.
        began: instant of its first read; None while nothing could be read.
        frames: how many frames it was read in.
        variants: the reads, summed by text.
        first_width: width of the plate when it was first found, pixels.
        width: its width now, averaged over the last frames.
        estranged: how many confident reads in a row were of quite another text.
        deferred: the pass was already prolonged once, because no two reads agreed.
    """

    place: Place
    start: Box
    first_width: float
    width: float
    began: Instant | None = None
    last_read: Instant | None = None
    frames: int = 0
    variants: tuple[Variant, ...] = ()
    estranged: int = 0
    deferred: bool = False

    @classmethod
    def of(cls, seen: Observation, now: Instant, frame_size_px: tuple[int, int]) -> Track:
        """Open a track with its first observation."""
        box, width = seen.detection.box, plate_width(seen.detection)
        return _with_read(cls(Place(box, now), box, width, width), seen.read, now, frame_size_px)

    def with_seen(self, seen: Observation, now: Instant, frame_size_px: tuple[int, int], *, strange: bool) -> Track:
        """Return the track with one more observation; `strange`: it reads quite another text."""
        width = (self.width + plate_width(seen.detection)) / 2
        estranged = self.estranged + 1 if strange else (self.estranged if seen.read is None else 0)
        moved = replace(self, place=self.place.moved(seen.detection.box, now), width=width, estranged=estranged)
        return _with_read(moved, seen.read, now, frame_size_px)

    def begun_again(self) -> Track:
        """Return the track without its reads: the plate is still there, and is read afresh."""
        return replace(self, began=None, last_read=None, frames=0, variants=(), deferred=True)


@dataclass(frozen=True, slots=True)
class Memory:
    """A plate that was reported lately: where it is and what to recognise it by. No text, no picture.

    Attributes:
        place: where it was seen last.
        exact: keyed digests of the reported texts.
        near: keyed digests of their deletion neighbourhoods, which one misread character does not escape.
        estranged: as in a Track.
    """

    place: Place
    exact: frozenset[bytes]
    near: frozenset[bytes]
    estranged: int = 0

    def with_seen(self, seen: Observation, now: Instant, *, strange: bool) -> Memory:
        """Return the memory, seen once more."""
        estranged = self.estranged + 1 if strange else (self.estranged if seen.read is None else 0)
        return replace(self, place=self.place.moved(seen.detection.box, now), estranged=estranged)


@dataclass(frozen=True, slots=True)
class TrackerState:
    """Everything the tracker knows. An empty one is the start.

    Attributes:
        tracks: plates in view that were not reported yet; the only part with texts in it.
        memories: plates that were, oldest first.
        stepped: instant of the last step.
    """

    tracks: tuple[Track, ...] = ()
    memories: tuple[Memory, ...] = ()
    stepped: Instant | None = None

    @property
    def reading(self) -> bool:
        """Return whether a legible pass is under way: then every frame is worth a look, moving or not."""
        return any(v.best.confidence >= LEGIBLE_CONFIDENCE for track in self.tracks for v in track.variants)


def plate_width(detection: Detection) -> float:
    """Return the mean length of the plate's upper and lower edge in pixels, never less than one."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = detection.corners
    return max((hypot(bx - ax, by - ay) + hypot(cx - dx, cy - dy)) / 2, 1.0)


def _with_read(track: Track, read: PlateRead | None, now: Instant, frame_size_px: tuple[int, int]) -> Track:
    if read is None:
        return track
    variants = add_read(track.variants, read, frame_size_px)
    return replace(track, began=track.began or now, last_read=now, frames=track.frames + 1, variants=variants)
