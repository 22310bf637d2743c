"""The composition root of a simulation: a fleet that is not there, on a broker that is."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.mqtt.crowd import Crowd
from platesieve.adapters.mqtt.wire import Address
from platesieve.bootstrap.given import load_policy
from platesieve.bootstrap.simulated_cameras import assemble
from platesieve.bootstrap.simulated_reach import allow_files, find_broker, listen, member, refuse_missing, scratch
from platesieve.domain.disclosure import Kind
from platesieve.simulation.tally import Figures
from platesieve.simulation.traffic import arrivals, cameras, publishes_hits

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.settings import Device
    from platesieve.simulation.asked import Simulation
    from platesieve.simulation.fleet import Fleet

SETTLE_S = 45.0
ENOUGH_DEVICES = 100  # from which their memory is more than what any process takes


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a simulation is: asked for several times a second."""

    fleet: Fleet
    phase: str


def simulate(asked: Simulation, stop: Callable[[], bool], progress: Callable[[Progress], None]) -> Figures:
    """Run a simulation, to its end or until told to stop, and return its figures.

    Raises:
        LinkError: the broker is not there or takes nobody.
        KeyFileError: a certificate is missing.
        ConfigError: the policy lets no event leave.
    """
    policy = load_policy(asked.policy)
    kind = Kind.HIT if publishes_hits(policy) else Kind.READ
    devices = cameras(asked.agency, asked.devices)
    settings = [member(asked, device_name(device), number) for number, device in enumerate(devices)]
    refuse_missing(settings, asked)
    find_broker(settings[0], Address.from_device(devices[0]))
    allow_files(asked.devices)
    with ExitStack() as stack:
        ear = listen(asked, kind)
        if ear is not None:
            stack.callback(ear.close)
        folder = stack.enter_context(scratch(asked.state))
        crowd = stack.enter_context(closing(Crowd()))
        before_bytes, cpu_s, began_s = resident_bytes(), time.process_time(), time.monotonic()
        fleet = assemble(asked, policy, devices, settings, folder, crowd, ear, stack)
        fleet.gather(stop, lambda: progress(Progress(fleet, "connecting")))
        grown_bytes = resident_bytes() - before_bytes
        rng = fleet.random
        fleet.drive(arrivals(asked.per_second, rng), asked.seconds, stop, lambda: progress(Progress(fleet, "driving")))
        finished = not stop()
        connected = fleet.connected
        fleet.settle(SETTLE_S if finished else 1.0, lambda: False, lambda: progress(Progress(fleet, "settling")))
        used = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
        figures = _figures(asked, fleet, connected, grown_bytes, used, finished=finished)
        fleet.part()
    return figures


def device_name(device: Device) -> str:
    """Return `agency/site/device`."""
    return Address.from_device(device).path


def resident_bytes() -> int:
    """Return how much memory this process has now; 0 where that is not told."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _figures(
    asked: Simulation, fleet: Fleet, connected: int, grown_bytes: int, cpu_share: float, *, finished: bool
) -> Figures:
    tally = fleet.tally
    per_1000 = grown_bytes / asked.devices * 1000 / 2**20
    return Figures(
        devices=asked.devices,
        connected=connected,
        reconnections=fleet.attempts - asked.devices,
        seconds=round(fleet.made_s, 1),
        asked_per_s=asked.per_second,
        sent=len(tally.sent),
        sent_per_s=round(len(tally.sent) / fleet.made_s, 1) if fleet.made_s else 0.0,
        missing=tally.missing,
        unexpected=tally.unexpected,
        twice=tally.twice,
        health_sent=fleet.health_sent,
        latency=tally.latencies(),
        memory_per_1000_devices_mib=round(per_1000, 1) if asked.devices >= ENOUGH_DEVICES else None,
        cpu_share=round(cpu_share, 2),
        finished=finished,
    )
