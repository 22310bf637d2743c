"""Are two pseudonyms one vehicle? Traffic is simulated, pseudonyms are the product's own.

Reads per plate follow the shape of what Oakland released (4.6 million reads of 1.1 million plates): most plates are
seen once or twice, a few hundreds of times; mean 4.2. The second release is that of Minneapolis: 2.1 million reads in
90 days; of how many plates was not told, so that the mean of Oakland stands in, over the longer time. A vehicle has
habits: a usual minute of the day and a usual direction. The attacker sees everything that leaves and answers, for
pairs of pseudonyms of two epochs, how likely they are one vehicle. The figure is the area under the ROC curve: 0.5 is
a coin, 1.0 is certainty.

By the name it must be a coin. By the habit it is not, and no pseudonym can make it one: whoever passes at the same
minute every day is told apart from those who pass at other hours. Against that help coarser times, and counts.
"""

from __future__ import annotations

import bisect
import os
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.policy.actions import Pseudonym, Scope
from platesieve.policy.pseudonym import EpochKeys, Ring
from platesieve.policy.ratchet import new_ratchet
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.policy.pseudonym import Alias

DAY_S = 86_400
DAYS = {"Oakland": 7, "Minneapolis": 90}  # of Oakland's release a week is drawn; its length was not told in days
MEAN_READS = 4.6 / 1.1
PURPOSE = "miss/plate"
FIRST_DAY_S = 20_779 * DAY_S  # 2026-11-22


@dataclass(frozen=True, slots=True)
class Pass:
    """One read: which vehicle (the attacker does not know), where, when, in which direction."""

    vehicle: int
    device: int
    at_s: int
    direction: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What left for one pass."""

    name: str
    vehicle: int
    minute: int
    direction: str


def traffic(vehicles: int, days: int, devices: int, seed: int) -> list[Pass]:
    """Return passes of many vehicles over some days."""
    chance = random.Random(seed)  # noqa: S311 - traffic, not keys
    passes = []
    for vehicle in range(vehicles):
        habit_s, direction = chance.randrange(6 * 3600, 20 * 3600), chance.choice(("approaching", "receding"))
        reads = min(int(chance.paretovariate(1.31)), 400)  # mean alpha/(alpha-1) = 4.2 before rounding and the cut
        for _ in range(reads):
            at_s = FIRST_DAY_S + chance.randrange(days) * DAY_S + int(chance.gauss(habit_s, 600)) % DAY_S
            passes.append(Pass(vehicle, chance.randrange(devices), at_s, direction))
    return sorted(passes, key=lambda one: one.at_s)


def published(
    passes: Sequence[Pass], devices: int, epoch_s: int, period_s: int, scope: Scope = Scope.DEVICE
) -> dict[tuple[int, int], list[Seen]]:
    """Return what leaves, by device and epoch: pseudonym, coarse time of day, direction."""
    start = Instant(FIRST_DAY_S * NS_PER_S, FIRST_DAY_S * NS_PER_S)
    rings = {Scope.FLEET: Ring(new_ratchet(epoch_s, start, os.urandom), lambda _: None)}
    keys = [EpochKeys(Device(device=f"cam-{number}"), (epoch_s,), os.urandom, rings) for number in range(devices)]
    told: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for one in passes:
        now = Instant(one.at_s * NS_PER_S, one.at_s * NS_PER_S)
        text = f"V{one.vehicle:06d}"
        if scope is Scope.DEVICE:
            alias: Alias | None = keys[one.device].pseudonym(text, PURPOSE, epoch_s, now)
        else:
            keys[one.device].rotate(now)
            alias = keys[one.device].shared_pseudonym(text, PURPOSE, Pseudonym(epoch_s, scope), now)
        if alias is None:
            continue
        minute = one.at_s % DAY_S // period_s * period_s // 60
        told[one.device, one.at_s // epoch_s].append(Seen(alias.pseudonym, one.vehicle, minute, one.direction))
    return told


def alike(one: str, other: str) -> float:
    """Return how alike two pseudonyms look: equal, or the share of characters in common."""
    return 10.0 if one == other else sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def habits(one: Seen, other: Seen) -> float:
    """Return how alike two passes are apart from their names: time of day and direction."""
    apart = abs(one.minute - other.minute)
    return -min(apart, 1440 - apart) - 500 * (one.direction != other.direction)


def area(same: Sequence[float], different: Sequence[float]) -> float:
    """Return the area under the ROC curve (Mann-Whitney), ties counted half."""
    ordered = sorted(different)
    below = sum((bisect.bisect_left(ordered, x) + bisect.bisect_right(ordered, x)) / 2 for x in same)
    return below / (len(same) * len(ordered))


@dataclass(frozen=True, slots=True)
class Linkage:
    """Areas by the name and by the habits, with the number of pairs that are one vehicle."""

    pairs: int
    by_name: float
    by_habit: float


def across(
    told: dict[tuple[int, int], list[Seen]],
    *,
    same_group: bool,
    same_device: bool,
    same_epoch: bool = False,
    pairs: int,
    seed: int,
) -> Linkage:
    """Return how well pairs are told apart: within one epoch of one device, across epochs, or across devices."""
    chance = random.Random(seed)  # noqa: S311 - a sample of pairs
    by_vehicle: dict[int, list[tuple[tuple[int, int], Seen]]] = defaultdict(list)
    everything = [(group, seen) for group, row in told.items() for seen in row]
    for group, seen in everything:
        by_vehicle[seen.vehicle].append((group, seen))

    def fits(one: tuple[int, int], other: tuple[int, int]) -> bool:
        if same_group:
            return one == other
        return one != other and (one[0] == other[0]) is same_device and (not same_epoch or one[1] == other[1])

    matching = [
        (one, other)
        for rows in by_vehicle.values()
        for number, (group, one) in enumerate(rows)
        for beside, other in rows[number + 1 : number + 20]
        if fits(group, beside)
    ]
    matching = chance.sample(matching, min(pairs, len(matching)))
    strangers: list[tuple[Seen, Seen]] = []
    while len(strangers) < pairs:
        (group, one), (beside, other) = chance.choice(everything), chance.choice(everything)
        if same_group:
            beside, other = group, chance.choice(told[group])
        if one.vehicle != other.vehicle and fits(group, beside):
            strangers.append((one, other))
    return Linkage(
        len(matching),
        area([alike(a.name, b.name) for a, b in matching], [alike(a.name, b.name) for a, b in strangers]),
        area([habits(a, b) for a, b in matching], [habits(a, b) for a, b in strangers]),
    )


def across_topics(pairs: int) -> float:
    """Return how well a vehicle's name on the topic of hits is told to be the one it had on that of reads.

    The same device, the same epoch, the same vehicle: it was put on a hot list in between.
    """
    now = Instant(FIRST_DAY_S * NS_PER_S, FIRST_DAY_S * NS_PER_S)
    keys = EpochKeys(Device(), (3600,), os.urandom)
    names = [
        [keys.pseudonym(f"V{number:06d}", purpose, 3600, now).pseudonym for purpose in (PURPOSE, "hit/plate")]
        for number in range(pairs)
    ]
    same = [alike(read, hit) for read, hit in names]
    others = [alike(read, names[number - 1][1]) for number, (read, _) in enumerate(names)]
    return area(same, others)
