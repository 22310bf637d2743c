"""The composition root of a simulation: real outboxes, real sealing, real topics; only the street is made up."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.crowd import Crowd
from platesieve.adapters.mqtt.ear import Ear
from platesieve.adapters.mqtt.link import tls_context
from platesieve.adapters.mqtt.publisher import MqttPublisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.bootstrap.given import load_policy, made_up_rings
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import KeyFileError, LinkError
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.flow.accountability import Condition, State, health
from platesieve.policy.instruments import instruments_for
from platesieve.policy.receipt import ReceiptBook
from platesieve.settings import Uplink
from platesieve.simulation.fleet import Fleet, Pipe, SimulatedCamera
from platesieve.simulation.picture import made_up_crops
from platesieve.simulation.tally import Figures, Step, Tally
from platesieve.simulation.traffic import MARK, Street, arrivals, cameras, is_simulated, publishes_hits
from platesieve.uplink import Uplink as UplinkFlow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from platesieve.domain.disclosure import Disclosure, Json
    from platesieve.policy.instruments import Instruments
    from platesieve.policy.language import Policy
    from platesieve.settings import Device

SETTLE_S = 45.0
RESEND_S = 15.0
"""Sooner than a real camera, so that an event whose receipt was lost is told from one that is lost within a run."""

_FILES_BESIDE = 200  # open files of everything but cameras
_FILES_EACH = 6  # a socket, a database, its WAL, and paho's pair
_MEMORY = Path("/dev/shm")  # noqa: S108 - where a fleet's outboxes do not wear this machine's disk; 0700 below it


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is asked for.

    Attributes:
        broker: host, port and protocol. Nothing but what the person named.
        devices: how many cameras.
        per_second: events of all of them together.
        seconds: for how long.
        agency: first part of every topic; the site is always `simulated-N`.
        policy: decides what leaves of a vehicle.
        certificates: folder of deploy/mosquitto/setup; None: without TLS, on this machine.
        recipients: raw public keys by name; what is missing is drawn, and nobody can open that.
        receipt_keys: raw public keys of collectors; with them an event is where it should be when its receipt is back.
        health_s: how often each camera says how it is; 0: never.
        state: folder for the outboxes; None: in memory.
        seed: draws the same traffic again.
    """

    broker: Uplink
    devices: int
    per_second: float
    seconds: float
    agency: str = MARK
    policy: str = "hits-only"
    certificates: Path | None = None
    recipients: Mapping[str, bytes] = field(default_factory=dict)
    receipt_keys: Mapping[str, bytes] = field(default_factory=dict)
    health_s: float = 30.0
    state: Path | None = None
    seed: int | None = None


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
    settings = [_member(asked, device_name(device), number) for number, device in enumerate(devices)]
    _refuse_missing(settings, asked)
    _find_broker(settings[0], Address.from_device(devices[0]))
    _allow_files(asked.devices)
    with ExitStack() as stack:
        ear = _listen(asked, kind)
        if ear is not None:
            stack.callback(ear.close)
        folder = Path(stack.enter_context(_scratch(asked.state)))
        crowd = stack.enter_context(closing(Crowd()))
        before_bytes, cpu_s, began_s = resident_bytes(), time.process_time(), time.monotonic()
        fleet = _assemble(asked, policy, devices, settings, folder, crowd, ear, stack)
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


def _assemble(
    asked: Simulation,
    policy: Policy,
    devices: Sequence[Device],
    settings: Sequence[Uplink],
    folder: Path,
    crowd: Crowd,
    ear: Ear | None,
    stack: ExitStack,
) -> Fleet:
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
        waker.camera = SimulatedCamera(street, pipe, flow, state, partial(simulated_health, policy, instruments))
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


def _figures(
    asked: Simulation, fleet: Fleet, connected: int, grown_bytes: int, cpu_share: float, *, finished: bool
) -> Figures:
    tally = fleet.tally
    per_1000 = grown_bytes / asked.devices * 1000 / 2**20
    return Figures(
        devices=asked.devices,
        connected=connected,
        seconds=round(fleet.made_s, 1),
        asked_per_s=asked.per_second,
        sent=len(tally.sent),
        sent_per_s=round(len(tally.sent) / fleet.made_s, 1) if fleet.made_s else 0.0,
        missing=tally.missing,
        unexpected=tally.unexpected,
        twice=tally.twice,
        health_sent=fleet.health_sent,
        latency=tally.latencies(),
        memory_per_1000_devices_mib=round(per_1000, 1) if grown_bytes > 0 else None,
        cpu_share=round(cpu_share, 2),
        finished=finished,
    )


def _member(asked: Simulation, name: str, number: int = 0) -> Uplink:
    """Return the broker as one member reaches it: its certificate, and of several nodes another one first."""
    nodes = list(asked.broker.brokers)
    (host, port), *others = nodes[number % len(nodes) :] + nodes[: number % len(nodes)]
    broker = replace(asked.broker, host=host, port=port, other_hosts=tuple(f"{one}:{at}" for one, at in others))
    if asked.certificates is None:
        return broker
    stem = asked.certificates / name.replace("/", "_")
    return replace(
        broker,
        ca_file=str(asked.certificates / "ca.crt"),
        certificate_file=f"{stem}.crt",
        key_file=f"{stem}.key",
    )


def _refuse_missing(settings: Sequence[Uplink], asked: Simulation) -> None:
    """Refuse to begin with a certificate missing: a part of the fleet would only look like a broker's fault."""
    files = [Path(each.certificate_file) for each in settings if each.certificate_file is not None]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise KeyFileError(
            f"{len(missing)} of {len(files)} certificates are not in {asked.certificates}, {missing[0].name} for one",
            "make them: deploy/mosquitto/setup FOLDER BROKER"
            f" $(platesieve simulate --devices {asked.devices} --agency {asked.agency} --names)",
        )


def _find_broker(settings: Uplink, address: Address) -> None:
    if (state := probe(settings, address)) != "connected":
        raise LinkError(
            f"the broker at {settings.host}:{settings.port} cannot be used: {state}",
            "start it, or name another with --broker and its certificates with --certificates",
        )


def _listen(asked: Simulation, kind: Kind) -> Ear | None:
    """Return a subscriber, where there is a certificate for one."""
    name = f"dashboard.{asked.agency}"
    if asked.certificates is not None and not (asked.certificates / f"{name}.crt").is_file():
        return None
    return Ear(_member(asked, name), asked.agency, kind.value, is_simulated)


def _allow_files(devices: int) -> None:
    """Ask the kernel for as many open files as a fleet needs.

    Raises:
        LinkError: this user may not have as many.
    """
    needed = devices * _FILES_EACH + _FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        with contextlib.suppress(ValueError, OSError):  # told below
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, hard)))
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < needed:
        raise LinkError(
            f"{devices} devices need {needed} open files, and this user may have {hard}",
            f"ulimit -n {needed}, or simulate fewer devices on this machine and the rest on another",
        )


@contextmanager
def _scratch(state: Path | None) -> Iterator[str]:
    where = state or (_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    with tempfile.TemporaryDirectory(prefix="platesieve-simulation-", dir=where) as folder:
        yield folder
