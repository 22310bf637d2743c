"""How long an event is on its way: camera process, pipe, outbox on disk, TLS, broker, collector's database, dashboard.

The event is a hit of some ten kilobytes, really sealed. The clock starts when the camera process hands it over, its
audit entry durable. A dashboard has it when the stream of a page that is open tells it, before a browser draws it.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from contextlib import ExitStack, closing
from datetime import UTC
from typing import TYPE_CHECKING

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.ear import Ear
from platesieve.bootstrap.collector import collector_process, open_store
from platesieve.bootstrap.given import load_policy
from platesieve.collector.settings import CollectorSettings
from platesieve.dashboard.live import Watcher
from platesieve.dashboard.screen import Screen
from platesieve.policy.instruments import instruments_for
from platesieve.settings import Device
from platesieve.simulation.picture import made_up_crops
from platesieve.simulation.tally import Latency
from platesieve.simulation.traffic import Street
from tests.fleet.failover import Camera
from tests.integration.conftest import DEVICE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Broker

PATIENCE_S = 60.0
AGENCY = DEVICE.partition("/")[0]


def measure(broker: Broker, folder: Path, count: int, per_second: float) -> dict[str, Latency | None]:
    """Send `count` events and return how long each took to a subscriber, to the database and to an open page."""
    settings = CollectorSettings(
        agency=AGENCY,
        state=str(folder / "collector"),
        database=f"sqlite:///{folder / 'collector.db'}",
        assume_clock=True,
        broker=broker.uplink(f"collector.{AGENCY}"),
    )
    sent: dict[str, float] = {}
    stored: dict[str, float] = {}
    shown: dict[str, float] = {}
    heard: dict[str, float] = {}
    stop = threading.Event()
    with ExitStack() as stack:
        stack.callback(stop.set)
        _beside(stack, lambda: collector_process(settings, stop.is_set))
        assert wait_until((folder / "collector.db").exists)
        address = str(settings.database)
        _beside(stack, lambda: _watch_store(address, stored, stop))
        _beside(stack, lambda: asyncio.run(_watch_page(address, shown, stop)))
        ear = stack.enter_context(
            closing(Ear(broker.uplink(f"dashboard.{AGENCY}"), AGENCY, "hit", lambda path: path == DEVICE))
        )
        camera = Camera(folder / "device", broker.uplink())
        stack.callback(camera.close)
        _send(camera, sent, 3, per_second)  # until everything is connected and open
        assert wait_until(lambda: len(shown) == 3, PATIENCE_S), (len(stored), len(shown))
        sent.clear()
        _send(camera, sent, count, per_second)
        wait_until(lambda: set(sent) <= set(shown), PATIENCE_S)
        while not ear.heard.empty():
            id_, at_s = ear.heard.get()
            heard[id_] = at_s
        stop.set()
    ends = {"subscriber": heard, "collector's database": stored, "open page of the dashboard": shown}
    return {name: Latency.of(end[id_] - sent[id_] for id_ in sent if id_ in end) for name, end in ends.items()}


def _send(camera: Camera, sent: dict[str, float], count: int, per_second: float) -> None:
    agency, site, name = DEVICE.split("/")
    device, clock, policy = (
        Device(agency=agency, site=site, device=name),
        SystemClock(assume=True),
        load_policy("hits-only"),
    )
    instruments = instruments_for(device, dict.fromkeys(policy.recipients, os.urandom(32)), policy.epochs_s)
    street = Street(device, policy, instruments, made_up_crops())
    for number in range(count):
        disclosure = street.passes(number, clock.now())
        sent[disclosure.id] = time.monotonic()
        camera.outlet.send(disclosure)
        time.sleep(1 / per_second)


def _watch_store(address: str, stored: dict[str, float], stop: threading.Event) -> None:
    """Ask the database over and over; what it takes to notice a row is part of the figure."""
    with closing(open_store(address)) as store:
        cursor = 0
        while not stop.wait(0.002):
            for row in store.events(cursor, 100):
                stored.setdefault(row.event.id, time.monotonic())
                cursor = row.cursor


async def _watch_page(address: str, shown: dict[str, float], stop: threading.Event) -> None:
    """Be a page that is open: take what the dashboard's stream tells it."""
    with closing(open_store(address)) as store:
        watcher = Watcher(store, Screen(UTC), SystemClock(assume=True))
        async with watcher.running():
            async for message in watcher.stream(0, lambda: not stop.is_set()):
                if b"event: hit" in message:
                    data = next(line for line in message.splitlines() if line.startswith(b"data: "))
                    shown.setdefault(json.loads(data.removeprefix(b"data: "))["id"], time.monotonic())


def _beside(stack: ExitStack, work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    stack.callback(thread.join, 20)
