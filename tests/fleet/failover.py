"""Kill nodes under a running fleet and count what arrives: our uplink process on one end, our inbox on the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from platesieve.adapters.local.pipe_outlet import PipeOutlet
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.inbox import MqttInbox
from tests.fakes.disclosures import a_hit
from tests.fleet.cluster import COLLECTOR, DEVICE, Cluster, now_ns
from tests.integration.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.settings import Uplink

ROOT = Path(__file__).parents[2]
PAUSE_S = 0.02  # between events: 50 a second
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the events that were sent."""

    sent: int
    lost: int
    unexpected: int
    twice_on_the_wire: int
    longest_gap_s: float
    """Longest time without an arrival while events were sent or missing."""
    connections: tuple[int, int]
    """How many the device had, and the collector: 2 of whom lost its node."""


class Collector(threading.Thread):
    """Takes and acknowledges everything that comes, as `platesieve collect` does."""

    def __init__(self, inbox: MqttInbox) -> None:
        super().__init__(daemon=True)
        self.inbox = inbox
        self.arrivals: list[tuple[float, str]] = []
        self._stop_asked = threading.Event()
        self.start()

    def node(self, cluster: Cluster) -> int:
        """Return the node that we are connected to, from 1."""
        return cluster.ports.index(self.inbox._client.port) + 1

    def run(self) -> None:
        """Take until stopped."""
        while not self._stop_asked.is_set():
            for message in self.inbox.take(0.1, 50):
                if message.topic.endswith("/hit"):
                    self.arrivals.append((time.monotonic(), str(json.loads(message.payload)["id"])))
                self.inbox.done([message])

    def close(self) -> None:
        """Stop, then disconnect."""
        self._stop_asked.set()
        self.join()
        self.inbox.close()


class Camera:
    """An uplink process with its outbox on disk, and the camera process's end of its pipe."""

    def __init__(self, folder: Path, uplink: Uplink) -> None:
        folder.mkdir(mode=0o700)
        self._log = folder / "log"
        program = str(ROOT / "tests/integration/uplink_process.py")
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, program, str(folder), json.dumps(asdict(uplink))],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.outlet = PipeOutlet(folder / "uplink.sock", SystemClock(), retry_min_s=0.05, retry_max_s=0.2)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def connections(self) -> int:
        """Return how many connections it has had, as its log tells."""
        return self._log.read_text().count("broker: connected")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate(timeout=15)
        self.outlet.close()


def survive(
    cluster: Cluster, folder: Path, count: int, whose: Literal["publisher", "subscriber"], *, alone: bool = False
) -> Outcome:
    """Send `count` events at 50/s from a device on node 1 to a collector on another; kill -9 one node after a third.

    `alone` is the control: a device that knows of one node only.

    The collector has a session before the first event, and the killed node stays away until everything is counted.
    """
    name = f"demo-agency:collector:{folder.name}"
    settings = replace(cluster.uplink(COLLECTOR, 2), protocol="3.1.1")  # an inbox does not fall back by itself
    collector = Collector(MqttInbox(settings, "demo-agency", name, None, 1 << 20, retry_s=(1, 2)))
    uplink = cluster.uplink(DEVICE, 1)
    camera = Camera(folder, replace(uplink, other_hosts=()) if alone else uplink)
    ids = [f"{folder.name}-{number}" for number in range(count)]
    try:
        assert wait_until(lambda: collector.inbox.state == "connected", PATIENCE_S)
        assert _warm(camera, collector, f"{folder.name}-warm")
        collector.arrivals.clear()
        begun_s = time.monotonic()
        for number, id_ in enumerate(ids):
            camera.outlet.send(a_hit(id_, now_wall_ns=now_ns()))
            time.sleep(PAUSE_S)
            if number == count // 3:
                cluster.local("kill", str(1 if whose == "publisher" else collector.node(cluster)))
        _settle(lambda: len({id_ for _, id_ in collector.arrivals}), count, 5 if alone else PATIENCE_S)
    finally:
        camera.close()
        collector.close()
    connections = (camera.connections(), collector.inbox._connection)
    return _counted(ids, collector.arrivals, begun_s, connections)


def _warm(camera: Camera, collector: Collector, id_: str) -> bool:
    """Wait until one event has come all the way: the subscription stands."""
    end_s = time.monotonic() + PATIENCE_S
    number = 0
    while not collector.arrivals and time.monotonic() < end_s:
        number += 1
        camera.outlet.send(a_hit(f"{id_}{number}", now_wall_ns=now_ns()))
        wait_until(lambda: bool(collector.arrivals), 1)
    time.sleep(1)  # those behind it
    return bool(collector.arrivals)


def _settle(arrived: Callable[[], int], count: int, patience_s: float) -> None:
    wait_until(lambda: arrived() >= count, patience_s)
    time.sleep(2)  # what comes twice, or uncalled, comes now


def _counted(
    ids: list[str], arrivals: list[tuple[float, str]], begun_s: float, connections: tuple[int, int]
) -> Outcome:
    got = [id_ for _, id_ in arrivals if "-warm" not in id_]
    kept = list(dict.fromkeys(got))  # as a collector's store keeps them: by id
    times = [begun_s, *(when for when, _ in arrivals)]
    return Outcome(
        sent=len(ids),
        lost=len(set(ids) - set(kept)),
        unexpected=len(set(kept) - set(ids)),
        twice_on_the_wire=len(got) - len(kept),
        longest_gap_s=round(max(_gaps(times)), 1),
        connections=connections,
    )


def _gaps(times: list[float]) -> Iterator[float]:
    yield 0.0
    for earlier, later in pairwise(times):
        yield later - earlier
