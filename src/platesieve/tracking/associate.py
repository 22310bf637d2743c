"""Which plate of this frame is which plate of the frames before.

Place decides first and text second: two cars side by side are never one, however alike their plates, and one plate
that flickers between texts stays one. All pairs are weighed and the best bond is tied first (greedy, global); each
plate of the frame goes to at most one that was followed, and the other way round.
"""

from __future__ import annotations

from enum import IntEnum
from math import hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.geometry import Box
    from platesieve.domain.instant import Instant
    from platesieve.settings import Tracking
    from platesieve.tracking.state import Observation, Place

STEADY_IOU = 0.5
"""With this much overlap it is the same plate, whatever is read on it: two plates cannot share one place."""

DOUBTFUL_IOU = 0.3
DOUBTFUL_CONFIDENCE = 0.8
"""A read below this is no witness for another plate."""

LARGEST_GROWTH = 2.0
"""From one frame to the next a plate does not double its size."""

BLIND_JUMP_WIDTHS = 1.0
"""How far an unreadable plate may be from the expected place: half of what separates plates in two lanes, or less."""


class Likeness(IntEnum):
    """What the text says about two plates being one."""

    UNLIKE = 0
    UNKNOWN = 1
    ALIKE = 2
    SAME = 3


def assign(
    seen: Sequence[Observation],
    places: Sequence[Place],
    likeness: Callable[[int, int], Likeness],
    now: Instant,
    settings: Tracking,
) -> dict[int, tuple[int, Likeness]]:
    """Return for each observation that belongs to a place the index of that place, and what the text said.

    Args:
        seen: the plates of this frame, in an order that does not depend on how they were found.
        places: of what is followed.
        likeness: of observation i and followed j; called only where the places allow it.
        now: instant of this frame.
        settings: reach of a plate from frame to frame.
    """
    bonds = []
    for i, observation in enumerate(seen):
        for j, place in enumerate(places):
            verdict = likeness(i, j)
            strength = bond(observation, place, verdict, now, settings)
            if strength is not None:
                bonds.append((-strength, i, j, verdict))
    found: dict[int, tuple[int, Likeness]] = {}
    taken: set[int] = set()
    for _, i, j, verdict in sorted(bonds):
        if i not in found and j not in taken:
            found[i] = (j, verdict)
            taken.add(j)
    return found


def bond(seen: Observation, place: Place, likeness: Likeness, now: Instant, settings: Tracking) -> float | None:
    """Return how strongly an observation belongs to a place, or None where it cannot."""
    box, expected = seen.detection.box, place.expected(now)
    ahead = expected.iou(box)
    overlap = max(ahead, place.box.iou(box))
    jump = jump_widths(expected, box)
    if (
        likeness is not Likeness.SAME
        and not 1 / LARGEST_GROWTH <= box.width / max(expected.width, 1.0) <= LARGEST_GROWTH
    ):
        return None
    match likeness:
        case Likeness.SAME:  # no two vehicles carry the same plate: at a few frames per second it may be anywhere
            possible = True
        case Likeness.ALIKE:
            possible = overlap >= settings.min_iou or jump <= settings.max_jump_widths
        case Likeness.UNKNOWN:
            possible = overlap >= settings.min_iou or jump <= BLIND_JUMP_WIDTHS
        case Likeness.UNLIKE:
            doubtful = seen.read is not None and seen.read.confidence < DOUBTFUL_CONFIDENCE
            possible = ahead >= (DOUBTFUL_IOU if doubtful else STEADY_IOU)
    if not possible:
        return None
    return likeness + overlap - jump / (1 + jump)


def jump_widths(one: Box, other: Box) -> float:
    """Return the distance of two centres in widths of the wider box."""
    (x, y), (other_x, other_y) = one.centre, other.centre
    return hypot(x - other_x, y - other_y) / max(one.width, other.width, 1.0)
