"""The loop of a simulation: it counts lateness as latency, and never drives on without hearing the broker."""

from __future__ import annotations

import time
from itertools import chain, repeat
from random import Random
from typing import TYPE_CHECKING, cast

import pytest

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.simulation.fleet import Fleet, Pipe, SimulatedCamera
from platesieve.simulation.tally import Step, Tally
from tests.fakes.disclosures import a_health, a_hit

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.instant import Instant
    from platesieve.simulation.traffic import Street


class World:
    """Three cameras whose every step stores what is in their pipe, and a diary of what was done in which order.

    Usage::

        world = World(pass_s=0.002); world.fleet.drive(...); world.diary
    """

    def __init__(self, pass_s: float = 0.0, health_s: float = 0.0) -> None:
        self.diary: list[str] = []
        self.pass_s = pass_s
        self.offline = 0
        ready: set[SimulatedCamera] = set()
        cameras = [self._camera() for _ in range(3)]
        self.tally = Tally((Step.TAKEN,))
        draws = Random(1)  # noqa: S311 - draws traffic, no key
        self.fleet = Fleet(
            cameras, self._turn, ready, lambda: iter(()), self.tally, SystemClock(assume=True), draws, health_s
        )

    def passes(self, number: int, _now: Instant) -> Disclosure:
        """Be a street."""
        time.sleep(self.pass_s)
        self.diary.append("pass")
        return a_hit(f"h{number}")

    def _camera(self) -> SimulatedCamera:
        pipe = Pipe()
        world = self

        class Flow:
            def step(self, _timeout_s: float) -> bool:
                stored = pipe.take(0)
                world.diary += ["health" for one in stored if one.id == "health"]
                pipe.stored([one.id for one in stored])
                return True

        return SimulatedCamera(
            cast("Street", self),
            pipe,
            Flow(),
            lambda: "connected",
            lambda: a_health("reading"),
            self._say_offline,
            lambda: 1,
        )

    def _say_offline(self) -> None:
        self.offline += 1

    def _turn(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, 0.001))
        self.diary.append("turn")


def test_lateness_is_part_of_a_latency() -> None:
    """Vehicles that should all have passed at once begin at that moment, however long making their events takes."""
    world = World(pass_s=0.002)
    began_s = time.monotonic()
    world.fleet.drive(chain(repeat(0.0, 30), repeat(9e9)), 0.3, lambda: False, lambda: None)
    assert len(world.tally.sent) == 30
    assert all(at_s == pytest.approx(began_s, abs=0.02) for at_s in world.tally.sent.values())
    assert world.fleet.made_s >= 0.3


def test_who_falls_behind_still_hears_the_broker() -> None:
    """No more than twenty vehicles in a row, and nobody passes after the end."""
    world = World()
    world.fleet.drive(chain(repeat(0.0, 100), repeat(9e9)), 0.2, lambda: False, lambda: None)
    rows = "".join("p" if what == "pass" else " " for what in world.diary).split()
    assert sum(map(len, rows)) == 100
    assert max(map(len, rows)) == 20


def test_each_camera_says_how_it_is_in_its_own_time() -> None:
    """Health comes from all, about as often as asked, and at the end everybody says that it is offline."""
    world = World(health_s=0.2)
    world.fleet.gather(lambda: False, lambda: None)
    world.fleet.drive(repeat(9e9), 4.5, lambda: False, lambda: None)
    assert world.diary.count("health") == world.fleet.health_sent
    assert 3 <= world.fleet.health_sent <= 9  # each has a turn every two seconds
    world.fleet.part()
    assert world.offline == 3


def test_a_stop_ends_it_at_once() -> None:
    """Ctrl-C is asked for in every round."""
    world = World()
    began_s = time.monotonic()
    world.fleet.drive(repeat(9e9), 60, lambda: len(world.diary) > 3, lambda: None)
    world.tally.passed("waits", 0.0)
    world.fleet.settle(60, lambda: True, lambda: None)
    assert time.monotonic() - began_s < 5
