"""What becomes of a pass that ended: one Sighting, or nothing where the plate was reported a moment ago.

Either way its texts end here. What is remembered are digests under a key that lives in RAM, and a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.domain.sighting import Direction, Sighting
from platesieve.tracking.associate import STEADY_IOU, jump_widths
from platesieve.tracking.likeness import neighbourhood
from platesieve.tracking.state import MAX_DIGESTS, MAX_MEMORIES, Memory
from platesieve.tracking.vote import vote, winning_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateText
    from platesieve.settings import Tracking
    from platesieve.tracking.state import Track
    from platesieve.tracking.vote import Verdict

VARIANTS_REMEMBERED = 4
"""A reader that flickers does so between few texts."""

BRIEF_LOSS_S = 2.0
"""A plate hidden behind a pole or a passing vehicle for no longer than this is looked for where it was heading."""

LEAST_GROWTH = 1.1
LEAST_FRAMES_FOR_DIRECTION = 3


@dataclass(frozen=True, slots=True)
class Concluded:
    """Passes that ended: what is remembered now, oldest first, and what is to be reported."""

    memories: tuple[Memory, ...]
    sightings: tuple[Sighting, ...]


def conclude(
    ended: Iterable[Track],
    memories: tuple[Memory, ...],
    settings: Tracking,
    fingerprint: Callable[[PlateText], bytes],
) -> Concluded:
    """Vote on each pass that ended; report it unless nothing was legible or it is remembered, and remember it."""
    sightings = []
    for track in ended:
        if track.began is None or track.last_read is None:
            continue  # never read: there is nothing to report, nor to forget
        verdict = vote(track.variants)
        if not _is_legible(verdict, track, settings):
            continue
        new = _memory_of(track, verdict, fingerprint)
        known = [memory for memory in memories if _is_known(memory, new, track, track.began, settings)]
        memories = (*(m for m in memories if m not in known), _merged(new, known))
        if not known:
            sightings.append(_sighting(track, verdict, track.began, track.last_read))
    return Concluded(memories[-MAX_MEMORIES:], tuple(sightings))


def _is_legible(verdict: Verdict, track: Track, settings: Tracking) -> bool:
    """Return whether there was a plate at all: lettering and grilles read differently each time, or hardly at all."""
    if max(variant.best.confidence for variant in track.variants) < settings.least_confidence:
        return False  # not one frame in which every character could be told: a plate far away, or none
    return verdict.agreeing_frames > 1 or sum(variant.frames for variant in track.variants) <= settings.lone_reads


def _memory_of(track: Track, verdict: Verdict, fingerprint: Callable[[PlateText], bytes]) -> Memory:
    texts = [verdict.text, *(variant.text for variant in winning_cluster(track.variants)[:VARIANTS_REMEMBERED])]
    near = frozenset().union(*(neighbourhood(text, fingerprint) for text in dict.fromkeys(texts)))
    return Memory(track.place, frozenset({fingerprint(verdict.text)}), _bounded(near, frozenset()))


def _is_known(memory: Memory, new: Memory, track: Track, began: Instant, settings: Tracking) -> bool:
    """Return whether the plate was reported: the same text anywhere, or a like one at the same place."""
    if began.seconds_since(memory.place.seen) > settings.repeat_s:
        return False
    if memory.exact & new.exact:
        return True
    if not memory.near & new.near:
        return False
    if memory.place.box.iou(track.start) >= STEADY_IOU or memory.place.box.iou(track.place.box) >= STEADY_IOU:
        return True
    briefly = began.seconds_since(memory.place.seen) <= BRIEF_LOSS_S
    return briefly and jump_widths(memory.place.expected(began), track.start) <= settings.max_jump_widths


def _merged(new: Memory, known: list[Memory]) -> Memory:
    exact = frozenset().union(*(memory.exact for memory in known))
    near = frozenset().union(*(memory.near for memory in known))
    return Memory(new.place, _bounded(new.exact, exact), _bounded(new.near, near))


def _bounded(first: frozenset[bytes], more: frozenset[bytes]) -> frozenset[bytes]:
    """Return at most MAX_DIGESTS, those of `first` before others; sorted, so that the choice never varies."""
    return frozenset([*sorted(first), *sorted(more - first)][:MAX_DIGESTS])


def _sighting(track: Track, verdict: Verdict, began: Instant, last_read: Instant) -> Sighting:
    return Sighting(
        text=verdict.text,
        glyphs=verdict.glyphs,
        confidence=verdict.confidence,
        agreeing_frames=verdict.agreeing_frames,
        frames=track.frames,
        region=verdict.region,
        detection=verdict.best.detection,
        frame_size_px=verdict.frame_size_px,
        first_seen=began,
        last_seen=last_read,
        direction=_direction(track),
        crops=verdict.best.crops,
    )


def _direction(track: Track) -> Direction:
    """Return where the plate went: one that grows comes nearer."""
    growth = track.width / track.first_width
    if track.frames < LEAST_FRAMES_FOR_DIRECTION or 1 / LEAST_GROWTH < growth < LEAST_GROWTH:
        return Direction.UNKNOWN
    return Direction.APPROACHING if growth > 1 else Direction.RECEDING
