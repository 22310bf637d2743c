"""The loop of a simulation: vehicles pass in their time, cameras that have something to do do it, the broker turns.

Each simulated camera is the uplink of a real one, outbox and all (`uplink.Uplink`); only its pipe ends in this loop
and its line to the broker is shared out by it. It may fall behind what is asked; then its figures say so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from platesieve.simulation.tally import Step, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from platesieve.domain.disclosure import Disclosure, Stretch
    from platesieve.domain.notice import Notice
    from platesieve.ports import Clock
    from platesieve.simulation.traffic import Street

_TURN_S = 0.02  # longest wait for the network
_PARTING_S = 0.5
_BURST = 20  # vehicles in a row
_IDLE_S = 2.0  # a camera that has nothing to do looks around this often
CONNECT_WITHIN_S = 120.0


class Pipe:
    """The uplink's end of a pipe (ports.Intake) whose other end is this program."""

    camera_present, goodbye = True, False

    def __init__(self) -> None:
        self._waiting: dict[str, Disclosure] = {}

    def put(self, disclosure: Disclosure) -> None:
        """Hand one over."""
        self._waiting[disclosure.id] = disclosure

    def take(self, timeout_s: float) -> Sequence[Disclosure]:  # noqa: ARG002 - the port's signature
        """Return what is not stored yet."""
        return tuple(self._waiting.values())

    def stretches(self) -> Sequence[Stretch]:
        """Return that nothing is to be kept for longer."""
        return ()

    def stored(self, ids: Sequence[str]) -> None:
        """Forget what is durable."""
        for id_ in ids:
            self._waiting.pop(id_, None)

    def notify(self, notice: Notice) -> None:
        """Take a word that nobody here waits for."""

    def wake(self) -> None:
        """Nobody waits."""

    def reset(self) -> None:
        """Keep what is not stored: `take` offers it again."""

    def close(self) -> None:
        """Close nothing."""


class Flow(Protocol):
    """What carries a camera's events: `uplink.Uplink`."""

    def step(self, timeout_s: float) -> bool:
        """Do one round."""


@dataclass(slots=True, eq=False)
class SimulatedCamera:
    """One of the fleet."""

    street: Street
    pipe: Pipe
    flow: Flow
    state: Callable[[], str]
    health: Callable[[], Disclosure]
    say_offline: Callable[[], None]
    attempts: Callable[[], int]
    next_health_s: float = 0.0


@dataclass(slots=True)
class Fleet:
    """All of it, and what came of it so far.

    Attributes:
        cameras: of whom each event's one is drawn.
        turn: carries bytes, waiting at most so many seconds.
        ready: cameras that something happened to; whatever happens puts them here.
        heard: yields (id, moment) of what the subscriber got since the last call.
        tally: counts.
        health_s: how often each camera says how it is; 0: never.
    """

    cameras: Sequence[SimulatedCamera]
    turn: Callable[[float], None]
    ready: set[SimulatedCamera]
    heard: Callable[[], Iterator[tuple[str, float]]]
    tally: Tally
    clock: Clock
    random: Random
    health_s: float
    health_sent: int = 0
    made_s: float = 0.0
    """For how long events were made."""
    _number: int = 0
    _next: int = 0
    _rounds_s: float = 0.0

    @property
    def connected(self) -> int:
        """Return how many cameras the broker has."""
        return sum(camera.state() == "connected" for camera in self.cameras)

    @property
    def attempts(self) -> int:
        """Return how many connections all cameras have begun."""
        return sum(camera.attempts() for camera in self.cameras)

    def gather(self, stop: Callable[[], bool], progress: Callable[[], None]) -> None:
        """Wait until all are connected, or for two minutes."""
        end_s = time.monotonic() + CONNECT_WITHIN_S
        while not stop() and self.connected < len(self.cameras) and time.monotonic() < end_s:
            self._go_on()
            progress()
        start_s = time.monotonic()
        for camera in self.cameras:  # a fleet is not switched on at once
            camera.next_health_s = start_s + self.random.uniform(0, self.health_s)

    def drive(
        self, arrivals: Iterator[float], seconds: float, stop: Callable[[], bool], progress: Callable[[], None]
    ) -> None:
        """Let vehicles pass for so long."""
        start_s = time.monotonic()
        next_s = start_s + next(arrivals)
        while not stop() and time.monotonic() < start_s + seconds:
            for _ in range(_BURST):  # who falls behind still has to hear what the broker answers
                if next_s > min(time.monotonic(), start_s + seconds):
                    break
                self._pass(next_s)
                next_s = start_s + next(arrivals)
            self._go_on(next_s)
            progress()
        self.made_s = time.monotonic() - start_s

    def settle(self, seconds: float, stop: Callable[[], bool], progress: Callable[[], None]) -> None:
        """Wait until everything has arrived, at most so long."""
        end_s = time.monotonic() + seconds
        while not stop() and self.tally.missing and time.monotonic() < end_s:
            self._go_on()
            progress()
        end_s = time.monotonic() + min(seconds, 0.5)
        while time.monotonic() < end_s:  # what comes twice or uncalled comes now
            self._go_on()

    def part(self) -> None:
        """Let every camera say that it is offline, as a real one does at its end."""
        for number, camera in enumerate(self.cameras):
            camera.say_offline()
            if number % _BURST == 0:
                self.turn(0)
        end_s = time.monotonic() + _PARTING_S
        while time.monotonic() < end_s:
            self.turn(_TURN_S)

    def _pass(self, at_s: float) -> None:
        """Let a vehicle pass that should have passed at `at_s`: if we are late, that is part of its latency."""
        camera = self.cameras[self.random.randrange(len(self.cameras))]
        disclosure = camera.street.passes(self._number, self.clock.now())
        self._number += 1
        self.tally.passed(disclosure.id, at_s)
        camera.pipe.put(disclosure)
        camera.flow.step(0)

    def _go_on(self, until_s: float | None = None) -> None:
        now_s = time.monotonic()
        self.turn(_TURN_S if until_s is None else max(min(until_s - now_s, _TURN_S), 0))
        self._look_around(now_s)
        busy, waiting = set(self.ready), self.ready
        waiting -= busy
        for camera in busy:
            camera.flow.step(0)
        for id_, at_s in self.heard():
            self.tally.reached(Step.HEARD, id_, at_s)

    def _look_around(self, now_s: float) -> None:
        """Give the next few cameras their turn, so that each has one every two seconds and no round is a long one."""
        due = int((now_s - self._rounds_s) / _IDLE_S * len(self.cameras))
        self._rounds_s = now_s if due else self._rounds_s
        for _ in range(min(due, len(self.cameras))):
            self._next = (self._next + 1) % len(self.cameras)
            camera = self.cameras[self._next]
            if self.health_s and 0 < camera.next_health_s <= now_s:
                camera.next_health_s = now_s + self.health_s
                camera.pipe.put(camera.health())
                self.health_sent += 1
            self.ready.add(camera)
