"""What a reader on a bridge writes down in a month or a year: traffic by the hour, some hits, lists, restarts.

    simulated(days=30)                  # a batch each quarter of an hour
    simulated(days=365, batch_s=60)     # an entry a minute

The same arguments give the same entries. `plan` holds what a report must find, counted while drawing.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from platesieve.audit import entry as e
from platesieve.domain.access import DeletionReason, Purpose
from platesieve.domain.disclosure import Kind

if TYPE_CHECKING:
    from platesieve.audit.entry import Entry

S = 1_000_000_000
DAY_S = 86_400
FIRST_DAY_NS = 1_788_220_800 * S  # 2026-09-01T00:00:00Z
VEHICLES_PER_HOUR = (40, 25, 18, 15, 22, 60, 180, 420, 510, 380, 340, 350, 380, 390, 400, 450, 540, 560, 420, 300, 220,
                     160, 110, 70)  # fmt: skip
CATEGORIES = ("ncic/stolen", "ncic/stolen", "ncic/stolen", "state/suspended", "state/suspended", "local/investigative")
DEVICE = "metro-pd/bridge-7/cam-1"


@dataclass(slots=True)
class Plan:
    """What was drawn."""

    vehicles: int = 0
    misses: int = 0
    unsure: int = 0
    frames: int = 0
    active_s: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    vehicles_by_day: Counter[str] = field(default_factory=Counter)
    erased: int = 0
    lists: int = 0


def simulated(days: int, batch_s: int = 900, seed: int = 7) -> tuple[list[Entry], Plan]:
    """Return the entries of so many days, and what is in them."""
    chance, plan, entries = random.Random(seed), Plan(), list[e.Entry]()  # noqa: S311 - a simulation
    renewed = days // 3  # on this day the device comes back from a power cut with a new policy
    for day in range(days):
        start_ns = FIRST_DAY_NS + day * DAY_S * S
        entries += _opening(day, start_ns, plan) if day in {0, renewed} else _renewed(day, start_ns, plan)
        for at_s in range(0, DAY_S, batch_s):
            entries += _period(chance, plan, start_ns + at_s * S, batch_s, day, _hex(f"policy {day >= renewed > 0}"))
        entries += _evening(day, days, start_ns + (DAY_S - 1) * S, plan)
    return entries, plan


def _opening(day: int, at: int, plan: Plan) -> list[Entry]:
    """A start in the morning, as `flow.books` writes it; the one before it was a power cut."""
    return [
        e.Boot(at, f"0.1.{day}", DEVICE, _hex(f"boot {day}")[:32]),
        e.ModelsLoaded(at, _hex("detector"), _hex("reader")),
        e.RecipientKey(at, "agency", _hex("agency")),
        *_renewed(day, at, plan),
        e.PolicyLoaded(at, "us-mn", f"2026.{9 + bool(day)}", _hex(f"policy {bool(day)}")),
        e.ReadingStarted(at),
    ]


def _renewed(day: int, at: int, plan: Plan) -> list[Entry]:
    """The list comes each night, but for the days on which it was forgotten."""
    if day % 11 == 5:
        return []
    plan.lists += 1
    return [e.HotListLoaded(at, ("local", "ncic", "state"), _hex(f"list {day}"), 41_000 + 13 * day)]


def _period(chance: random.Random, plan: Plan, start: int, batch_s: int, day: int, policy: str) -> list[Entry]:
    hour = (start // S) % DAY_S // 3600
    weekend = 0.6 if day % 7 in {4, 5} else 1.0  # 2026-09-01 is a Tuesday
    vehicles = round(VEHICLES_PER_HOUR[hour] * weekend * batch_s / 3600 * chance.uniform(0.7, 1.3))
    unsure = sum(chance.random() < 0.03 for _ in range(vehicles))
    alerts = [chance.choice(CATEGORIES) for _ in range(vehicles - unsure) if chance.random() < 0.0012]
    misses, end = vehicles - unsure - len(alerts), start + batch_s * S
    batch = e.Batch(
        start,
        end,
        frames=batch_s * 4,
        plates_found=vehicles * 5,
        hits=Counter(alerts),
        misses=misses,
        unsure=unsure,
        suppressed={"policy-none": misses + unsure} if misses + unsure else {},
        tallied=0,
        disclosed=len(alerts),
        dropped_frames=0,
        reads=vehicles * 4,
        sightings=vehicles,
    )
    plan.vehicles += vehicles
    plan.misses += misses
    plan.unsure += unsure
    plan.frames += batch.frames
    plan.active_s += batch_s
    plan.hits.update(alerts)
    plan.vehicles_by_day[f"{day}"] += vehicles
    expires = start + 60 * DAY_S * S if day % 2 else end + 3 * DAY_S * S
    return [*(e.Publish(start, Kind.HIT, _hex(f"{start} {n}"), policy, expires) for n, _ in enumerate(alerts)), batch]


def _evening(day: int, days: int, at: int, plan: Plan) -> list[Entry]:
    entries = _people(day, at + S)  # with the last batch of the day, at midnight
    if day % 9 == 3:
        plan.erased += 2
        entries.append(e.Erased(at, 2, e.ErasedReason.EXPIRED))
    if day == days - 1:
        entries.append(e.Shutdown(at + S))
    return entries


def _people(day: int, at: int) -> list[Entry]:
    """What people did: they opened hits, checked alerts, held one for a case, and entered a plate by hand."""
    actor, id_ = _hex(f"actor {day % 3}")[:32], _hex(f"id {day}")[:32]
    entries: list[Entry] = []
    if day % 2:
        opened = e.Access(at, Purpose.ALERT_CHECK, ("plate", "plate_crop"), _hex(f"access {day}"), e.Action.OPEN, actor,
                          e.Role.OPERATOR, "metro-pd", 1 + day % 3)  # fmt: skip
        entries += [opened, e.AlertsChecked(at, "ncic/stolen", 1, int(day % 3 == 0))]
    if day % 10 == 4:
        entries.append(e.Hold(at, at + 90 * DAY_S * S, id_, e.HoldScope.RECORD, Purpose.INVESTIGATION, 1, _hex("case")))
        entries.append(e.ManualEntryAdded(at, id_, e.ManualReason.STOLEN_VEHICLE, at + 8 * 3600 * S, actor))
    if day % 7 == 0:
        entries.append(e.SelfTest(at, e.Part.CAMERA, e.Result.PASSED))
        entries.append(e.Deletion(at, DeletionReason.EXPIRED, 3, _hex(f"gone {day}"), at))
    return entries


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()
