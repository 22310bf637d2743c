"""One vehicle passing once gives one Sighting: tracks, passes, and what is not reported again.

`step` is pure: the same state, observations and time give the same answer, and nothing is kept elsewhere.

1. A pass ends when its plate was not seen for `quiet_s`, or `max_pass_s` after its first read. Then its reads are
   voted on and forgotten; what stays is a Memory of place and keyed digests, without any text.
2. While a plate that was reported stays in view, it is followed by its place; nothing that is read on it is kept.
3. A plate that comes back is read again, and reported only when neither its text, nor a like text at its place, is
   remembered. Memories go `repeat_s` after the plate was last seen.
4. Where quite another text is read several times in a row at the same place, another vehicle stands there now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platesieve.tracking.associate import DOUBTFUL_CONFIDENCE, Likeness, assign
from platesieve.tracking.conclude import conclude
from platesieve.tracking.likeness import alike, neighbourhood
from platesieve.tracking.state import MAX_OBSERVATIONS, MAX_TRACKS, Memory, Track, TrackerState
from platesieve.tracking.vote import vote, winning_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateText
    from platesieve.domain.sighting import Sighting
    from platesieve.settings import Tracking
    from platesieve.tracking.state import Observation

STRANGERS = 3
"""This many confident reads of quite another text in a row are another vehicle."""

STILL_S = 1.6
"""A plate seen in the last look, and looked for again within this time, was there in between: nothing had moved."""

TELLING_CHARACTERS = 4
"""Shorter texts are too often a piece of something to tie two places together."""

AGREEING_FRAMES = 2
"""A pass that must end while no two frames agree is read afresh once instead: the vehicle may come nearer."""


def step(
    state: TrackerState,
    seen: Sequence[Observation],
    now: Instant,
    frame_size_px: tuple[int, int],
    settings: Tracking,
    fingerprint: Callable[[PlateText], bytes],
) -> tuple[TrackerState, tuple[Sighting, ...]]:
    """Take the plates of one frame and return the new state and the passes that ended.

    Args:
        state: from the step before; `TrackerState()` at the start.
        seen: the plates of this frame, in any order.
        now: when the frame was taken; not before the last step.
        frame_size_px: width and height of the frame.
        settings: how long and how far.
        fingerprint: keyed digest of a text; the key lives in RAM and dies with the process.
    """
    ended = [track for track in state.tracks if now.seconds_since(track.place.seen) > settings.quiet_s]
    held = conclude(ended, state.memories, settings, fingerprint)
    tracks = [track for track in state.tracks if track not in ended]
    present = [memory for memory in held.memories if _is_present(memory, state, now, settings)]
    look = _Look(_in_order(seen), tracks, present, fingerprint)
    followed = _follow(look, now, frame_size_px, settings)
    weak = [track for track in followed.tracks if _is_over(track, now, settings) and _is_weak(track, now)]
    over = [track for track in followed.tracks if _is_over(track, now, settings) and track not in weak]
    open_tracks = [track.begun_again() if track in weak else track for track in followed.tracks if track not in over]
    absent = (memory for memory in held.memories if memory not in present)
    closed = conclude((*followed.usurped, *over), (*absent, *followed.memories), settings, fingerprint)
    memories = [memory for memory in closed.memories if now.seconds_since(memory.place.seen) <= settings.repeat_s]
    return TrackerState(tuple(open_tracks), tuple(memories), now), (*held.sightings, *closed.sightings)


def finish(
    state: TrackerState, settings: Tracking, fingerprint: Callable[[PlateText], bytes]
) -> tuple[TrackerState, tuple[Sighting, ...]]:
    """End every pass: the source has ended, or reading stops."""
    closed = conclude(state.tracks, state.memories, settings, fingerprint)
    return TrackerState((), closed.memories, state.stepped), closed.sightings


@dataclass(frozen=True, slots=True)
class _Look:
    """One frame's plates, in an order that does not depend on how they were found, and what they may belong to."""

    seen: Sequence[Observation]
    tracks: Sequence[Track]
    present: Sequence[Memory]
    fingerprint: Callable[[PlateText], bytes]


@dataclass(frozen=True, slots=True)
class _Followed:
    """Tracks and memories after one look, and the tracks in whose place another vehicle stands."""

    tracks: tuple[Track, ...]
    memories: tuple[Memory, ...]
    usurped: tuple[Track, ...]


def _follow(look: _Look, now: Instant, frame_size_px: tuple[int, int], settings: Tracking) -> _Followed:
    """Give each observation to what it belongs to; those that belong to nothing open tracks of their own."""
    known: list[Track | Memory] = [*look.tracks, *look.present]
    bonds = assign(look.seen, [one.place for one in known], _likeness(look), now, settings)
    owned = {j: (look.seen[i], likeness) for i, (j, likeness) in bonds.items()}
    fresh = [observation for i, observation in enumerate(look.seen) if i not in bonds]
    kept: list[Track | Memory] = []
    usurped: list[Track] = []
    for j, one in enumerate(known):
        if j not in owned:
            kept.append(one)
            continue
        observation, strange = owned[j][0], _is_strange(*owned[j])
        if strange and one.estranged + 1 >= STRANGERS:
            fresh.append(observation)
            if isinstance(one, Track):
                usurped.append(one)
            else:
                kept.append(one)
        elif isinstance(one, Track):
            kept.append(one.with_seen(observation, now, frame_size_px, strange=strange))
        else:
            kept.append(one.with_seen(observation, now, strange=strange))
    tracks = [one for one in kept if isinstance(one, Track)]
    room = max(MAX_TRACKS - len(tracks), 0)
    opened = [Track.of(observation, now, frame_size_px) for observation in sorted(fresh, key=_order)[:room]]
    return _Followed((*tracks, *opened), tuple(one for one in kept if isinstance(one, Memory)), tuple(usurped))


def _likeness(look: _Look) -> Callable[[int, int], Likeness]:
    """Return what the text of observation i says about followed j: tracks first, then memories."""
    digests: dict[int, tuple[bytes, frozenset[bytes]]] = {}

    def compare(i: int, j: int) -> Likeness:
        read = look.seen[i].read
        if read is None:
            return Likeness.UNKNOWN
        if j < len(look.tracks):
            return _like_track(read.text, look.tracks[j])
        if i not in digests:
            digests[i] = look.fingerprint(read.text), neighbourhood(read.text, look.fingerprint)
        exact, near = digests[i]
        memory = look.present[j - len(look.tracks)]
        if exact in memory.exact and len(read.text) >= TELLING_CHARACTERS:
            return Likeness.SAME
        return Likeness.ALIKE if near & memory.near else Likeness.UNLIKE

    return compare


def _like_track(text: PlateText, track: Track) -> Likeness:
    if not track.variants:
        return Likeness.UNKNOWN
    heaviest = track.variants[0].text
    if text == heaviest and len(text) >= TELLING_CHARACTERS:
        return Likeness.SAME
    if alike(text, heaviest):
        return Likeness.ALIKE
    # Two misreads of one plate may be further apart from each other than each is from the plate.
    cluster = winning_cluster(track.variants)
    return Likeness.ALIKE if any(alike(text, variant.text) for variant in cluster) else Likeness.UNLIKE


def _is_strange(seen: Observation, likeness: Likeness) -> bool:
    sure = seen.read is not None and seen.read.confidence >= DOUBTFUL_CONFIDENCE
    return sure and likeness is Likeness.UNLIKE


def _is_present(memory: Memory, state: TrackerState, now: Instant, settings: Tracking) -> bool:
    """Return whether a reported plate is still in view: seen a moment ago, or in the last look at a still picture."""
    unseen_s = now.seconds_since(memory.place.seen)
    return unseen_s <= settings.quiet_s or (memory.place.seen == state.stepped and unseen_s <= STILL_S)


def _is_over(track: Track, now: Instant, settings: Tracking) -> bool:
    return track.began is not None and now.seconds_since(track.began) >= settings.max_pass_s


def _is_weak(track: Track, now: Instant) -> bool:
    """Return whether a pass that must end should be read afresh instead; once only."""
    here = track.place.seen == now and not track.deferred
    return here and vote(track.variants).agreeing_frames < AGREEING_FRAMES


def _in_order(seen: Sequence[Observation]) -> list[Observation]:
    """Return the best plates of a frame in an order that does not depend on how they came."""
    return sorted(seen, key=_order)[:MAX_OBSERVATIONS]


def _order(seen: Observation) -> tuple[Any, ...]:
    """Best first; plates in the very same place are told apart by their reads."""
    glyphs = () if seen.read is None else tuple(glyph.alternatives for glyph in seen.read.glyphs)
    return -seen.detection.score, seen.detection.corners, seen.read is None, glyphs
