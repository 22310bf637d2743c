"""Look at pictures and ask the policy, without a log, a pipe or a network: what would leave?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.domain.decision import Disclose, Tally
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from platesieve.domain.disclosure import Json
    from platesieve.domain.sighting import Sighting
    from platesieve.flow.judge import Judge, Judgement
    from platesieve.flow.sight import Sight
    from platesieve.policy.language import Policy
    from platesieve.ports import Camera
    from platesieve.vision.frame import Frame

LOOK_INTERVAL_NS = NS_PER_S // 10


@dataclass(frozen=True, slots=True)
class Item:
    """One vehicle, in which picture it was, and what would leave for it."""

    picture: int
    judgement: Judgement
    leaves: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a look at a source gave. RAM only."""

    policy: Policy
    frames: int
    items: tuple[Item, ...]
    made_up_keys: tuple[str, ...] = ()


def look_at(camera: Camera, sight: Sight, judge: Judge, looks: int) -> Preview:
    """Look at everything a source has.

    Args:
        camera: a finite source.
        sight: the eyes.
        judge: the rules.
        looks: how often each picture is looked at on its own; 0: the source is a clip, one frame follows another.
    """
    items: list[Item] = []
    frames = 0
    while (frame := camera.read()) is not None:
        frames += 1
        if looks:
            items += _judged(_still(frame, sight, looks), frames, frame, judge)
        else:
            items += _judged(sight.look(frame).sightings, frames, frame, judge)
        last = frame
    if frames and not looks:
        items += _judged(sight.finish(), frames, last, judge)
    return Preview(judge.policy, frames, tuple(items))


def _still(frame: Frame, sight: Sight, looks: int) -> Iterator[Sighting]:
    """Return the vehicles of one picture, looked at as if it were several frames."""
    sight.forget()
    for number in range(looks):
        shift_ns = number * LOOK_INTERVAL_NS
        again = replace(frame, wall_ns=frame.wall_ns + shift_ns, monotonic_ns=frame.monotonic_ns + shift_ns)
        yield from sight.look(again).sightings
    yield from sight.finish()


def _judged(sightings: Iterable[Sighting], picture: int, frame: Frame, judge: Judge) -> Iterator[Item]:
    now = Instant(frame.wall_ns, frame.monotonic_ns)
    for sighting in sightings:
        at = max(now, sighting.last_seen, key=lambda instant: instant.monotonic_ns)
        judgement = judge.judge(sighting, at, TimeQuality.SYNCHRONISED)
        match judgement.decision:
            case Disclose(disclosure):
                leaves: Mapping[str, Json] = disclosure.body
            case Tally(group=group):
                leaves = dict(group)
            case _:
                leaves = {}
        yield Item(picture, judgement, leaves)
