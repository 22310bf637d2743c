"""The cameras of a simulation: real outboxes, real sealing, real topics; only the street is made up."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.link import tls_context
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.bootstrap.given import made_up_rings
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.flow.accountability import Condition, State, health
from platesieve.policy.instruments import instruments_for
from platesieve.policy.receipt import ReceiptBook
from platesieve.settings import Uplink
from platesieve.simulation.fleet import Fleet, Pipe, SimulatedCamera
from platesieve.simulation.picture import made_up_crops
from platesieve.simulation.tally import Step, Tally
from platesieve.simulation.traffic import Street
from platesieve.uplink import Uplink as UplinkFlow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from platesieve.adapters.mqtt.crowd import Crowd
    from platesieve.adapters.mqtt.ear import Ear
    from platesieve.domain.disclosure import Disclosure, Json
    from platesieve.policy.instruments import Instruments
    from platesieve.policy.language import Policy
    from platesieve.settings import Device
    from platesieve.simulation.asked import Simulation

RESEND_S = 15.0
"""Sooner than a real camera, so that an event whose receipt was lost is told from one that is lost within a run."""


def assemble(
    asked: Simulation,
    policy: Policy,
    devices: Sequence[Device],
    settings: Sequence[Uplink],
    folder: Path,
    crowd: Crowd,
    ear: Ear | None,
    stack: ExitStack,
) -> Fleet:
    """Return the fleet, its cameras about to connect; the stack closes their outboxes."""
    clock, ready = SystemClock(assume=True), set[SimulatedCamera]()
    steps = (Step.TAKEN, *((Step.HEARD,) if ear else ()), *((Step.SIGNED,) if asked.receipt_keys else ()))
    tally = Tally(steps)
    recipients = {name: os.urandom(32) for name in policy.recipients} | dict(asked.recipients)
    crops = made_up_crops()
    rings = made_up_rings(policy, clock.now())
    fleet = Fleet([], crowd.turn, ready, partial(_heard, ear), tally, clock, random.Random(asked.seed), asked.health_s)  # noqa: S311 - draws traffic, no key
    # Without a collector no receipt will come, and a camera would ask for it again in its usual ten minutes.
    resend_s = RESEND_S if asked.receipt_keys else Uplink().receipt_wait_s
    members: list[SimulatedCamera] = []
    for number, (device, uplink) in enumerate(zip(devices, settings, strict=True)):
        instruments = instruments_for(device, recipients, policy.epochs_s, rings)
        instruments.pseudonyms.rotate(clock.now())
        outbox = _CountedOutbox(folder / f"{number}.db", tally, resend_s)
        stack.callback(outbox.close)
        pipe, address = Pipe(), Address.from_device(device)
        waker = _Waker(ready)
        line = crowd.join(uplink, address, tls_context(uplink), waker)
        publisher = MqttPublisher(uplink, address, waker, line=line)
        flow = UplinkFlow(pipe, outbox, publisher, clock, ReceiptBook(device, asked.receipt_keys))
        street = Street(device, policy, instruments, crops)
        state = partial(getattr, line, "state")
        attempts = partial(getattr, line, "attempts")
        told = partial(simulated_health, policy, instruments)
        waker.camera = SimulatedCamera(street, pipe, flow, state, told, publisher.say_offline, attempts)
        members.append(waker.camera)
    return replace(fleet, cameras=members)


class _Waker:
    """Puts its camera among those that have something to do; any thread may call it."""

    def __init__(self, ready: set[SimulatedCamera]) -> None:
        self._ready = ready
        self.camera: SimulatedCamera | None = None

    def __call__(self) -> None:
        if self.camera is not None:
            self._ready.add(self.camera)


class _CountedOutbox(SqliteOutbox):
    """A camera's outbox that also tells the tally what became of its events."""

    def __init__(self, path: Path, tally: Tally, resend_s: float) -> None:
        super().__init__(path, Uplink().outbox_quota_bytes, resend_ns=int(resend_s * NS_PER_S))
        self._tally = tally

    def delivered(self, ids: Sequence[str], now_wall_ns: int) -> None:
        """Record what the broker has."""
        super().delivered(ids, now_wall_ns)
        self._reached(Step.TAKEN, ids)

    def receipted(self, ids: Sequence[str], collector: str) -> int:
        """Let go of what a collector has."""
        count = super().receipted(ids, collector)
        self._reached(Step.SIGNED, ids)
        return count

    def _reached(self, step: Step, ids: Sequence[str]) -> None:
        at_s = time.monotonic()
        for id_ in ids:
            if id_ in self._tally.sent:  # health is nobody's event
                self._tally.reached(step, id_, at_s)


def _heard(ear: Ear | None) -> Iterator[tuple[str, float]]:
    while ear is not None and not ear.heard.empty():
        yield ear.heard.get()


def simulated_health(policy: Policy, instruments: Instruments) -> Disclosure:
    """Return what a simulated camera says of itself: that it reads, without a hot list."""
    hotlist: dict[str, Json] = {"sha256": "0" * 64, "count": 0, "age_s": 0, "stale": False}
    condition = Condition(State.READING, None, 10.0, 0, dict(policy.stamp), hotlist, TimeQuality.SYNCHRONISED, 0)
    return health(condition, instruments.new_id())
