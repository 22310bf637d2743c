"""Follow a police car by its own reads, as was done with the reads that Minneapolis released.

A car patrols a city of 10 x 10 km, driving from place to place and standing at its station between. Each read tells
where the reader was. The attacker has a map of the cells and draws the track: between two reads he takes the straight
line, and where the cell changes he knows that the car crossed its edge.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from platesieve.domain.decision import Disclose
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.policy.actions import Drop, Keep, ToCell
from platesieve.policy.decide import Context, decide
from platesieve.policy.fields import Field
from tests.fakes.passages import AN_ALERT, DEVICE, SEEN, a_policy, a_section, a_set_of_instruments, a_sighting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.policy.actions import Action

NORTH_M = 111_320.0
ORIGIN = (44.93, -93.33)
EAST_M = NORTH_M * math.cos(math.radians(ORIGIN[0]))
SPEED_M_S = 11.0
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Track:
    """Where the car was, second by second from the beginning, in metres east and north; and its station."""

    at: Sequence[Place]
    station: Place


def patrol(hours: float, seed: int) -> Track:
    """Return a shift: four drives an hour, and ten minutes at the station after each of them."""
    chance = random.Random(seed)  # noqa: S311 - a drive, not a key
    station = (chance.uniform(2000, 8000), chance.uniform(2000, 8000))
    at: list[Place] = [station]
    while len(at) < hours * 3600:
        goal = (chance.uniform(0, 10_000), chance.uniform(0, 10_000))
        for target in (goal, station):
            x, y = at[-1]
            steps = max(int(math.hypot(target[0] - x, target[1] - y) / SPEED_M_S), 1)
            at += [(x + (target[0] - x) * n / steps, y + (target[1] - y) * n / steps) for n in range(1, steps + 1)]
        at += [station] * 600
    return Track(at, station)


def reads(track: Track, action: Action, every_s: int, seed: int) -> list[tuple[int, Place | None]]:
    """Return what leaves for the car's reads under a policy: when (whoever listens live knows it), and where."""
    chance = random.Random(seed)  # noqa: S311 - traffic around a car
    policy = a_policy(hit=a_section({Field.LOCATION: action}))
    told = []
    for second in range(0, len(track.at), every_s):
        at_s = min(second + chance.randrange(every_s), len(track.at) - 1)
        x, y = track.at[at_s]
        device = replace(
            DEVICE, mount="mobile", latitude_deg=ORIGIN[0] + y / NORTH_M, longitude_deg=ORIGIN[1] + x / EAST_M
        )
        now = Instant(SEEN.wall_ns + at_s * NS_PER_S, SEEN.monotonic_ns + at_s * NS_PER_S)
        context = Context(now, TimeQuality.SYNCHRONISED, device)
        decision = decide(a_sighting(at=now), (AN_ALERT,), policy, context, a_set_of_instruments())
        if not isinstance(decision, Disclose):
            raise TypeError("the read of a wanted vehicle was not disclosed")
        where = json.loads(json.dumps(decision.disclosure.body)).get("location")
        told.append((at_s, where and _metres(where["latitude"], where["longitude"])))
    return told


def _metres(latitude: float, longitude: float) -> Place:
    return (longitude - ORIGIN[1]) * EAST_M, (latitude - ORIGIN[0]) * NORTH_M


def follow(told: Sequence[tuple[int, Place | None]]) -> list[tuple[int, Place]]:
    """Return the fixes that an attacker draws: cell centres, and the middle of the edge wherever the cell changes."""
    known = [(at_s, place) for at_s, place in told if place is not None]
    fixes: list[tuple[int, Place]] = known[:1]
    for (before_s, before), (at_s, place) in itertools.pairwise(known):
        if place != before:
            fixes.append(((before_s + at_s) // 2, ((before[0] + place[0]) / 2, (before[1] + place[1]) / 2)))
        fixes.append((at_s, place))
    return fixes


@dataclass(frozen=True, slots=True)
class Followed:
    """How well the car was followed.

    Attributes:
        median_error_m: between where the attacker draws it at its reads and where it was; None where he has nothing.
        within_100_m: share of those.
        station_error_m: how far from its station he marks the place where it stands most.
    """

    median_error_m: float | None
    within_100_m: float
    station_error_m: float | None


def attack(action: Action, hours: float = 8.0, seed: int = 1, *, smart: bool = True) -> Followed:
    """Follow one shift and measure."""
    track = patrol(hours, seed)
    told = reads(track, action, 20, seed)
    fixes = follow(told) if smart else [(at_s, place) for at_s, place in told if place is not None]
    if not fixes:
        return Followed(None, 0.0, None)
    errors = [math.dist(place, track.at[min(at_s, len(track.at) - 1)]) for at_s, place in fixes]
    cells: dict[Place, int] = {}
    for _, (x, y) in fixes:
        spot = (round(x, -1), round(y, -1))
        cells[spot] = cells.get(spot, 0) + 1
    most = max(cells, key=lambda spot: cells[spot])
    close = sum(error <= 100 for error in errors) / len(errors)
    return Followed(median(errors), close, math.dist(most, track.station))


LOCATIONS: dict[str, Action] = {
    "kept": Keep(),
    "cells of 500 m": ToCell(500.0, "m"),
    "cells of 2 km": ToCell(2000.0, "m"),
    "cells of 5 km": ToCell(5000.0, "m"),
    "dropped": Drop(),
}
